"""What each node says of itself on `/diagnostics`: rates, ages, drops, counters, problems."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from std_msgs.msg import Header

LOG_EVERY_S = 5.0


class Level(IntEnum):
    """Levels of `diagnostic_msgs/DiagnosticStatus`."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


@dataclass
class StreamStats:
    """Rate, age, drops and clock offset of one stream of messages.

    Stamps and `now_ns` are of the node's clock; `wall_s` is a steady clock, so that the rate is
    one of messages in real seconds also when simulated time runs fast.
    """

    count: int = 0
    drops: int = 0
    newest_ns: int | None = None
    offset_ns: int | None = None
    """Smallest (arrival - stamp) of the present interval: transport delay plus clock offset."""
    _counted: int = 0
    _since_s: float = field(default_factory=time.monotonic)

    def seen(self, stamp_ns: int, now_ns: int) -> None:
        """Note a message."""
        self.count += 1
        self.newest_ns = stamp_ns if self.newest_ns is None else max(stamp_ns, self.newest_ns)
        offset = now_ns - stamp_ns
        self.offset_ns = offset if self.offset_ns is None else min(offset, self.offset_ns)

    def report(self, now_ns: int, wall_s: float) -> dict[str, str]:
        """Return the values since the last report, and begin a new interval."""
        elapsed = wall_s - self._since_s
        rate = (self.count - self._counted) / elapsed if elapsed > 0 else 0.0
        self._counted, self._since_s = self.count, wall_s
        values = {"rate_hz": f"{rate:.2f}", "messages": str(self.count), "drops": str(self.drops)}
        if self.newest_ns is not None:
            values["age_s"] = f"{(now_ns - self.newest_ns) / 1e9:.3f}"
        if self.offset_ns is not None:
            values["clock_offset_s"] = f"{self.offset_ns / 1e9:.3f}"
        self.offset_ns = None
        return values


class Diagnostics:
    """Counters, streams and problems of one node, published once a second.

    The timer runs on a steady clock: a node reports also when `/clock` stands still and when
    nobody subscribes to its topics.
    """

    def __init__(self, node: Any, period_s: float = 1.0) -> None:
        self._node = node
        self.counters: Counter[str] = Counter()
        self.streams: dict[str, StreamStats] = {}
        self.values: dict[str, object] = {}
        """Read rather than counted: set by `refresh`."""
        self.refresh: Callable[[], None] = lambda: None
        """Called before each report, to bring `values` and problems up to date."""
        self._problems: dict[str, tuple[Level, str]] = {}
        self._logged: dict[str, float] = {}
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(period_s, self.publish, clock=clock)

    def stream(self, name: str) -> StreamStats:
        """Return the statistics of a stream, made at first use."""
        return self.streams.setdefault(name, StreamStats())

    def count(self, counter: str, advice: str = "", amount: int = 1) -> None:
        """Add to a counter; `advice` goes to the log, at most every 5 s for each counter."""
        self.counters[counter] += amount
        if advice:
            self._log(counter, Level.WARN, advice)

    def problem(self, name: str, level: Level, text: str) -> None:
        """Hold up a problem until it is solved; it is logged when it or its text is new."""
        if self._problems.get(name) != (level, text):
            self._problems[name] = (level, text)
            self._log(name, level, text)

    def solved(self, name: str) -> None:
        """Take a problem down."""
        if self._problems.pop(name, None):
            self._node.get_logger().info(f"{name}: solved")

    def hold(self, name: str, level: Level, text: str) -> None:
        """Hold up a problem while there is a text, take it down when it is empty."""
        if text:
            self.problem(name, level, text)
        else:
            self.solved(name)

    def _log(self, key: str, level: Level, text: str) -> None:
        now = time.monotonic()
        if now - self._logged.get(key, -LOG_EVERY_S) < LOG_EVERY_S:
            return
        self._logged[key] = now
        logger = self._node.get_logger()
        # rclpy ties a severity to a call site, so each has its own.
        if level is Level.ERROR:
            logger.error(text)
        else:
            logger.warning(text)

    def publish(self) -> None:
        """Publish the node's state now."""
        self.refresh()
        now = self._node.get_clock().now()
        merged: dict[str, object] = {**self.values, **self.counters}
        values = {name: str(value) for name, value in sorted(merged.items())}
        for name, stream in sorted(self.streams.items()):
            report = stream.report(now.nanoseconds, time.monotonic())
            values.update({f"{name}/{key}": value for key, value in report.items()})
        level = max((level for level, _ in self._problems.values()), default=Level.OK)
        status = DiagnosticStatus(
            level=bytes([level]),
            name=self._node.get_fully_qualified_name().lstrip("/"),
            message="; ".join(text for _, text in self._problems.values()) or "ok",
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
        self._publisher.publish(DiagnosticArray(header=Header(stamp=now.to_msg()), status=[status]))
