"""Drivers that are held up for a moment: nobody is called dead who is only behind the gate."""

import numpy as np

from aisle.fusion.synchronizer import SECOND, Synchronizer
from aisle.records import GateEvent, GateKind, WeightBatch

PERIOD = SECOND // 60


def batch(controller, at_s):
    return WeightBatch(
        controller, int(at_s * SECOND), PERIOD, ("p",), np.zeros((12, 1), np.float32),
        np.zeros(1, np.uint8),
    )  # fmt: skip


def gate(at_s):
    return GateEvent(int(at_s * SECOND), "g", GateKind.ENTER, "s")


def running():
    sync = Synchronizer(["a", "b"])
    for step in range(50):
        for name in "ab":
            assert sync.accept(batch(name, 100 + step / 5))
    sync.ready()
    return sync


def test_gate_ahead_of_held_up_scales_makes_no_gap():
    sync = running()
    sync.note_gate(gate(115.0))
    for step in range(50, 90):
        for name in "ab":
            sync.accept(batch(name, 100 + step / 5))
    assert sync.take_gaps() == ()
    assert sync.dead == ()


def test_gate_moves_time_on_when_scales_stay_silent():
    sync = running()
    sync.note_gate(gate(130.0))
    assert sync.dead == ("a", "b")
    assert sync.ready()[-1] > 119 * SECOND
    assert len(sync.take_gaps()) == 2


def test_gate_before_the_first_reading_calls_no_stream_silent():
    sync = Synchronizer(["a", "b"])
    sync.note_gate(gate(90.0))
    for name in "ab":
        sync.accept(batch(name, 100.0))
    assert sync.take_gaps() == ()


def test_stream_that_catches_up_dies_once_and_lives_when_it_has():
    sync = running()
    for step in range(50, 80):
        sync.accept(batch("a", 100 + step / 5))
    assert sync.dead == ("b",)
    for step in range(50, 80):
        sync.accept(batch("b", 100 + step / 5))
    assert sync.dead == ()
    assert sync.counters["streams_dead"] == sync.counters["streams_revived"] == 1
    assert len(sync.take_gaps()) == 1
