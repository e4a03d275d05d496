"""Passages at the gates open and close sessions, each passage once."""

from __future__ import annotations

import bisect
from collections import Counter

from aisle.fusion.beats import stream_topic
from aisle.fusion.config import FusionConfig
from aisle.fusion.memory import Memory, Session
from aisle.fusion.outbox import Outbox
from aisle.fusion.synchronizer import SECOND, Synchronizer
from aisle.records import GateEvent, GateKind

_FUTURE = "gate_events_from_the_future"
NEVER_ENTERED = "gate: nobody was seen entering as this session"


class Passages:
    """Keeps gate events until their time comes, and the sessions that they open and close.

    Of several passages of one session in one direction the first to arrive counts; what is
    refused is not kept, so that it counts when it comes again and is right.
    """

    def __init__(
        self, config: FusionConfig, memory: Memory, sync: Synchronizer, counters: Counter[str]
    ) -> None:
        self._config, self._memory, self._sync = config, memory, sync
        self._counters = counters
        self.began_ns: int | None = None
        """Stamp of the first reading: what was before, nobody saw."""
        self.taken = 0
        """Events that were not refused."""

    def take(self, event: GateEvent) -> None:
        """Keep an event until its time comes; one that is refused is counted."""
        reason = self._refusal(event)
        if reason:
            self._counters[reason] += 1
            return
        bisect.insort(self._memory.gates, event, key=lambda e: e.stamp_ns)
        self._sync.note_gate(event)
        self.taken += 1

    def _refusal(self, event: GateEvent) -> str:
        """The counter of why an event is refused; empty when it is not."""
        memory, config = self._memory, self._config
        session = memory.sessions.get(event.session)
        repeated = event.session in memory.closed
        if session is not None:
            repeated = event.kind is GateKind.ENTER or session.exit_ns is not None
        key = (event.session, event.kind)
        if repeated or any((e.session, e.kind) == key for e in memory.gates):
            return "repeated_gate_events"
        if len(memory.gates) >= config.max_sessions:
            return "gate_events_refused"
        return _FUTURE if self._ahead(event.stamp_ns) else ""

    def _ahead(self, stamp_ns: int) -> bool:
        """Whether a stamp is too far ahead of the readings; nobody knows before the first."""
        newest_ns = self._sync.newest_ns
        limit_ns = round(self._config.gate_ahead_s * SECOND)
        return newest_ns is not None and stamp_ns > newest_ns + limit_ns

    def begin(self, stamp_ns: int) -> None:
        """The first reading has come: drop what waits, and by its stamp is of the future."""
        self.began_ns = stamp_ns
        kept = [event for event in self._memory.gates if not self._ahead(event.stamp_ns)]
        self._counters[_FUTURE] += len(self._memory.gates) - len(kept)
        self._memory.gates = kept

    @property
    def exits_ns(self) -> list[int]:
        """Stamps of the exits of all sessions that are not closed yet, in order.

        Without those too far ahead: time must not be moved to them.
        """
        waiting = {e.stamp_ns for e in self._memory.gates if e.kind is GateKind.EXIT}
        known = {s.exit_ns for s in self._memory.sessions.values() if s.exit_ns is not None}
        return sorted(exit_ns for exit_ns in waiting | known if not self._ahead(exit_ns))

    def apply(self, tick_ns: int, out: Outbox) -> None:
        """Open and mark the sessions whose passages count from this tick on."""
        delay, memory = round(self._config.enter_delay_s * SECOND), self._memory
        while memory.gates and memory.gates[0].stamp_ns + delay <= tick_ns:
            event = memory.gates.pop(0)
            session = memory.sessions.get(event.session)
            if event.session in memory.closed:
                self._counters["repeated_gate_events"] += 1
            elif event.kind is GateKind.ENTER:
                self._enter(event, tick_ns, out)
            elif session is not None:
                session.exit_ns = event.stamp_ns
            else:
                # It may be open elsewhere; without an answer it would stay so.
                self._counters["exits_without_session"] += 1
                self._end(event.session, out, NEVER_ENTERED)

    def _enter(self, event: GateEvent, tick_ns: int, out: Outbox) -> None:
        config, memory = self._config, self._memory
        if len(memory.sessions) >= config.max_sessions:
            self._counters["entries_refused"] += 1
            return
        session = Session(event.session, event.stamp_ns, event.group_size, gate=event.gate)
        memory.sessions[session.id] = session
        for stream in self._sync.dead:
            out.gap(session, f"{stream_topic(stream)}: silent on entry")
        began_ns = event.stamp_ns if self.began_ns is None else self.began_ns
        unseen_s = (began_ns - event.stamp_ns) / SECOND
        if unseen_s > config.enter_delay_s:
            # An earlier fusion, whose state is lost, may have used the plain numbers.
            session.since_ns = began_ns
            out.gap(session, f"weights: the first {unseen_s:.1f} s were not seen")
        late_s = (tick_ns - max(event.stamp_ns, began_ns)) / SECOND - config.enter_delay_s
        if late_s > config.enter_late_s:
            out.gap(session, f"gate: the entry was told {late_s:.1f} s late")

    def close(self, tick_ns: int, out: Outbox) -> None:
        """End the sessions that have left long enough ago, and those that are open too long."""
        grace = round(self._config.exit_grace_s * SECOND)
        longest = round(self._config.max_open_s * SECOND)
        for session in list(self._memory.sessions.values()):
            left = session.exit_ns is not None and session.exit_ns + grace <= tick_ns
            forgotten = session.exit_ns is None and session.enter_ns + longest <= tick_ns
            if not left and not forgotten:
                continue
            for change_id in session.changes:
                out.confirm(session, change_id)
            out.repeat(session)
            reason = ""
            if forgotten:
                self._counters["sessions_without_exit"] += 1
                reason = f"no exit within {self._config.max_open_s / 3600:.1f} h"
            del self._memory.sessions[session.id]
            self._end(session.id, out, reason)

    def _end(self, session: str, out: Outbox, reason: str) -> None:
        closed = self._memory.closed
        closed.append(session)
        del closed[: -self._config.max_sessions]
        out.end(session, reason)
