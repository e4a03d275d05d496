"""Which streams are silent and whose clock is wrong, from stamps in order of arrival alone.

Two questions are kept apart. *Who is silent?* is judged by the pace: time as the smooth progress of
any speaking stream tells it, to which no jump of a clock adds anything. *Whose clock is wrong?* is
judged by a vote of the streams that speak: those agree whose newest stamps lie within the limit.

Cameras vote only while no other stream speaks. Otherwise they are measured by the time that the
others have found, and move nothing but the pace.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

_CREEP = 0.02
"""A stream whose place lies behind the pace gains on it by this share of its progress, so that
rates that differ a little do not add up."""


class Standing(Enum):
    """What a stream is good for."""

    LIVE = "live"
    SILENT = "silent"
    ASKEW = "askew"
    """It speaks, but its clock is wrong."""


class Verdict(Enum):
    """What to do with a message."""

    IN_LINE = "in line"
    LATE = "late"
    """Held up on its way: right, but others' time has gone on without it."""
    REFUSED = "refused"
    STEPPED_BACK = "stepped back"
    """In line, and the first message of a time that begins anew: most clocks were set back."""


@dataclass
class _Stream:
    place_ns: int
    """Where it is on the pace."""
    heard_ns: int
    """The pace when it last spoke."""
    camera: bool
    claim_ns: int | None = None
    """The newest stamp that it told, believed or not."""
    settled: bool = False
    """It was in line, and its stamps have run on smoothly since."""
    out_since_ns: int | None = None
    """The pace when it fell out of line."""
    standing: Standing = Standing.LIVE
    lead_ns: int = 0
    """How far its clock was ahead when it last spoke out of line."""


