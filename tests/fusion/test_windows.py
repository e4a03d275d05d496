from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.fusion.candidates import MAX_CANDIDATES
from aisle.fusion.grid import BINS
from aisle.fusion.memory import Carried, Commit, Memory, Session, ShelfMemory
from aisle.fusion.runtime import load_runtime
from aisle.fusion.windows import (
    FEATURES,
    SHAPES,
    STATES,
    TRACK,
    VIEWS,
    ShelfTokenizer,
    ShelfView,
)
from aisle.records import Action, Change, ChangeState, GateEvent, GateKind
from aisle.store.generate import generate_store
from aisle.store.layout import shelf_layout
from aisle.store.spec import StoreSpec

NOW = 100_000_000_000


def windows(count, carried=3):
    rng = np.random.default_rng(4)
    found = []
    for number in range(count):
        spec = StoreSpec(gondolas=1, shelves=(2,), plates=(5 + number,), unplaced_products=80)
        store = generate_store(rng, spec)
        shelf = next(iter(store.shelves))
        tokenizer = ShelfTokenizer(store, shelf, shelf_layout(store, shelf))
        plates = len(store.shelves[shelf].plates)
        signal = rng.normal(0, 0.05, (BINS, plates)).astype(np.float32)
        session = Session("a", NOW - 10**10)
        for product in list(store.products)[:carried]:
            session.carried[product] = Carried(1, 0.0)
        memory = ShelfMemory()
        product = next(iter(store.products))
        memory.commits = [
            Commit(f"a/{i}", "a", NOW - 10**9 * (i + 1), Action.TAKE, product, 1, 0.9, NOW, 0.1)
            for i in range(number)
        ]
        valid = rng.random((BINS, plates)) < 0.95
        found.append(tokenizer.window(NOW, signal, valid, memory, [session]))
    return found


def test_arrays_have_the_documented_shapes():
    for window in windows(3):
        sizes = {}
        assert set(window.arrays) == set(SHAPES)
        for name, shape in SHAPES.items():
            array = window.arrays[name]
            assert array.dtype == np.float32
            assert len(array.shape) == len(shape)
            for length, label in zip(array.shape, shape, strict=True):
                assert sizes.setdefault(label, length) == length or isinstance(label, int)


def test_places_of_people_count_from_the_middle_of_the_plates_where_they_are_seen():
    store = generate_store(np.random.default_rng(4), StoreSpec(gondolas=1, shelves=(2,)))
    shelf = next(iter(store.shelves))
    first = store.shelves[shelf].plates[:2]  # The others are gone, so their middle is elsewhere.
    fewer = replace(store.shelves[shelf], plates=first)
    store = replace(store, shelves={**store.shelves, shelf: fewer})
    layout = shelf_layout(store, shelf)
    shift = store.shelves[shelf].size_m[0] / 2 - float(layout.centre.mean())
    assert shift > 0.1
    track = np.ones((1, VIEWS, TRACK), np.float32)
    track[0, 0, 2::3] = 0  # Not seen at the first tick.
    nothing = np.zeros((0, VIEWS, FEATURES), np.float32), np.zeros((0, VIEWS, STATES), np.float32)
    view = ShelfView(*nothing, np.zeros(0, np.float32), track)
    signal = np.zeros((BINS, len(first)), np.float32)
    found = ShelfTokenizer(store, shelf, layout).window(
        NOW, signal, signal > 0, ShelfMemory(), [Session("a", NOW)], view
    )
    moved = found.arrays["session_track"] - track
    np.testing.assert_allclose(moved[0, 1:, 0::3], shift, atol=1e-6)
    assert not moved[0, 0].any()
    assert not np.delete(moved[0], [0, 3, 6], axis=1).any()


def test_the_first_candidate_is_a_product_that_cannot_be_named():
    assert all(window.candidates[0] == "" for window in windows(2))


def test_candidates_are_bounded_however_much_is_carried():
    assert all(len(w.candidates) <= MAX_CANDIDATES for w in windows(1, carried=200))


def test_collated_windows_answer_as_single_ones():
    runtime = load_runtime()
    many = windows(4)
    together = runtime.run(many)
    for row, window in enumerate(many):
        alone = runtime.run([window])
        for name, array in alone.items():
            part = together[name][row]
            part = part[tuple(slice(n) for n in array[0].shape)]
            seen = array[0] > -1e3
            assert part[seen] == pytest.approx(array[0][seen], abs=2e-3), name


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 2**63 - 1))
def test_memory_survives_json(number, stamp_ns):
    memory = Memory(tick_ns=stamp_ns, closed=["z"])
    carried, gaps = {"x": Carried(2, number)}, ["away"]
    change = Change(
        "a/1", ChangeState.CONFIRMED, stamp_ns, Action.RETURN, "x", 1, number, "g1/s1",
        plates=("g1/s1/p1",), evidence_ns=(0, stamp_ns), foreign=True,
    )  # fmt: skip
    memory.sessions["a"] = Session(
        "a", 5, 2, 7, carried, {"g1": stamp_ns}, {change.id: change}, gaps, stamp_ns
    )
    shelf = memory.shelf("g1/s1")
    shelf.stray["x"] = (1, ("g1/s1/p1",))
    shelf.heard = ("TAKE 1 x", 1, stamp_ns)
    shelf.commits.append(Commit("a/1", "a", 3, Action.TAKE, "x", 1, number, stamp_ns, 0.1))
    memory.gates.append(GateEvent(stamp_ns, "north", GateKind.EXIT, "b", 3))
    assert Memory.from_json(memory.to_json()) == memory


def test_a_foreign_state_is_refused():
    whole = Memory().to_json()
    for data in (b"", b"{}", b"[1]", whole.replace(b'"tick_ns":0', b'"tick_ns":"now"'),
                 whole.replace(b'"version":1', b'"version":2')):  # fmt: skip
        with pytest.raises(ValueError, match="not a fusion state"):
            Memory.from_json(data)
