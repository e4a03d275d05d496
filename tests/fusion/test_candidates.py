"""More products than a window has room for: the most plausible stay, and it is counted."""

import pytest
from fusion_samples import Steps, at, batches, changes, enter, in_order, push_all, small_store

from aisle.fusion.candidates import MAX_CANDIDATES, Candidate, candidates, most_plausible
from aisle.fusion.fusion import Fusion
from aisle.fusion.memory import Carried, Commit, Session, ShelfMemory
from aisle.records import Action


def commit(product):
    return Commit("s/1", "s", 1, Action.TAKE, product, 1, 0.9, 1, 0.1)


@pytest.fixture
def crowd():
    """80 products stand on as many plates, 5 were left here, one session carries 30 others."""
    standing = [Candidate(f"p{i}", (f"plate{i}",), True, False) for i in range(80)]
    memory = ShelfMemory([commit("said")], stray={f"x{i}": (1, ("plate0",)) for i in range(5)})
    session = Session("s", 0, carried={f"c{i}": Carried(1, 0.1) for i in range(30)})
    known = {c.product for c in standing} | set(memory.stray) | set(session.carried) | {"said"}
    return candidates(standing, memory, [session], known), memory, [session]


def test_all_candidates_are_found_in_a_stable_order(crowd):
    names = [candidate.product for candidate in crowd[0]]
    assert names[:2] == ["", "p0"]
    assert len(names) == len(set(names)) == 1 + 80 + 5 + 30 + 1
    assert names[81:87] == ["x0", "x1", "x2", "x3", "x4", "c29"]
    assert names[-1] == "said"


def test_the_most_plausible_candidates_stay(crowd):
    found, memory, sessions = crowd
    moved = {f"plate{i}": 0.0005 for i in range(80)} | {"plate70": 0.3, "plate79": 0.05}
    kept = [candidate.product for candidate in most_plausible(found, moved, memory, sessions)]
    assert len(kept) == MAX_CANDIDATES
    assert {"", "said", "p70", "p79", "x0", "x4", "c0", "c29"} <= set(kept)
    assert kept == [c.product for c in found if c.product in set(kept)]
    # What room is left goes to the first of those that stand here.
    assert [name for name in kept if name.startswith("p")] == [
        *(f"p{i}" for i in range(9)), "p70", "p79",
    ]  # fmt: skip


def test_of_many_that_are_carried_the_last_taken_stay(crowd):
    found, memory, _ = crowd
    sessions = [
        Session(name, 0, carried={f"{name}{i}": Carried(1, 0.1) for i in range(40)})
        for name in "uv"
    ]
    known = {c.product for c in found} | {p for s in sessions for p in s.carried}
    found = candidates(found[1:81], memory, sessions, known)
    kept = {candidate.product for candidate in most_plausible(found, {}, memory, sessions)}
    carried = sorted(int(name[1:]) for name in kept if name.startswith(("u", "v")))
    # Beside the one without a name, what was said, and what was left here.
    assert carried == sorted([*range(20, 40), *range(20, 40), 19])


def test_what_moved_is_named_even_where_far_too_much_is_carried():
    store = small_store(unplaced_products=100)
    plate = next(slot.plates[0] for slot in store.slots.values() if len(slot.plates) == 1)
    fusion = Fusion(store, Steps())
    push_all(fusion, in_order(batches(store, 0, 3), [enter("a", 1)]))
    for product in list(store.products)[::-1]:
        fusion.memory.sessions["a"].carried[product] = Carried(1, 0.0)
    found = push_all(fusion, batches(store, 3, 9, [(plate, 6.0, 0.3)]))
    (change,) = changes(found).values()
    slots = [slot for slot in store.slots.values() if plate in slot.plates]
    assert change.product in {slot.product for slot in slots}
    assert change.stamp_ns == pytest.approx(at(6.75), abs=10**9)
    assert fusion.counters["candidates_cut"] > 0


def test_nothing_is_cut_where_there_is_room():
    store, model = small_store(), Steps()
    fusion = Fusion(store, model)
    take = (next(iter(store.plates)), 6.0, 0.3)
    push_all(fusion, in_order(batches(store, 0, 9, [take]), [enter("a", 1)]))
    assert model.windows
    assert "candidates_cut" not in fusion.counters
