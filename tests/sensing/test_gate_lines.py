"""Lines from a gate: passages are read, everything else is refused with a reason."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.records import GateEvent, GateKind
from aisle.sensing.gate_lines import parse_gate_line
from aisle.sensing.serial_lines import LineError


def test_passages_are_read():
    line = b'{"kind": "enter", "session": "a17", "gate": "north", "group_size": 2}'
    assert parse_gate_line(line, 5, "main") == GateEvent(5, "north", GateKind.ENTER, "a17", 2)
    line = b'{"kind": "exit", "session": "a17"}'
    assert parse_gate_line(line, 6, "main") == GateEvent(6, "main", GateKind.EXIT, "a17", 1)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"enter a17", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"kind": "enter"}', "session must be text"),
        (b'{"kind": "in", "session": "a"}', "enter or exit"),
        (b'{"kind": ["enter"], "session": "a"}', "enter or exit"),
        (b'{"kind": "enter", "session": "a\\u0000"}', "printable"),
        (b'{"kind": "enter", "session": ""}', "1 to 128"),
        (b'{"kind": "enter", "session": "a", "group_size": true}', "group_size"),
        (b'{"kind": "enter", "session": "a", "group_size": 0}', "group_size"),
        (b'{"kind": "enter", "session": "a", "badge": 1}', "unknown field 'badge'"),
    ],
)
def test_other_lines_say_why(line, reason):
    with pytest.raises(LineError, match=reason):
        parse_gate_line(line, 0, "main")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
objects = st.dictionaries(
    st.sampled_from(["kind", "session", "gate", "group_size"]) | st.text(max_size=3),
    json_values | st.sampled_from(["enter", "exit"]),
)


@given(st.binary(max_size=80) | objects.map(lambda data: json.dumps(data).encode()))
def test_any_line_is_an_event_or_a_line_error(line):
    try:
        event = parse_gate_line(line, 7, "main")
    except LineError:
        return
    assert event.stamp_ns == 7
    assert event.session
    assert 1 <= event.group_size <= 255
