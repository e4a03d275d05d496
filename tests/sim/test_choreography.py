"""A performance is what a store could show: bodies that fit, units that do not vanish."""

import itertools
import time
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, box
from shapely.affinity import affine_transform

from aisle.sim.choreography.body import ARM_M, shoulder
from aisle.sim.choreography.performance import SECOND, Performance
from aisle.sim.choreography.stock import initial_stock
from aisle.sim.scenario import Actions, Cue, Guest, Scenario
from aisle.sim.script import DeedKind, GestureKind
from aisle.sim.shoppers import write_script
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec

SEEDS = st.integers(0, 10_000)
ALL = Actions(
    take=0.3, take_several=0.1, put_back=0.1, put_back_elsewhere=0.1, look_and_put_back=0.1,
    touch=0.1, two_hands=0.1, hand_over=0.2, swap_places=0.1, two_at_slot=0.2, crowd=0.1,
)  # fmt: skip


@cache
def performed(seed, **fields):
    spec = StoreSpec(gondolas=2, fridges=1, shelves=(3, 4), plates=(9,), bare_shelves=0.3)
    store = generate_store(np.random.default_rng(seed), spec)
    scenario = Scenario(
        **{
            "shoppers": 3, "together": 3, "walk": True, "actions": ALL, "action_s": 3.0,
            "stay_s": (25.0, 35.0), "group_size": (1, 2), **fields,
        }
    )  # fmt: skip
    script = write_script(store, scenario, np.random.default_rng((seed, 1)))
    return Performance(store, script, seed)


def at(performance, seconds):
    return performance.start_ns + round(seconds * SECOND)


def scenes(performance, step_s):
    times = np.arange(0.0, performance.script.duration_s, step_s)
    return [performance.scene(at(performance, t)) for t in times]


def footprint(fixture):
    m, (width, depth, _) = fixture.pose, fixture.size_m
    return affine_transform(
        box(0, 0, width, depth), [m[0, 0], m[0, 1], m[1, 0], m[1, 1], m[0, 3], m[1, 3]]
    )


@settings(max_examples=3, deadline=None)
@given(SEEDS)
def test_nobody_walks_through_fixtures_or_people_or_too_fast(seed):
    performance = performed(seed)
    fixtures = MultiPolygon([footprint(f) for f in performance.store.fixtures.values()])
    before = {}
    for scene in scenes(performance, 0.1):
        people = {(p.session, p.number): p for p in scene.people}
        for a, b in itertools.combinations(people.values(), 2):
            assert np.hypot(*np.subtract(a.position, b.position)) >= 0.4
        for key, person in people.items():
            assert fixtures.distance(Point(person.position)) > 0.2
            if key in before:
                step = np.hypot(*np.subtract(person.position, before[key].position))
                assert step / 0.1 < 1.6
                assert abs(person.heading - before[key].heading) / 0.1 < 6.0
        before = people


@settings(max_examples=3, deadline=None)
@given(SEEDS)
def test_hands_are_within_reach_and_move_softly(seed):
    performance = performed(seed)
    before = {}
    for scene in scenes(performance, 0.1):
        now = {}
        for person in scene.people:
            stance = (*person.position, person.heading, person.bend)
            for side, hand in (("left", person.left_hand), ("right", person.right_hand)):
                if hand is None:
                    continue
                key = (person.session, person.number, side)
                now[key] = hand
                assert np.linalg.norm(hand - shoulder(stance, side)) <= ARM_M
                if key in before:
                    assert np.linalg.norm(hand - before[key]) / 0.1 < 6.0
        before = now


@settings(max_examples=3, deadline=None)
@given(SEEDS)
def test_each_deed_moves_its_units_at_its_stamp(seed):
    performance = performed(seed)
    assert performance.script.deeds

    def where(unit, seconds):
        found = [u for u in performance.scene(at(performance, seconds)).units if u.id == unit]
        return found[0].pose[:3, 3] if found else None

    for deed in performance.script.deeds:
        for unit in deed.units:
            begin, end = where(unit, deed.start_s), where(unit, deed.end_s)
            if deed.kind is DeedKind.TAKE:
                np.testing.assert_array_equal(begin, where(unit, deed.start_s - 0.02))
                assert np.linalg.norm(end - begin) > 0.03
            elif deed.kind is DeedKind.RETURN:
                np.testing.assert_array_equal(end, where(unit, deed.end_s + 0.02))
                assert np.linalg.norm(end - begin) > 0.02
            else:
                np.testing.assert_allclose(end, begin, atol=1e-6)


@settings(max_examples=3, deadline=None)
@given(SEEDS)
def test_the_palm_is_on_the_unit_when_it_is_taken(seed):
    performance = performed(seed)
    products = performance.store.products
    for deed in performance.script.deeds:
        if deed.kind is not DeedKind.TAKE:
            continue
        path = performance.hand_path(deed, rate_hz=50.0)
        palm = path[np.abs(path[:, 0] - deed.start_s).argmin(), 1:]
        scene = performance.scene(at(performance, deed.start_s))
        unit = next(u for u in scene.units if u.id == deed.units[0])
        size = np.linalg.norm(products[deed.product].size_m)
        assert np.linalg.norm(palm - unit.pose[:3, 3]) < 0.6 * size + 0.05


