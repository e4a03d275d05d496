import time
from pathlib import Path

import pytest
from bag_samples import tiny_store, write_bag

from aisle.bags import convert
from aisle.bags.messages import bag_types
from aisle.bags.replay import ReplayResult, recorded, replay
from aisle.bags.store_io import BagError, BagReader, BagWriter
from aisle.records import (
    Action,
    Change,
    ChangeState,
    GateEvent,
    GateKind,
    Prediction,
    Receipt,
    ReceiptState,
    WeightBatch,
)


class Notes:
    """Fusion and ledger that only note what they get."""

    sight, warnings = False, ("it was dark",)

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.counters = {"fusion/late": 2}

    def store(self, stamp_ns, store):
        self.seen.append((stamp_ns, store.name))
        return [], []

    def push(self, record):
        self.seen.append(record)
        if isinstance(record, GateEvent):
            state = ReceiptState.OPEN if record.kind == GateKind.ENTER else ReceiptState.CLOSED
            change = Change("s/1", ChangeState.CONFIRMED, 1, Action.TAKE, "cola", 1, 0.5, "g1/s1")
            receipt = Receipt(record.session, 1 + int(record.kind), state, 5, "EUR", (), "x")
            return [Prediction(record.stamp_ns, record.session, (change,))], [receipt]
        return [], []

    def finish(self):
        self.seen.append("finish")
        return [Prediction(1, "shopper-1", (), final=True)], []

    def close(self):
        pass


@pytest.fixture(scope="module")
def bag(tmp_path_factory) -> Path:
    return write_bag(tmp_path_factory.mktemp("replay") / "bag", seconds=4)


def test_records_go_in_by_order_of_arrival_and_the_results_come_back(bag):
    notes, heard = Notes(), []
    result = replay(bag, checkout=notes, on_update=heard.append)
    kinds = [type(record).__name__ for record in notes.seen]
    assert kinds == ["tuple", "GateEvent", *["WeightBatch"] * 20, "GateEvent", "str"]
    assert result.receipts["shopper-1"].state == ReceiptState.CLOSED
    assert [receipt.revision for _, receipt in result.updates] == [1, 2]
    assert heard == [receipt for _, receipt in result.updates]
    assert [prediction.final for _, prediction in result.predictions] == [False, False, True]
    assert result.counters == {"fusion/late": 2}
    assert result.warnings == ["it was dark"]
    assert result.store_s == pytest.approx(4.0, abs=0.01)


def test_a_store_from_files_takes_the_place_of_the_one_in_the_bag(bag, tmp_path):
    with BagReader(bag) as reader, BagWriter(tmp_path / "without") as writer:
        for message in reader.messages({convert.WEIGHTS, convert.GATE}):
            writer.write_raw(message)
    with pytest.raises(BagError, match="holds no store model"):
        replay(tmp_path / "without", checkout=Notes())
    notes = Notes()
    replay(tmp_path / "without", checkout=notes, store=tiny_store())
    assert notes.seen[0] == (0, "tiny")
    assert len(notes.seen) == 24


def test_broken_messages_are_counted_and_left_out(bag, tmp_path):
    types = bag_types()
    with BagReader(bag) as reader, BagWriter(tmp_path / "b") as writer:
        for number, message in enumerate(reader.messages()):
            writer.write_raw(message)
            if number == 9 and message.type == convert.WEIGHTS:
                broken = reader.decode(message)
                broken.samples = 5
                writer.write(message.topic, message.type, broken, message.log_ns)
    notes = Notes()
    result = replay(tmp_path / "b", checkout=notes)
    assert sum(isinstance(record, WeightBatch) for record in notes.seen) == 20
    assert result.counters["malformed_messages"] == 1
    assert any("5 samples of 4 plates need 20" in name for name in result.counters)
    assert types is bag_types()


def test_what_comes_before_the_first_store_model_is_passed_on(bag, tmp_path):
    with BagReader(bag) as reader, BagWriter(tmp_path / "b") as writer:
        store, gate, *rest = reader.messages()
        for message in (gate, store, *rest):
            writer.write_raw(type(message)(message.topic, message.type, 10, message.payload))
    notes = Notes()
    replay(tmp_path / "b", checkout=notes)
    assert [type(record).__name__ for record in notes.seen[:3]] == [
        "GateEvent", "tuple", "WeightBatch",
    ]  # fmt: skip


def test_readings_on_another_controllers_topic_are_refused_as_the_node_refuses_them(bag, tmp_path):
    with BagReader(bag) as reader, BagWriter(tmp_path / "b") as writer:
        for number, message in enumerate(reader.messages()):
            topic = "/weights/g7" if number == 5 else message.topic
            writer.write_raw(type(message)(topic, message.type, message.log_ns, message.payload))
    notes = Notes()
    result = replay(tmp_path / "b", checkout=notes)
    assert sum(isinstance(record, WeightBatch) for record in notes.seen) == 19
    assert result.counters["malformed: /weights/g7: it is of controller 'g1'"] == 1


def test_a_bag_of_two_rigs_needs_a_namespace(bag, tmp_path):
    with BagReader(bag) as reader, BagWriter(tmp_path / "b") as writer:
        for message in reader.messages():
            for rig in ("/left", "/right"):
                topic = rig + message.topic
                writer.write_raw(
                    type(message)(topic, message.type, message.log_ns, message.payload)
                )
    with pytest.raises(BagError, match="several rigs"):
        replay(tmp_path / "b", checkout=Notes())
    notes = Notes()
    replay(tmp_path / "b", checkout=notes, namespace="left")
    assert len(notes.seen) == 24


def test_speed_paces_the_replay(bag):
    began = time.monotonic()
    result = replay(bag, checkout=Notes(), speed=8.0)
    assert time.monotonic() - began >= 4.0 / 8.0
    assert result.wall_s >= 4.0 / 8.0


def test_results_can_be_written_and_read_back_as_recorded(bag, tmp_path):
    result = replay(bag, checkout=Notes(), out=tmp_path / "out")
    again = recorded(tmp_path / "out")
    assert again.receipts == result.receipts
    assert again.predictions == result.predictions
    assert again.updates == result.updates


def test_a_bag_without_receipts_was_not_recorded_live(bag):
    with pytest.raises(BagError, match="no receipts"):
        recorded(bag)


def test_a_result_keeps_the_last_revision():
    result = ReplayResult()
    first = Receipt("s", 1, ReceiptState.OPEN, 1, "EUR", (), "enter")
    last = Receipt("s", 2, ReceiptState.CLOSED, 2, "EUR", (), "final")
    result.add(1, [], [first, last])
    assert result.receipts == {"s": last}
