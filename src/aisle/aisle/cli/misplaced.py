"""`aisle misplaced`: what shoppers left on a wrong shelf, and the word that it is gone."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from aisle.bags.convert_store import STORE, store_from_message
from aisle.cli.tables import plain, sure
from aisle.store.types import Store

app = typer.Typer(help="See and clear products on wrong shelves.", no_args_is_help=True)

_Namespace = Annotated[str, typer.Option(help="Namespace of the stack.")]
_Wait = Annotated[float, typer.Option(help="Seconds to wait for the stack.", min=0.1)]
WAIT_S = 5.0


class NoAnswerError(Exception):
    """The stack does not answer."""


@app.command("list")
def list_(namespace: _Namespace = "", wait: _Wait = WAIT_S) -> None:
    """List the products that stand where the planogram does not put them."""
    from aisle.cli.ros import Offer, connect

    stores: list[Store] = []
    with connect("aisle_misplaced", namespace=namespace) as connection:

        def take(message: Any) -> None:
            stores.append(store_from_message(message)[1])
            connection.stopped = True

        connection.subscribe("store/model", STORE, Offer(reliable=True, latched=True), take)
        connection.spin(wait, lambda: None)
    if not stores:
        raise NoAnswerError(f"no store model came within {wait:g} s: is the stack running?")
    slots = [slot for slot in stores[-1].slots.values() if slot.misplaced]
    if not slots:
        typer.echo("nothing is misplaced")
        return
    table = Table("shelf", "product", "name", "units", "sure")
    for slot in slots:
        name = stores[-1].products[slot.product].name
        words = (slot.shelf, slot.product, name, str(slot.count), sure(slot.confidence))
        table.add_row(*(plain(word) for word in words))
    Console().print(table)


@app.command()
def gone(
    shelf: Annotated[str, typer.Argument(help="For example g1/s2.", show_default=False)],
    product: Annotated[str, typer.Argument(help="Product id.", show_default=False)],
    namespace: _Namespace = "",
    wait: _Wait = WAIT_S,
) -> None:
    """Say that a misplaced product no longer stands on a shelf: somebody put it right."""
    from aisle.cli.ros import connect

    with connect("aisle_misplaced", namespace=namespace) as connection:
        answer = connection.call(
            "store/set_slot", "aisle_msgs/srv/SetSlot", wait, shelf=shelf, product=product
        )
    if answer is None:
        raise NoAnswerError(f"store/set_slot did not answer in {wait:g} s: is the stack running?")
    typer.echo(answer.message)
    if not answer.success:
        raise typer.Exit(1)
