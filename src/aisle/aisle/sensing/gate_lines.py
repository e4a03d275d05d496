"""Lines of text from a gate: one JSON object for each passage.

`{"kind": "enter", "session": "a17", "gate": "entry", "group_size": 2}`; `kind` is `enter` or
`exit`, `gate` and `group_size` may be left out. The stamp is the arrival of the line.
"""

from __future__ import annotations

import json

from aisle.records import MAX_NAME, GateEvent, GateKind
from aisle.sensing.serial_lines import LineError

_KINDS = {"enter": GateKind.ENTER, "exit": GateKind.EXIT}
_FIELDS = {"kind", "session", "gate", "group_size"}


def parse_gate_line(line: bytes, arrival_ns: int, gate: str) -> GateEvent:
    """Read one line.

    Args:
        line: The line without its end.
        arrival_ns: Stamp of the event.
        gate: Used where the line names none.

    Raises:
        LineError: the line is not such an object.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LineError(f"not JSON: {error}") from None
    if not isinstance(data, dict):
        raise LineError("not a JSON object")
    if unknown := sorted(str(key)[:40] for key in set(data) - _FIELDS):
        raise LineError(f"unknown field {unknown[0]!r}, allowed are {', '.join(sorted(_FIELDS))}")
    kind, size = data.get("kind"), data.get("group_size", 1)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise LineError(f"kind must be enter or exit, is {str(kind)[:40]!r}")
    if type(size) is not int or not 1 <= size <= 255:
        raise LineError(f"group_size must be 1 to 255, is {str(size)[:40]}")
    return GateEvent(
        stamp_ns=arrival_ns,
        gate=_name(data.get("gate", gate), "gate"),
        kind=_KINDS[kind],
        session=_name(data.get("session"), "session"),
        group_size=size,
    )


def _name(value: object, field: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable():
        raise LineError(f"{field} must be text of 1 to {MAX_NAME} printable characters")
    return value
