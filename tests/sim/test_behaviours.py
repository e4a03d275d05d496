"""What shoppers with bodies do, as scales, receipts and the truth see it."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from aisle.bags.truth import read_truth, truth_of, write_truth
from aisle.records import Action
from aisle.sim.scenario import Actions, Cue, Guest, Scenario, ScenarioError, load_scenario
from aisle.sim.script import DeedKind, GestureKind
from aisle.sim.shoppers import write_script
from aisle.sim.simulation import simulate
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec

SCENARIOS = Path(__file__).parents[2] / "config" / "scenarios"


def store(seed=3, **fields):
    spec = {"gondolas": 2, "shelves": (3,), "plates": (9,), "frameless": 0.0, "aisle_m": (2.0, 2.0)}
    return generate_store(np.random.default_rng(seed), StoreSpec(**{**spec, **fields}))


def scripted(*cues, cast=((2.0, ("basket",)), (4.0, ("basket",))), where=None, seed=1):
    guests = tuple(Guest(enter_s=enter, bags=bags) for enter, bags in cast)
    scenario = Scenario(walk=True, cast=guests, cues=tuple(Cue(**cue) for cue in cues))
    return simulate(where or store(), scenario, seed)


def said(simulation):
    return [
        (e.session, e.action.name, e.quantity, e.foreign, e.counterpart) for e in simulation.truth
    ]


# Made before people had bodies: a scale model has been trained on scripts like these.
@pytest.mark.parametrize(
    ("name", "expected"),
    [("calm", "fbb38b13ff1d1993"), ("demo", "fade6c8440a19576"), ("together", "f13390f561dce8ce")],
)
def test_scenarios_without_bodies_give_the_same_scripts_as_ever(name, expected):
    where = generate_store(np.random.default_rng(1), StoreSpec(gondolas=3))
    scenario = load_scenario(SCENARIOS / f"{name}.yaml").model_copy(update={"shoppers": 6})
    script = write_script(where, scenario, np.random.default_rng((1, 1)))
    visits = [(v.session, v.enter_s, v.exit_s, v.group_size) for v in script.visits]
    deeds = [
        (d.start_s, d.duration_s, d.session, d.kind.value, d.shelf, d.x_m, d.width_m, d.product,
         d.quantity, d.weight_kg, d.foreign)
        for d in script.deeds
    ]  # fmt: skip
    text = repr((visits, deeds, script.duration_s, script.carried))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == expected
    assert script.tracks == script.gestures == ()


def test_what_needs_bodies_is_refused_without_walk():
    assert Actions().hand_over == Actions().crowd == 0.0
    with pytest.raises(ValidationError, match="hand_over need walk"):
        Scenario(actions=Actions(hand_over=0.1))
    with pytest.raises(ValidationError, match="cast needs walk"):
        Scenario(cast=(Guest(enter_s=1.0),))


@pytest.mark.parametrize(
    "cue", [{"who": 3, "do": "take"}, {"who": 1, "do": "hand_over"}, {"who": 1, "do": "dance"}]
)
def test_cues_that_make_no_sense_are_refused(cue):
    with pytest.raises(ValidationError, match=r"nobody is guest|needs to|Input should be"):
        scripted(cue)


def test_a_cue_that_cannot_be_done_says_which():
    with pytest.raises(ScenarioError, match="cue 1: no product 'caviar'"):
        scripted({"who": 1, "do": "take", "product": "caviar"})
    with pytest.raises(ScenarioError, match="cue 2: nobody has"):
        scripted({"who": 1, "do": "touch"}, {"who": 1, "do": "put_back"})


def test_a_hand_over_ends_on_the_receipt_of_who_gets_it():
    simulation = scripted({"who": 1, "do": "take", "keep": True},
                          {"who": 1, "do": "hand_over", "to": 2})  # fmt: skip
    one, two = "shopper-1", "shopper-2"
    assert said(simulation) == [
        (one, "TAKE", 1, False, ""), (one, "RETURN", 1, False, two), (two, "TAKE", 1, False, one),
    ]  # fmt: skip
    product = simulation.truth[0].product
    assert simulation.receipts() == {one: {}, two: {product: 1}}
    given, got = simulation.truth[1:]
    assert given.stamp_ns == got.stamp_ns > simulation.truth[0].stamp_ns
    assert given.shelf == ""
    assert given.plates == ()
    assert len(simulation.effects) == 1


def test_the_truth_beside_a_bag_keeps_the_counterpart(tmp_path):
    simulation = scripted({"who": 1, "do": "take", "keep": True},
                          {"who": 1, "do": "hand_over", "to": 2})  # fmt: skip
    truth = truth_of(simulation)
    write_truth(tmp_path, truth)
    assert read_truth(tmp_path) == truth
    assert truth["shopper-2"].events[0].counterpart == "shopper-1"
    assert (tmp_path / "truth.json").read_text().count("counterpart") == 2


def test_what_a_companion_is_given_stays_on_the_common_receipt():
    simulation = scripted(
        {"who": 1, "do": "take", "keep": True},
        {"who": 1, "do": "hand_over", "to": 1, "to_person": 1},
        {"who": 1, "person": 1, "do": "put_back_elsewhere"},
        cast=[(2.0, ("basket", "tote"))],
    )
    gestures = [g for g in simulation.script.gestures if g.kind is GestureKind.HAND_OVER]
    assert [(g.number, g.counterpart_number) for g in gestures] == [(0, 1)]
    assert [e.action for e in simulation.truth] == [Action.TAKE, Action.RETURN]
    assert simulation.receipts() == {"shopper-1": {}}
    assert [v.group_size for v in simulation.script.visits] == [2]
    assert [e.group_size for e in simulation.gate_events] == [2, 2]


def test_look_and_put_back_leaves_nothing_on_the_receipt():
    simulation = scripted({"who": 1, "do": "look_and_put_back"})
    take, back = simulation.script.deeds
    assert take.units == back.units
    assert back.x_m == pytest.approx(take.x_m, abs=0.011)
    assert simulation.receipts()["shopper-1"] == {}


def test_what_is_put_on_another_shelf_stands_there_and_is_foreign():
    where = store()
    shelves = list(where.shelves)
    product = next(s.product for s in where.slots.values() if s.shelf == shelves[1])
    simulation = scripted({"who": 1, "do": "take", "product": product},
                          {"who": 1, "do": "put_back_elsewhere", "shelf": shelves[4]},
                          where=where)  # fmt: skip
    assert said(simulation)[1] == ("shopper-1", "RETURN", 1, True, "")
    assert simulation.truth[1].shelf == shelves[4]


def test_put_back_goes_to_the_slot_of_the_product():
    simulation = scripted({"who": 1, "do": "take"}, {"who": 1, "do": "put_back"})
    take, back = simulation.script.deeds
    assert (take.shelf, take.units, back.foreign) == (back.shelf, back.units, False)
    kinds = [g.kind for g in simulation.script.gestures]
    assert kinds == [GestureKind.BAG, GestureKind.UNBAG]


def test_two_hands_take_two_at_once():
    deed = scripted({"who": 1, "do": "two_hands"}).script.deeds[0]
    assert (deed.quantity, sorted(deed.hands)) in ((2, ["left", "right"]), (1, ["both"]))


def test_two_reach_into_one_slot_within_a_second():
    first, second = scripted({"who": 1, "do": "two_at_slot", "to": 2}).script.deeds
    assert {first.session, second.session} == {"shopper-1", "shopper-2"}
    assert (first.shelf, first.product) == (second.shelf, second.product)
    assert abs(first.start_s - second.start_s) < 1.0
    assert first.units != second.units


def test_two_who_swap_places_stand_where_the_other_stood():
    where = store()
    product = next(slot.product for slot in where.slots.values() if slot.facings > 2)
    cues = [{"who": 1, "do": "two_at_slot", "to": 2, "product": product},
            {"who": 1, "do": "swap_places", "to": 2, "at_s": 25.0}]  # fmt: skip
    script = scripted(*cues, where=where).script
    took = max(deed.end_s for deed in script.deeds)
    tracks = {track.session: np.array(track.points) for track in script.tracks}

    def stops(session):
        points = tracks[session]
        gaps = np.flatnonzero(np.diff(points[:, 0]) > 0.25)
        return [tuple(points[i, 1:]) for i in gaps if points[i + 1, 0] > took]

    assert stops("shopper-2")[0] in stops("shopper-1")
    assert stops("shopper-1")[0] in stops("shopper-2")


def test_shelves_without_plates_are_shopped_from_and_feel_nothing():
    where = store(bare_shelves=0.99)
    bare = next(s.id for s in where.shelves.values() if not s.plates)
    simulation = scripted({"who": 1, "do": "take", "shelf": bare}, where=where)
    assert [(e.shelf, e.plates) for e in simulation.truth] == [(bare, ())]
    assert [(event, len(gain)) for event, gain in simulation.effects] == [(simulation.truth[0], 0)]
    assert simulation.receipts()["shopper-1"]


def test_a_fridge_is_open_while_a_hand_is_in_it():
    where = store(gondolas=1, fridges=1)
    shelf = where.fixtures["f2"].shelves[1]
    script = scripted({"who": 1, "do": "take", "shelf": shelf}, where=where).script
    opened, shut = script.doors
    deed = script.deeds[0]
    assert opened.angle > 1.0
    assert shut.angle == 0.0
    assert opened.start_s + opened.duration_s < deed.start_s
    assert deed.end_s < shut.start_s


def test_deeds_are_spaced_by_walking_times():
    where = store()
    scenario = Scenario(shoppers=3, together=2, walk=True, stay_s=(40.0, 50.0), overlap=0.9)
    script = write_script(where, scenario, np.random.default_rng(1))
    last = {}
    assert len(script.deeds) > 5
    for deed in script.deeds:
        before = last.get((deed.session, deed.number))
        last[deed.session, deed.number] = deed
        if before:
            assert deed.start_s - before.end_s > 0.6


@pytest.mark.parametrize("name", ["seen", "confusing", "handover"])
def test_shipped_scenarios_with_bodies_can_be_played(name):
    scenario = load_scenario(SCENARIOS / f"{name}.yaml")
    scenario = scenario.model_copy(update={"shoppers": min(scenario.shoppers, 4)})
    simulation = simulate(store(fridges=1), scenario, 2)
    assert simulation.truth
    for lines in simulation.receipts().values():
        assert all(count > 0 for count in lines.values())
    assert {deed.kind for deed in simulation.script.deeds} >= {DeedKind.TAKE, DeedKind.RETURN}
