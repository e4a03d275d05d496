"""A clock that runs at a chosen speed, and its publisher on `/clock`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rosgraph_msgs.msg import Clock as ClockMessage

from aisle.bags.convert import time_message
from aisle.files import write_atomic
from aisle_nodes.interfaces import TYPES, reliable

PERIOD_S = 0.02


@dataclass(frozen=True)
class PlayedClock:
    """Time that began at `start_ns` when the wall clock showed `wall_ns`."""

    start_ns: int
    wall_ns: int
    speed: float

    def at(self, wall_ns: int) -> int:
        """Return the played time at a wall time; it never goes before the start."""
        return self.start_ns + max(0, round((wall_ns - self.wall_ns) * self.speed))

    @classmethod
    def resumed(cls, path: Path, start_ns: int, speed: float) -> PlayedClock | None:
        """Return the clock that a player before us kept in `path`, if it is of the same run."""
        try:
            kept = cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return kept if (kept.start_ns, kept.speed) == (start_ns, speed) else None

    def keep(self, path: Path) -> None:
        """Write the clock for `resumed`."""
        write_atomic(path, json.dumps(asdict(self)).encode())


class ClockPublisher:
    """Publishes `/clock` fifty times a second, once the others are there.

    Args:
        node: The node.
        clock: The clock of a run that goes on, or None for one that begins.
        begin: Called when time begins; returns the clock.
        tick: Called with the played time after it was published.
        wait_for: Topics that must have a publisher and subscribers before.
        wait_limit_s: Time begins after this long in any case.
        subscribers: How many each of them must have.
        publishers: Topics that must have a publisher before.
    """

    def __init__(
        self,
        node: Any,
        clock: PlayedClock | None,
        begin: Callable[[], PlayedClock],
        tick: Callable[[int], None],
        wait_for: Sequence[str],
        wait_limit_s: float,
        subscribers: int = 1,
        publishers: Sequence[str] = (),
    ) -> None:
        self._node, self._clock = node, clock
        self._begin, self._tick = begin, tick
        needed = [(topic, subscribers) for topic in wait_for]
        self._wait_for = [*needed, *((topic, 0) for topic in publishers)]
        self._limit_s = time.monotonic() + wait_limit_s
        self._publisher = node.create_publisher(ClockMessage, "/clock", reliable(10))
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(PERIOD_S, self._publish, clock=steady)

    def stop(self) -> None:
        """Publish no more."""
        self._node.destroy_timer(self._timer)

    def _publish(self) -> None:
        if self._clock is None:
            if not self._ready():
                return
            self._clock = self._begin()
        now_ns = self._clock.at(time.time_ns())
        time_now = time_message(now_ns, TYPES)
        self._publisher.publish(ClockMessage(clock=time_now))
        self._tick(now_ns)

    def _ready(self) -> bool:
        node = self._node
        while self._wait_for:
            topic, subscribers = self._wait_for[0]
            listening = node.count_subscribers(topic) >= subscribers
            if not (listening and node.count_publishers(topic)):
                break
            self._wait_for.pop(0)
        if self._wait_for and time.monotonic() > self._limit_s:
            missing = [topic for topic, _ in self._wait_for]
            node.diagnostics.count(
                "began_incomplete", f"time begins although {missing} are not connected"
            )
            return True
        return not self._wait_for
