"""`aisle evaluate`: receipts from bags against the truth beside them."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from aisle.bags.evaluate import Evaluation, evaluate, summary
from aisle.bags.replay import recorded, replay
from aisle.bags.store_io import BagError
from aisle.bags.truth_topic import find_truth
from aisle.cli.replay import CatalogueFolder, Model, Namespace, StoreFolder, read_store
from aisle.cli.tables import pairs_table, plain

app = typer.Typer()


def evaluate_bag(
    bag: Path, as_recorded: bool, model: Path | None, store: Path | None, catalogue: Path | None,
    namespace: str | None,
) -> Evaluation:  # fmt: skip
    """Return one bag's evaluation.

    Raises:
        BagError: There is no truth beside the bag, or it cannot be read.
    """
    truth = find_truth(bag)
    if truth is None:
        raise BagError(f"{bag} has no truth.json and no topic with the truth")
    if as_recorded:
        result = recorded(bag, namespace)
    else:
        files = catalogue or store
        own = read_store(store)
        result = replay(bag, model=model, store=own, catalogue=files, namespace=namespace)
    return evaluate(str(bag), truth, result)


@app.command()
def command(
    bags: Annotated[list[Path], typer.Argument(help="Bags with truth.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON document.")] = False,
    recorded_only: Annotated[
        bool,
        typer.Option(
            "--recorded", help="Take the receipts that were recorded live; do not replay."
        ),
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Bags replayed at a time.")] = 1,
    model: Model = None,
    store: StoreFolder = None,
    catalogue: CatalogueFolder = None,
    namespace: Namespace = None,
) -> None:
    """Compare receipts from bags with the truth: F1, right receipts, latency, doubt, errors."""
    total = Evaluation()
    options = recorded_only, model, store, catalogue, namespace
    if jobs == 1:
        for bag in bags:
            total.add(evaluate_bag(bag, *options))
    else:
        with ProcessPoolExecutor(jobs) as pool:
            waiting = [pool.submit(evaluate_bag, bag, *options) for bag in bags]
            for future in waiting:
                total.add(future.result())
    found = summary(total)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for warning in found["warnings"]:
        typer.echo(f"warning: {warning}", err=True)
    show(Console(), found)


def show(console: Console, found: dict[str, Any]) -> None:
    """Print the figures of `summary`."""
    items = found["items"]
    rows = {
        "sessions": found["sessions"],
        "item F1": f"{items['f1']:.3f}  {_interval(items['f1_interval'])}",
        "precision": f"{items['precision']:.3f}",
        "recall": f"{items['recall']:.3f}",
        "exactly right receipts": _share(found["exact"]),
        "of those not in review": _share(found["exact_without_review"]),
        "states": ", ".join(f"{n} {state.lower()}" for state, n in found["states"].items()),
        "takes and returns right": _share(found["events"]),
        "put back elsewhere, right": _share(found["put_back_elsewhere"]),
        "first shown after": _seconds(found["latency_shown_s"]),
        "confirmed after": _seconds(found["latency_confirmed_s"]),
    }
    console.print(pairs_table("Receipts against the truth", rows))
    if found["errors"]:
        console.print(pairs_table("Errors (units)", found["errors"]))
    for name, of in (("calibration_changes", "changes"), ("calibration_lines", "receipt lines")):
        if found[name]["cases"]:
            console.print(_calibration(found[name], of))
    console.print(_review(found["review_curve"]))
    if found["wrong_receipts"]:
        console.print(_wrong(found["wrong_receipts"]))
    if found["counters"]:
        console.print(pairs_table("Refused, late, cut or left out", found["counters"]))


def _interval(interval: tuple[float, float]) -> str:
    return f"(95 %: {interval[0]:.3f} to {interval[1]:.3f})"


def _share(found: dict[str, Any]) -> str:
    if not found["of"]:
        return "none"
    return f"{found['right']} of {found['of']} = {found['share']:.3f}  " + _interval(
        found["interval"]
    )


def _seconds(found: dict[str, Any] | None) -> str:
    if found is None:
        return "unknown"
    return f"median {found['median']:.2f} s, 95th percentile {found['p95']:.2f} s"


def _calibration(found: dict[str, Any], of: str) -> Table:
    table = Table(
        title=f"How sure and how right: {of} (expected calibration error {found['error']:.3f})",
        title_justify="left",
    )
    for column in ("stated from", "to", "cases", "mean stated", "right"):
        table.add_column(column, justify="right")
    for entry in found["bins"]:
        table.add_row(
            f"{entry['low']:.2f}",
            f"{entry['high']:.2f}",
            str(entry["cases"]),
            f"{entry['stated']:.3f}",
            f"{entry['right']:.3f}",
        )
    return table


def _review(points: list[dict[str, float]]) -> Table:
    table = Table(title="If lines less sure than this go to a person", title_justify="left")
    for column in ("confidence below", "receipts to a person", "exactly right among the others"):
        table.add_column(column, justify="right")
    for point in points:
        table.add_row(
            f"{point['threshold']:.2f}", f"{point['reviewed']:.3f}", f"{point['right']:.3f}"
        )
    return table


def _wrong(receipts: list[dict[str, Any]], most: int = 30) -> Table:
    shown = f", the first {most}" if len(receipts) > most else ""
    table = Table(title=f"{len(receipts)} wrong receipts{shown}", title_justify="left")
    for column in ("bag", "session", "state", "product: true / billed"):
        table.add_column(column, overflow="fold")
    for wrong in receipts[:most]:
        differences = wrong["true_and_ours"].items()
        table.add_row(
            plain(wrong["bag"]),
            plain(wrong["session"]),
            wrong["state"].lower(),
            plain(", ".join(f"{product}: {a} / {b}" for product, (a, b) in differences)),
        )
    return table
