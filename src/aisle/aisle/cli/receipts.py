"""`aisle receipts`: read a ledger."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aisle.receipts.codec import receipt_json
from aisle.receipts.config import LedgerError
from aisle.receipts.export import to_csv, to_json
from aisle.receipts.reader import LedgerReader
from aisle.records import Action, Change, Receipt, ReceiptState

app = typer.Typer(help="Read receipts from a ledger.", no_args_is_help=True)

# ISO 4217 currencies whose minor unit is not a hundredth.
_MINOR_DIGITS = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}

Url = Annotated[
    str,
    typer.Option(
        "--ledger", envvar="AISLE_LEDGER", help="Path of an SQLite file, or a database URL."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write canonical JSON.")]


class State(str, Enum):
    """States to choose by."""

    OPEN = "open"
    CLOSED = "closed"
    REVIEW = "review"


class Format(str, Enum):
    """Forms of an export."""

    JSON = "json"
    CSV = "csv"


StateFilter = Annotated[State | None, typer.Option("--state", help="Only receipts in this state.")]


def _fail(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)


def _read(url: str, state: State | None) -> list[Receipt]:
    states = (ReceiptState[state.name],) if state else tuple(ReceiptState)
    try:
        reader = LedgerReader.open(url)
        try:
            return reader.receipts(states)
        finally:
            reader.close()
    except LedgerError as error:
        _fail(str(error))


def _money(minor: int, currency: str) -> str:
    digits = _MINOR_DIGITS.get(currency, 2)
    return f"{minor / 10**digits:.{digits}f} {currency}"


def _clean(text: str) -> Text:
    # Names come from files and messages: no markup and no control characters for the terminal.
    return Text("".join(char if char.isprintable() else "?" for char in text))


def _summary(receipts: list[Receipt], title: str) -> Table:
    table = Table(title=title)
    for column in ("session", "state", "revision", "items", "total", "why a person should look"):
        table.add_column(column, overflow="fold")
    for receipt in receipts:
        table.add_row(
            _clean(receipt.session),
            receipt.state.name.lower(),
            str(receipt.revision),
            str(sum(line.quantity for line in receipt.lines)),
            _money(receipt.total_minor, receipt.currency),
            _clean("; ".join(receipt.review_reasons)),
        )
    return table


@app.command("list")
def list_receipts(ledger: Url, state: StateFilter = None, as_json: AsJson = False) -> None:
    """List receipts, the least recently changed first."""
    receipts = _read(ledger, state)
    if as_json:
        typer.echo(to_json(receipts), nl=False)
    else:
        Console().print(_summary(receipts, f"{len(receipts)} receipts"))


@app.command()
def review(ledger: Url, as_json: AsJson = False) -> None:
    """List the receipts that wait for a person, and why."""
    list_receipts(ledger, State.REVIEW, as_json)


@app.command()
def show(session: str, ledger: Url, as_json: AsJson = False) -> None:
    """Show one receipt and the changes behind it."""
    try:
        reader = LedgerReader.open(ledger)
        receipt, changes = reader.receipt(session), reader.changes(session)
        reader.close()
    except LedgerError as error:
        _fail(str(error))
    if receipt is None:
        _fail(f"the ledger has no receipt of session {session!r}")
    if as_json:
        typer.echo(receipt_json(receipt).decode())
        return
    lines = Table(title=f"revision {receipt.revision}, {receipt.state.name.lower()}")
    for column in ("product", "name", "quantity", "unit price", "confidence"):
        lines.add_column(column, overflow="fold")
    for line in receipt.lines:
        price = _money(line.unit_price_minor, receipt.currency)
        quantity, confidence = str(line.quantity), f"{line.confidence:.2f}"
        lines.add_row(_clean(line.product), _clean(line.name), quantity, price, confidence)
    history = Table(title="changes")
    for column in ("id", "state", "action", "product", "quantity", "where", "probability"):
        history.add_column(column, overflow="fold")
    for change in changes:
        history.add_row(
            _clean(change.id),
            change.state.name.lower(),
            change.action.name.lower(),
            _clean(change.product or "?"),
            str(change.quantity),
            _clean(_where(change)),
            f"{change.probability:.2f}",
        )
    console = Console()
    console.print(lines, f"total {_money(receipt.total_minor, receipt.currency)}", history)
    for reason in receipt.review_reasons:
        console.print(_clean(f"review: {reason}"))


def _where(change: Change) -> str:
    """The shelf, or the other one of a hand-over."""
    if not change.counterpart:
        return change.shelf
    return f"{'from' if change.action is Action.TAKE else 'to'} {change.counterpart}"


@app.command()
def export(
    ledger: Url,
    form: Annotated[Format, typer.Option("--format", help="Form of the export.")] = Format.JSON,
    state: StateFilter = None,
) -> None:
    """Write receipts to standard output."""
    receipts = _read(ledger, state)
    typer.echo(to_json(receipts) if form == Format.JSON else to_csv(receipts), nl=False)