@settings(max_examples=3, deadline=None)
@given(SEEDS)
def test_no_unit_is_lost_or_doubled_or_jumps(seed):
    performance = performed(seed)
    everything = {u.id for u in initial_stock(performance.store, performance.script.stock_seed)}
    before, last, taken = {}, {}, set()
    for scene in scenes(performance, 0.05):
        truth = performance.truth(scene.stamp_ns)
        bagged = [unit for person in truth.people for unit in person.bagged]
        seen = [unit.id for unit in scene.units]
        assert len(seen) == len(set(seen))
        here = {(p.session, p.number): p for p in truth.people}
        left = [person for key, person in last.items() if key not in here]
        taken |= {unit for person in left for unit in (*person.bagged, *dict(person.held))}
        last = here
        assert everything == {*seen, *bagged, *taken}
        held = {unit for person in truth.people for unit, _ in person.held}
        assert held == {unit.id for unit in scene.units if unit.holder}
        now = {u.id: u.pose[:3, 3] for u in scene.units if u.holder}
        for unit, place in now.items():
            if unit in before:
                assert np.linalg.norm(place - before[unit]) / 0.05 < 6.0
        before = now


def test_what_is_carried_out_is_what_the_script_says():
    performance = performed(11)
    script = performance.script
    for visit in script.visits:
        truth = performance.truth(at(performance, visit.exit_s - 0.01))
        mine = [p for p in truth.people if p.session == visit.session]
        if len(mine) < visit.group_size:
            continue
        units = [u for p in mine for u in (*p.bagged, *dict(p.held))]
        want = {}
        for deed in script.deeds:
            if deed.session == visit.session and deed.kind is not DeedKind.TOUCH:
                for unit in deed.units:
                    want[unit] = want.get(unit, 0) + (1 if deed.kind is DeedKind.TAKE else -1)
        for gesture in script.gestures:
            if gesture.kind is GestureKind.HAND_OVER:
                for unit in gesture.units:
                    want[unit] = want.get(unit, 0) - (gesture.session == visit.session)
                    want[unit] += gesture.counterpart == visit.session
        assert sorted(units) == sorted(unit for unit, count in want.items() if count > 0)


def test_any_moment_can_be_asked_for_in_any_order_and_gives_the_same():
    first, second = performed(5), Performance(performed(5).store, performed(5).script, 5)
    times = [31.7, 12.3, 55.0, 12.3]
    for t in times:
        a, b = first.scene(at(first, t)), second.scene(at(second, t))
        assert [u.id for u in a.units] == [u.id for u in b.units]
        assert a.doors == b.doors
        for p, q in zip(a.people, b.people, strict=True):
            assert (p.position, p.heading, p.seed) == (q.position, q.heading, q.seed)
            np.testing.assert_array_equal(p.right_hand, q.right_hand)


def test_the_same_seed_writes_the_same_script():
    one = performed(7)
    again = write_script(
        one.store,
        Scenario(shoppers=3, together=3, walk=True, actions=ALL, action_s=3.0,
                 stay_s=(25.0, 35.0), group_size=(1, 2)),
        np.random.default_rng((7, 1)),
    )  # fmt: skip
    assert again == one.script


def test_a_scene_costs_little():
    performance = performed(5)
    times = np.random.default_rng(0).uniform(5, performance.script.duration_s, 300)
    began = time.process_time()
    for t in times:
        performance.scene(at(performance, t))
    assert (time.process_time() - began) / len(times) < 0.003


def test_a_script_without_ways_cannot_be_performed():
    store = performed(5).store
    script = write_script(store, Scenario(shoppers=1), np.random.default_rng(1))
    with pytest.raises(ValueError, match="walk: true"):
        Performance(store, script, 1)


def test_two_hands_meet_where_something_is_handed_over():
    store = performed(5).store
    scenario = Scenario(
        walk=True,
        cast=(Guest(enter_s=1.0), Guest(enter_s=3.0)),
        cues=(Cue(who=1, do="take", keep=True), Cue(who=1, do="hand_over", to=2)),
    )
    script = write_script(store, scenario, np.random.default_rng(4))
    performance = Performance(store, script, 4)
    gesture = next(g for g in script.gestures if g.kind is GestureKind.HAND_OVER)
    middle = gesture.start_s + 0.5 * gesture.duration_s
    people = {p.session: p for p in performance.truth(at(performance, middle)).people}
    giver = getattr(people["shopper-1"], f"{gesture.hand}_hand")
    taker = getattr(people["shopper-2"], f"{gesture.counterpart_hand}_hand")
    assert np.linalg.norm(giver - taker) < 0.2
    holders = [
        next(u.holder for u in performance.scene(at(performance, t)).units if u.holder)
        for t in (middle - 0.05, middle + 0.05)
    ]
    assert holders == ["shopper-1", "shopper-2"]
    assert people["shopper-1"].action == "hand_over"


def test_a_fridge_door_is_open_while_hands_are_inside():
    reached = 0
    for seed in range(20, 26):
        performance = performed(seed)
        for deed in performance.script.deeds:
            fixture = performance.store.shelves[deed.shelf].fixture
            if performance.store.fixtures[fixture].kind == "fridge":
                for moment in (deed.start_s, deed.end_s):
                    assert performance.scene(at(performance, moment)).doors[fixture] > 1.5
                reached += 1
    assert reached


def test_slots_are_filled_and_units_stand_on_their_shelves():
    store = performed(5).store
    stock = initial_stock(store, 1)
    assert stock == initial_stock(store, 1) != initial_stock(store, 2)
    assert {unit.slot for unit in stock} == set(store.slots)
    for unit in stock:
        width, depth, _ = store.shelves[unit.shelf].size_m
        assert 0 < unit.place.x_m < width
        assert 0 < unit.place.y_m < depth
