"""Fusion whose state survives a crash: what it says is on disk before anyone hears it."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from aisle.files import write_atomic
from aisle.fusion.fusion import Fusion, StoreAt
from aisle.records import Prediction, Record

AWAY = "fusion was restarted"
MAX_REPEATED = 50
"""Closed sessions that are told again after a restart: the ledger may have been away with us."""
_TOLD = TypeAdapter(list[Prediction])


class DurableFusion:
    """Pushes records into a `Fusion` and keeps its state in a file; what it says is the fusion's.

    Predictions are given out only once the state that holds them is on disk. While the disk takes
    nothing they wait, and come with a later call.

    Args:
        fusion: A new one.
        path: The state's file. A damaged one is put aside, and counted.
    """

    def __init__(self, fusion: Fusion, path: Path) -> None:
        self.fusion = fusion
        self.counters: Counter[str] = Counter()
        self.error = ""
        """Why the state cannot be written; empty when it can."""
        self._path = path
        self._told: dict[str, Prediction] = {}
        """All that was said of each open session, and of the last closed ones, in one piece."""
        self._waiting: list[Prediction] = []
        self._changed = False
        self._load()

    def push(self, record: Record | StoreAt) -> list[Prediction]:
        """Take one record in order of arrival; return the predictions that may be published."""
        before = self.fusion.passages_taken
        self._note(self.fusion.push(record))
        self._changed |= self.fusion.passages_taken != before
        return self.flush()

    def finish(self) -> list[Prediction]:
        """Nothing more comes: close the sessions that have left, as `Fusion.finish` does."""
        self._note(self.fusion.finish())
        return self.flush()

    def flush(self) -> list[Prediction]:
        """Write the state if it changed; return the predictions that waited for it."""
        if self._changed:
            try:
                write_atomic(self._path, self._state())
            except OSError as error:
                self.error = f"{self._path} cannot be written, no line is given out: {error}"
                return []
            self._changed, self.error = False, ""
        ready, self._waiting = self._waiting, []
        return ready

    def _note(self, found: list[Prediction]) -> None:
        self._changed |= bool(found)
        self._waiting += found
        for prediction in found:
            session = prediction.session
            self._told[session] = _merged(self._told.pop(session, None), prediction)
        finals = [session for session, told in self._told.items() if told.final]
        for session in finals[:-MAX_REPEATED]:
            del self._told[session]

    def _state(self) -> bytes:
        told = [prediction for prediction in self._told.values() if prediction.final]
        snapshot = json.loads(self.fusion.snapshot())
        return json.dumps(
            {"fusion": snapshot, "told": _TOLD.dump_python(told, mode="json")}
        ).encode()

    def _load(self) -> None:
        if not self._path.exists():
            return
        try:
            state = json.loads(self._path.read_bytes())
            told = _TOLD.validate_python(state["told"])
            restored = self.fusion.restore(json.dumps(state["fusion"]).encode(), AWAY)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            self.counters["damaged_states"] += 1
            aside = self._path.with_suffix(".damaged")
            with suppress(OSError):
                self._path.replace(aside)
            self.error = f"the state was damaged ({error}) and lies in {aside} now"
            return
        self._told = {prediction.session: prediction for prediction in told}
        self._waiting += told
        self._note(restored)


def _merged(before: Prediction | None, new: Prediction) -> Prediction:
    """Return two predictions of a session as one, the newer state of each change in it."""
    if before is None:
        return new
    changes = {change.id: change for change in (*before.changes, *new.changes)}
    gaps = dict.fromkeys((*before.gaps, *new.gaps))
    return replace(new, changes=tuple(changes.values()), gaps=tuple(gaps))
