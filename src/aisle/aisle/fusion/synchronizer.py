"""Watermark synchronizer: which tick may close, which stream is late, dead or silent.

Time is only ever read from message stamps, in order of arrival, so a replay of the same messages
decides the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from aisle.records import GateEvent, WeightBatch

SECOND = 1_000_000_000
TICK_NS = SECOND // 4


@dataclass(frozen=True)
class SyncConfig:
    """Limits of the synchronizer, seconds of message stamps."""

    hold_s: float = 0.1
    """How far all live streams must be past a tick before it closes."""
    late_limit_s: float = 1.5
    """A stream whose newest stamp is this far behind the others' is dead until it speaks again."""
    gate_lead_s: float = 10.0
    """How far a gate's stamp must be ahead of all scales to move time on in their place: drivers
    that were held up for a moment are not dead because the gate was not."""
    gap_s: float = 0.75
    """Missing time within a stream that counts as a gap."""
    jump_s: float = 5.0
    """A batch that ends this far from the newest stamp is believed when the next one agrees."""
    gate_reach_s: float = 60.0
    """A passage whose stamp is further from the newest one does not move time."""
    max_ticks: int = 4 * 600
    """Ticks that one record may close; time beyond is skipped, and that is a gap."""


@dataclass
class _Stream:
    newest_ns: int | None = None
    dead: bool = False
    suspect_ns: int | None = None
    blind_since_ns: int | None = None


class Synchronizer:
    """Keeps the newest stamp of each weight stream and says how far time has surely come."""

    def __init__(self, streams: Iterable[str], config: SyncConfig | None = None) -> None:
        self.config = config or SyncConfig()
        self.counters: Counter[str] = Counter()
        self.closed_ns: int | None = None
        """The last tick that closed."""
        self._streams = {name: _Stream() for name in streams}
        self._newest_ns: int | None = None
        self._first_ns: int | None = None
        self._gaps: list[str] = []

    def accept(self, batch: WeightBatch) -> bool:
        """Take note of a batch; False when it must not be used (counted under its reason)."""
        stream = self._streams.get(batch.controller)
        if stream is None:
            self.counters["unknown_stream"] += 1
            return False
        jump = self._ns(self.config.jump_s)
        if batch.end_ns - batch.stamp_ns > jump:
            self.counters["implausible_span"] += 1
            return False
        far = self._newest_ns is not None and abs(batch.end_ns - self._newest_ns) > jump
        if far and not self._confirmed(stream, batch.stamp_ns):
            return False
        if not far and stream.newest_ns is not None and batch.stamp_ns <= stream.newest_ns:
            self.counters["time_backwards"] += 1
            return False
        stream.suspect_ns = None
        self._note_hole(batch, stream)
        if self.closed_ns is not None and batch.end_ns <= self.closed_ns:
            self.counters["late_batches"] += 1
        stream.newest_ns = batch.end_ns
        newest_ns = self._advance(batch.end_ns)
        if stream.dead and newest_ns - batch.end_ns <= self._ns(self.config.late_limit_s):
            stream.dead = False
            self.counters["streams_revived"] += 1
        return True

    def _confirmed(self, stream: _Stream, stamp_ns: int) -> bool:
        """Whether a second message agrees with an implausible stamp; time never runs backwards."""
        suspect, stream.suspect_ns = stream.suspect_ns, stamp_ns
        backwards = self.closed_ns is not None and stamp_ns <= self.closed_ns
        agrees = suspect is not None and 0 < stamp_ns - suspect <= 2 * SECOND
        if backwards or not agrees:
            self.counters["time_backwards" if backwards else "implausible_stamp"] += 1
            return False
        return True

    def _note_hole(self, batch: WeightBatch, stream: _Stream) -> None:
        if stream.newest_ns is None:
            return
        hole = batch.stamp_ns - stream.newest_ns - batch.period_ns
        if hole > self._ns(self.config.gap_s):
            self.counters["gaps"] += 1
            self._gaps.append(f"weights/{batch.controller}: {hole / SECOND:.2f} s missing")

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
        self._streams = {name: self._streams.get(name, _Stream()) for name in names}

    @property
    def newest_ns(self) -> int | None:
        """The newest stamp of all streams."""
        return self._newest_ns

    def note_gate(self, event: GateEvent) -> None:
        """A gate's stamp moves time on too, so that a store with dead scales does not stand."""
        reach = self._ns(self.config.gate_reach_s)
        if self._newest_ns is None or abs(event.stamp_ns - self._newest_ns) > reach:
            return
        self._advance(event.stamp_ns - self._ns(self.config.gate_lead_s))

    def _advance(self, stamp_ns: int) -> int:
        """Note how far time has come and which streams are dead; return the newest stamp."""
        self._newest_ns = max(stamp_ns, self._newest_ns or stamp_ns)
        self._first_ns = min(stamp_ns, self._first_ns or stamp_ns)
        limit = self._ns(self.config.late_limit_s)
        for name, stream in self._streams.items():
            since = stream.newest_ns if stream.newest_ns is not None else self._first_ns
            if not stream.dead and self._newest_ns - since > limit:
                stream.dead = True
                self.counters["streams_dead"] += 1
                self._gaps.append(f"weights/{name}: silent for more than {limit / SECOND:.1f} s")
        return self._newest_ns

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
        live = [s.newest_ns for s in self._streams.values() if not s.dead]
        known = [stamp for stamp in live if stamp is not None]
        if live:
            return min(known) if len(known) == len(live) else None
        return self._newest_ns

    @property
    def dead(self) -> tuple[str, ...]:
        """Streams that are dead now."""
        return tuple(name for name, stream in self._streams.items() if stream.dead)

    def take_gaps(self) -> tuple[str, ...]:
        """Gaps found since the last call."""
        found, self._gaps = tuple(self._gaps), []
        return found

    def finish(self, until_ns: int | None = None) -> list[int]:
        """All ticks up to a stamp, or up to the newest one: nothing more comes."""
        until_ns = self._newest_ns if until_ns is None else until_ns
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
            if not stream.dead and missing > self._ns(self.config.gap_s):
                self._gaps.append(
                    f"weights/{name}: nothing for {missing / SECOND:.2f} s at the end"
                )

    @staticmethod
    def _ns(seconds: float) -> int:
        return round(seconds * SECOND)
