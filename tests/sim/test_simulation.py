import time

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.records import Action, PlateStatus, WeightBatch
from aisle.sim.fit import fit_noise
from aisle.sim.scales import NOISE, footprint
from aisle.sim.scenario import Catalogue, Scales, Scenario, ScenarioError, load_scenario
from aisle.sim.simulation import simulate
from aisle.store.generate import generate_store
from aisle.store.layout import shelf_layout
from aisle.store.load import check_store, load_store
from aisle.store.spec import StoreSpec
from aisle.store.write import write_store

SECOND = 1_000_000_000


def small(seed=1, **fields):
    spec = StoreSpec(**{"gondolas": 1, "shelves": (2,), **fields})
    return generate_store(np.random.default_rng(seed), spec)


def quick(**fields):
    return Scenario(**{"shoppers": 2, "stay_s": (25.0, 30.0), "action_s": 3.0, **fields})


def same(left, right):
    assert left.arrival_ns == right.arrival_ns
    if isinstance(left.record, WeightBatch):
        np.testing.assert_array_equal(left.record.kilograms, right.record.kilograms)
        assert left.record.stamp_ns == right.record.stamp_ns
    else:
        assert left.record == right.record


def test_a_seed_makes_the_same_messages_again():
    store = small()
    runs = [list(simulate(store, quick(), 5).arrivals()) for _ in range(2)]
    assert len(runs[0]) == len(runs[1]) > 100
    for left, right in zip(*runs, strict=True):
        same(left, right)


def test_another_seed_makes_another_day():
    store = small()
    assert simulate(store, quick(), 5).truth != simulate(store, quick(), 6).truth


def test_a_part_can_be_simulated_without_what_came_before():
    simulation = simulate(small(), quick(), 5)
    whole = [a for a in simulation.batches() if a.arrival_ns >= simulation.start_ns + 25 * SECOND]
    part = list(simulation.batches(from_s=25.0))
    known = {a.record.stamp_ns for a in whole}
    assert {a.record.stamp_ns for a in part} <= known
    assert len(part) > 0.98 * len(whole)


def test_scales_end_up_lighter_by_what_was_taken():
    scales = Scales(noise=0.2, bursts_per_minute=0)
    scenario = quick(scales=scales, catalogue=Catalogue(tail_share=0))
    simulation = simulate(small(), scenario, 8)
    events = simulation.truth
    assert events
    taken = sum(e.weight_kg if e.action is Action.TAKE else -e.weight_kg for e in events)
    rate = 60.0
    last = int((simulation.duration_s - 2) * rate)
    before = simulation.signal("g1", 0, 60).mean(axis=0).sum()
    after = simulation.signal("g1", last, 60).mean(axis=0).sum()
    assert before - after == pytest.approx(taken, rel=0.06, abs=0.03)


def test_receipts_are_takes_less_returns():
    simulation = simulate(small(), quick(shoppers=5), 9)
    for session, lines in simulation.receipts().items():
        assert all(n > 0 for n in lines.values()), session


def test_a_tenth_of_the_actions_are_put_backs_on_a_wrong_shelf():
    store = generate_store(np.random.default_rng(2))
    simulation = simulate(store, Scenario(shoppers=120), 3)
    foreign = sum(e.foreign and e.action is Action.RETURN for e in simulation.truth)
    touches = len(simulation.script.deeds) - len(simulation.truth)
    assert 0.06 < foreign / len(simulation.truth) < 0.15
    assert touches > 20


def test_scales_are_simulated_fifty_times_faster_than_real_time():
    store = generate_store(np.random.default_rng(2))
    simulation = simulate(store, Scenario(shoppers=1), 3)
    began = time.process_time()
    count = sum(1 for _ in simulation.batches())
    spent = time.process_time() - began
    assert count > 1000
    assert simulation.duration_s / spent > 50


@pytest.fixture(scope="module")
def rewired(tmp_path_factory):
    """A store, and the same one with every second plate of each shelf on another controller."""
    # A plate without a frame takes its place from the order in the rig.
    folder = write_store(small(frameless=0.0), tmp_path_factory.mktemp("rewired"))
    store = load_store(folder)[0]
    rig = yaml.safe_load((folder / "rig.yaml").read_text())
    whole = rig["controllers"].pop("g1")
    plates = whole["plates"]
    rig["controllers"] = {
        "left": {**whole, "plates": plates[::2]},
        "right": {**whole, "plates": plates[:0:-2], "samples_per_message": 10},
    }
    (folder / "rig.yaml").write_text(yaml.safe_dump(rig))
    problems = check_store(folder)
    assert [problem for problem in problems if problem.severity == "error"] == []
    return store, load_store(folder)[0]


