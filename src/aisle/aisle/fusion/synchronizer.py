"""Watermark synchronizer: which tick may close, which stream is late, silent or askew.

Time is only ever read from message stamps, in order of arrival, so a replay of the same messages
decides the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from aisle.fusion.beats import ALL_CAMERAS, Beat, camera_stream, stream_topic
from aisle.fusion.clocks import Clocks, Standing, Verdict
from aisle.fusion.config import SyncConfig
from aisle.records import GateEvent, WeightBatch

SECOND = 1_000_000_000
TICK_NS = SECOND // 4


@dataclass
class _Stream:
    newest_ns: int | None = None
    """The newest stamp that was used."""
    refused_ns: int = 0
    """Time of the readings that were refused since."""
    blind_since_ns: int | None = None


class Synchronizer:
    """Keeps the newest stamp of each stream and says how far time has surely come.

    Scales say what time it is. Cameras say it only while no scales speak; a camera that is lost or
    late is no gap and holds little up.

    When most clocks are set back by more than `late_limit_s`, time begins anew: `epoch` counts up,
    and the ticks that follow are earlier than those before. Whoever keeps stamps of ticks past
    must then move them by `step_ns`, and forget signals.
    """

    def __init__(
        self, controllers: Iterable[str], config: SyncConfig | None = None,
        cameras: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self.config = config or SyncConfig()
        self.counters: Counter[str] = Counter()
        self.closed_ns: int | None = None
        """The last tick that closed."""
        self.epoch = 0
        """How often time has begun anew; changes only within `accept`, which then returns True."""
        self.refusal = ""
        """Why the last batch was not used, as counted; empty when it was."""
        self._streams: dict[str, _Stream] = {}
        self._cameras: set[str] = set()
        limit, far = self._ns(self.config.late_limit_s), self._ns(self.config.jump_s)
        self._clocks = Clocks((), (), limit, far)
        self.set_streams(controllers, cameras)
        self._told_ns: int | None = None
        self._gate_ahead_ns = 0
        self._pushed: tuple[int, int] | None = None
        self._gaps: list[str] = []

    def accept(self, batch: Beat) -> bool:
        """Take note of a batch; False when it must not be used (counted under its reason)."""
        self.refusal = self._refusal(batch)
        if self.refusal:
            self.counters[self.refusal] += 1
            return False
        stream = self._streams[batch.controller]
        if self._clocks.votes(batch.controller):
            self._note_hole(batch, stream)
            if self.closed_ns is not None and batch.end_ns <= self.closed_ns:
                self.counters["late_batches"] += 1
            self._told_ns = max(batch.end_ns, self._told_ns or batch.end_ns)
        stream.newest_ns = batch.end_ns
        return True

    def _refusal(self, batch: Beat) -> str:
        """Why a batch must not be used."""
        stream = self._streams.get(batch.controller)
        if stream is None:
            return "unknown_stream"
        if batch.end_ns - batch.stamp_ns > self._ns(self.config.jump_s):
            return "implausible_span"
        verdict = self._clocks.hear(batch.controller, batch.stamp_ns, batch.end_ns, batch.period_ns)
        if verdict is Verdict.STEPPED_BACK:
            self._begin_anew(batch.end_ns)
        self._note_changes()
        reason = self._untimely(batch, stream, verdict)
        if reason:
            stream.refused_ns += batch.end_ns - batch.stamp_ns + batch.period_ns
        return reason

    def _untimely(self, batch: Beat, stream: _Stream, verdict: Verdict) -> str:
        if verdict is Verdict.REFUSED:
            name, lead = batch.controller, self._clocks.lead_ns(batch.controller)
            known = name in self._cameras or self._clocks.standing(name) is Standing.ASKEW
            if not known or not lead:
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
        """Count and report what has become of the controllers."""
        limit = self.config.late_limit_s
        for name in [name for name in self._clocks.changes if name not in self._cameras]:
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
        """A hole in a controller's readings, or one in the pictures of all cameras."""
        camera = batch.controller in self._cameras
        newest_ns = self._seen_ns if camera else stream.newest_ns
        refused, stream.refused_ns = 0 if camera else stream.refused_ns, 0
        if newest_ns is None:
            return
        hole = max(batch.stamp_ns - newest_ns - batch.period_ns, refused)
        if hole > self._ns(self.config.gap_s):
            self.counters["gaps"] += 1
            name = ALL_CAMERAS if camera else batch.controller
            self._gaps.append(f"{stream_topic(name)}: {hole / SECOND:.2f} s missing")

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
            said = f"no usable reading for {blind / SECOND:.2f} s"
            self._gaps.append(f"{stream_topic(batch.controller)}: {said}")

    def set_streams(self, controllers: Iterable[str], cameras: Iterable[str] = ()) -> None:
        """Follow new sets of controllers and cameras; those that stay keep their state."""
        self._cameras = {camera_stream(camera) for camera in cameras}
        names = [*controllers, *sorted(self._cameras)]
        self._streams = {name: self._streams.get(name) or _Stream() for name in names}
        self._clocks.set_names(names, self._cameras)

    @property
    def newest_ns(self) -> int | None:
        """How far time has come: the newest stamp in line, of all streams that vote."""
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
        last = mark // TICK_NS * TICK_NS
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
        """How far ticks may close: no live stream is waited for any more.

        Live scales must be `hold_s` further, all of them; when none lives, the newest stamp must.
        """
        live = self._live(cameras=False).values()
        known = [stamp for stamp in live if stamp is not None]
        newest = min(known) if known else self.newest_ns
        if newest is None or len(known) < len(live):
            return None
        mark = newest - self._ns(self.config.hold_s)
        pictures = [stamp or 0 for stamp in self._live(cameras=True).values()]
        return max(min([mark, *pictures]), mark - self._ns(self.config.picture_wait_s))

    def _live(self, *, cameras: bool) -> dict[str, int | None]:
        """The newest stamps of the live streams of a kind."""
        return {
            name: stream.newest_ns
            for name, stream in self._streams.items()
            if (name in self._cameras) is cameras and self._clocks.standing(name) is Standing.LIVE
        }

    @property
    def _seen_ns(self) -> int | None:
        """The newest picture that was used."""
        return (
            max((self._streams[name].newest_ns or 0 for name in self._cameras), default=0) or None
        )

    @property
    def dead(self) -> tuple[str, ...]:
        """Controllers that give nothing now, for whatever reason."""
        return tuple(self.reasons)

    @property
    def reasons(self) -> dict[str, str]:
        """Why each controller that is dead gives nothing: "silent", "clock ahead by 3.2 s"."""
        found = {}
        for name in self._streams:
            standing = self._clocks.standing(name)
            if name not in self._cameras and standing is not Standing.LIVE:
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
        """Somebody left at `stamp_ns`, nothing more comes: streams that ended before are gaps.

        Cameras ended with the last of them, and only where no scales live.
        """
        ends = self._live(cameras=False)
        if not ends and self._live(cameras=True):
            ends = {ALL_CAMERAS: self._seen_ns}
        for name, newest_ns in ends.items():
            missing = stamp_ns - (newest_ns or stamp_ns)
            if missing > self._ns(self.config.gap_s):
                said = f"nothing for {missing / SECOND:.2f} s at the end"
                self._gaps.append(f"{stream_topic(name)}: {said}")

    @staticmethod
    def _ns(seconds: float) -> int:
        return round(seconds * SECOND)
