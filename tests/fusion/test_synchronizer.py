import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.fusion.config import SyncConfig
from aisle.fusion.synchronizer import SECOND, TICK_NS, Synchronizer
from aisle.records import GateEvent, GateKind, WeightBatch

PERIOD_NS = SECOND // 60
START = 1_000 * SECOND


def batch(name, at_s, samples=12):
    kilograms = np.zeros((samples, 1), dtype=np.float32)
    stamp = START + round(at_s * SECOND)
    return WeightBatch(name, stamp, PERIOD_NS, (f"{name}/s1/p1",), kilograms, np.zeros(1, np.uint8))


def feed(sync, *batches):
    ticks = []
    for b in batches:
        sync.accept(b)
        ticks += sync.ready()
    return ticks


def steady(names, until_s, since_s=0.0):
    times = np.arange(since_s, until_s, 0.2)
    return [batch(name, float(t)) for t in times for name in names]


def test_a_tick_waits_for_the_slowest_live_stream():
    sync = Synchronizer(["g1", "g2"])
    feed(sync, *steady(["g1", "g2"], 1.0))
    closed = sync.closed_ns
    assert feed(sync, *steady(["g1"], 2.0, 1.0)) == []
    assert sync.closed_ns == closed
    assert feed(sync, *steady(["g2"], 2.0, 1.0))


def test_ticks_come_each_once_and_in_order():
    sync = Synchronizer(["g1", "g2"])
    ticks = feed(sync, *steady(["g1", "g2"], 10.0))
    assert ticks == sorted(set(ticks))
    assert set(np.diff(ticks)) == {TICK_NS}


def test_a_silent_stream_is_dead_after_its_limit_and_holds_nothing_up():
    sync = Synchronizer(["g1", "g2"])
    feed(sync, *steady(["g1", "g2"], 2.0))
    ticks = feed(sync, *steady(["g1"], 6.0, 2.0))
    assert sync.dead == ("g2",)
    assert ticks[-1] > START + round(5.5 * SECOND)
    assert any("weights/g2" in gap for gap in sync.take_gaps())


def test_a_stream_that_never_speaks_is_dead_too():
    sync = Synchronizer(["g1", "g2"])
    assert feed(sync, *steady(["g1"], 5.0))
    assert sync.dead == ("g2",)


def test_a_dead_stream_lives_again_when_it_speaks():
    sync = Synchronizer(["g1", "g2"])
    feed(sync, *steady(["g1", "g2"], 2.0), *steady(["g1"], 6.0, 2.0))
    feed(sync, *steady(["g1", "g2"], 8.0, 6.0))
    assert sync.dead == ()
    assert sync.counters["streams_revived"] == 1


def test_time_going_backwards_is_refused_and_counted():
    sync = Synchronizer(["g1"])
    feed(sync, *steady(["g1"], 2.0))
    assert not sync.accept(batch("g1", 1.0))
    assert sync.counters["time_backwards"] == 1


def test_one_absurd_stamp_moves_nothing():
    sync = Synchronizer(["g1", "g2"])
    feed(sync, *steady(["g1", "g2"], 2.0))
    closed = sync.closed_ns
    assert not sync.accept(batch("g1", 1e6))
    assert sync.ready() == []
    assert sync.closed_ns == closed
    assert feed(sync, *steady(["g1", "g2"], 3.0, 2.0))
    assert sync.counters["implausible_stamp"] == 1


def test_an_absurd_gate_stamp_moves_nothing():
    sync = Synchronizer(["g1"])
    feed(sync, *steady(["g1"], 2.0))
    sync.note_gate(GateEvent(START + 10**15, "exit", GateKind.EXIT, "a"))
    assert sync.ready() == []
    assert sync.dead == ()


def test_missing_messages_are_a_gap_only_when_they_are_many():
    sync = Synchronizer(["g1"])
    feed(sync, *steady(["g1"], 2.0), *steady(["g1"], 4.0, 2.4))
    assert sync.take_gaps() == ()
    feed(sync, *steady(["g1"], 7.0, 5.4))
    assert len(sync.take_gaps()) == 1


def test_an_unknown_stream_is_refused():
    sync = Synchronizer(["g1"])
    assert not sync.accept(batch("g9", 1.0))
    assert sync.counters["unknown_stream"] == 1


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.floats(0.0, 0.3))
def test_no_tick_closes_before_its_data_came_whatever_the_order(random, late_s):
    names = ["g1", "g2", "g3"]
    sent = [(t + random.random() * late_s, b) for n in names
            for t in np.arange(0, 6, 0.2) for b in [batch(n, float(t))]]  # fmt: skip
    last = dict.fromkeys(names, -1.0)
    order = []
    for arrival, b in sorted(sent, key=lambda pair: pair[0]):
        at = max(arrival, last[b.controller])
        last[b.controller] = at
        order.append((at, b))
    sync = Synchronizer(names, SyncConfig(late_limit_s=1.5))
    newest = dict.fromkeys(names, 0)
    for _, b in sorted(order, key=lambda pair: pair[0]):
        if sync.accept(b):
            newest[b.controller] = b.end_ns
        for tick in sync.ready():
            assert min(newest.values()) >= tick
    assert sync.counters["streams_dead"] == 0
