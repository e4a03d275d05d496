"""Receipts and figures as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from aisle.records import Receipt, ReceiptState
from aisle.store.money import format_price

STYLES = {ReceiptState.OPEN: "cyan", ReceiptState.CLOSED: "green", ReceiptState.REVIEW: "yellow"}


def plain(text: str, style: str = "") -> Text:
    """Return foreign text without markup and control characters."""
    return Text("".join(char if char.isprintable() else "?" for char in text), style)


def price(minor: int, currency: str) -> str:
    """Return an amount with its currency."""
    return f"{format_price(minor, currency)} {currency}".rstrip()


def sure(confidence: float) -> str:
    """Return a probability in whole percent, which is never certainty."""
    return ">99%" if confidence >= 0.995 else f"{confidence:.0%}"


def lines_text(receipt: Receipt, most_reasons: int = 20) -> Text:
    """Return the lines of a receipt, and why a person should look at it.

    Args:
        receipt: The receipt.
        most_reasons: How many reasons to list; of more, only the number is told.
    """
    found = Text()
    for line in receipt.lines:
        total = price(line.quantity * line.unit_price_minor, receipt.currency)
        found.append(f"{line.quantity} x ")
        found.append_text(plain(line.name or line.product))
        found.append(f"  {total}", "bold")
        found.append(f"  {sure(line.confidence)}\n", "dim" if line.confidence >= 0.8 else "yellow")
    for reason in receipt.review_reasons[:most_reasons]:
        found.append_text(plain(f"! {reason}", "yellow"))
        found.append("\n")
    more = len(receipt.review_reasons) - most_reasons
    if more > 0:
        found.append(f"! and {more} more\n", "yellow")
    found.rstrip()
    return found


def receipts_table(receipts: Iterable[Receipt], title: str = "Receipts") -> Table:
    """Return one row for each receipt."""
    table = Table(title=title, show_lines=True, title_justify="left")
    table.add_column("session", overflow="fold")
    table.add_column("state")
    table.add_column("revision", justify="right")
    table.add_column("items", overflow="fold")
    table.add_column("total", justify="right")
    for receipt in receipts:
        table.add_row(
            plain(receipt.session),
            Text(receipt.state.name.lower(), STYLES[receipt.state]),
            str(receipt.revision),
            lines_text(receipt),
            price(receipt.total_minor, receipt.currency),
        )
    return table


def pairs_table(title: str, rows: Mapping[str, Any]) -> Table:
    """Return names and values in two columns."""
    table = Table(title=title, title_justify="left", show_header=False)
    for name, value in rows.items():
        table.add_row(name, value if isinstance(value, Text) else plain(str(value)))
    return table
