import numpy as np
import pytest

from aisle.fusion.grid import BINS
from aisle.fusion.memory import Carried, Commit, Memory, Session, ShelfMemory
from aisle.fusion.runtime import load_runtime
from aisle.fusion.windows import MAX_CANDIDATES, SHAPES, ShelfTokenizer, collate
from aisle.records import Action
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


def test_the_first_candidate_is_a_product_that_cannot_be_named():
    assert all(window.candidates[0] == "" for window in windows(2))


def test_candidates_are_bounded_however_much_is_carried():
    assert all(len(w.candidates) <= MAX_CANDIDATES for w in windows(1, carried=200))


def test_collated_windows_answer_as_single_ones():
    runtime = load_runtime()
    many = windows(4)
    together = runtime.run_arrays(collate([w.arrays for w in many]))
    for row, window in enumerate(many):
        alone = runtime.run_arrays(collate([window.arrays]))
        for name, array in alone.items():
            part = together[name][row]
            part = part[tuple(slice(n) for n in array[0].shape)]
            seen = array[0] > -1e3
            assert part[seen] == pytest.approx(array[0][seen], abs=2e-3), name


def test_memory_survives_json():
    memory = Memory()
    memory.sessions["a"] = Session("a", 5, 2, carried={"x": Carried(2, 0.3)}, gaps=["away"])
    memory.shelf("g1/s1").stray["x"] = (1, ("g1/s1/p1",))
    assert Memory.from_json(memory.to_json()) == memory


def test_a_foreign_state_is_refused():
    with pytest.raises(ValueError, match="not a fusion state"):
        Memory.from_json({"sessions": {"a": 3}, "shelves": {}})
