"""What moved is kept beside its planogram; a new planogram or a damaged file wins nothing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.records import SlotChange
from aisle.store.load import load_store
from aisle.store.model import ChangeError
from aisle_nodes.moved import MovedStore


@pytest.fixture(scope="module")
def store(store_dir):
    return load_store(store_dir)[0]


def stray(store, cause="a/1", quantity=1):
    slot = next(iter(store.slots.values()))
    shelf = next(s for s in store.shelves.values() if s.id != slot.shelf)
    return SlotChange(5, cause, slot.product, shelf.id, shelf.plates[:1], quantity, 0.9)


def test_state_comes_back_with_stamp_revision_and_causes(store, tmp_path):
    path = tmp_path / "moved.json"
    moved = MovedStore(store, path, 10)
    assert moved.apply(stray(store), 20)
    again = MovedStore(store, path, 99)
    assert again.store == moved.store
    assert again.stamp_ns == 20
    assert not again.apply(stray(store), 30)
    assert again.apply(stray(store, "a/1#2", -1), 40)
    assert again.store.slots == store.slots
    assert again.store.revision == store.revision + 2


def test_changed_files_of_the_store_win(store, tmp_path):
    path = tmp_path / "moved.json"
    moved = MovedStore(store, path, 10)
    moved.apply(stray(store), 20)
    slots = dict(list(store.slots.items())[1:])
    edited = type(store)(**{**vars(store), "slots": slots})
    again = MovedStore(edited, path, 99)
    assert again.store.slots == slots
    assert again.store.revision > moved.store.revision
    assert not again.apply(stray(store), 30), "it happened before the shelves were set up anew"


def test_a_misplaced_product_that_is_gone_is_kept_apart_from_its_cause(store, tmp_path):
    path = tmp_path / "moved.json"
    moved = MovedStore(store, path, 10)
    change = stray(store, quantity=2)
    moved.apply(change, 20)
    (cleared,) = moved.put(change.shelf, change.product, (), None, 1, 30)
    assert moved.store.slots == store.slots
    assert (cleared.stamp_ns, cleared.product, cleared.shelf) == (30, change.product, change.shelf)
    assert (cleared.plates, cleared.quantity) == (change.plates, -2)
    again = MovedStore(store, path, 99)
    assert again.store == moved.store
    assert again.cleared == [cleared]
    assert not again.apply(change, 40), "what had put it there comes again and does nothing"
    assert not again.apply(cleared, 40), "it comes back on the topic"
    assert again.apply(stray(store, "b/1"), 50), "another one is left there"
    (second,) = again.put(change.shelf, change.product, (), None, 1, 60)
    assert second.cause != cleared.cause


def test_only_what_is_misplaced_can_be_gone(store, tmp_path):
    moved = MovedStore(store, tmp_path / "moved.json", 10)
    home = next(iter(store.slots.values()))
    with pytest.raises(ChangeError, match="not known to be misplaced"):
        moved.put(home.shelf, home.product, (), None, 1, 20)
    assert moved.store is store
    change = stray(store)
    moved.apply(change, 20)
    assert moved.put(change.shelf, "", change.plates, None, 1, 30), "its plate was cleared"
    assert moved.put(home.shelf, home.product, home.plates, None, 1, 40) == []


def test_kept_slots_that_no_longer_fit_do_not_hide_new_files(store, tmp_path):
    path = tmp_path / "moved.json"
    MovedStore(store, path, 10).apply(stray(store), 20)
    left = next(iter(store.products))
    edited = type(store)(
        **{
            **vars(store),
            "products": {k: v for k, v in store.products.items() if k != left},
            "slots": {k: v for k, v in store.slots.items() if v.product != left},
        }
    )
    again = MovedStore(edited, path, 99)
    assert again.damage == ""
    assert again.store.slots == edited.slots


def test_full_disk_is_said_and_the_store_goes_on(store, tmp_path):
    (tmp_path / "file").write_text("")
    moved = MovedStore(store, tmp_path / "file" / "moved.json", 10)
    assert "cannot be written" in moved.error
    assert moved.apply(stray(store), 20)


def test_refused_change_leaves_no_trace(store):
    moved = MovedStore(store, None, 10)
    bad = stray(store)
    with pytest.raises(ChangeError):
        moved.apply(SlotChange(0, "b/1", "none", bad.shelf, (), 1, 0.5), 20)
    assert moved.store is store


DAY_NS = 86_400 * 10**9


def test_a_stamp_from_a_clock_that_was_far_ahead_is_not_kept(store, tmp_path):
    path = tmp_path / "moved.json"
    moved = MovedStore(store, path, 10)
    moved.apply(stray(store), 9 * DAY_NS)
    again = MovedStore(store, path, DAY_NS)
    assert (again.stamp_ns, again.store) == (DAY_NS, moved.store)
    moved.apply(stray(store, "a/2"), 2 * DAY_NS)
    assert moved.stamp_ns == 2 * DAY_NS
    moved.apply(stray(store, "a/3"), 2 * DAY_NS - 10)
    assert moved.stamp_ns == 2 * DAY_NS, "a little behind is no wrong clock"


@pytest.mark.parametrize("change", [{"products": None}, {"currency": "XTS"}])
def test_new_prices_hold_from_now_and_forget_no_moves(store, tmp_path, change):
    path = tmp_path / "moved.json"
    moved = MovedStore(store, path, 10)
    moved.apply(stray(store), 20)
    if "products" in change:
        goods = {k: replace(v, price_minor=v.price_minor + 1) for k, v in store.products.items()}
        change = {"products": goods}
    edited = replace(store, **change)
    for now_ns in (99, 200):
        again = MovedStore(edited, path, now_ns)
        assert again.store.slots == moved.store.slots
        assert again.store.revision == moved.store.revision + 1
        assert again.stamp_ns == 99


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("revision", "Infinity"),
        ("revision", str(2**40)),
        ("revision", "-1"),
        ("stamp_ns", str(2**70)),
        ("stamp_ns", "-1"),
        ("stamp_ns", "NaN"),
    ],
)
def test_bad_numbers_are_damage(store, tmp_path, name, value):
    path = tmp_path / "moved.json"
    MovedStore(store, path, 10)
    state = json.loads(path.read_text())
    path.write_text(json.dumps(state | {name: "@"}).replace('"@"', value))
    moved = MovedStore(store, path, 20)
    assert name in moved.damage
    assert (moved.store, moved.stamp_ns) == (store, 20)


@pytest.mark.parametrize(("name", "value"), [("count", 2**70), ("confidence", float("nan"))])
def test_bad_numbers_of_a_slot_are_damage(store, tmp_path, name, value):
    path = tmp_path / "moved.json"
    MovedStore(store, path, 10)
    state = json.loads(path.read_text())
    state["slots"][0][name] = value
    path.write_text(json.dumps(state))
    moved = MovedStore(store, path, 20)
    assert moved.damage
    assert moved.store == store


def test_a_file_that_cannot_be_read_now_is_left_as_it_is(store, tmp_path, monkeypatch):
    path = tmp_path / "moved.json"
    MovedStore(store, path, 10).apply(stray(store), 20)
    kept = path.read_bytes()

    def fail(_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fail)
        moved = MovedStore(store, path, 30)
    assert "cannot be read" in moved.error
    assert moved.apply(stray(store, "b/1"), 40)
    assert path.read_bytes() == kept
    assert "cannot be read" in moved.error


@given(st.binary(max_size=40) | st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.dictionaries(
        st.sampled_from(["slots", "base", "causes", "cleared", "revision", "stamp_ns"]), inner
    ) | st.lists(inner, max_size=2),
).map(lambda data: json.dumps(data).encode()))  # fmt: skip
def test_damaged_file_is_put_aside(store, tmp_path_factory, data):
    path = tmp_path_factory.mktemp("moved") / "moved.json"
    path.write_bytes(data)
    moved = MovedStore(store, path, 10)
    assert moved.store.slots == store.slots
    assert "damaged" in moved.damage
    assert path.with_suffix(".damaged").read_bytes() == data
