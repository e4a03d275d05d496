"""Fusion whose state survives a crash: what it says is on disk before anyone hears it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from aisle.files import write_atomic
from aisle.fusion.fusion import Fusion, StoreAt
from aisle.fusion.runtime import Runtime
from aisle.records import Action, Change, ChangeState, GateEvent, GateKind, Prediction, WeightBatch
from aisle.store.types import Store

AWAY = "fusion was restarted"
MAX_CLOSED = 1000
"""Sessions remembered after their end, so that a gate event that comes again opens none."""
MAX_REPEATED = 50
"""Closed sessions that are told again after a restart: the ledger may have been away with us."""
EARLY_NS = 1_000_000_000
"""A session that entered this long before the first reading was not seen from its beginning."""


class DurableFusion:
    """Pushes records into a `Fusion` and keeps its state in a file.

    Predictions are given out only once the state that holds them is on disk. While the disk takes
    nothing they wait, and come with a later call. Each gate event counts once, also when it comes
    again after a restart.

    Args:
        store: The store at the start.
        runtime: The model.
        path: The state's file. A damaged one is put aside, and counted.
    """

    def __init__(self, store: Store, runtime: Runtime, path: Path) -> None:
        self.fusion = Fusion(store, runtime)
        self.counters: Counter[str] = Counter()
        self.error = ""
        """Why the state cannot be written; empty when it can."""
        self._path = path
        self._closed: list[str] = []
        self._told: dict[str, Prediction] = {}
        """All that was said of each open session, and of the last closed ones, in one piece."""
        self._gates: dict[tuple[str, GateKind], GateEvent] = {}
        self._first_ns: int | None = None
        self._waiting: list[Prediction] = []
        self._changed = False
        self._load()

    def push(self, record: WeightBatch | GateEvent | StoreAt) -> list[Prediction]:
        """Take one record in order of arrival; return the predictions that may be published."""
        found: list[Prediction] = []
        if isinstance(record, GateEvent):
            if not self._admit(record):
                return []
            if self._first_ns is not None:
                found += self._unseen(record)
        elif isinstance(record, WeightBatch) and self._first_ns is None:
            self._first_ns = record.stamp_ns
            for event in self._gates.values():
                found += self._unseen(event)
        found += self.fusion.push(record)
        self._note(found)
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

    def _admit(self, event: GateEvent) -> bool:
        key = (event.session, event.kind)
        if key in self._gates or event.session in self._closed:
            self.counters["repeated_gate_events"] += 1
            return False
        self._gates[key] = event
        self._changed = True
        return True

    def _unseen(self, event: GateEvent) -> list[Prediction]:
        """Say so if a session entered before this fusion saw the scales."""
        assert self._first_ns is not None
        missing_ns = self._first_ns - event.stamp_ns
        if event.kind is not GateKind.ENTER or missing_ns < EARLY_NS:
            return []
        gap = f"{AWAY}: the first {missing_ns / 1e9:.1f} s were not seen"
        return [Prediction(self._first_ns, event.session, (), gaps=(gap,))]

    def _note(self, found: list[Prediction]) -> None:
        self._changed |= bool(found)
        self._waiting += found
        for prediction in found:
            session = prediction.session
            self._told[session] = _merged(self._told.pop(session, None), prediction)
            if prediction.final:
                self._closed = [*self._closed, session][-MAX_CLOSED:]
                for kind in GateKind:
                    self._gates.pop((session, kind), None)
        finals = [session for session, told in self._told.items() if told.final]
        for session in finals[:-MAX_REPEATED]:
            del self._told[session]

    def _state(self) -> bytes:
        gates = [
            [e.stamp_ns, e.gate, int(e.kind), e.session, e.group_size] for e in self._gates.values()
        ]
        state = {
            "fusion": json.loads(self.fusion.snapshot()),
            "gates": gates,
            "closed": self._closed,
            "told": [asdict(told) for told in self._told.values() if told.final],
        }
        return json.dumps(state).encode()

    def _load(self) -> None:
        if not self._path.exists():
            return
        try:
            state = json.loads(self._path.read_bytes())
            gates = [_event(entry) for entry in state["gates"]]
            closed = [str(session) for session in state["closed"]]
            told = [_prediction(entry) for entry in state["told"]]
            restored = self.fusion.restore(json.dumps(state["fusion"]).encode(), AWAY)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            self.counters["damaged_states"] += 1
            aside = self._path.with_suffix(".damaged")
            self._path.replace(aside)
            self.error = f"the state was damaged ({error}) and lies in {aside} now"
            return
        self._closed = closed
        self._told = {prediction.session: prediction for prediction in told}
        self._waiting += told
        self._note(restored)
        for event in gates:
            self._gates[event.session, event.kind] = event
            session = self.fusion.memory.sessions.get(event.session)
            if session is None or (event.kind is GateKind.EXIT and session.exit_ns is None):
                self._note(self.fusion.push(event))


def _merged(before: Prediction | None, new: Prediction) -> Prediction:
    """Return two predictions of a session as one, the newer state of each change in it."""
    if before is None:
        return new
    changes = {change.id: change for change in (*before.changes, *new.changes)}
    gaps = dict.fromkeys((*before.gaps, *new.gaps))
    return replace(new, changes=tuple(changes.values()), gaps=tuple(gaps))


def _prediction(entry: dict[str, Any]) -> Prediction:
    """Return a prediction from what `asdict` made of it."""
    changes = []
    for change in entry["changes"]:
        lists = {name: tuple(change[name]) for name in ("plates", "cameras", "evidence_ns")}
        state, action = ChangeState(change["state"]), Action(change["action"])
        changes.append(Change(**{**change, **lists, "state": state, "action": action}))
    return Prediction(**{**entry, "changes": tuple(changes), "gaps": tuple(entry["gaps"])})


def _event(entry: list[Any]) -> GateEvent:
    stamp_ns, gate, kind, session, group_size = entry
    return GateEvent(int(stamp_ns), str(gate), GateKind(kind), str(session), int(group_size))
