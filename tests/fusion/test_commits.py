"""What has been said goes into the memory, and taking it back leaves the memory as it was."""

import copy

import numpy as np
import pytest
from fusion_samples import SECOND, Steps, at, fusion_of, small_store

from aisle.fusion import commits
from aisle.fusion.decode import Answer, answer
from aisle.fusion.memory import Commit, Memory, Session
from aisle.fusion.outbox import Outbox
from aisle.fusion.windows import BINS
from aisle.records import Action


@pytest.fixture(scope="module")
def store():
    return small_store()


def asked(store, memory, seconds=20.0):
    """The window of a shelf on which nothing moved, and the shelf's tokenizer."""
    shelf = next(slot.shelf for slot in store.slots.values())
    tokenizer = fusion_of(store)._shelves.tokenizer(shelf)
    signal = np.zeros((BINS, len(tokenizer.layout.plates)), np.float32)
    sessions = list(memory.sessions.values())
    tick_ns = at(seconds) - at(0)
    return tokenizer.window(tick_ns, signal, signal == 0, memory.shelf(shelf), sessions)


def say(window, action, product, quantity):
    share = np.ones(len(window.plates), np.float32)
    candidate = window.candidates.index(product)
    return Answer(
        0.0, action, candidate, quantity, 1.0, 0, 1.0, window.tick_ns, 0.3, share, None, 0.0
    )


def foreign(store):
    """A product that does not stand on the first shelf."""
    shelf = next(slot.shelf for slot in store.slots.values())
    here = {slot.product for slot in store.slots_of_shelf[shelf]}
    return shelf, next(product for product in store.products if product not in here)


def units(memory):
    return {name: held.quantity for name, held in memory.sessions["a"].carried.items()}


def visit(**carried):
    memory = Memory(sessions={"a": Session("a", 0)})
    for product, quantity in carried.items():
        memory.sessions["a"].apply(Action.TAKE, product, quantity, 0.3)
    return memory


@pytest.mark.parametrize("strays", [0, 1, 2, 5])
@pytest.mark.parametrize("carried", [0, 1, 3])
@pytest.mark.parametrize("action", list(Action))
def test_what_is_taken_back_leaves_what_was_there_before(store, action, carried, strays):
    shelf, product = foreign(store)
    memory = visit(**{product: carried})
    if strays:
        memory.shelf(shelf).stray[product] = (strays, ("elsewhere",))
    # So that the product is a candidate wherever it is.
    known = Commit("x/1", "x", 19 * SECOND, action, product, 1, 1.0, 0, 0.3)
    memory.shelf(shelf).commits.append(known)
    before = copy.deepcopy(memory)
    window, out = asked(store, memory), Outbox()
    commits.commit(store, memory, window, say(window, action, product, 2), [], out)
    made = next(c for c in memory.shelf(shelf).commits if c is not known)
    assert memory.sessions["a"].changes[made.change_id].foreign
    commits.withdraw(memory, shelf, made, out)
    assert memory.shelves == before.shelves
    assert units(memory) == units(before)


def test_a_commit_of_an_older_state_is_read():
    memory = Memory()
    memory.shelf("s").commits.append(Commit("a/1", "a", 1, Action.TAKE, "p", 1, 1.0, 0, 0.3))
    state = memory.to_json()
    for name in (b',"carried":0', b',"stray":0', b',"stray_plates":[]'):
        assert name in state
        state = state.replace(name, b"")
    assert Memory.from_json(state) == memory


class Doubting(Steps):
    """Says of every commit that it is wrong."""

    def run(self, windows):
        outputs = super().run(windows)
        outputs["withdraw_logits"][:] = 40
        return outputs


@pytest.mark.parametrize("open_still", [True, False])
def test_a_commit_stays_when_its_receipt_is_closed(store, open_still):
    shelf = next(slot.shelf for slot in store.slots.values())
    memory = visit()
    window, out = asked(store, memory), Outbox()
    said = say(window, Action.TAKE, window.candidates[1], 1)
    commits.commit(store, memory, window, said, [], out)
    fusion = fusion_of(store, Doubting())
    fusion._remember(memory)
    memory.sessions["b"] = Session("b", 0)
    if not open_still:
        del memory.sessions["a"]
    for later in (20.2, 20.4, 20.6):
        window = asked(store, memory, later)
        if window.commits:
            said = answer(window, Doubting().run([window]), 0, 1.0)
            fusion._questions._hear(window, said, Outbox())
    assert bool(memory.shelf(shelf).commits) is not open_still


def test_no_stamp_is_below_zero(store):
    memory = visit()
    window, out = asked(store, memory, 1.0), Outbox()
    outputs = Steps().run([window])
    outputs["event_logits"] = -outputs["event_logits"]
    assert answer(window, outputs, 0, 1.0).stamp_ns == 0
    said = say(window, Action.TAKE, window.candidates[1], 1)
    commits.commit(store, memory, window, said, [], out)
    assert out.changes["a"]["a/1"].evidence_ns == (0, SECOND)
