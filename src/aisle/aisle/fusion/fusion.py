"""Fusion: records in, predictions out. The same `step()` serves live, replay and training."""

from __future__ import annotations

import bisect
import copy
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.decode import Answer, DecodeConfig, answer
from aisle.fusion.grid import BIN_NS, SignalGrid
from aisle.fusion.memory import Commit, Memory, Session, ShelfMemory
from aisle.fusion.runtime import Runtime
from aisle.fusion.synchronizer import SECOND, TICK_NS, SyncConfig, Synchronizer
from aisle.fusion.windows import WINDOW_NS, Arrays, ShelfTokenizer, Window
from aisle.records import (
    Action,
    Change,
    ChangeState,
    GateEvent,
    GateKind,
    Prediction,
    WeightBatch,
)
from aisle.store.layout import shelf_layout
from aisle.store.types import Store

Observer = Callable[[list[Window], Arrays], None]
"""Sees every batch of windows and the model's answers: for training and for tests."""


@dataclass(frozen=True)
class FusionConfig:
    """Limits and thresholds; times in seconds."""

    sync: SyncConfig = field(default_factory=SyncConfig)
    decode: DecodeConfig = field(default_factory=DecodeConfig)
    enter_delay_s: float = 0.5
    """An entry counts from this long after its stamp, so that its arrival order does not matter."""
    enter_late_s: float = 2.0
    """An entry told later than this was not watched from its beginning: a gap."""
    exit_grace_s: float = 3.0
    """How long after the exit changes may still be found and doubts settle."""
    store_delay_s: float = 1.0
    """A new store model counts from this long after its stamp."""
    passes: int = 3
    """Answers that one shelf may give in one tick."""
    changed_share: float = 0.2
    """A plate has changed when its range exceeds this share of the lightest product."""
    max_sessions: int = 1000
    max_open_s: float = 4 * 3600.0
    """A session open for longer is closed with a gap: its exit was missed."""
    gate_ahead_s: float = 60.0
    """A passage stamped further ahead of the scales than this is refused."""
    heaviest_kg: float = 1000.0
    """A reading beyond this is no weight, and counts as missed."""


@dataclass(frozen=True)
class StoreAt:
    """A store model and when it was published."""

    stamp_ns: int
    store: Store


@dataclass
class _Shelf:
    tokenizer: ShelfTokenizer
    controller: str
    columns: NDArray[np.int64]
    threshold_kg: float


@dataclass
class _Outbox:
    changes: dict[str, dict[str, Change]] = field(default_factory=dict)
    gaps: dict[str, list[str]] = field(default_factory=dict)
    final: set[str] = field(default_factory=set)

    def change(self, session: str, change: Change) -> None:
        self.changes.setdefault(session, {})[change.id] = change


