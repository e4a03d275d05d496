"""What stands where, as it changes in a running store, kept over restarts."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from aisle.bags.convert import MAX_QUANTITY
from aisle.files import write_atomic
from aisle.records import OPERATOR, SlotChange
from aisle.store.model import set_slot, with_slot_change
from aisle.store.types import Slot, Store

MAX_CAUSES = 10_000
MAX_CLEARED = 100
AHEAD_NS = 5 * 10**9
"""A kept stamp that is further ahead than this comes from a clock that was wrong."""
_END_NS = 2**31 * 10**9
"""ROS stamps end here."""


class _State(BaseModel, extra="forbid"):
    """The file."""

    base: str
    labels: str = ""
    stamp_ns: Annotated[int, Field(ge=0, lt=_END_NS)]
    revision: Annotated[int, Field(ge=0, lt=2**31)]
    slots: list[Slot]
    causes: list[str]
    cleared: list[SlotChange]


class MovedStore:
    """A store, the changes made to it since its files were read, and the stamp of the last one.

    The file belongs to the planogram that it was made with: when the store's files say something
    else about the slots, they win, and what had moved is forgotten. When they say something else
    about products or the currency, that holds from now on, and what had moved stays.

    Args:
        store: As the store's files describe it.
        path: JSON file of the changes; None keeps them in memory.
        now_ns: Stamp from which the store holds when there is no file.
    """

    def __init__(self, store: Store, path: Path | None, now_ns: int) -> None:
        self.store, self.stamp_ns = store, now_ns
        self.error = ""
        """Why the file cannot be read or written; empty when it can."""
        self.damage = ""
        """Why a file was not used; empty when all is well."""
        self.cleared: list[SlotChange] = []
        """The last misplaced products that a person said are gone."""
        self._path = path
        self._base = _digest(list(store.slots.values()))
        goods = [replace(product, images=()) for product in store.products.values()]
        self._labels = _digest([*goods, store.currency])
        self._causes: dict[str, None] = {}
        if path is not None:
            self._load(path)
        self._save()

    def apply(self, change: SlotChange, now_ns: int) -> bool:
        """Apply what a shopper did, once for each cause; return whether anything moved.

        Raises:
            ChangeError: product, shelf or a plate is unknown.
        """
        if change.cause in self._causes:
            return False
        changed = with_slot_change(
            self.store,
            change.product,
            change.shelf,
            change.plates,
            change.quantity,
            change.confidence,
        )
        self._note(change.cause)
        return self._take(changed, now_ns)

    def put(
        self,
        shelf: str,
        product: str,
        plates: tuple[str, ...],
        area: tuple[float, float, float, float] | None,
        facings: int,
        now_ns: int,
    ) -> list[SlotChange]:
        """Change the planogram as `aisle.store.model.set_slot` does.

        Returns:
            The misplaced products that are gone by this.

        Raises:
            ChangeError: something is unknown, or there is no such place.
        """
        changed = set_slot(self.store, shelf, product, plates, area, facings)
        gone = [s for s in self.store.slots.values() if s.misplaced and s.id not in changed.slots]
        cleared = [
            SlotChange(
                now_ns,
                f"{OPERATOR}{now_ns}-{changed.revision}-{number}",
                slot.product,
                slot.shelf,
                slot.plates,
                -(slot.count or 0),
                1.0,
            )
            for number, slot in enumerate(gone, 1)
        ]
        for change in cleared:
            self._note(change.cause)  # it comes back on the topic
        self.cleared = [*self.cleared, *cleared][-MAX_CLEARED:]
        self._take(changed, now_ns)
        return cleared

    def _note(self, cause: str) -> None:
        self._causes[cause] = None
        while len(self._causes) > MAX_CAUSES:
            del self._causes[next(iter(self._causes))]

    def _take(self, store: Store, now_ns: int) -> bool:
        moved = store is not self.store
        if moved:
            self.store, self.stamp_ns = store, _later(self.stamp_ns, now_ns)
        self._save()
        return moved

    def _save(self) -> None:
        if self._path is None:
            return
        state = {
            "base": self._base,
            "labels": self._labels,
            "stamp_ns": self.stamp_ns,
            "revision": self.store.revision,
            "slots": [asdict(slot) for slot in self.store.slots.values()],
            "causes": list(self._causes),
            "cleared": [asdict(change) for change in self.cleared],
        }
        try:
            write_atomic(self._path, json.dumps(state).encode())
            self.error = ""
        except OSError as error:
            self.error = f"{self._path} cannot be written, a restart would forget moves: {error}"

    def _load(self, path: Path) -> None:
        try:
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            # The file may be good: it is neither put aside nor written over.
            self.error = f"{path} cannot be read, moves are neither known nor kept: {error}"
            self._path = None
            return
        try:
            self._use(_State.model_validate_json(data))
        except ValueError as error:
            self.damage = f"{path} was damaged and is not used: {error}"
            with suppress(OSError):
                path.replace(path.with_suffix(".damaged"))

    def _use(self, state: _State) -> None:
        for change in state.cleared:
            _check(change.cause, abs(change.quantity), change.confidence, change.stamp_ns)
        same = state.base == self._base
        slots = _slots(state.slots, self.store) if same else self.store.slots
        known = same and state.labels == self._labels
        revision = state.revision if known else state.revision + 1
        self._causes, self.cleared = dict.fromkeys(state.causes), state.cleared
        self.store = replace(self.store, slots=slots, revision=revision)
        if known and state.stamp_ns <= self.stamp_ns + AHEAD_NS:
            self.stamp_ns = state.stamp_ns


def _later(stamp_ns: int, now_ns: int) -> int:
    """Return now, or the stamp that is a little ahead, so that stamps do not go back."""
    return now_ns if stamp_ns > now_ns + AHEAD_NS else max(stamp_ns, now_ns)


def _digest(parts: list[object]) -> str:
    return hashlib.sha256("\n".join(sorted(map(repr, parts))).encode()).hexdigest()


def _check(name: str, count: int, confidence: float, stamp_ns: int = 0) -> None:
    if not (0 <= count <= MAX_QUANTITY and 0 <= confidence <= 1 and 0 <= stamp_ns < _END_NS):
        raise ValueError(f"{name!r} has a number out of bounds")


def _slots(data: list[Slot], store: Store) -> dict[str, Slot]:
    slots = {slot.id: slot for slot in data}
    for slot in slots.values():
        for number in (slot.count or 0, slot.facings):
            _check(slot.id, number, slot.confidence)
        known = slot.product in store.products and slot.shelf in store.shelves
        if not known or not set(slot.plates) <= set(store.shelves[slot.shelf].plates):
            raise ValueError(f"slot {slot.id} does not fit the store")
    return slots
