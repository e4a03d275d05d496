"""`aisle watch`: the receipts of a running stack as they change."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from aisle.bags import convert, convert_store
from aisle.bags.messages import MessageError
from aisle.bags.truth_topic import TYPE, parse_text
from aisle.cli.board import Board

if TYPE_CHECKING:
    from aisle.cli.ros import Connection

app = typer.Typer()
UPDATES, TRUTH, STORE = "receipts/updates", "sim/truth", "store/model"


@app.command()
def command(
    duration: Annotated[
        float | None, typer.Option(help="Seconds after which to stop.", min=0.0)
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="One line for each change, as without a terminal.")
    ] = False,
    namespace: Annotated[str, typer.Option(help="Namespace of the stack.")] = "",
) -> None:
    """Show the receipts of a running stack as they change, until Ctrl-C."""
    from aisle.cli.ros import connect

    with connect("aisle_watch", namespace=namespace) as connection:
        watch(connection, Console(), plain=plain, duration=duration)


def watch(
    connection: Connection,
    console: Console,
    *,
    plain: bool = False,
    duration: float | None = None,
    each: Callable[[], None] = lambda: None,
) -> Board:
    """Show updates and truth until the connection is stopped.

    Args:
        connection: To the ROS graph.
        console: Where to; one line for each change where it is no terminal.
        plain: One line for each change in any case.
        duration: Seconds after which to stop.
        each: Called four times a second.
    """
    from aisle.cli.ros import Offer

    board, live = Board(), None if plain or not console.is_terminal else _live(console)

    def tell(line: Text | None) -> None:
        if live is None and line is not None:
            console.print(line, soft_wrap=True)

    def take_update(message: Any) -> None:
        _try(lambda: tell(board.update(convert.receipt_from_message(message))), console)

    def take_truth(message: Any) -> None:
        _try(lambda: tell(board.truth(parse_text(message.data))), console)

    def take_store(message: Any) -> None:
        board.names.update({product.id: product.name for product in message.products})

    offer = Offer(reliable=True, latched=True)
    connection.subscribe(STORE, convert_store.STORE, offer, take_store)
    connection.subscribe(UPDATES, convert.UPDATE, offer, take_update)
    connection.subscribe(TRUTH, TYPE, offer, take_truth)
    began = time.monotonic()

    def refresh() -> None:
        if live is not None:
            live.update(board.render(_head(board, time.monotonic() - began)), refresh=True)
        each()

    shown: AbstractContextManager[Any] = nullcontext() if live is None else live
    with shown:
        connection.spin(duration, refresh)
        connection.drain()
        refresh()
    return board


def _live(console: Console) -> Live:
    return Live(console=console, auto_refresh=False, vertical_overflow="crop")


def _head(board: Board, seconds: float) -> str:
    return f"Aisle  {seconds:5.0f} s  {len(board.receipts)} receipts, {board.updates} updates"


def _try(take: Callable[[], None], console: Console) -> None:
    """Take in a message; one that cannot be used is told, and the rest goes on."""
    try:
        take()
    except MessageError as error:
        console.print(f"message refused: {error}", markup=False)
