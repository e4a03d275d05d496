"""What the nodes share that ask a source again and again while they are active."""

from __future__ import annotations

from typing import Any

from rclpy.clock import Clock
from rclpy.clock_type import ClockType

from aisle_nodes.node import AisleNode, P


class PollingNode(AisleNode[P]):
    """Calls `poll` from `begin` to `deactivate`; a subclass calls `begin` in `activate`."""

    _timer: Any = None

    def poll(self) -> None:
        """Publish what the source has."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the source; safe to call twice."""
        raise NotImplementedError

    def begin(self, period_s: float, *, device: bool) -> None:
        """Poll from now on: a device also while the node's clock stands, anything else by it."""
        clock = Clock(clock_type=ClockType.STEADY_TIME) if device else self.get_clock()
        self._timer = self.create_timer(period_s, self.poll, clock=clock)

    def deactivate(self) -> None:
        """Stop to poll."""
        if self._timer is not None:
            self.destroy_timer(self._timer)
            self._timer = None

    def release(self) -> None:
        """Stop to poll, then close the source."""
        self.deactivate()
        self.close()
