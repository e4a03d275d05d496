"""`aisle replay`: a bag through fusion and ledger, without ROS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from aisle.bags.replay import ReplayResult, replay
from aisle.cli.tables import pairs_table, receipts_table
from aisle.records import Receipt
from aisle.store.catalogue import FILE as CATALOGUE
from aisle.store.types import Store

app = typer.Typer()

Model = Annotated[
    Path | None,
    typer.Option(help="ONNX file; the shipped model when absent.", show_default=False),
]
Runtime = Annotated[
    Literal["onnx", "tensorrt"],
    typer.Option(help="What runs the model: ONNX Runtime on the CPU, or TensorRT on a GPU."),
]
StoreFolder = Annotated[
    Path | None,
    typer.Option(
        "--store", help="Folder of a store that takes the place of the bag's.", show_default=False
    ),
]


def _catalogue_folder(folder: Path | None) -> Path | None:
    """Refuse a folder that is none of a store, rather than go on without pictures."""
    if folder is not None and not (folder / CATALOGUE).is_file():
        raise typer.BadParameter(f"{folder} has no {CATALOGUE}: it is no store's folder")
    return folder


CatalogueFolder = Annotated[
    Path | None,
    typer.Option(
        "--catalogue",
        help="Folder of a store whose pictures show the products; that of --store when absent.",
        show_default=False,
        callback=_catalogue_folder,
    ),
]
Namespace = Annotated[
    str | None,
    typer.Option(help="Where the bag holds several rigs, the one to take.", show_default=False),
]


def parse_speed(text: str) -> float | None:
    """Return a multiple of real time, or None for `max`."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < 1e6:
        raise typer.BadParameter(f"must be 'max' or a number above 0, is {text!r}")
    return speed


def read_store(folder: Path | None) -> Store | None:
    """Return the store in a folder, or None for none."""
    if folder is None:
        return None
    from aisle.store.load import load_store

    return load_store(folder)[0]


def to_json(result: ReplayResult) -> dict[str, Any]:
    """Return what a replay made as plain data."""
    from aisle.receipts.codec import receipt_json

    return {
        "receipts": [json.loads(receipt_json(r)) for r in result.receipts.values()],
        "counters": result.counters,
        "warnings": result.warnings,
        "store_s": round(result.store_s, 3),
        "wall_s": round(result.wall_s, 3),
    }


@app.command()
def command(
    bag: Annotated[Path, typer.Argument(help="Bag: its folder or file.", show_default=False)],
    speed: Annotated[
        str, typer.Option(help="Multiple of real time, or 'max'.", metavar="max|N")
    ] = "max",
    out: Annotated[
        Path | None,
        typer.Option(help="File for the receipts as canonical JSON.", show_default=False),
    ] = None,
    bag_out: Annotated[
        Path | None,
        typer.Option(help="Bag to write, with predictions and updates.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON document.")] = False,
    model: Model = None,
    runtime: Runtime = "onnx",
    store: StoreFolder = None,
    catalogue: CatalogueFolder = None,
    namespace: Namespace = None,
) -> None:
    """Make receipts from a bag, without ROS: the same as the nodes make.

    The same bag gives the same receipts, byte for byte.
    """
    console = Console()
    result = replay(
        bag,
        model=model,
        runtime=runtime,
        store=read_store(store),
        catalogue=catalogue or store,
        speed=parse_speed(speed),
        namespace=namespace,
        out=bag_out,
        on_update=None if as_json else lambda receipt: _tell(console, receipt, speed),
    )
    if out is not None:
        from aisle.receipts.export import to_json as canonical

        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(canonical(result.receipts.values()), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(to_json(result), indent=2, ensure_ascii=False))
        return
    for warning in result.warnings:
        typer.echo(f"warning: {warning}", err=True)
    console.print(receipts_table(result.receipts.values()))
    if result.counters:
        console.print(pairs_table("Refused, late, cut or left out", result.counters))
    rate = result.store_s / result.wall_s if result.wall_s else 0.0
    console.print(
        f"{len(result.receipts)} receipts, {result.store_s:.1f} s of store time "
        f"in {result.wall_s:.1f} s ({rate:.0f} x real time)"
    )


def _tell(console: Console, receipt: Receipt, speed: str) -> None:
    """Print an update as it comes, where somebody has time to read it."""
    if speed != "max":
        console.print(receipts_table([receipt], title=f"cause: {receipt.cause}"))
