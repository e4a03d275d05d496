"""Receipts as JSON or CSV, for tills and spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from aisle.receipts.codec import receipt_json
from aisle.records import Receipt

COLUMNS = (
    "session",
    "revision",
    "state",
    "stamp_ns",
    "currency",
    "product",
    "name",
    "quantity",
    "unit_price_minor",
    "line_total_minor",
    "confidence",
    "review_reasons",
)


def to_json(receipts: Iterable[Receipt]) -> str:
    """Write one JSON array with one canonical receipt a line, equal receipts as equal bytes."""
    body = ",\n".join(receipt_json(receipt).decode() for receipt in receipts)
    return f"[\n{body}\n]\n" if body else "[]\n"


def to_csv(receipts: Iterable[Receipt]) -> str:
    """Write one row for each line of each receipt; columns are `COLUMNS`, rows end in CR LF.

    A receipt without lines has one row, with nothing from `product` to `confidence`. Prices are in
    minor units of `currency`; several review reasons are joined by `"; "`.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for receipt in receipts:
        state = receipt.state.name
        head = (receipt.session, receipt.revision, state, receipt.stamp_ns, receipt.currency)
        reasons = "; ".join(receipt.review_reasons)
        for line in receipt.lines:
            price = line.unit_price_minor
            total = line.quantity * price
            sold = (line.product, line.name, line.quantity, price, total, f"{line.confidence:.6f}")
            writer.writerow((*head, *sold, reasons))
        if not receipt.lines:
            writer.writerow((*head, *[""] * 6, reasons))
    return out.getvalue()
