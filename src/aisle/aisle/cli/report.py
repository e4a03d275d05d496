"""`aisle report`: one HTML page that explains the receipts of a bag."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aisle.bags.report import write_report
from aisle.cli.replay import CatalogueFolder, Model, Namespace, StoreFolder, read_store

app = typer.Typer()


@app.command()
def command(
    bag: Annotated[Path, typer.Argument(help="Bag: its folder or file.", show_default=False)],
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("report.html"),
    recorded_only: Annotated[
        bool,
        typer.Option(
            "--recorded", help="Take the receipts that were recorded live; do not replay."
        ),
    ] = False,
    frames: Annotated[
        bool, typer.Option("--frames/--no-frames", help="Pictures of the cameras; shoppers show.")
    ] = True,
    model: Model = None,
    store: StoreFolder = None,
    catalogue: CatalogueFolder = None,
    namespace: Namespace = None,
) -> None:
    """Explain the receipts of a bag in one HTML page: lines, doubts, plate curves, store map.

    Where the bag holds pictures of cameras, also what they saw of each change. The page needs no
    other file and no network.
    """
    write_report(
        bag,
        out,
        recorded_only=recorded_only,
        model=model,
        store=read_store(store),
        catalogue=catalogue or store,
        namespace=namespace,
        frames=frames,
    )
    typer.echo(f"{out} written")