class Fusion:
    """Synchronizes records, asks the model about shelves that changed, keeps what it said."""

    def __init__(
        self, store: Store, runtime: Runtime, config: FusionConfig | None = None,
        observer: Observer | None = None,
    ) -> None:  # fmt: skip
        self.config, self.runtime, self.observer = config or FusionConfig(), runtime, observer
        temperature = runtime.manifest.get("temperature")
        self._decode = self.config.decode
        if temperature:
            self._decode = replace(self._decode, temperature=float(temperature))
        self._calibration: list[list[float]] = runtime.manifest.get("calibration", [])
        self.memory = Memory()
        self.sync = Synchronizer(store.controllers, self.config.sync)
        self.grids: dict[str, SignalGrid] = {}
        self._plates: dict[str, tuple[str, ...]] = {}
        self._gates: list[GateEvent] = []
        self._stores: list[StoreAt] = []
        self._counters: Counter[str] = Counter()
        self._use(store)

    @property
    def counters(self) -> dict[str, int]:
        """What was refused, late or lost, by reason."""
        return dict(self._counters + self.sync.counters)

    @property
    def leaving(self) -> bool:
        """Whether somebody has left whose session is not closed yet."""
        events = any(event.kind is GateKind.EXIT for event in self._gates)
        return events or any(s.exit_ns is not None for s in self.memory.sessions.values())

    def push(self, record: WeightBatch | GateEvent | StoreAt) -> list[Prediction]:
        """Take one record, in order of arrival; the predictions of the ticks that it closed."""
        if isinstance(record, WeightBatch):
            self._weights(record)
        elif isinstance(record, GateEvent):
            self._gate(record)
        else:
            self._stores.append(record)
        return [p for tick in self.sync.ready() for p in self.step(tick)]

    def finish(self) -> list[Prediction]:
        """Nothing more comes: close the ticks that the records reach, and sessions that have left.

        At the end of a recording; and when all streams have been silent for so long that nobody
        else will move time on. A session that left after its scales fell silent gets a gap.
        """
        found = [p for tick in self.sync.finish() for p in self.step(tick)]
        stamps = [e.stamp_ns for e in self._gates]
        stamps += [s.exit_ns for s in self.memory.sessions.values() if s.exit_ns is not None]
        if stamps and self.sync.closed_ns is not None:
            self.sync.note_end(max(stamps))
            until = max(stamps) + round((self.config.exit_grace_s + 0.5) * SECOND)
            found += [p for tick in self.sync.finish(until) for p in self.step(tick)]
        return found

    def snapshot(self) -> bytes:
        """All that a restarted fusion needs, as JSON."""
        return json.dumps(self.memory.to_json(), sort_keys=True).encode()

    def restore(self, snapshot: bytes, reason: str) -> list[Prediction]:
        """Go on from a snapshot: open sessions get a gap, and all their changes come again.

        Raises:
            ValueError: Not a snapshot.
        """
        self.memory = Memory.from_json(json.loads(snapshot))
        found = []
        for session in self.memory.sessions.values():
            session.note_gap(reason)
            changes, gaps = tuple(session.changes.values()), tuple(session.gaps)
            stamp_ns = max(self.memory.tick_ns, session.enter_ns)
            found.append(Prediction(stamp_ns, session.id, changes, False, gaps))
        for shelf in self.memory.shelves.values():
            shelf.commits.clear()
        return found

    # Records

    def _weights(self, batch: WeightBatch) -> None:
        grid = self.grids.get(batch.controller)
        controller = self.store.controllers.get(batch.controller)
        if grid is None or controller is None:
            self._counters["unknown_stream"] += 1
        elif batch.plates != controller.plates:
            self._counters["unknown_plates"] += 1
        elif self.sync.accept(batch):
            usable = np.abs(batch.kilograms) < self.config.heaviest_kg
            if not usable.all():
                self._counters["batches_with_missed_samples"] += 1
                batch = replace(batch, kilograms=np.where(usable, batch.kilograms, np.nan))
            self.sync.note_readings(batch, bool(usable.any()))
            grid.add(batch)

    def _gate(self, event: GateEvent) -> None:
        if len(self._gates) >= self.config.max_sessions:
            self._counters["gate_events_refused"] += 1
            return
        newest_ns = self.sync.newest_ns
        if newest_ns and event.stamp_ns > newest_ns + round(self.config.gate_ahead_s * SECOND):
            self._counters["gate_events_from_the_future"] += 1
            return
        bisect.insort(self._gates, event, key=lambda e: e.stamp_ns)
        self.sync.note_gate(event)

    def _use(self, store: Store) -> None:
        """Take a store model into use; grids of unchanged controllers go on."""
        self.store = store
        self.shelves: dict[str, _Shelf] = {}
        lightest = min((p.weight_kg for p in store.products.values()), default=0.02)
        threshold = float(np.clip(self.config.changed_share * lightest, 0.001, 0.004))
        self.sync.set_streams(store.controllers)
        for controller in store.controllers.values():
            if self._plates.get(controller.id) != controller.plates:
                self.grids[controller.id] = SignalGrid(len(controller.plates))
                self._plates[controller.id] = controller.plates
            column = {plate: i for i, plate in enumerate(controller.plates)}
            for shelf in dict.fromkeys(store.plates[p].shelf for p in controller.plates):
                layout = shelf_layout(store, shelf)
                if any(plate not in column for plate in layout.plates):
                    self._counters["shelves_on_two_controllers"] += 1
                    continue
                self.shelves[shelf] = _Shelf(
                    ShelfTokenizer(store, shelf, layout), controller.id,
                    np.array([column[plate] for plate in layout.plates]), threshold,
                )  # fmt: skip

    # One tick

    def step(self, tick_ns: int) -> list[Prediction]:
        """Everything that is decided at one tick."""
        out = _Outbox()
        self._apply_stores(tick_ns)
        self._apply_gates(tick_ns, out)
        for gap in self.sync.take_gaps():
            for session in self.memory.sessions.values():
                session.note_gap(gap)
                out.gaps.setdefault(session.id, []).append(gap)
        self.memory.tick_ns = tick_ns
        self._forget(tick_ns, out)
        if self.memory.sessions:
            self._ask(tick_ns, out)
            self._settle(tick_ns, out)
        self._close(tick_ns, out)
        names = sorted({*out.changes, *out.gaps, *out.final})
        return [
            Prediction(
                tick_ns, name, tuple(out.changes.get(name, {}).values()), name in out.final,
                tuple(out.gaps.get(name, ())),
            )
            for name in names
        ]  # fmt: skip

    def _apply_stores(self, tick_ns: int) -> None:
        delay = round(self.config.store_delay_s * SECOND)
        due = [s for s in self._stores if s.stamp_ns + delay <= tick_ns]
        if due:
            self._stores = [s for s in self._stores if s not in due]
            newest = max(due, key=lambda s: (s.stamp_ns, s.store.revision)).store
            # What was put in the wrong place is known here already, and sooner.
            slots = {name: slot for name, slot in newest.slots.items() if not slot.misplaced}
            self._use(replace(newest, slots=slots))

    def _apply_gates(self, tick_ns: int, out: _Outbox) -> None:
        delay = round(self.config.enter_delay_s * SECOND)
        while self._gates and self._gates[0].stamp_ns + delay <= tick_ns:
            event = self._gates.pop(0)
            session = self.memory.sessions.get(event.session)
            if event.kind is GateKind.ENTER:
                if session is None and event.session not in self.memory.closed:
                    self._open(event, tick_ns, out)
                else:
                    self._counters["repeated_entries"] += 1
            elif session is None:
                self._counters["exits_without_session"] += 1
            elif session.exit_ns is not None:
                self._counters["repeated_exits"] += 1
            else:
                session.exit_ns = event.stamp_ns

    def _open(self, event: GateEvent, tick_ns: int, out: _Outbox) -> None:
        session = Session(event.session, event.stamp_ns, event.group_size)
        self.memory.sessions[session.id] = session
        gaps = [f"weights/{stream}: silent on entry" for stream in self.sync.dead]
        late_s = (tick_ns - event.stamp_ns) / SECOND - self.config.enter_delay_s
        if late_s > self.config.enter_late_s:
            gaps.append(f"gate: the entry was told {late_s:.1f} s late")
        for gap in gaps:
            session.note_gap(gap)
            out.gaps.setdefault(session.id, []).append(gap)

    def _forget(self, tick_ns: int, out: _Outbox) -> None:
        """Commits that leave their window stand: nothing can take them back any more."""
        for shelf in self.memory.shelves.values():
            for commit in shelf.commits:
                session = self.memory.sessions.get(commit.session)
                if session is not None and commit.stamp_ns <= tick_ns - WINDOW_NS:
                    self._confirm(session, commit.change_id, out)
            shelf.commits = [c for c in shelf.commits if c.stamp_ns > tick_ns - WINDOW_NS]

    def _changed(self, tick_ns: int) -> dict[str, tuple[NDArray[np.float32], NDArray[np.bool_]]]:
        """Signals of the shelves on which a plate changed in the window."""
        found = {}
        signals = {name: grid.window(tick_ns // BIN_NS) for name, grid in self.grids.items()}
        ranges = {}
        for name, (signal, _) in signals.items():
            smooth = signal.reshape(-1, 4, signal.shape[1]).mean(axis=1)
            ranges[name] = smooth.max(axis=0) - smooth.min(axis=0)
        for name, shelf in self.shelves.items():
            if (ranges[shelf.controller][shelf.columns] > shelf.threshold_kg).any():
                signal, valid = signals[shelf.controller]
                found[name] = (signal[:, shelf.columns], valid[:, shelf.columns])
        return found

    def _ask(self, tick_ns: int, out: _Outbox) -> None:
        """Ask about every changed shelf; again about those that said something."""
        changed = self._changed(tick_ns)
        for name, memory in self.memory.shelves.items():
            if name not in changed:
                memory.doubt_since_ns = None
        asking = list(changed)
        for _ in range(self.config.passes):
            if not asking:
                return
            sessions = list(self.memory.sessions.values())
            windows = [
                self.shelves[name].tokenizer.window(
                    tick_ns, *changed[name], self.memory.shelf(name), sessions
                )
                for name in asking
            ]
            outputs = self.runtime.run(windows)
            if self.observer is not None:
                self.observer(windows, outputs)
            asking = [
                window.shelf
                for row, window in enumerate(windows)
                if self._hear(window, answer(window, outputs, row, self._decode.temperature), out)
            ]

    def _hear(self, window: Window, said: Answer, out: _Outbox) -> bool:
        """Act on one answer; whether it changed anything."""
        config, memory = self._decode, self.memory.shelf(window.shelf)
        if said.withdraw is not None and said.withdraw_probability >= config.withdraw:
            commit = window.commits[said.withdraw]
            if not self._agreed(window, f"withdraw {commit.change_id}"):
                return False
            if config.ask_again and self._says_again(window, commit):
                return False
            self._withdraw(window, commit, out)
            return True
        if said.nothing > 1 - config.something:
            memory.doubt_since_ns = None
            return False
        if memory.doubt_since_ns is None:
            memory.doubt_since_ns = window.tick_ns
        waited = window.tick_ns - memory.doubt_since_ns
        if said.probability >= config.commit:
            product = window.candidates[said.candidate]
            if not self._agreed(window, f"{said.action.name} {said.quantity} {product}"):
                return False
        elif waited < config.patience_s * SECOND:
            return False
        if said.withdraw is not None and said.withdraw_probability > said.probability:
            return False
        memory.doubt_since_ns = None
        self._commit(window, said, out)
        return True

    def _says_again(self, window: Window, commit: Commit) -> bool:
        """Whether the model would give the same answer again if this commit had not been said.

        A doubtful answer is more likely wrong than right, and may still be the best there is:
        taking it back would only have it said once more, or leave nothing in its place.
        """
        memory = copy.deepcopy(self.memory.shelf(window.shelf))
        sessions = [
            copy.deepcopy(session) if session.id == commit.session else session
            for session in self.memory.sessions.values()
        ]
        memory.commits.remove(commit)
        for session in sessions:
            if session.id == commit.session:
                _undo(session, memory, commit)
        signal, valid = window.arrays["plate_signal"].T, window.arrays["plate_valid"].T > 0
        tokenizer = self.shelves[window.shelf].tokenizer
        before = tokenizer.window(window.tick_ns, signal, valid, memory, sessions)
        outputs = self.runtime.run([before])
        if self.observer is not None:
            self.observer([before], outputs)
        said = answer(before, outputs, 0, self._decode.temperature)
        return (
            said.probability > said.nothing
            and before.candidates[said.candidate] == commit.product
            and said.action is commit.action
            and said.quantity == commit.quantity
        )

    def _agreed(self, window: Window, heard: str) -> bool:
        """Whether enough ticks in a row, this one included, have given this answer."""
        memory = self.memory.shelf(window.shelf)
        last, count, tick_ns = memory.heard
        if last != heard or window.tick_ns - tick_ns > TICK_NS:
            count = 0
        if window.tick_ns != tick_ns or last != heard:
            count += 1
        memory.heard = (heard, count, window.tick_ns)
        if count < self._decode.agree:
            return False
        memory.heard = ("", 0, 0)
        return True

    def _commit(self, window: Window, said: Answer, out: _Outbox) -> None:
        session = self.memory.sessions[window.sessions[said.session]]
        shelf, product = self.store.shelves[window.shelf], window.candidates[said.candidate]
        unit = said.mass_kg / said.quantity
        here = {slot.product for slot in self.store.slots_of_shelf[shelf.id] if not slot.misplaced}
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
            probability=self.calibrated(said.probability) * said.session_probability,
            shelf=shelf.id,
            plates=plates,
            evidence_ns=(window.tick_ns - WINDOW_NS, window.tick_ns),
            foreign=bool(product) and product not in here,
        )
        commit = Commit(
            change.id, session.id, said.stamp_ns, said.action, product, said.quantity,
            said.probability, window.tick_ns, unit, held.unit_kg if held else 0.0,
        )  # fmt: skip
        memory = self.memory.shelf(window.shelf)
        memory.commits.append(commit)
        memory.commits.sort(key=lambda c: (c.stamp_ns, c.change_id))
        session.apply(said.action, product, said.quantity, unit)
        session.touched[shelf.fixture] = said.stamp_ns
        if change.foreign:
            _stray(memory, change, 1)
        session.changes[change.id] = change
        out.change(session.id, change)

    def _withdraw(self, window: Window, commit: Commit, out: _Outbox) -> None:
        session = self.memory.sessions.get(commit.session)
        memory = self.memory.shelf(window.shelf)
        memory.commits.remove(commit)
        if session is None or commit.change_id not in session.changes:
            return
        change = replace(session.changes[commit.change_id], state=ChangeState.WITHDRAWN)
        _undo(session, memory, commit)
        session.changes[change.id] = change
        out.change(session.id, change)

    def calibrated(self, probability: float) -> float:
        """The share of answers of this probability that were right on development data."""
        if not self._calibration:
            return probability
        known, right = zip(*self._calibration, strict=True)
        return float(np.interp(probability, known, right))

    def _settle(self, tick_ns: int, out: _Outbox) -> None:
        """Commits that were not withdrawn in time are confirmed."""
        limit = tick_ns - round(self._decode.settle_s * SECOND)
        for memory in self.memory.shelves.values():
            for commit in memory.commits:
                session = self.memory.sessions.get(commit.session)
                if session is None or commit.committed_ns > limit:
                    continue
                self._confirm(session, commit.change_id, out)

    def _confirm(self, session: Session, change_id: str, out: _Outbox) -> None:
        change = session.changes.get(change_id)
        if change is not None and change.state is ChangeState.TENTATIVE:
            change = replace(change, state=ChangeState.CONFIRMED)
            session.changes[change_id] = change
            out.change(session.id, change)

    def _close(self, tick_ns: int, out: _Outbox) -> None:
        grace = round(self.config.exit_grace_s * SECOND)
        longest = round(self.config.max_open_s * SECOND)
        for session in list(self.memory.sessions.values()):
            forgotten = session.exit_ns is None and session.enter_ns + longest <= tick_ns
            if forgotten:
                self._counters["sessions_without_exit"] += 1
                out.gaps.setdefault(session.id, []).append(
                    f"no exit within {self.config.max_open_s / 3600:.1f} h"
                )
            if forgotten or (session.exit_ns is not None and session.exit_ns + grace <= tick_ns):
                for change_id in session.changes:
                    self._confirm(session, change_id, out)
                out.final.add(session.id)
                del self.memory.sessions[session.id]
                self.memory.closed = [*self.memory.closed, session.id][-self.config.max_sessions :]


def _undo(session: Session, memory: ShelfMemory, commit: Commit) -> None:
    """Give back what a commit took from a session, and the other way round."""
    session.apply(commit.action.opposite, commit.product, commit.quantity, commit.restored_kg)
    change = session.changes[commit.change_id]
    if change.foreign:
        _stray(memory, change, -1)


def _stray(memory: ShelfMemory, change: Change, sign: int) -> None:
    """Keep account of products that stand where they do not belong."""
    quantity, plates = memory.stray.get(change.product, (0, ()))
    step = sign * change.quantity * (1 if change.action is Action.RETURN else -1)
    if quantity + step > 0:
        memory.stray[change.product] = (quantity + step, plates or change.plates)
    else:
        memory.stray.pop(change.product, None)


__all__ = ["Fusion", "FusionConfig", "StoreAt"]
