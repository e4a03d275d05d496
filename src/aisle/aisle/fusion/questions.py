"""Asks the model about the shelves that changed, and acts on its answers."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from aisle.fusion import commits
from aisle.fusion.config import FusionConfig
from aisle.fusion.decode import Answer, answer
from aisle.fusion.eyes import Eyes
from aisle.fusion.memory import Commit, Memory, Session, ShelfMemory
from aisle.fusion.outbox import Outbox
from aisle.fusion.runtime import Runtime
from aisle.fusion.shelves import Shelves, Signal
from aisle.fusion.synchronizer import SECOND, TICK_NS
from aisle.fusion.windows import Arrays, Window, latest

Observer = Callable[[list[Window], Arrays], None]
"""Sees every batch of windows and the model's answers: for training and for tests."""


class Questions:
    """What has not been said yet of each shelf: asked tick by tick, until doubt settles."""

    def __init__(
        self, config: FusionConfig, memory: Memory, shelves: Shelves, runtime: Runtime,
        counters: Counter[str], observer: Observer | None, eyes: Eyes | None = None,
    ) -> None:  # fmt: skip
        self._eyes = eyes
        self._memory, self._shelves, self._runtime = memory, shelves, runtime
        self._counters, self._observer = counters, observer
        self._passes, self._decode = config.passes, config.decode
        # With cameras whose a change is rests on other evidence, and is as sure as that.
        name = "session_temperature" if eyes is None else "session_temperature_seen"
        temperature = runtime.manifest.get(name)
        if temperature:
            self._decode = replace(self._decode, session_temperature=float(temperature))
        self._calibration: commits.Calibration = runtime.manifest.get("calibration", [])
        self._calibration_seen = runtime.manifest.get("calibration_seen", self._calibration)

    def ask(self, tick_ns: int, out: Outbox) -> None:
        """Ask about every changed shelf; again about those that said something."""
        changed = self._shelves.changed(tick_ns, self._loose())
        for name, memory in self._memory.shelves.items():
            if name not in changed:
                memory.doubt_since_ns = None
        asking = list(changed)
        for _ in range(self._passes):
            if not asking:
                return
            sessions = list(self._memory.sessions.values())
            windows = [
                self._window(name, tick_ns, changed[name], self._memory.shelf(name), sessions)
                for name in asking
            ]
            answers = self._answers(windows)
            heard = [self._hear(w, said, out) for w, said in zip(windows, answers, strict=True)]
            asking = [name for name, more in zip(asking, heard, strict=True) if more]

    def _window(
        self, shelf: str, tick_ns: int, signal: Signal, memory: ShelfMemory,
        sessions: list[Session],
    ) -> Window:  # fmt: skip
        sessions = latest(sessions)
        view = None
        if self._eyes is not None:
            view = self._eyes.view(shelf, tick_ns, [session.id for session in sessions])
        tokenizer = self._shelves.tokenizer(shelf)
        return tokenizer.window(tick_ns, *signal, memory, sessions, view)

    def _loose(self) -> set[str]:
        """Products that may come to or go from any shelf: what is carried or misplaced."""
        carried = {p for session in self._memory.sessions.values() for p in session.carried}
        return carried.union(*(shelf.stray for shelf in self._memory.shelves.values()))

    def _answers(self, windows: list[Window]) -> list[Answer]:
        outputs = self._runtime.run(windows)
        if self._observer is not None:
            self._observer(windows, outputs)
        found = [
            answer(window, outputs, row, self._decode.session_temperature)
            for row, window in enumerate(windows)
        ]
        self._counters["candidates_cut"] += sum(window.cut for window in windows)
        self._counters["model_outputs_not_finite"] += sum(not said.finite for said in found)
        return found

    def _hear(self, window: Window, said: Answer, out: Outbox) -> bool:
        """Act on one answer; whether it changed anything."""
        config, memory = self._decode, self._memory.shelf(window.shelf)
        if said.withdraw is not None and said.withdraw_probability >= config.withdraw:
            wrong = window.commits[said.withdraw]
            if wrong.session not in self._memory.sessions:
                # A closed receipt stays as it is: what it bought must not be said again.
                return False
            if not self._agreed(window, f"withdraw {wrong.change_id}"):
                return False
            if self._says_again(window, wrong):
                return False
            commits.withdraw(self._memory, window.shelf, wrong, out)
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
        store, memories = self._shelves.store, self._memory
        # What is only seen is less sure than what is weighed, whatever the model states.
        calibration = self._calibration if window.weighed else self._calibration_seen
        commits.commit(store, memories, window, said, calibration, out)
        return True

    def _says_again(self, window: Window, wrong: Commit) -> bool:
        """Whether the model would give the same answer again if this commit had not been said.

        A doubtful answer is more likely wrong than right, and may still be the best there is:
        taking it back would only have it said once more, or leave nothing in its place.
        """
        memory = copy.deepcopy(self._memory.shelf(window.shelf))
        sessions = [
            copy.deepcopy(session) if session.id == wrong.session else session
            for session in self._memory.sessions.values()
        ]
        memory.commits.remove(wrong)
        for session in sessions:
            if session.id == wrong.session:
                commits.undo(session, memory, wrong)
        signal = window.arrays["plate_signal"].T, window.arrays["plate_valid"].T > 0
        before = self._window(window.shelf, window.tick_ns, signal, memory, sessions)
        said = self._answers([before])[0]
        return (
            said.probability > said.nothing
            and before.candidates[said.candidate] == wrong.product
            and said.action is wrong.action
            and said.quantity == wrong.quantity
        )

    def _agreed(self, window: Window, heard: str) -> bool:
        """Whether enough ticks in a row, this one included, have given this answer."""
        memory = self._memory.shelf(window.shelf)
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