def test_a_shelf_may_hang_on_two_controllers(rewired):
    simulation = simulate(rewired[1], quick(), 8)
    seen = set()
    for arrival in simulation.batches():
        controller = rewired[1].controllers[arrival.record.controller]
        assert arrival.record.plates == controller.plates
        assert arrival.record.kilograms.shape[1] == len(controller.plates)
        seen.add(controller.id)
    assert seen == {"left", "right"}


def test_hands_are_felt_across_the_controllers_of_a_shelf(rewired):
    calm = Scales(noise=0.05, bursts_per_minute=0)
    one, two = (simulate(store, quick(scales=calm), 8) for store in rewired)
    assert one.truth == two.truth
    touched = set()
    for event in one.truth:
        first = round((event.stamp_ns - one.start_ns) / SECOND * 60) - 90
        whole = moves(one, "g1", first)
        for controller in ("left", "right"):
            for plate, move in moves(two, controller, first).items():
                np.testing.assert_allclose(move, whole[plate], atol=0.01)
                if plate not in event.plates and np.abs(move).max() > 0.02:
                    touched |= {(controller, two.store.plates[p].controller) for p in event.plates}
    assert touched >= {("left", "right"), ("right", "left")}


def moves(simulation, controller, first):
    """Three seconds of each plate, relative to their beginning."""
    signal = simulation.signal(controller, first, 180)
    plates = simulation.store.controllers[controller].plates
    return dict(zip(plates, (signal - signal[0]).T, strict=True))


def test_faults_are_marked():
    scales = Scales(dead_plates=0.5, stuck_plates=0.3)
    simulation = simulate(small(), quick(scales=scales), 4)
    batch = next(simulation.batches()).record
    dead = np.isnan(batch.kilograms).all(axis=0)
    assert dead.any()
    assert (batch.status[dead] == PlateStatus.MISSING).all()
    assert (batch.status[~dead] == PlateStatus.OK).all()


def test_dropped_and_silent_messages_are_missing():
    scales = Scales(silent=(("g1", 10.0, 20.0),), dropped_messages=0.0)
    simulation = simulate(small(), quick(scales=scales), 4)
    times = [(a.record.stamp_ns - simulation.start_ns) / SECOND for a in simulation.batches()]
    assert not [t for t in times if 10.1 < t < 19.9]
    assert [t for t in times if t < 9]


@settings(max_examples=60, deadline=None)
@given(st.floats(-0.2, 2.0), st.floats(0.01, 0.6), st.integers(0, 1000))
def test_a_footprint_shares_out_the_whole_weight(x, width, seed):
    store = small()
    layout = shelf_layout(store, next(iter(store.shelves)))
    share = footprint(layout, x, width, np.random.default_rng(seed))
    assert share.sum() == pytest.approx(1.0)
    assert (share >= 0).all()


def test_slow_shifts_change_a_few_grams_and_nothing_else():
    store = small()
    quiet = Scales(noise=0.0, sways_per_minute=0.0, bursts_per_minute=0.0)
    swaying = quiet.model_copy(update={"sways_per_minute": 20.0})
    still, moved = (simulate(store, quick(scales=scales), 4) for scales in (quiet, swaying))
    assert moved.truth == still.truth
    controller = next(iter(store.controllers))
    count = 60 * 40
    off = moved.signal(controller, 0, count) - still.signal(controller, 0, count)
    largest = np.abs(off).max(axis=0)
    assert 0.001 < np.median(largest) < 0.02
    assert np.abs(np.diff(off, axis=0)).max() < 0.004


def test_the_fit_finds_the_noise_that_was_simulated():
    store = generate_store(np.random.default_rng(7), StoreSpec(gondolas=4))
    scenario = Scenario(shoppers=0, lead_s=12.0, scales=Scales(bursts_per_minute=0))
    simulation = simulate(store, scenario, 1)
    found = fit_noise((a.record for a in simulation.batches()), 9.0, "simulated")
    assert found["sd_kg"]["shelf_log_median"] == pytest.approx(
        NOISE["sd_kg"]["shelf_log_median"], abs=0.5
    )
    assert found["quantum_kg"] == pytest.approx(NOISE["quantum_kg"], rel=0.05)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("shoppers: -1", "shoppers"),
        ("nonsense: 1", "nonsense"),
        ("scales: {noise: loud}", "scales.noise"),
        ("- a list", "YAML"),
        ("a: [", "YAML"),
    ],
)
def test_a_bad_scenario_says_file_and_field(tmp_path, text, says):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=says) as error:
        load_scenario(path)
    assert "bad.yaml" in str(error.value)


def test_a_missing_scenario_says_so(tmp_path):
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_scenario(tmp_path / "none.yaml")
