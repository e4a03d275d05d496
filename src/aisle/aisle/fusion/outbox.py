"""What one tick says, collected by session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from aisle.fusion.memory import Session
from aisle.records import Change, ChangeState, Prediction


@dataclass
class Outbox:
    """Changes, gaps and ends of one tick; each change with its last state."""

    changes: dict[str, dict[str, Change]] = field(default_factory=dict)
    gaps: dict[str, list[str]] = field(default_factory=dict)
    final: set[str] = field(default_factory=set)

    def change(self, session: Session, change: Change) -> None:
        """Say a change, new or in a new state, and keep it with its session."""
        session.changes[change.id] = change
        self.changes.setdefault(session.id, {})[change.id] = change

    def confirm(self, session: Session, change_id: str) -> None:
        """Say that a change is firm, if it was tentative."""
        change = session.changes.get(change_id)
        if change is not None and change.state is ChangeState.TENTATIVE:
            self.change(session, replace(change, state=ChangeState.CONFIRMED))

    def gap(self, session: Session, reason: str) -> None:
        """Say why a session was not fully seen."""
        session.note_gap(reason)
        self.gaps.setdefault(session.id, []).append(reason)

    def repeat(self, session: Session) -> None:
        """Say all of a session once more: whoever missed a prediction has it with the last one."""
        self.changes[session.id] = dict(session.changes)
        self.gaps[session.id] = list(dict.fromkeys(session.gaps))

    def end(self, session: str, reason: str = "") -> None:
        """Say that nothing more comes of a session, and why it was not fully seen, if so."""
        if reason:
            self.gaps.setdefault(session, []).append(reason)
        self.final.add(session)

    def predictions(self, tick_ns: int, told_ns: Mapping[str, int]) -> list[Prediction]:
        """All of it, by session.

        Args:
            tick_ns: Stamp of the predictions.
            told_ns: Stamp of each session's prediction before, which its new one follows.
        """
        return [
            Prediction(
                max(tick_ns, told_ns.get(name, 0) + 1), name,
                tuple(self.changes.get(name, {}).values()), name in self.final,
                tuple(self.gaps.get(name, ())),
            )
            for name in sorted({*self.changes, *self.gaps, *self.final})
        ]  # fmt: skip
