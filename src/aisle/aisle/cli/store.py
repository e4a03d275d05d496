"""`aisle store`: check, draw and generate a store's files and pictures of its products."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
import yaml
from pydantic import TypeAdapter, ValidationError

from aisle.bags.convert import MessageError
from aisle.bags.convert_store import store_from_message, store_to_message
from aisle.bags.messages import bag_types
from aisle.store.coverage import ENOUGH_PX, Coverage, coverage
from aisle.store.geometry3d import StoreGeometry
from aisle.store.load import StoreFiles, check_store, read_store_files
from aisle.store.problems import Problem, Report, StoreError
from aisle.store.rig import read_rig
from aisle.store.types import Store

app = typer.Typer(help="Check, draw and generate stores.", no_args_is_help=True)

_Store = Annotated[Path, typer.Argument(help="Folder of the store.", show_default=False)]
PROBLEMS = 1
USAGE = 2


@app.command()
def check(
    directory: _Store,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON document.")] = False,
) -> None:
    """Explain every mistake in a store's files. Exit code 1 when there is an error."""
    problems = check_store(directory)
    if not any(problem.severity == "error" for problem in problems):
        problems += [*_beyond_limits(directory), *_drivers(directory)]
    errors = sum(problem.severity == "error" for problem in problems)
    if as_json:
        found = [problem.as_dict() for problem in problems]
        typer.echo(json.dumps({"usable": not errors, "problems": found}, indent=2))
    else:
        _print(directory, problems)
        warnings = len(problems) - errors
        typer.echo(f"{directory}: {errors} errors, {warnings} warnings")
    if errors:
        raise typer.Exit(PROBLEMS)


@app.command()
def show(
    directory: _Store,
    out: Annotated[Path | None, typer.Option(help="PNG file to write.", show_default=False)] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="PNG file for a sheet of the products' pictures.", show_default=False),
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0.0, help="Pixels that a product of 10 cm needs in some view.")
    ] = ENOUGH_PX,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write what cameras see as one JSON document.")
    ] = False,
) -> None:
    """Draw floor plan and fixtures, coloured by what cameras see; list what they see too little."""
    if out is None and images is None and not as_json:
        raise typer.BadParameter("say --out, --images or --json")
    files = _read(directory)
    store = files.store
    if images is not None:
        _draw_images(store, images)
    seen = None
    if store.cameras and (out is not None or as_json):
        geometry = StoreGeometry()
        seen = coverage(store, files.robot, geometry=geometry), geometry
    if out is not None:
        _draw(files, seen, threshold, out)
    if as_json:
        typer.echo(json.dumps(_as_json(store, seen and seen[0], threshold), indent=2))
        return
    if seen is not None:
        _print_poor(store, seen[0], threshold)
    for written in (out, images):
        if written is not None:
            typer.echo(f"{written} written")


def _beyond_limits(directory: Path) -> list[Problem]:
    """What all nodes would refuse in the message that tells them of the store."""
    try:
        store_from_message(store_to_message(_read(directory).store, 0, bag_types()))
    except MessageError as error:
        return [Problem(".", 0, "beyond-limits", str(error))]
    return []


def _drivers(directory: Path) -> list[Problem]:
    """What nodes would refuse in `driver` settings; nothing of a store that has none."""
    try:
        from aisle_nodes.devices import problems
    except ImportError:  # The library without the nodes.
        return []
    found = read_rig(directory, Report())
    assert found is not None, "the store has been read"
    return problems(found) if found.rig.has_drivers else []


def _read(directory: Path) -> StoreFiles:
    try:
        return read_store_files(directory)
    except StoreError as error:
        _print(directory, error.problems)
        raise typer.Exit(PROBLEMS) from error


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Makes the folder of a file; says so when it cannot be written."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        typer.echo(f"cannot write {error.filename or out}: {error.strerror}", err=True)
        raise typer.Exit(PROBLEMS) from error


def _draw(
    files: StoreFiles, seen: tuple[Coverage, StoreGeometry] | None, threshold: float, out: Path
) -> None:
    from aisle.store.draw import draw_store  # matplotlib is slow to import
    from aisle.store.draw_coverage import Seen

    with _writing(out):
        drawn = None if seen is None else Seen(*seen, threshold)
        draw_store(files.store, files.floor_plan, out, drawn)


