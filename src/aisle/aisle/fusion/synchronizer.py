"""Watermark synchronizer: which tick may close, which stream is late, silent or askew.

Time is only ever read from message stamps, in order of arrival, so a replay of the same messages
decides the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from aisle.fusion.clocks import Clocks, Standing, Verdict
from aisle.records import GateEvent, WeightBatch

SECOND = 1_000_000_000
TICK_NS = SECOND // 4


class Beat(Protocol):
    """What the synchronizer needs of a message: a `WeightBatch` has it, and a `Picture`."""

    @property
    def controller(self) -> str:
        """The stream."""

    @property
    def stamp_ns(self) -> int:
        """Of the first sample."""

    @property
    def end_ns(self) -> int:
        """Of the last sample."""

    @property
    def period_ns(self) -> int:
        """Between samples."""


@dataclass(frozen=True)
class Picture:
    """A camera's frame, as a beat of its stream."""

    camera: str
    stamp_ns: int
    period_ns: int

    @property
    def controller(self) -> str:
        """The stream."""
        return camera_stream(self.camera)

    @property
    def end_ns(self) -> int:
        """A picture is one sample."""
        return self.stamp_ns


def camera_stream(camera: str) -> str:
    """The name of a camera's stream; that of a controller's is the controller's own."""
    return f"camera/{camera}"


def stream_topic(stream: str) -> str:
    """A stream as people know it."""
    return stream if "/" in stream else f"weights/{stream}"


@dataclass(frozen=True)
class SyncConfig:
    """Limits of the synchronizer, seconds of message stamps."""

    hold_s: float = 0.1
    """How far all live streams must be past a tick before it closes."""
    late_limit_s: float = 1.5
    """A stream that says nothing while others bring this much is dead until it speaks again. A
    clock that differs from the others' by more is wrong, and one that was set back by less is
    waited for. A doubt about a clock lasts as long."""
    gate_lead_s: float = 10.0
    """How far a gate's stamp must be ahead of all scales to move time on in their place: drivers
    that were held up for a moment are not dead because the gate was not."""
    gap_s: float = 0.75
    """Missing time within a stream that counts as a gap."""
    jump_s: float = 5.0
    """A lone stream that jumps ahead further than this is believed when its next batch agrees; a
    batch that spans more is refused."""
    gate_reach_s: float = 60.0
    """A passage whose stamp is further from the newest one does not move time."""
    max_ticks: int = 4 * 600
    """Ticks that one record may close; time beyond is skipped, and that is a gap."""


@dataclass
class _Stream:
    newest_ns: int | None = None
    """The newest stamp that was used."""
    refused_ns: int = 0
    """Time of the readings that were refused since."""
    blind_since_ns: int | None = None


