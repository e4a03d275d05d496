from dataclasses import replace

import numpy as np
import pytest

from aisle.fusion.fusion import Fusion, FusionConfig, StoreAt
from aisle.fusion.runtime import ModelError, load_runtime
from aisle.learning.collect import Teacher
from aisle.receipts import Ledger
from aisle.records import Action, ChangeState, GateEvent, GateKind
from aisle.sim.scenario import Scales, Scenario
from aisle.sim.simulation import simulate
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec

SECOND = 1_000_000_000


class Perfect(Teacher):
    """Answers from the truth, at once and without mistakes."""

    def _plan(self):
        return 0.1, "right"


def make(seed=3, **scenario):
    rng = np.random.default_rng(seed)
    store = generate_store(rng, StoreSpec(gondolas=2, shelves=(2,), plates=(6,)))
    fields = {"shoppers": 2, "stay_s": (30.0, 35.0), "action_s": 4.0, **scenario}
    return simulate(store, Scenario(**fields), seed)


class Quiet:
    """A perfect teacher that never makes up events."""

    def __init__(self, simulation):
        self.rng = np.random.default_rng(1)
        self.teacher = Perfect(simulation.effects, self)
        self.manifest = {}

    def random(self, *args):
        return 1.0

    def uniform(self, *args):
        return args[-1]

    def integers(self, *args):
        return 0

    def normal(self, *args):
        return 0.0

    def run(self, windows):
        return self.teacher.run(windows)


def push_all(fusion, simulation):
    found = [p for a in simulation.arrivals() for p in fusion.push(a.record)]
    return found + fusion.finish()


def held(predictions):
    last = {}
    for prediction in predictions:
        for change in prediction.changes:
            last[change.id] = (prediction.session, change)
    found = {}
    for session, change in last.values():
        if change.state is not ChangeState.WITHDRAWN:
            sign = 1 if change.action is Action.TAKE else -1
            lines = found.setdefault(session, {})
            lines[change.product] = lines.get(change.product, 0) + sign * change.quantity
    return {s: {p: n for p, n in lines.items() if n} for s, lines in found.items()}


def test_a_model_that_is_always_right_gives_true_receipts():
    simulation = make()
    fusion = Fusion(simulation.store, Quiet(simulation))
    assert held(push_all(fusion, simulation)) == simulation.receipts()


def test_every_session_ends_with_one_final_prediction():
    simulation = make()
    found = push_all(Fusion(simulation.store, Quiet(simulation)), simulation)
    assert sorted(p.session for p in found if p.final) == ["shopper-1", "shopper-2"]


def test_the_same_records_give_the_same_predictions():
    simulation, runtime = make(), load_runtime()
    first = push_all(Fusion(simulation.store, runtime), simulation)
    assert first
    assert push_all(Fusion(simulation.store, runtime), simulation) == first


def test_small_changes_of_arrival_order_do_not_change_a_receipt():
    simulation, runtime = make(), load_runtime()
    straight = held(push_all(Fusion(simulation.store, runtime), simulation))
    rng = np.random.default_rng(2)
    arrivals = list(simulation.arrivals())
    delay = rng.uniform(0, 0.03 * SECOND, len(arrivals))
    order = np.argsort([a.arrival_ns + d for a, d in zip(arrivals, delay, strict=True)])
    fusion = Fusion(simulation.store, runtime)
    found = [p for i in order for p in fusion.push(arrivals[i].record)]
    assert held([*found, *fusion.finish()]) == straight


def test_ids_are_stable_and_unique_within_a_session():
    simulation = make()
    found = push_all(Fusion(simulation.store, Quiet(simulation)), simulation)
    for prediction in found:
        assert all(c.id.startswith(f"{prediction.session}/") for c in prediction.changes)


def test_a_change_is_tentative_first_and_confirmed_later():
    simulation = make()
    states = {}
    for prediction in push_all(Fusion(simulation.store, Quiet(simulation)), simulation):
        for change in prediction.changes:
            states.setdefault(change.id, []).append(change.state)
    assert states
    for seen in states.values():
        assert seen[0] is ChangeState.TENTATIVE
        assert seen[-1] is ChangeState.CONFIRMED


def test_a_restored_fusion_says_again_what_it_said_and_that_it_was_away():
    simulation = make(shoppers=1, stay_s=(40.0, 41.0))
    fusion = Fusion(simulation.store, Quiet(simulation))
    arrivals = list(simulation.arrivals())
    half = len(arrivals) * 2 // 3
    said = [p for a in arrivals[:half] for p in fusion.push(a.record)]
    again = Fusion(simulation.store, Quiet(simulation))
    restored = again.restore(fusion.snapshot(), "fusion was away")
    assert held(restored) == held(said)
    assert [p.gaps for p in restored] == [("fusion was away",)]
    later = [p for a in arrivals[half:] for p in again.push(a.record)] + again.finish()
    assert [p.session for p in later if p.final] == ["shopper-1"]


