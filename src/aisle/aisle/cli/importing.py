"""`aisle import`: recordings of other systems as bags and stores."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from aisle.bags.importing import ImportResult, import_autocheckout

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Turn recordings of other systems into bags."""


@app.command()
def autocheckout(
    directory: Annotated[Path, typer.Argument(help="Folder of the recording.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Bag to write.", show_default=False)],
    store_out: Annotated[
        Path | None,
        typer.Option(help="Folder for the store as configuration files.", show_default=False),
    ] = None,
    session: Annotated[str, typer.Option(help="Name of the one shopper.")] = "shopper-1",
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON document.")] = False,
) -> None:
    """Turn an AutoCheckout recording (CPS-IoT Week 2020) into a bag.

    One shopper is in the store from the first to the last sample.
    """
    result = import_autocheckout(directory, out, store_out, session)
    if as_json:
        typer.echo(json.dumps(_data(result), indent=2, ensure_ascii=False))
        return
    rules = Counter(problem.rule for problem in result.problems)
    for problem in result.problems:
        if rules[problem.rule] <= _SHOWN:
            typer.echo(f"{directory}/{problem}", err=True)
    for rule, count in rules.items():
        if count > _SHOWN:
            typer.echo(f"{directory}: {count} times: {rule}", err=True)
    store, counts = result.store, result.counts
    typer.echo(
        f"{out}: {result.batches} messages, {result.seconds:.1f} s; {len(store.plates)} plates, "
        f"{len(store.products)} products, {len(store.slots)} slots; "
        + ", ".join(f"{count} {name}" for name, count in counts.items())
    )


_SHOWN = 5
"""Problems of one kind that are shown each."""


def _data(result: ImportResult) -> dict[str, object]:
    return {
        "messages": result.batches,
        "seconds": result.seconds,
        "plates": len(result.store.plates),
        "products": len(result.store.products),
        "slots": len(result.store.slots),
        "counts": dict(result.counts),
        "problems": [problem.as_dict() for problem in result.problems],
    }
