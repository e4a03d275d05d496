"""What the ledger accepts: messages come from other processes and may hold anything."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from aisle.records import Change, GateEvent, Prediction

MAX_QUANTITY = 1000
"""Most units that one change may move; more is a broken message."""
_MAX_NAME = 200
_MAX_GAP = 500


class MalformedMessageError(ValueError):
    """A message that belongs to no session or no time; the text says the rule and the value."""


def _is_text(value: str) -> bool:
    # Databases take neither NUL nor lone surrogates.
    return "\0" not in value and not any("\ud800" <= char <= "\udfff" for char in value)


def _is_name(value: str) -> bool:
    return len(value) <= _MAX_NAME and _is_text(value)


def _is_stamp(value: int) -> bool:
    return 0 <= value < 2**63


def clean_text(value: str) -> str:
    """Make any text storable and of bounded length."""
    return value[:_MAX_GAP].replace("\0", "?").encode("utf-8", "replace").decode()


def check_message(message: GateEvent | Prediction) -> None:
    """Refuse a message that cannot be filed.

    Raises:
        MalformedMessageError: for an empty, overlong or unstorable session id or a stamp outside
            0 to 2**63.
    """
    if not message.session or not _is_name(message.session):
        raise MalformedMessageError(
            f"session must be 1 to {_MAX_NAME} characters of text, is {message.session[:80]!a}"
        )
    if not _is_stamp(message.stamp_ns):
        raise MalformedMessageError(f"stamp must be 0 to 2**63 ns, is {message.stamp_ns}")


def accept_change(change: Change, session: str) -> Change | str:
    """Return the change as the ledger keeps it, or what is wrong with it.

    The probability becomes single precision, as on the wire, so that a change from a bag equals
    the same change handed over within one process.
    """
    prefix = f"{session}/"
    if not change.id.startswith(prefix) or change.id == prefix:
        return f"its id is not {prefix}<number>"
    texts = (change.id, change.product, change.shelf, change.counterpart)
    if not all(map(_is_name, (*texts, *change.plates, *change.cameras))):
        return f"a name in it is longer than {_MAX_NAME} characters or no text"
    if not 1 <= change.quantity <= MAX_QUANTITY:
        return f"quantity must be 1 to {MAX_QUANTITY}, is {change.quantity}"
    if not all(map(_is_stamp, (change.stamp_ns, *change.evidence_ns))):
        return "a stamp in it is not 0 to 2**63 ns"
    probability = float(np.float32(change.probability))
    if not math.isfinite(probability) or not 0.0 <= probability <= 1.0:
        return f"probability must be 0 to 1, is {change.probability}"
    return replace(change, probability=probability)