def test_a_snapshot_from_elsewhere_is_refused():
    simulation = make()
    with pytest.raises(ValueError, match="not a fusion state"):
        Fusion(simulation.store, Quiet(simulation)).restore(b"{}", "away")


def test_scales_that_fall_silent_are_a_gap_of_the_open_session():
    scales = Scales(silent=(("g1", 15.0, 20.0),))
    simulation = make(shoppers=1, scales=scales)
    controller = next(iter(simulation.store.controllers))
    assert controller == "g1"
    found = push_all(Fusion(simulation.store, Quiet(simulation)), simulation)
    gaps = [gap for p in found for gap in p.gaps]
    assert any("g1" in gap for gap in gaps)


def test_bad_gate_events_are_counted_and_change_nothing():
    simulation = make(shoppers=1)
    fusion = Fusion(simulation.store, Quiet(simulation))
    exit_event = simulation.gate_events[-1]
    found = []
    for arrival in simulation.arrivals():
        found += fusion.push(arrival.record)
        if arrival.record == exit_event:
            found += fusion.push(exit_event)
            found += fusion.push(replace(exit_event, session="nobody"))
    found += fusion.finish()
    assert [p.session for p in found if p.final] == ["nobody", "shopper-1"]
    assert fusion.counters["repeated_gate_events"] == 1
    assert fusion.counters["exits_without_session"] == 1


def test_a_batch_with_other_plates_is_refused():
    simulation = make()
    fusion = Fusion(simulation.store, Quiet(simulation))
    batch = next(simulation.batches()).record
    fusion.push(replace(batch, plates=batch.plates[::-1]))
    assert fusion.counters["unknown_plates"] == 1


def test_a_new_store_model_counts_a_second_after_its_stamp():
    simulation = make()
    fusion = Fusion(simulation.store, Quiet(simulation), FusionConfig(store_delay_s=1.0))
    newer = replace(simulation.store, revision=2)
    revisions = []
    for arrival in simulation.arrivals():
        if not revisions:
            fusion.push(StoreAt(simulation.start_ns + 5 * SECOND, newer))
        fusion.push(arrival.record)
        revisions.append((fusion.sync.closed_ns or 0, fusion.store.revision))
    changed = next(stamp for stamp, revision in revisions if revision == 2)
    assert 6.0 <= (changed - simulation.start_ns) / SECOND < 6.6


def test_without_shoppers_nobody_is_billed():
    simulation = make(shoppers=0, lead_s=20.0)
    assert push_all(Fusion(simulation.store, load_runtime()), simulation) == []


def test_leaving_is_known_until_the_session_is_closed():
    simulation = make(shoppers=1)
    fusion = Fusion(simulation.store, Quiet(simulation))
    for arrival in simulation.arrivals():
        fusion.push(arrival.record)
        if isinstance(arrival.record, GateEvent) and arrival.record.kind is GateKind.EXIT:
            assert fusion.leaving
    fusion.finish()
    assert not fusion.leaving


def test_a_file_that_is_no_model_is_refused_with_its_name(tmp_path):
    path = tmp_path / "m.onnx"
    with pytest.raises(ModelError, match="no such model"):
        load_runtime(path)
    path.write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"m\.onnx"):
        load_runtime(path)


def test_a_session_that_has_ended_does_not_open_again():
    simulation = make(shoppers=1)
    fusion = Fusion(simulation.store, Quiet(simulation))
    enter = simulation.gate_events[0]
    found = [p for a in simulation.arrivals() for p in fusion.push(a.record)] + fusion.finish()
    fusion.push(enter)
    found += fusion.finish()
    assert sum(p.final for p in found) == 1
    assert fusion.memory.sessions == {}


def test_an_entry_told_late_is_a_gap():
    simulation = make(shoppers=1)
    fusion = Fusion(simulation.store, Quiet(simulation))
    held, gaps = [], []
    for arrival in simulation.arrivals():
        if isinstance(arrival.record, GateEvent) and not held:
            held.append(arrival)
            continue
        if held and arrival.arrival_ns > held[0].arrival_ns + 6 * SECOND and len(held) == 1:
            held.append(arrival)
            gaps += [gap for p in fusion.push(held[0].record) for gap in p.gaps]
        gaps += [gap for p in fusion.push(arrival.record) for gap in p.gaps]
    assert any("gate" in gap for gap in gaps)


