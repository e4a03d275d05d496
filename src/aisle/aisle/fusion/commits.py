"""Commits: what has been said of the shelves, and its way from tentative to firm or withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from aisle.fusion.decode import Answer
from aisle.fusion.memory import Commit, Memory, Session, ShelfMemory
from aisle.fusion.outbox import Outbox
from aisle.fusion.synchronizer import SECOND
from aisle.fusion.windows import WINDOW_NS, Window
from aisle.records import Action, Change, ChangeState
from aisle.store.types import Store

Calibration = Sequence[Sequence[float]]
"""Pairs of the model's probability and the share that was right on development data."""


def commit(
    store: Store, memory: Memory, window: Window, said: Answer, calibration: Calibration,
    out: Outbox,
) -> None:  # fmt: skip
    """Say what the model answered, and remember it for the windows to come."""
    session = memory.sessions[window.sessions[said.session]]
    shelf, product = store.shelves[window.shelf], window.candidates[said.candidate]
    unit = said.mass_kg / said.quantity
    here = {slot.product for slot in store.slots_of_shelf[shelf.id] if not slot.misplaced}
    plates = tuple(
        p for p, share in zip(window.plates, said.plate_share, strict=True) if share > 0.1
    )
    held = session.carried.get(product)
    change = Change(
        id=session.next_id(),
        state=ChangeState.TENTATIVE,
        stamp_ns=said.stamp_ns,
        action=said.action,
        product=product,
        quantity=said.quantity,
        probability=calibrated(said.probability, calibration) * said.session_probability,
        shelf=shelf.id,
        plates=plates,
        evidence_ns=(max(window.tick_ns - WINDOW_NS, 0), window.tick_ns),
        foreign=bool(product) and product not in here,
    )
    made = Commit(
        change.id, session.id, said.stamp_ns, said.action, product, said.quantity,
        said.probability, window.tick_ns, unit, held.unit_kg if held else 0.0,
    )  # fmt: skip
    on_shelf = memory.shelf(shelf.id)
    on_shelf.commits.append(made)
    on_shelf.commits.sort(key=lambda c: (c.stamp_ns, c.change_id))
    made.carried = session.apply(said.action, product, said.quantity, unit)
    session.touched[shelf.fixture] = said.stamp_ns
    if change.foreign:
        came = said.quantity if said.action is Action.RETURN else -said.quantity
        made.stray, made.stray_plates = on_shelf.note_stray(product, came, plates)
    out.change(session, change)


def withdraw(memory: Memory, shelf: str, made: Commit, out: Outbox) -> None:
    """Take a commit back."""
    on_shelf, session = memory.shelf(shelf), memory.sessions.get(made.session)
    on_shelf.commits.remove(made)
    if session is not None and made.change_id in session.changes:
        undo(session, on_shelf, made)
        change = session.changes[made.change_id]
        out.change(session, replace(change, state=ChangeState.WITHDRAWN))


def undo(session: Session, shelf: ShelfMemory, made: Commit) -> None:
    """Give back what a commit took from a session, and the other way round."""
    session.apply(made.action.opposite, made.product, made.carried, made.restored_kg)
    shelf.note_stray(made.product, -made.stray, made.stray_plates)


def forget(memory: Memory, tick_ns: int, out: Outbox) -> None:
    """Commits that leave their window stand: nothing can take them back any more."""
    for shelf in memory.shelves.values():
        for made in shelf.commits:
            session = memory.sessions.get(made.session)
            if session is not None and made.stamp_ns <= tick_ns - WINDOW_NS:
                out.confirm(session, made.change_id)
        shelf.commits = [c for c in shelf.commits if c.stamp_ns > tick_ns - WINDOW_NS]


def settle(memory: Memory, tick_ns: int, settle_s: float, out: Outbox) -> None:
    """Commits that were not withdrawn in time are confirmed."""
    limit = tick_ns - round(settle_s * SECOND)
    for shelf in memory.shelves.values():
        for made in shelf.commits:
            session = memory.sessions.get(made.session)
            if session is not None and made.committed_ns <= limit:
                out.confirm(session, made.change_id)


def calibrated(probability: float, calibration: Calibration) -> float:
    """The share of answers of this probability that were right; as it is without a curve."""
    if not calibration:
        return probability
    known, right = zip(*calibration, strict=True)
    return float(np.interp(probability, known, right))
