"""From changes of receipts to changes of what stands where."""

from __future__ import annotations

from dataclasses import replace

from aisle.records import Action, Change, ChangeState, SlotChange


def slot_change(change: Change, stamp_ns: int = 0) -> SlotChange | None:
    """Return what a change does to the shelves, or None when it does nothing.

    Only a confirmed change of a named product that is foreign to its shelf counts: a return puts
    it there, a take fetches it away. Tentative changes do nothing, because what stands where goes
    back into the model that made them.
    """
    if change.state != ChangeState.CONFIRMED or not change.foreign or not change.product:
        return None
    quantity = change.quantity if change.action == Action.RETURN else -change.quantity
    return SlotChange(
        stamp_ns,
        change.id,
        change.product,
        change.shelf,
        change.plates,
        quantity,
        change.probability,
    )


def slot_changes(
    old: Change | None, new: Change, issued: int, stamp_ns: int
) -> tuple[SlotChange, ...]:
    """Return the slot changes when `new` replaces `old` under the same id.

    Args:
        old: What the ledger held under the id, or None.
        new: What it holds now.
        issued: How many slot changes this id has caused before.
        stamp_ns: Stamp of the prediction that brought `new`.

    Returns:
        Nothing, the new effect, the old one reversed, or both. The first cause of an id is the id
        itself, later ones are `<id>#2`, `<id>#3`, so that each is applied once.
    """
    before = slot_change(old, stamp_ns) if old else None
    after = slot_change(new, stamp_ns)
    if before and after and replace(before, confidence=after.confidence) == after:
        return ()
    steps = [replace(before, quantity=-before.quantity)] if before else []
    steps += [after] if after else []
    return tuple(
        replace(step, cause=new.id if number == 1 else f"{new.id}#{number}")
        for number, step in enumerate(steps, issued + 1)
    )
