import json

import pytest
from bag_samples import tiny_store, write_bag
from hypothesis import given
from hypothesis import strategies as st

from aisle.bags.convert import MessageError
from aisle.bags.messages import bag_types
from aisle.bags.store_io import BagWriter
from aisle.bags.truth import (
    TrueEvent,
    TrueSession,
    TruthError,
    parse_session,
    read_truth,
    session_json,
    truth_of,
    write_truth,
)
from aisle.bags.truth_topic import TYPE, find_truth, parse_text
from aisle.records import Action, GateEvent, GateKind

EVENTS = st.builds(
    TrueEvent,
    st.integers(0, 2**62),
    st.sampled_from(Action),
    st.text(max_size=5),
    st.integers(1, 5),
    st.text(max_size=5),
    st.lists(st.text(max_size=3), max_size=2).map(tuple),
    st.booleans(),
    st.text(max_size=5),
)
SESSIONS = st.builds(
    TrueSession,
    st.text(max_size=5),
    st.dictionaries(st.text(max_size=3), st.integers(1, 9), max_size=3),
    st.none() | st.lists(EVENTS, max_size=3).map(tuple),
    st.none() | st.integers(0, 2**62),
    st.none() | st.integers(0, 2**62),
)


@given(SESSIONS)
def test_a_session_survives_the_file(session):
    assert parse_session(json.loads(json.dumps(session_json(session)))) == session


def test_truth_beside_a_bag_is_read_back(tmp_path):
    truth = {"s": TrueSession("s", {"a": 2}, None, 1, 2), "t": TrueSession("t", {}, ())}
    write_truth(tmp_path, truth)
    assert read_truth(tmp_path) == truth
    assert list(read_truth(tmp_path)) == ["s", "t"]


def test_no_truth_is_none(tmp_path):
    assert read_truth(tmp_path) is None
    assert find_truth(write_bag(tmp_path / "b", 2)) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no json", "Expecting value"),
        ('{"format": "aisle-truth/9", "sessions": []}', "format is 'aisle-truth/9'"),
        ('{"format": "aisle-truth/1"}', "'sessions' is missing"),
        ('{"format": "aisle-truth/1", "sessions": [{"session": "s"}]}', "'receipt' is missing"),
        (
            '{"format": "aisle-truth/1", "sessions": [{"session": "s", "receipt": '
            '[{"product": "a", "quantity": -1}]}]}',
            "quantity is -1",
        ),
        (
            '{"format": "aisle-truth/1", "sessions": [{"session": "s", "receipt": [], "events": '
            '[{"action": "steal", "stamp_ns": 1, "product": "a", "quantity": 1}]}]}',
            "action is 'steal'",
        ),
        ('{"format": "aisle-truth/1", "sessions": [3]}', "truth.json"),
        ("[" * 100_000, "truth.json"),
    ],
)
def test_a_broken_file_is_refused_with_the_reason(tmp_path, text, says):
    (tmp_path / "truth.json").write_text(text)
    with pytest.raises(TruthError, match=says):
        read_truth(tmp_path)


def test_two_entries_of_a_session_are_refused(tmp_path):
    entry = session_json(TrueSession("s", {}))
    text = json.dumps({"format": "aisle-truth/1", "sessions": [entry, entry]})
    (tmp_path / "truth.json").write_text(text)
    with pytest.raises(TruthError, match="twice"):
        read_truth(tmp_path)


def test_truth_on_the_topic_is_found_where_no_file_is(tmp_path):
    session = TrueSession("s", {"cola": 1}, (TrueEvent(5, Action.TAKE, "cola", 1),), 1, 9)
    with BagWriter(tmp_path / "b") as writer:
        writer.store(tiny_store(), 1, 1)
        text = bag_types().make(TYPE, data=json.dumps(session_json(session)))
        for log_ns in (10, 11):
            writer.write("/rig/sim/truth", TYPE, text, log_ns)
    assert find_truth(tmp_path / "b") == {"s": session}


@given(st.text() | st.sampled_from(["[]", "{}", "null", '{"session": 1, "receipt": 2}']))
def test_any_text_on_the_topic_gives_a_session_or_a_message_error(text):
    with pytest.raises(MessageError):
        parse_text(text)


def test_truth_of_a_simulation_has_its_events_receipts_and_times():
    class Simulation:
        gate_events = (
            GateEvent(1, "g", GateKind.ENTER, "s"),
            GateEvent(9, "g", GateKind.EXIT, "s"),
        )
        truth = (type("E", (), {"session": "s", **vars(TrueEvent(5, Action.TAKE, "a", 2))}),)

        def receipts(self):
            return {"s": {"a": 2}, "t": {}}

    assert truth_of(Simulation()) == {
        "s": TrueSession("s", {"a": 2}, (TrueEvent(5, Action.TAKE, "a", 2),), 1, 9),
        "t": TrueSession("t", {}, ()),
    }