def test_readings_that_are_no_weights_count_as_missed():
    simulation = make(shoppers=1)
    fusion = Fusion(simulation.store, load_runtime())
    found = []
    for number, arrival in enumerate(simulation.arrivals()):
        record = arrival.record
        if not isinstance(record, GateEvent) and number % 7 == 0:
            kilograms = record.kilograms.copy()
            kilograms[:, 0] = 3e38
            record = replace(record, kilograms=kilograms)
        found += fusion.push(record)
    found += fusion.finish()
    assert all(np.isfinite(c.probability) for p in found for c in p.changes)
    assert fusion.counters["batches_with_missed_samples"] > 5


def test_controllers_without_a_usable_reading_are_a_gap():
    simulation = make(shoppers=1)
    fusion = Fusion(simulation.store, Quiet(simulation))
    gaps = []
    for arrival in simulation.arrivals():
        record = arrival.record
        at_s = (arrival.arrival_ns - simulation.start_ns) / SECOND
        if not isinstance(record, GateEvent) and record.controller == "g1" and 15 < at_s < 20:
            record = replace(record, kilograms=np.full_like(record.kilograms, np.nan))
        gaps += [gap for p in fusion.push(record) if not p.final for gap in p.gaps]
    assert len([gap for gap in gaps if "no usable reading" in gap]) == 1


def test_a_store_model_with_other_plates_is_followed():
    simulation = make(shoppers=1)
    fusion = Fusion(simulation.store, Quiet(simulation))
    first = simulation.store.controllers["g1"]
    swapped = replace(first, plates=first.plates[::-1])
    newer = replace(simulation.store, controllers={**simulation.store.controllers, "g1": swapped})
    for number, arrival in enumerate(simulation.arrivals()):
        if number == 100:
            fusion.push(StoreAt(arrival.arrival_ns - 2 * SECOND, newer))
        fusion.push(arrival.record)
    assert fusion.counters["unknown_plates"] > 0
    assert fusion.store.controllers["g1"].plates == first.plates[::-1]


def test_a_passage_from_the_future_is_refused():
    simulation = make(shoppers=1)
    fusion = Fusion(simulation.store, Quiet(simulation))
    found = []
    for number, arrival in enumerate(simulation.arrivals()):
        found += fusion.push(arrival.record)
        if number == 20:
            poison = GateEvent(arrival.arrival_ns + 10**18, "exit", GateKind.EXIT, "shopper-1")
            found += fusion.push(poison)
            assert not fusion.leaving
    found += fusion.finish()
    assert sum(p.final for p in found) == 1
    assert fusion.counters["gate_events_from_the_future"] == 1


@pytest.mark.parametrize("seconds", [30, 3600])
def test_sessions_go_on_when_all_clocks_are_set_back(seconds, tmp_path):
    """What is seen after it counts; who was inside gets a gap, and leaves by the new clocks."""
    simulation = make(shoppers=1)
    fusion = Fusion(simulation.store, Quiet(simulation))
    step_ns, found, true_ns = seconds * SECOND, [], {}
    begin, end = (event.stamp_ns for event in simulation.gate_events)
    for arrival in simulation.arrivals():
        record = arrival.record
        true_ns[len(found)] = record.stamp_ns
        if record.stamp_ns > (begin + end) // 2:
            record = replace(record, stamp_ns=record.stamp_ns - step_ns)
        found += fusion.push(record)
    found += fusion.finish()
    (final,) = [p for p in found if p.final]
    assert end + 3 * SECOND <= true_ns[found.index(final)] < end + 4 * SECOND
    # The ledger takes the newer stamp for the newer state.
    assert (np.diff([p.stamp_ns for p in found]) > 0).all()
    ledger = Ledger(str(tmp_path / "ledger.db"))
    ledger.set_catalogue(simulation.store)
    for prediction in found:
        ledger.apply(prediction)
    assert ledger.counters["stale_changes"] == 0
    gaps = [gap for p in found for gap in p.gaps]
    assert any("set back" in gap for gap in gaps)
    assert fusion.memory.sessions == {}
    assert fusion.sync.epoch == 1


def test_a_session_that_is_restored_in_an_earlier_time_goes_on_with_newer_stamps():
    simulation = make(shoppers=1)
    fusion = Fusion(simulation.store, Quiet(simulation))
    half = len(list(simulation.arrivals())) * 2 // 3
    told = [p for a in list(simulation.arrivals())[:half] for p in fusion.push(a.record)]
    assert len(told) > 1
    again = Fusion(simulation.store, Quiet(simulation))
    found = again.restore(fusion.snapshot(), "restarted")
    assert found[0].stamp_ns >= told[-1].stamp_ns
    for arrival in list(simulation.arrivals())[half:]:
        stamp_ns = arrival.record.stamp_ns - 3600 * SECOND
        found += again.push(replace(arrival.record, stamp_ns=stamp_ns))
    assert len(found) > 1
    assert (np.diff([p.stamp_ns for p in found]) > 0).all()
