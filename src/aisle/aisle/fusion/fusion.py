"""Fusion: records in, predictions out. The same `step()` serves live, replay and training."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace

import numpy as np

from aisle.fusion import commits
from aisle.fusion.beats import Beat, Picture
from aisle.fusion.config import FusionConfig
from aisle.fusion.eyes import Eyes
from aisle.fusion.hand_overs import hand_over
from aisle.fusion.memory import MAX_CLEARED, Memory
from aisle.fusion.outbox import Outbox
from aisle.fusion.passages import Passages
from aisle.fusion.plate_health import PlateChange
from aisle.fusion.plates import Plates
from aisle.fusion.questions import Observer, Questions
from aisle.fusion.runtime import Runtime
from aisle.fusion.shelves import Shelves, StoreAt
from aisle.fusion.synchronizer import SECOND, Synchronizer
from aisle.records import Frame, GateEvent, Prediction, Record, SlotChange, WeightBatch
from aisle.store.types import Store

NO_CAMERA = "no camera gives pictures to rely on"
"""The gap of sessions in a store all of whose cameras are bad."""


class Fusion:
    """Synchronizes records, asks the model about shelves that changed, keeps what it said.

    What it says depends on the records, their stamps and their order alone.

    Args:
        store: The store at the start.
        runtime: The model.
        config: Limits; the defaults when None.
        observer: Sees what the model is asked and answers.
        eyes: The store's cameras, for a model with sight; without them frames are left out.
    """

    def __init__(
        self, store: Store, runtime: Runtime, config: FusionConfig | None = None,
        observer: Observer | None = None, eyes: Eyes | None = None,
    ) -> None:  # fmt: skip
        self.config = config or FusionConfig()
        self.eyes = eyes
        self.sync = Synchronizer(store.controllers, self.config.sync, self._cameras)
        self._runtime, self._observer = runtime, observer
        self._counters: Counter[str] = Counter()
        self._stores: list[StoreAt] = []
        self._cleared: list[SlotChange] = []
        self._unseen: set[str] = set()
        """Sessions that have been told that no camera sees them."""
        self._shelves = Shelves(_in_place(store), self.config, self._counters, eyes)
        self._plates = Plates(self.config)
        memory = Memory()
        memory.note_misplaced(store.slots.values())
        self._remember(memory)

    def _remember(self, memory: Memory) -> None:
        self.memory = memory
        self._passages = Passages(self.config, memory, self.sync, self._counters)
        self._questions = Questions(
            self.config, memory, self._shelves, self._runtime, self._counters, self._observer,
            self.eyes,
        )  # fmt: skip

    @property
    def _cameras(self) -> tuple[str, ...]:
        return () if self.eyes is None else self.eyes.cameras

    @property
    def store(self) -> Store:
        """The store model in use, without what was put in the wrong place."""
        return self._shelves.store

    @property
    def counters(self) -> dict[str, int]:
        """What was refused, late or lost, by reason."""
        seen = Counter[str]() if self.eyes is None else self.eyes.counters
        return dict(self._counters + self.sync.counters + self._plates.counters + seen)

    @property
    def bad_plates(self) -> dict[str, PlateChange]:
        """Plates that give nothing to rely on, although their controller speaks."""
        return self._plates.bad

    @property
    def leaving(self) -> bool:
        """Whether somebody has left whose session is not closed yet."""
        return bool(self._passages.exits_ns)

    @property
    def passages_taken(self) -> int:
        """Gate events that were not refused; with each of them the snapshot changes."""
        return self._passages.taken

    def push(self, record: Record | StoreAt) -> list[Prediction]:
        """Take one record, in order of arrival; the predictions of the ticks that it closed."""
        found: list[Prediction] = []
        if isinstance(record, WeightBatch):
            found = self._take_weights(record)
        elif isinstance(record, Frame):
            found = self._take_frame(record)
        elif isinstance(record, GateEvent):
            self._passages.take(record)
        elif isinstance(record, SlotChange):
            self._cleared = [*self._cleared, record][-MAX_CLEARED:]
        else:
            self._stores.append(record)
        return found + self._steps(self.sync.ready())

    def step(self, tick_ns: int) -> list[Prediction]:
        """Everything that is decided at one tick."""
        out, memory = Outbox(), self.memory
        told_ns = {name: session.told_ns for name, session in memory.sessions.items()}
        self._take_stores(tick_ns)
        self._take_cleared(tick_ns)
        self._passages.apply(tick_ns, out)
        for gap in self.sync.take_gaps():
            for session in memory.sessions.values():
                out.gap(session, gap)
        self._plates.tell(memory, self.store, out)
        if self.eyes is not None:
            self.eyes.look(tick_ns, self.sync.newest_ns or tick_ns, memory.sessions)
            self._tell_unseen(self.eyes, out)
        memory.tick_ns = tick_ns
        commits.forget(memory, tick_ns, out)
        if memory.sessions:
            self._questions.ask(tick_ns, out)
            self._hand_over(out)
            commits.settle(memory, tick_ns, self.config.decode.settle_s, out)
        self._passages.close(tick_ns, out)
        return memory.note_told(out.predictions(tick_ns, told_ns))

    def finish(self) -> list[Prediction]:
        """Nothing more comes: close the ticks that the records reach, and sessions that have left.

        At the end of a recording; and when all streams have been silent for so long that nobody
        else will move time on. A session that left after its scales fell silent gets a gap.
        """
        found = self._steps(self.sync.finish())
        for exit_ns in self._passages.exits_ns if self.sync.closed_ns is not None else ():
            # One by one: then it does not matter how many have left when this is called.
            self.sync.note_end(exit_ns)
            until = exit_ns + round((self.config.exit_grace_s + 0.5) * SECOND)
            found += self._steps(self.sync.finish(until))
        return found

    def snapshot(self) -> bytes:
        """All that a restarted fusion needs, as JSON."""
        return self.memory.to_json()

    def restore(self, snapshot: bytes, reason: str) -> list[Prediction]:
        """Go on from a snapshot: open sessions get a gap, and all their changes come again.

        Raises:
            ValueError: Not a snapshot.
        """
        self._remember(Memory.from_json(snapshot))
        found = []
        for session in self.memory.sessions.values():
            session.note_gap(reason)
            changes, gaps = tuple(session.changes.values()), tuple(session.gaps)
            stamp_ns = max(self.memory.tick_ns, session.enter_ns, session.told_ns)
            found.append(Prediction(stamp_ns, session.id, changes, False, gaps))
        for shelf in self.memory.shelves.values():
            shelf.look_away()
        return self.memory.note_told(found)

    def _steps(self, ticks: list[int]) -> list[Prediction]:
        return [prediction for tick_ns in ticks for prediction in self.step(tick_ns)]

    def _take_weights(self, batch: WeightBatch) -> list[Prediction]:
        """Take a batch; the predictions of a silence of all scales that it ends."""
        if not self._shelves.knows(batch):
            return []
        used, found = self._hear(batch)
        if used:
            batch = self._shelves.add(batch, self.config.heaviest_kg)
            self._plates.add(batch)
            self.sync.note_readings(batch, bool(np.isfinite(batch.kilograms).any()))
        return found

    def _take_frame(self, frame: Frame) -> list[Prediction]:
        """Take a picture; the predictions of a silence of all streams that it ends."""
        camera = self.store.cameras.get(frame.camera)
        if self.eyes is None or camera is None:
            self._counters["frames_left_out"] += 1
            return []
        beat = Picture(frame.camera, frame.stamp_ns, round(SECOND / camera.rate_hz))
        used, found = self._hear(beat)
        if used:
            self.eyes.add(frame)
        else:
            self.eyes.refuse(frame.camera, self.sync.refusal.replace("_", " "))
        return found

    def _hear(self, batch: Beat) -> tuple[bool, list[Prediction]]:
        """Whether a message is of use; the predictions of a silence that it ends."""
        found = self._after_silence(batch)
        epoch = self.sync.epoch
        used = self.sync.accept(batch)
        if self.sync.epoch != epoch:
            self._move_time(batch.end_ns)
        if used and self._passages.began_ns is None:
            self._passages.begin(batch.stamp_ns)
        return used, found

    def _tell_unseen(self, eyes: Eyes, out: Outbox) -> None:
        """A store with cameras of which none gives anything is a gap, once a session."""
        sessions = self.memory.sessions
        blind = bool(eyes.cameras) and set(eyes.cameras) <= set(eyes.bad_cameras)
        unseen = set(sessions) if blind else set()
        for name in sorted(unseen - self._unseen):
            out.gap(sessions[name], NO_CAMERA)
        self._unseen = unseen

    def _hand_over(self, out: Outbox) -> None:
        """What was seen handed over, after what was seen of the shelves."""
        if self.eyes is not None:
            for seen in self.eyes.handed:
                said = hand_over(self.memory, self.eyes.looks, seen, out)
                self._counters["hand_overs" if said else "hand_overs_of_nothing"] += 1

    def _move_time(self, now_ns: int) -> None:
        """Most clocks were set back: sessions go on, what was seen is forgotten."""
        step_ns = self.sync.step_ns
        self.memory.move_time(step_ns, now_ns)
        self._stores = [replace(s, stamp_ns=min(s.stamp_ns, now_ns)) for s in self._stores]
        self._passages.began_ns = None
        self._plates.move_time()
        self._shelves.forget()
        if self.eyes is not None:
            self.eyes.forget()

    def _after_silence(self, batch: Beat) -> list[Prediction]:
        """Decide what `finish` decides in a silence, so that it is the same if nobody called it."""
        newest_ns, limit = self.sync.newest_ns, self.config.silence_s * SECOND
        silent = newest_ns is not None and batch.stamp_ns - newest_ns > limit
        # A stamp that is only wrong ends nothing.
        ended = silent and self.leaving and copy.deepcopy(self.sync).accept(batch)
        return self.finish() if ended else []

    def _take_stores(self, tick_ns: int) -> None:
        delay = round(self.config.store_delay_s * SECOND)
        due = [s for s in self._stores if s.stamp_ns + delay <= tick_ns]
        if due:
            self._stores = [s for s in self._stores if s not in due]
            newest = max(due, key=lambda s: (s.stamp_ns, s.store.revision)).store
            if self.eyes is not None:
                self.eyes.use(newest)
            self._shelves.use(_in_place(newest))
            self._plates.use(newest)
            self.sync.set_streams(newest.controllers, self._cameras)

    def _take_cleared(self, tick_ns: int) -> None:
        delay = round(self.config.store_delay_s * SECOND)
        for change in [c for c in self._cleared if c.stamp_ns + delay <= tick_ns]:
            self._cleared.remove(change)
            self.memory.clear_stray(change)


def _in_place(store: Store) -> Store:
    """A store without what was put in the wrong place: the memory knows that, and sooner."""
    slots = {name: slot for name, slot in store.slots.items() if not slot.misplaced}
    return replace(store, slots=slots)


__all__ = ["Fusion", "FusionConfig", "Observer", "StoreAt"]