def _draw_images(store: Store, out: Path) -> None:
    from aisle.store.draw_images import draw_sheet  # matplotlib is slow to import

    with _writing(out):
        draw_sheet(store, out)


@app.command()
def images(directory: _Store) -> None:
    """Draw pictures of products as the simulator draws the products themselves.

    Only for a made-up store: of a real one, take photos of what really stands there. The
    catalogue entry alone decides what a product looks like. Products that have pictures already
    keep them.
    """
    from aisle.sim.products.pictures import write_images

    store = _read(directory).store
    bare = [product for product in store.products.values() if not product.images]
    with _writing(directory / "images"):
        written = write_images(bare, directory)
    kept = len(store.products) - len(bare)
    typer.echo(f"{directory}: {written} pictures of {len(bare)} products written, {kept} had some")


def _as_json(store: Store, found: Coverage | None, threshold: float) -> dict[str, object]:
    """Every slot with its views, the best one first."""
    slots = [
        {
            "slot": slot.id,
            "product": slot.product,
            "plates": len(slot.plates),
            "views": [dataclasses.asdict(view) for view in found.views(slot.id)] if found else [],
        }
        for slot in store.slots.values()
    ]
    poor = list(store.slots) if found is None else list(found.poor(threshold))
    return {"threshold_px": threshold, "cameras": list(store.cameras), "poor": poor, "slots": slots}


def _print_poor(store: Store, found: Coverage, threshold: float) -> None:
    poor = found.poor(threshold)
    for id_ in poor:
        view = found.best(id_)
        best = f"{view.px_per_dm:.0f} px in {view.camera}" if view else "in no view"
        plates = "on plates" if store.slots[id_].plates else "no plates"
        typer.echo(f"{id_}: {best}, {plates}")
    typer.echo(f"{len(poor)} of {len(found.slots)} slots: less than {threshold:g} px for 10 cm")


@app.command()
def generate(
    out: Annotated[Path, typer.Argument(help="Folder to write.", show_default=False)],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same store.")] = 0,
    spec: Annotated[
        Path | None, typer.Option(help="YAML file with fields of StoreSpec.", show_default=False)
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the store.", show_default="the folder's name")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over what the folder holds.")
    ] = False,
) -> None:
    """Make up a store: fixtures, plates, products and planogram."""
    from aisle.store.generate import StoreSpec, generate_store
    from aisle.store.write import write_store

    if out.is_dir() and any(out.iterdir()) and not force:
        typer.echo(f"{out} holds something already: name another folder, or --force", err=True)
        raise typer.Exit(USAGE)
    try:
        fields: object = {} if spec is None else yaml.safe_load(spec.read_text(encoding="utf-8"))
        if not isinstance(fields, Mapping):
            raise ValueError("the file must be a mapping of fields")
        unknown = fields.keys() - {field.name for field in dataclasses.fields(StoreSpec)}
        if unknown:
            raise ValueError(f"no such field: {', '.join(sorted(map(str, unknown)))}")
        named = {"name": name or fields.get("name") or out.resolve().name}
        wanted = TypeAdapter(StoreSpec).validate_python({**fields, **named})
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = _reason(error) if isinstance(error, ValidationError) else str(error)
        typer.echo(f"wrong spec {spec or ''}: {reason}", err=True)
        raise typer.Exit(USAGE) from error
    try:
        store = generate_store(np.random.default_rng(seed), wanted)
    except ValueError as error:
        typer.echo(f"wrong spec {spec or ''}: {error}", err=True)
        raise typer.Exit(USAGE) from error
    write_store(store, out, wanted.room_m)
    counts = f"{len(store.fixtures)} fixtures, {len(store.plates)} plates, {len(store.slots)} slots"
    typer.echo(f"{out}: {counts}")


def _print(directory: Path, problems: list[Problem]) -> None:
    for problem in problems:
        typer.echo(f"{directory}/{problem}")


def _reason(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in details
    )