class Clocks:
    """Keeps the newest stamps of all streams and votes on them.

    A message is in line when the speaking streams that agree with it are more than those that
    agree with any other. Between groups of the same size a stream stays in line that was, unless
    it is the one behind; so of two streams the one that jumped is wrong, and of two that drift
    apart the slower one.

    Args:
        names: The streams.
        cameras: Those that are cameras.
        limit_ns: Silence, difference between clocks, and duration of a doubt, that are borne.
        far_ns: A lone stream that jumps ahead further is believed when its next message agrees.
    """

    def __init__(
        self, names: Iterable[str], cameras: Iterable[str], limit_ns: int, far_ns: int
    ) -> None:
        self._limit_ns, self._far_ns = limit_ns, far_ns
        self._pace_ns = 0
        self._newest_pace_ns = 0
        self.newest_ns: int | None = None
        """The store's time: the newest stamp in line."""
        self.step_ns = 0
        """By how much time stepped back when it last did; never positive."""
        self.changes: list[str] = []
        """Streams whose standing has changed; the reader empties it."""
        self._streams: dict[str, _Stream] = {}
        self.set_names(names, cameras)

    def set_names(self, names: Iterable[str], cameras: Iterable[str]) -> None:
        """Follow a new set of streams; those that stay keep their state."""
        pace, seeing = self._pace_ns, set(cameras)
        self._streams = {
            name: self._streams.get(name) or _Stream(pace, pace, name in seeing) for name in names
        }

    def standing(self, name: str) -> Standing:
        """What a stream is good for now."""
        return self._streams[name].standing

    def lead_ns(self, name: str) -> int:
        """How far the clock of an askew stream is ahead; negative when it is behind."""
        return self._streams[name].lead_ns

    def votes(self, name: str) -> bool:
        """Whether a stream has a say in what time it is."""
        return not self._streams[name].camera or all(
            self.silent(other) for other, stream in self._streams.items() if not stream.camera
        )

    def hear(self, name: str, first_ns: int, end_ns: int, period_ns: int) -> Verdict:
        """Take note of a message with samples from `first_ns` to `end_ns`."""
        stream = self._streams[name]
        smooth = self._walk(stream, first_ns, end_ns, period_ns)
        stream.settled &= smooth
        stream.heard_ns = self._pace_ns
        lead = 0 if self.newest_ns is None else end_ns - self.newest_ns
        if self.votes(name):
            wins, alone = self._vote(stream, end_ns, lead)
            believed = smooth or not alone or lead <= self._far_ns
            in_line = wins and lead >= -self._limit_ns and believed
        else:
            wins, in_line = False, self.newest_ns is not None and abs(lead) <= self._limit_ns
        if in_line:
            self._line_up(name, stream, end_ns)
            verdict = Verdict.IN_LINE
        else:
            stream.lead_ns = lead
            verdict = self._doubt(name, stream, end_ns, wins)
        self._find_silent()
        return verdict

    def push(self, ahead_ns: int) -> None:
        """Move time on by what somebody else has seen pass, in place of streams that are silent."""
        if self.newest_ns is None or ahead_ns <= 0:
            return
        self.newest_ns += ahead_ns
        self._pace_ns += ahead_ns
        self._newest_pace_ns = self._pace_ns
        self._find_silent()

    def _walk(self, stream: _Stream, first_ns: int, end_ns: int, period_ns: int) -> bool:
        """Follow a stream's stamps and move the pace on; whether its clock ran on smoothly."""
        claim = stream.claim_ns
        behind = max(0, self._pace_ns - stream.place_ns)
        if claim is not None and claim - self._limit_ns <= end_ns <= claim:
            return True  # Said before, or set back by so little that it is waited for.
        stream.claim_ns = end_ns
        if claim is None or end_ns < claim or first_ns - claim > behind + self._limit_ns:
            stream.place_ns = max(stream.place_ns, self._pace_ns)
            return False
        step = end_ns - claim
        # Lost messages may be as many as those that came, but a hole alone is no progress.
        most = max(behind, 2 * (end_ns - first_ns + period_ns))
        gain = min(step, most)
        gain += min(max(0, behind - gain), round(_CREEP * step))
        stream.place_ns += gain
        self._pace_ns = max(self._pace_ns, stream.place_ns)
        return True

    def _vote(self, stream: _Stream, end_ns: int, lead_ns: int) -> tuple[bool, bool]:
        """Whether a stream wins with a stamp, and whether it is alone with it."""
        limit, pace = self._limit_ns, self._pace_ns
        claims, against = [], []
        settled = False
        for other in self._streams.values():
            if other is stream or other.claim_ns is None or pace - other.heard_ns > limit:
                continue
            if other.camera and not stream.camera:
                continue
            claims.append(other.claim_ns)
            if abs(other.claim_ns - end_ns) > limit:
                against.append(other.claim_ns)
                settled |= other.settled
        mine = 1 + len(claims) - len(against)
        theirs = max((sum(abs(c - a) <= limit for c in claims) for a in set(against)), default=0)
        if mine == theirs and settled:
            return stream.settled and lead_ns >= -limit, mine == 1
        return mine >= theirs, mine == 1

    def _line_up(self, name: str, stream: _Stream, end_ns: int) -> None:
        stream.settled, stream.out_since_ns, stream.lead_ns = True, None, 0
        if self.votes(name) and (self.newest_ns is None or end_ns > self.newest_ns):
            self.newest_ns, self._newest_pace_ns = end_ns, self._pace_ns
        self._stand(name, stream, Standing.LIVE)

    def _doubt(self, name: str, stream: _Stream, end_ns: int, wins: bool) -> Verdict:
        """Judge a message that is out of line by how long its stream has been."""
        if stream.out_since_ns is None:
            stream.out_since_ns = self._pace_ns
        if self._pace_ns - stream.out_since_ns <= self._limit_ns:
            late = stream.settled and stream.lead_ns < 0
            return Verdict.LATE if late else Verdict.REFUSED
        if wins and stream.lead_ns < 0:
            self._step_back(name, stream, end_ns)
            return Verdict.STEPPED_BACK
        self._stand(name, stream, Standing.ASKEW)
        return Verdict.REFUSED

    def _step_back(self, name: str, stream: _Stream, end_ns: int) -> None:
        """Begin a new time with a stream that is behind and has the most votes."""
        passed = self._pace_ns - self._newest_pace_ns
        self.step_ns = stream.lead_ns - passed
        self.newest_ns = None
        for other in self._streams.values():
            other.settled, other.out_since_ns = False, None
        self._line_up(name, stream, end_ns)

    def _find_silent(self) -> None:
        for name, stream in self._streams.items():
            if stream.standing is Standing.LIVE and self.silent(name):
                self._stand(name, stream, Standing.SILENT)

    def silent(self, name: str) -> bool:
        """Whether a stream has not spoken for longer than the limit."""
        return self._pace_ns - self._streams[name].heard_ns > self._limit_ns

    def _stand(self, name: str, stream: _Stream, standing: Standing) -> None:
        if stream.standing is not standing:
            stream.standing = standing
            self.changes.append(name)
