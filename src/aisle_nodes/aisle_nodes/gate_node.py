"""gate_node: who enters and leaves, of a simulation or a gate that sends lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from aisle_msgs.msg import GateEvent as GateMessage
from rclpy.clock import Clock
from rclpy.clock_type import ClockType

from aisle.bags.convert import gate_to_message
from aisle.records import GateEvent
from aisle.sensing.gate_lines import parse_gate_line
from aisle.sensing.line_device import LineDevice
from aisle.sensing.playback import Playback
from aisle.sensing.serial_lines import LineError
from aisle_nodes.diagnostics import Level
from aisle_nodes.interfaces import GATE_EVENTS, GATE_QOS, TYPES
from aisle_nodes.node import AisleNode, main_of
from aisle_nodes.parameters import ParameterError
from aisle_nodes.schemas import GateParameters
from aisle_nodes.simulated import simulation_of

PERIOD_S = 0.02
GATE_DELAY_NS = 10_000_000
"""Time from a simulated passage to its message."""


class GateNode(AisleNode[GateParameters]):
    """Publishes `gate/events`."""

    def __init__(self, **options: Any) -> None:
        super().__init__("gate_node", GateParameters, **options)
        self._device: LineDevice | None = None
        self._timer: Any = None

    def configure(self) -> None:
        """Open the source."""
        self._read: Callable[[], list[GateEvent]]
        self._read = self._lines() if self.params.source == "lines" else self._simulated()
        self._publisher = self.create_lifecycle_publisher(GateMessage, GATE_EVENTS, GATE_QOS)
        self.diagnostics.refresh = self._report

    def activate(self) -> None:
        """Begin to read."""
        if self.params.source == "lines":
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self._timer = self.create_timer(PERIOD_S, self._publish, clock=steady)
        else:
            self._timer = self.create_timer(PERIOD_S, self._publish)

    def deactivate(self) -> None:
        """Stop reading."""
        if self._timer is not None:
            self.destroy_timer(self._timer)
            self._timer = None

    def release(self) -> None:
        """Close the device."""
        self.deactivate()
        if self._device is not None:
            self._device.close()
            self._device = None

    def _simulated(self) -> Callable[[], list[GateEvent]]:
        events = simulation_of(self.params).gate_events

        def passages(_: int) -> Iterator[tuple[int, GateEvent]]:
            return ((event.stamp_ns + GATE_DELAY_NS, event) for event in events)

        playback = Playback(passages)
        return lambda: playback.read(self.now_ns())

    def _lines(self) -> Callable[[], list[GateEvent]]:
        if not self.params.path:
            raise ParameterError("source lines needs the device or pipe of the gate in 'path'")
        device = LineDevice(self.params.path, self.params.baud, self.params.reconnect_s)
        self._device = device

        def read() -> list[GateEvent]:
            events = []
            for line in device.read(time.monotonic()):
                try:
                    events.append(parse_gate_line(line, self.now_ns(), self.params.gate))
                except LineError as error:
                    self.diagnostics.count("damaged_lines", f"line from the gate: {error}")
            return events

        return read

    def _publish(self) -> None:
        for event in self._read():
            self._publisher.publish(gate_to_message(event, TYPES))
            self.diagnostics.count(event.kind.name.lower())
            self.diagnostics.stream(GATE_EVENTS).seen(event.stamp_ns, self.now_ns())

    def _report(self) -> None:
        if self._device is None:
            return
        self.diagnostics.values["overlong_lines"] = self._device.overlong
        self.diagnostics.values["reconnects"] = max(0, self._device.opened - 1)
        self.diagnostics.hold("gate", Level.ERROR, self._device.error)


main = main_of(GateNode)