class Synchronizer:
    """Keeps the newest stamp of each weight stream and says how far time has surely come.

    When most clocks are set back by more than `late_limit_s`, time begins anew: `epoch` counts up,
    and the ticks that follow are earlier than those before. Whoever keeps stamps of ticks past
    must then move them by `step_ns`, and forget signals.
    """

    def __init__(self, streams: Iterable[str], config: SyncConfig | None = None) -> None:
        self.config = config or SyncConfig()
        self.counters: Counter[str] = Counter()
        self.closed_ns: int | None = None
        """The last tick that closed."""
        self.epoch = 0
        """How often time has begun anew; changes only within `accept`, which then returns True."""
        self._streams = {name: _Stream() for name in streams}
        limit, far = self._ns(self.config.late_limit_s), self._ns(self.config.jump_s)
        self._clocks = Clocks(self._streams, limit, far)
        self._told_ns: int | None = None
        self._gate_ahead_ns = 0
        self._pushed: tuple[int, int] | None = None
        self._gaps: list[str] = []

    def accept(self, batch: Beat) -> bool:
        """Take note of a batch; False when it must not be used (counted under its reason)."""
        stream = self._streams.get(batch.controller)
        if stream is None:
            self.counters["unknown_stream"] += 1
            return False
        if batch.end_ns - batch.stamp_ns > self._ns(self.config.jump_s):
            self.counters["implausible_span"] += 1
            return False
        verdict = self._clocks.hear(batch.controller, batch.stamp_ns, batch.end_ns, batch.period_ns)
        if verdict is Verdict.STEPPED_BACK:
            self._begin_anew(batch.end_ns)
        self._note_changes()
        reason = self._refusal(batch, stream, verdict)
        if reason:
            self.counters[reason] += 1
            stream.refused_ns += batch.end_ns - batch.stamp_ns + batch.period_ns
            return False
        self._note_hole(batch, stream)
        if self.closed_ns is not None and batch.end_ns <= self.closed_ns:
            self.counters["late_batches"] += 1
        stream.newest_ns = batch.end_ns
        self._told_ns = max(batch.end_ns, self._told_ns or batch.end_ns)
        return True

    def _refusal(self, batch: Beat, stream: _Stream, verdict: Verdict) -> str:
        if verdict is Verdict.REFUSED:
            lead = self._clocks.lead_ns(batch.controller)
            if self._clocks.standing(batch.controller) is not Standing.ASKEW:
                return "implausible_stamp"
            return "clock_ahead" if lead > 0 else "clock_behind"
        if stream.newest_ns is not None and batch.stamp_ns <= stream.newest_ns:
            return "time_backwards"
        return ""

    def _begin_anew(self, stamp_ns: int) -> None:
        """Most clocks were set back: ticks go on from there."""
        self.epoch += 1
        self.counters["clock_steps"] += 1
        self._gaps.append(f"store: clocks were set back by {-self.step_ns / SECOND:.1f} s")
        for stream in self._streams.values():
            stream.newest_ns = stream.blind_since_ns = None
            stream.refused_ns = 0
        self.closed_ns = stamp_ns // TICK_NS * TICK_NS
        self._told_ns, self._pushed, self._gate_ahead_ns = None, None, 0

    def _note_changes(self) -> None:
        """Count and report what has become of the streams."""
        limit = self.config.late_limit_s
        for name in self._clocks.changes:
            standing = self._clocks.standing(name)
            if standing is Standing.LIVE:
                self.counters["streams_revived"] += 1
            elif standing is Standing.SILENT:
                self.counters["streams_dead"] += 1
                self._gaps.append(f"{stream_topic(name)}: silent for more than {limit:.1f} s")
            else:
                self.counters["streams_askew"] += 1
                self._gaps.append(f"{stream_topic(name)}: {self._askew(name)}")
        self._clocks.changes.clear()

    def _askew(self, name: str) -> str:
        lead = self._clocks.lead_ns(name)
        return f"clock {'ahead' if lead > 0 else 'behind'} by {abs(lead) / SECOND:.1f} s"

    def _note_hole(self, batch: Beat, stream: _Stream) -> None:
        refused, stream.refused_ns = stream.refused_ns, 0
        if stream.newest_ns is None:
            return
        hole = max(batch.stamp_ns - stream.newest_ns - batch.period_ns, refused)
        if hole > self._ns(self.config.gap_s):
            self.counters["gaps"] += 1
            self._gaps.append(f"{stream_topic(batch.controller)}: {hole / SECOND:.2f} s missing")

    def note_readings(self, batch: WeightBatch, usable: bool) -> None:
        """A controller that speaks without a single usable reading is as good as silent."""
        stream = self._streams[batch.controller]
        if usable:
            stream.blind_since_ns = None
            return
        before = stream.blind_since_ns
        stream.blind_since_ns = batch.stamp_ns if before is None else before
        limit = self._ns(self.config.gap_s)
        blind = batch.end_ns - stream.blind_since_ns
        if blind > limit and blind - (batch.end_ns - batch.stamp_ns + batch.period_ns) <= limit:
            self.counters["gaps"] += 1
            self._gaps.append(
                f"weights/{batch.controller}: no usable reading for {blind / SECOND:.2f} s"
            )

    def set_streams(self, names: Iterable[str]) -> None:
        """Follow a new set of controllers; those that stay keep their state."""
        self._streams = {name: self._streams.get(name) or _Stream() for name in names}
        self._clocks.set_names(self._streams)

    @property
    def newest_ns(self) -> int | None:
        """How far time has come: the newest stamp in line, of all streams."""
        return self._clocks.newest_ns

    @property
    def step_ns(self) -> int:
        """By how much time went back when the present epoch began: negative, 0 in the first."""
        return self._clocks.step_ns

    def note_gate(self, event: GateEvent) -> None:
        """A gate's stamp moves time on too, so that a store with dead scales does not stand.

        A gate that moved time on wrongly, since scales speak again and the gate is as far ahead of
        them as before, is known to be ahead from then on.
        """
        newest_ns, told_ns = self.newest_ns, self._told_ns
        reach, least = self._ns(self.config.gate_reach_s), self._ns(self.config.gate_lead_s)
        if newest_ns is None or told_ns is None or abs(event.stamp_ns - newest_ns) > reach:
            return
        lead = event.stamp_ns - told_ns
        if self._pushed is not None and told_ns > self._pushed[0]:
            self._gate_ahead_ns, self._pushed = self._pushed[1], None
            if lead > least:
                self.counters["gates_ahead"] += 1
                self._gaps.append(f"gate: clock ahead by {lead / SECOND:.1f} s")
        self._gate_ahead_ns = max(0, min(self._gate_ahead_ns, lead))
        ahead = event.stamp_ns - self._gate_ahead_ns - least - newest_ns
        if ahead > 0:
            self._pushed = told_ns, lead
            self._clocks.push(ahead)
            self._note_changes()

    def ready(self) -> list[int]:
        """Ticks that may close now, in order; they count as closed."""
        mark = self.watermark_ns
        if mark is None:
            return []
        last = (mark - self._ns(self.config.hold_s)) // TICK_NS * TICK_NS
        if self.closed_ns is None:
            self.closed_ns = last
            return []
        first = self.closed_ns + TICK_NS
        if last < first:
            return []
        if (last - first) // TICK_NS >= self.config.max_ticks:
            self._gaps.append(f"store: time jumped by {(last - first) / SECOND:.0f} s")
            first = last - TICK_NS * (self.config.max_ticks - 1)
        self.closed_ns = last
        return list(range(first, last + 1, TICK_NS))

    @property
    def watermark_ns(self) -> int | None:
        """How far all live streams have come; the newest stamp of all when none lives."""
        live = [
            stream.newest_ns
            for name, stream in self._streams.items()
            if self._clocks.standing(name) is Standing.LIVE
        ]
        known = [stamp for stamp in live if stamp is not None]
        if live:
            return min(known) if len(known) == len(live) else None
        return self.newest_ns

    @property
    def dead(self) -> tuple[str, ...]:
        """Streams that give nothing now, for whatever reason."""
        return tuple(self.reasons)

    @property
    def reasons(self) -> dict[str, str]:
        """Why each stream that is dead gives nothing: "silent", "clock ahead by 3.2 s"."""
        found = {}
        for name in self._streams:
            standing = self._clocks.standing(name)
            if standing is not Standing.LIVE:
                silent = standing is Standing.SILENT or self._clocks.silent(name)
                found[name] = "silent" if silent else self._askew(name)
        return found

    def take_gaps(self) -> tuple[str, ...]:
        """Gaps found since the last call."""
        found, self._gaps = tuple(self._gaps), []
        return found

    def finish(self, until_ns: int | None = None) -> list[int]:
        """All ticks up to a stamp, or up to the newest one: nothing more comes."""
        until_ns = self.newest_ns if until_ns is None else until_ns
        if until_ns is None or self.closed_ns is None:
            return []
        last = until_ns // TICK_NS * TICK_NS
        first = max(self.closed_ns, last - TICK_NS * self.config.max_ticks) + TICK_NS
        self.closed_ns = max(last, self.closed_ns)
        return list(range(first, last + 1, TICK_NS))

    def note_end(self, stamp_ns: int) -> None:
        """Somebody left at `stamp_ns`, nothing more comes: streams that ended before are gaps."""
        for name, stream in self._streams.items():
            missing = stamp_ns - (stream.newest_ns or stamp_ns)
            live = self._clocks.standing(name) is Standing.LIVE
            if live and missing > self._ns(self.config.gap_s):
                self._gaps.append(
                    f"{stream_topic(name)}: nothing for {missing / SECOND:.2f} s at the end"
                )

    @staticmethod
    def _ns(seconds: float) -> int:
        return round(seconds * SECOND)
