"""`aisle bench`: accuracy and speed on unseen simulated sessions."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer()


@app.command()
def bench(
    suite: Annotated[str, typer.Argument(help="calm, overlapping or together.")] = "calm",
    store: Annotated[
        Path | None, typer.Option(help="Directory of a store; one that training never saw, if not.")
    ] = None,
    sessions: Annotated[int, typer.Option(min=1, help="Simulations to run.")] = 300,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    store_seed: Annotated[int, typer.Option(min=0, help="Of the store without --store.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = os.cpu_count() or 1,
    model: Annotated[Path | None, typer.Option(help="ONNX file; the shipped one if not.")] = None,
    yardstick: Annotated[bool, typer.Option(help="Also run the classical yardstick.")] = True,
    out: Annotated[Path | None, typer.Option(help="JSON file with all figures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Run unseen sessions through the model and the classical yardstick, and score both.

    Sessions are simulated from seeds that training never uses. Without --store a store is
    generated that training never saw.
    """
    from aisle.bags.evaluate import summary
    from aisle.fusion.runtime import ModelError, load_runtime
    from aisle.learning.benchmark import (
        SUITES,
        MakeMethod,
        benchmark,
        rng_of,
    )
    from aisle.store.generate import generate_store
    from aisle.store.load import load_store
    from aisle.store.spec import StoreSpec

    if suite not in SUITES:
        raise typer.BadParameter(f"no suite {suite}; there are {', '.join(SUITES)}")
    if store is None:
        loaded = generate_store(rng_of(store_seed), _unseen_spec(StoreSpec))
    else:
        loaded, _ = load_store(store)
    try:
        load_runtime(model)
    except ModelError as error:
        raise typer.BadParameter(str(error), param_hint="--model") from error
    methods = [MakeMethod("model", model)]
    if yardstick:
        methods.append(MakeMethod("yardstick"))
    found: dict[str, Any] = {"suite": suite, "store": loaded.name, "seed": seed}
    for make in methods:
        from rich.progress import Progress

        with Progress(disable=as_json, transient=True) as progress:
            task = progress.add_task(f"{suite}, {make.name}", total=sessions)
            scored = benchmark(
                loaded, SUITES[suite], sessions, seed, make, workers,
                lambda done: progress.update(task, completed=done),  # noqa: B023
            )  # fmt: skip
        found[make.name] = summary(scored)
        if not as_json:
            typer.echo(_line(make.name, found[make.name]))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found, indent=1) + "\n")
    if as_json:
        typer.echo(json.dumps(found))


def _unseen_spec(spec: Any) -> Any:
    """A store of another make than full_rack: other fixtures, plates and products."""
    return spec(
        name="unseen", gondolas=4, shelves=(4,), plates=(8,), plate_width_m=(0.14, 0.14),
        span=((1, 0.4), (2, 0.4), (3, 0.2)), median_weight_kg=0.22,
    )  # fmt: skip


def _line(name: str, figures: dict[str, Any]) -> str:
    items, exact = figures["items"], figures["exact"]
    events, foreign = figures["events"], figures["put_back_elsewhere"]
    shown = figures["latency_shown_s"] or {"median": float("nan"), "p95": float("nan")}
    low, high = items["f1_interval"]
    return (
        f"{name}: item F1 {items['f1']:.4f} [{low:.4f}, {high:.4f}], "
        f"exact receipts {exact['right']}/{exact['of']} "
        f"[{exact['interval'][0]:.3f}, {exact['interval'][1]:.3f}], "
        f"events right {events['right']}/{events['of']}, "
        f"put back elsewhere {foreign['right']}/{foreign['of']}, "
        f"shown after {shown['median']:.2f} s (95 %: {shown['p95']:.2f} s), "
        f"{figures['store_s'] / figures['wall_s']:.0f} times real time; errors {figures['errors']}"
    )
