"""Receipts and predictions as canonical JSON: equal records give equal bytes."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from aisle.records import (
    Action,
    Change,
    ChangeState,
    Prediction,
    Receipt,
    ReceiptLine,
    ReceiptState,
)


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@lru_cache(maxsize=4096)
def _line_json(line: ReceiptLine) -> str:
    # By hand, because json writes a float in as many digits as it has: 0.95 and 0.950000.
    return (
        f'{{"confidence":{line.confidence:.6f},"name":{_text(line.name)},'
        f'"product":{_text(line.product)},"quantity":{line.quantity},'
        f'"unit_price_minor":{line.unit_price_minor}}}'
    )


def receipt_json(receipt: Receipt) -> bytes:
    """Encode a receipt as canonical JSON (UTF-8, sorted keys, no spaces, six decimals).

    The bytes are the same after a round trip through single-precision confidences, as a
    `ReceiptUpdate` has them.
    """
    lines = ",".join(_line_json(line) for line in receipt.lines)
    text = (
        f'{{"cause":{_text(receipt.cause)},"currency":{_text(receipt.currency)},'
        f'"lines":[{lines}],"review_reasons":{_text(list(receipt.review_reasons))},'
        f'"revision":{receipt.revision},"session":{_text(receipt.session)},'
        f'"stamp_ns":{receipt.stamp_ns},"state":{_text(receipt.state.name)},'
        f'"total_minor":{receipt.total_minor}}}'
    )
    return text.encode()


def receipt_from_json(data: bytes | str) -> Receipt:
    """Decode what `receipt_json` wrote.

    Raises:
        ValueError, KeyError, TypeError: for anything else.
    """
    fields: dict[str, Any] = json.loads(data)
    del fields["total_minor"]
    fields["state"] = ReceiptState[fields["state"]]
    fields["lines"] = tuple(ReceiptLine(**line) for line in fields["lines"])
    fields["review_reasons"] = tuple(fields["review_reasons"])
    return Receipt(**fields)


def prediction_json(prediction: Prediction) -> str:
    """Encode a prediction, exactly."""
    return _text(asdict(prediction))


def prediction_from_json(text: str) -> Prediction:
    """Decode what `prediction_json` wrote.

    Raises:
        ValueError, KeyError, TypeError: for anything else.
    """
    fields: dict[str, Any] = json.loads(text)
    fields["changes"] = tuple(_change(change) for change in fields["changes"])
    fields["gaps"] = tuple(fields["gaps"])
    return Prediction(**fields)


def _change(fields: dict[str, Any]) -> Change:
    first, last = fields["evidence_ns"]
    changed = {
        "state": ChangeState(fields["state"]),
        "action": Action(fields["action"]),
        "plates": tuple(fields["plates"]),
        "cameras": tuple(fields["cameras"]),
        "evidence_ns": (first, last),
    }
    return Change(**{**fields, **changed})
