"""What stands where, as it changes in a running store, kept over restarts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import TypeAdapter

from aisle.files import write_atomic
from aisle.records import OPERATOR, SlotChange
from aisle.store.model import set_slot, with_slot_change
from aisle.store.types import Slot, Store

MAX_CAUSES = 10_000
MAX_CLEARED = 100
_SLOTS = TypeAdapter(list[Slot])
_CHANGES = TypeAdapter(list[SlotChange])


class MovedStore:
    """A store, the changes made to it since its files were read, and the stamp of the last one.

    The file belongs to the planogram that it was made with: when the store's files say something
    else about the slots, they win, and what had moved is forgotten.

    Args:
        store: As the store's files describe it.
        path: JSON file of the changes; None keeps them in memory.
        now_ns: Stamp from which the store holds when there is no file.
    """

    def __init__(self, store: Store, path: Path | None, now_ns: int) -> None:
        self.store, self.stamp_ns = store, now_ns
        self.error = ""
        """Why the file cannot be written; empty when it can."""
        self.damage = ""
        """Why a file was not used; empty when all is well."""
        self.cleared: list[SlotChange] = []
        """The last misplaced products that a person said are gone."""
        self._path = path
        self._base = _digest(store)
        self._causes: dict[str, None] = {}
        if path is not None and path.exists():
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
            self.store, self.stamp_ns = store, max(now_ns, self.stamp_ns)
        self._save()
        return moved

    def _save(self) -> None:
        if self._path is None:
            return
        state = {
            "base": self._base,
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
            state = json.loads(path.read_bytes())
            same = state["base"] == self._base
            slots = _slots(state["slots"], self.store) if same else self.store.slots
            revision, stamp_ns = int(state["revision"]), int(state["stamp_ns"])
            causes = [str(cause) for cause in state["causes"]]
            cleared = _CHANGES.validate_python(state["cleared"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            path.replace(path.with_suffix(".damaged"))
            self.damage = f"{path} was damaged and is not used: {error}"
            return
        self._causes, self.cleared = dict.fromkeys(causes), cleared
        if same:
            self.store = replace(self.store, slots=slots, revision=revision)
            self.stamp_ns = stamp_ns
        else:
            self.store = replace(self.store, revision=revision + 1)


def _digest(store: Store) -> str:
    slots = sorted(repr(slot) for slot in store.slots.values())
    return hashlib.sha256("\n".join(slots).encode()).hexdigest()


def _slots(data: object, store: Store) -> dict[str, Slot]:
    slots = {slot.id: slot for slot in _SLOTS.validate_python(data)}
    for slot in slots.values():
        known = slot.product in store.products and slot.shelf in store.shelves
        if not known or not set(slot.plates) <= set(store.shelves[slot.shelf].plates):
            raise ValueError(f"slot {slot.id} does not fit the store")
    return slots
