"""Clocks that are wrong: the others go on, and what is wrong is said and not used."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.fusion.synchronizer import SECOND, TICK_NS, Synchronizer
from aisle.records import GateEvent, GateKind, WeightBatch

PERIOD_NS = SECOND // 60
START = 100_000
"""Seconds; far enough from 0 to be set back by hours."""
LIMIT_S = 1.5


def batch(name, at_s, samples=12):
    kilograms = np.zeros((samples, 1), dtype=np.float32)
    stamp = round((START + at_s) * SECOND)
    return WeightBatch(name, stamp, PERIOD_NS, (f"{name}/s1/p1",), kilograms, np.zeros(1, np.uint8))


def play(names, seconds, clock, delay=lambda: 0.0, since_s=0.0):
    """Batches in order of arrival: (true time, batch), stamped by `clock(name, true time)`.

    A delay holds up what the stream sends later too.
    """
    sent, phase = [], 0.2 / max(1, len(names))
    for number, name in enumerate(names):
        arrival = 0.0
        for true_s in np.arange(since_s + number * phase, seconds, 0.2):
            arrival = max(arrival + 1e-6, true_s + delay())
            stamp_s = clock(name, float(true_s))
            if stamp_s is not None:
                sent.append((arrival, float(true_s), batch(name, stamp_s)))
    return [(true_s, b) for _, true_s, b in sorted(sent, key=lambda s: s[0])]


class Heard:
    """What a synchronizer made of a play."""

    def __init__(self, names):
        self.sync = Synchronizer(names)
        self.used, self.refused, self.ticks, self.gaps = [], [], [], []

    def feed(self, played):
        for true_s, b in played:
            accepted = self.sync.accept(b)
            (self.used if accepted else self.refused).append((true_s, b))
            self.ticks += [(true_s, tick) for tick in self.sync.ready()]
            self.gaps += self.sync.take_gaps()
        return self

    def closed_s(self):
        return self.sync.closed_ns / SECOND - START

    def told(self, text):
        return [gap for gap in self.gaps if text in gap]


def said_s(text):
    """The seconds in "... by 3.2 s"."""
    return float(text.split()[-2])


def error_s(true_s, b):
    return b.stamp_ns / SECOND - START - true_s


CLOCKS = {
    "steps": lambda by, _: lambda t: t + (by if 5 < t < 15 else 0),
    "stays wrong": lambda by, _: lambda t: t + (by if t > 5 else 0),
    "drifts": lambda by, _: lambda t: t + (t - 5) * np.clip(by / 20, -0.5, 0.5) * (t > 5),
    "runs fast": lambda by, _: lambda t: t + max(0, t - 5) * abs(by),
    "is mad": lambda by, rng: lambda t: t if t < 5 else t + rng.uniform(-by, by),
    "stands": lambda by, _: lambda t: min(t, 5.0),
}


@settings(max_examples=120, deadline=None)
@given(
    st.integers(3, 6),
    st.sampled_from(sorted(CLOCKS)),
    st.one_of(st.floats(-20, 20), st.floats(-90_000, 90_000)),
    st.floats(0, 0.3),
    st.integers(0, 2**32),
)
def test_one_bad_clock_stops_nobody_else_and_is_not_used(n, kind, by, jitter, seed):
    rng = random.Random(seed)
    names = [f"g{i}" for i in range(n)]
    bad, wrong = rng.choice(names), CLOCKS[kind](by, rng)
    played = play(
        names, 20, lambda name, t: wrong(t) if name == bad else t, lambda: rng.random() * jitter
    )
    heard = Heard(names).feed(played)
    assert [b.controller for _, b in heard.refused if b.controller != bad] == []
    assert set(heard.sync.dead) <= {bad}
    assert [gap for gap in heard.gaps if f"weights/{bad}:" not in gap] == []
    # It may end in doubt, having fallen back within the limit: one limit for each.
    assert heard.closed_s() > 20 - 2 * LIMIT_S - 0.8
    ticks = [tick for _, tick in heard.ticks]
    assert set(np.diff(ticks)) == {TICK_NS}
    assert all(true_s > tick / SECOND - START - LIMIT_S for true_s, tick in heard.ticks)
    # Within the limit, and what a clock that falls back by up to half drifts in the doubt.
    assert all(abs(error_s(*used)) < LIMIT_S + 0.5 + LIMIT_S / 2 + jitter for used in heard.used)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("ahead_s", [1.8, 4.0, 30.0, 1e5])
def test_a_clock_that_jumps_ahead_is_named_and_used_again_when_it_is_back(n, ahead_s):
    names = ["bad", *(f"g{i}" for i in range(n))]
    played = play(names, 30, lambda name, t: t + ahead_s * (name == "bad" and 10 < t < 20))
    heard = Heard(names).feed(played)
    assert len(heard.told("weights/bad: clock ahead by")) == 1
    assert said_s(heard.told("clock ahead")[0]) == pytest.approx(ahead_s, abs=0.3)
    assert [gap for gap in heard.gaps if "weights/g" in gap] == []
    assert all(abs(error_s(*used)) < 0.01 for used in heard.used)
    right = [p for p in played if p[1].controller != "bad" or not 10 < p[0] < 20]
    assert heard.used == right
    assert heard.sync.dead == ()
    assert heard.sync.counters["streams_askew"] == heard.sync.counters["streams_revived"] == 1
    delays = [true_s - tick / SECOND + START for true_s, tick in heard.ticks]
    assert max(delays) < 2 * LIMIT_S


def test_a_clock_that_stays_behind_is_named_while_it_speaks():
    names = ["g1", "g2", "slow"]
    heard = Heard(names).feed(play(names, 20, lambda name, t: t - 3600 * (name == "slow")))
    assert heard.told("weights/slow: clock behind by")
    assert said_s(heard.sync.reasons["slow"]) == pytest.approx(3600, abs=0.3)
    assert not [b for _, b in heard.used if b.controller == "slow"]
    heard.feed(play(["g1", "g2"], 30, lambda name, t: t, since_s=20))
    assert heard.sync.reasons == {"slow": "silent"}


def test_a_lone_fast_clock_that_speaks_first_gives_way_to_the_majority():
    names = ["bad", "g1", "g2"]
    heard = Heard(names).feed(play(names, 10, lambda name, t: t + 100 * (name == "bad")))
    assert list(heard.sync.reasons) == ["bad"]
    assert said_s(heard.sync.reasons["bad"]) == pytest.approx(100, abs=0.3)
    assert heard.closed_s() == pytest.approx(9.7, abs=0.3)
    assert heard.sync.epoch == 1
    assert not [b for true_s, b in heard.used if b.controller == "bad" and true_s > 2 * LIMIT_S]


def test_of_two_that_drift_apart_the_slower_is_wrong():
    names = ["slow", "good"]
    heard = Heard(names).feed(play(names, 60, lambda name, t: t * (0.9 if name == "slow" else 1)))
    assert list(heard.sync.reasons) == ["slow"]
    assert heard.told("weights/slow: clock behind by")
    assert heard.sync.epoch == 0
    assert heard.closed_s() > 59


def test_when_the_majority_falls_silent_the_rest_goes_on():
    names = [f"g{i}" for i in range(5)]
    heard = Heard(names).feed(
        play(names, 20, lambda name, t: t if t < 10 or name == "g3" else None)
    )
    assert set(heard.sync.dead) == set(names) - {"g3"}
    assert heard.closed_s() > 19
    assert len(heard.told("silent")) == 4


def test_a_wrong_clock_leads_when_nobody_else_is_left():
    names = ["bad", "g1"]

    def clock(name, t):
        if name == "g1" and t > 10:
            return None
        return t + 50 if name == "bad" and t > 5 else t

    heard = Heard(names).feed(play(names, 20, clock))
    assert heard.sync.dead == ("g1",)
    assert heard.closed_s() > 69


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("back_s", [4.0, 12.0, 7200.0])
def test_a_store_whose_clocks_are_all_set_back_works_again_within_seconds(n, back_s):
    names = [f"g{i}" for i in range(n)]
    heard = Heard(names).feed(play(names, 30, lambda name, t: t - back_s * (t > 10)))
    assert heard.sync.epoch == 1
    assert heard.sync.counters["clock_steps"] == 1
    assert heard.sync.step_ns / SECOND == pytest.approx(-back_s, abs=0.5)
    (gap,) = heard.told("store: clocks were set back by")
    assert heard.gaps == [gap]
    assert heard.sync.dead == ()
    assert heard.closed_s() > 29 - back_s
    unseen = [true_s for true_s, _ in heard.refused]
    assert 10 <= min(unseen) <= max(unseen) < 10 + LIMIT_S + 0.5
    after = [(true_s, tick) for true_s, tick in heard.ticks if true_s > max(unseen) + 0.01]
    assert min(true_s for true_s, _ in after) < 12.5
    assert set(np.diff([tick for _, tick in after])) == {TICK_NS}


@settings(max_examples=40, deadline=None)
@given(st.floats(4.5, 90_000), st.floats(0, 0.3), st.integers(0, 2**32), st.integers(1, 5))
def test_ticks_of_an_epoch_are_in_order_whenever_hosts_notice_the_step(back_s, jitter, seed, n):
    rng = random.Random(seed)
    names = [f"g{i}" for i in range(n)]
    noticed = {name: 10 + rng.random() for name in names}
    heard = Heard(names)
    played = play(
        names, 25, lambda name, t: t - back_s * (t > noticed[name]), lambda: rng.random() * jitter
    )
    ticks = {0: [], 1: []}
    for true_s, b in played:
        before = heard.sync.epoch
        accepted = heard.sync.accept(b)
        assert accepted or heard.sync.epoch == before
        ticks[heard.sync.epoch] += heard.sync.ready()
        assert true_s < 15 or accepted
    for epoch in ticks.values():
        assert set(np.diff(epoch)) == {TICK_NS}
    assert heard.closed_s() > 24 - back_s


@pytest.mark.parametrize(("back_s", "gaps"), [(0.4, 0), (0.9, 1), (2.0, 1), (2.8, 1)])
def test_a_small_step_back_is_waited_for(back_s, gaps):
    names = ["g1", "g2"]
    heard = Heard(names).feed(play(names, 20, lambda name, t: t - back_s * (t > 10)))
    assert heard.sync.epoch == 0
    assert len(heard.told("missing")) == len(heard.gaps) == gaps * len(names)
    assert heard.sync.counters["time_backwards"] > 0
    assert heard.closed_s() > 19 - back_s
    assert set(np.diff([tick for _, tick in heard.ticks])) == {TICK_NS}


def test_all_clocks_set_ahead_are_followed_at_once():
    names = ["g1", "g2", "g3"]
    heard = Heard(names).feed(play(names, 20, lambda name, t: t + 30 * (t > 10)))
    assert heard.closed_s() > 49
    assert len(heard.refused) <= 2
    assert heard.sync.dead == ()
    assert heard.told("missing")


def test_messages_lost_everywhere_are_a_hole_and_kill_nobody():
    names = ["g1", "g2", "g3"]
    heard = Heard(names).feed(play(names, 20, lambda name, t: None if 10 < t < 14 else t))
    assert heard.sync.counters["streams_dead"] == heard.sync.counters["streams_askew"] == 0
    assert len(heard.told("missing")) == 3
    assert heard.closed_s() > 19


def test_a_burst_of_one_stream_kills_nobody():
    names = ["held", "g1", "g2"]
    played = play(names, 20, lambda name, t: t)
    stalled = [p for p in played if p[1].controller == "held" and 9.9 < p[0] < 15.1]
    rest = [p for p in played if p not in stalled]
    after = next(i for i, p in enumerate(rest) if p[0] > 15.1)
    heard = Heard(names).feed([*rest[:after], *stalled, *rest[after:]])
    assert heard.gaps == ["weights/held: silent for more than 1.5 s"]
    assert heard.refused == []
    assert heard.sync.dead == ()


def gate(at_s):
    return GateEvent(round((START + at_s) * SECOND), "door", GateKind.ENTER, "a")


def test_a_gate_whose_clock_is_ahead_stops_the_scales_only_once():
    names = ["g1", "g2"]
    heard = Heard(names)
    for since_s in range(0, 120, 10):
        heard.feed(play(names, since_s + 10, lambda name, t: t, since_s=since_s))
        heard.sync.note_gate(gate(since_s + 10 + 20))
    heard.feed(play(names, 130, lambda name, t: t, since_s=120))
    assert heard.sync.counters["streams_dead"] == 2
    (gap,) = heard.told("gate")
    assert said_s(gap) == pytest.approx(20, abs=0.3)
    assert heard.sync.counters["gates_ahead"] == 1
    assert heard.refused == []
    assert heard.sync.epoch == 0
    assert heard.closed_s() > 129


def test_gates_go_on_moving_time_when_all_scales_are_dead_or_askew():
    names = ["g1", "bad"]
    heard = Heard(names).feed(play(names, 10, lambda name, t: t + 50 * (name == "bad" and t > 5)))
    for at_s in (25, 40, 80):
        heard.sync.note_gate(gate(at_s))
        assert heard.sync.ready()
    assert set(heard.sync.dead) == {"g1", "bad"}
    assert heard.closed_s() == pytest.approx(69.75)
