"""gate_node: who enters and leaves, of a simulation or a gate that sends lines."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from aisle_msgs.msg import GateEvent as GateMessage

from aisle.bags.convert import gate_to_message
from aisle.files import write_atomic
from aisle.records import GateEvent
from aisle.sensing.gate_lines import parse_gate_line
from aisle.sensing.line_device import LineDevice
from aisle.sensing.playback import Playback
from aisle.sensing.serial_lines import LineError
from aisle_nodes.diagnostics import Level
from aisle_nodes.interfaces import GATE_EVENTS, GATE_QOS, TYPES
from aisle_nodes.node import main_of
from aisle_nodes.parameters import ParameterError
from aisle_nodes.polling import PollingNode
from aisle_nodes.schemas import GateParameters
from aisle_nodes.simulated import simulation_of

PERIOD_S = 0.02
GATE_DELAY_NS = 10_000_000
"""Time from a simulated passage to its message."""


class SentCount:
    """How many passages of a simulation were sent, kept over restarts.

    Args:
        path: JSON file; None keeps nothing.
        start_ns: Beginning of the simulation; a file of another one does not count.
        count: Where there is no file.
    """

    def __init__(self, path: Path | None, start_ns: int, count: int) -> None:
        self._path, self._start_ns, self.count = path, start_ns, count
        self.error = ""
        """Why the file cannot be written; empty when it can."""
        if path is None:
            return
        try:
            kept = json.loads(path.read_bytes())
            if kept["start_ns"] == start_ns:
                self.count = max(0, int(kept["sent"]))
        except (OSError, ValueError, KeyError, TypeError):
            return

    def add(self) -> None:
        """Count one more."""
        self.count += 1
        if self._path is None:
            return
        try:
            state = {"start_ns": self._start_ns, "sent": self.count}
            write_atomic(self._path, json.dumps(state).encode())
            self.error = ""
        except OSError as error:
            self.error = f"{self._path} cannot be written, a restart would repeat passages: {error}"


class GateNode(PollingNode[GateParameters]):
    """Publishes `gate/events`."""

    def __init__(self, **options: Any) -> None:
        super().__init__("gate_node", GateParameters, **options)
        self._device: LineDevice | None = None
        self._sent: SentCount | None = None

    def configure(self) -> None:
        """Open the source."""
        self._read: Callable[[], list[GateEvent]]
        self._read = self._lines() if self.params.source == "lines" else self._simulated()
        self._publisher = self.create_lifecycle_publisher(GateMessage, GATE_EVENTS, GATE_QOS)
        self.diagnostics.refresh = self._report

    def activate(self) -> None:
        """Begin to read."""
        self.begin(PERIOD_S, device=self.params.source == "lines")

    def close(self) -> None:
        """Close the device."""
        if self._device is not None:
            self._device.close()
            self._device = None

    def _simulated(self) -> Callable[[], list[GateEvent]]:
        """Play the passages; as a gate keeps them until they are fetched, a restart loses none."""
        passages = simulation_of(self.params).gate_events
        folder = self.params.state_dir
        path = Path(folder) / "gate.json" if folder else None

        def due(now_ns: int) -> Iterator[tuple[int, GateEvent]]:
            missed = sum(event.stamp_ns + GATE_DELAY_NS < now_ns for event in passages)
            self._sent = SentCount(path, self.params.start_ns, 0 if path else missed)
            for event in passages[self._sent.count :]:
                yield max(now_ns, event.stamp_ns + GATE_DELAY_NS), event

        playback = Playback(due)
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

    def poll(self) -> None:
        """Publish the passages that have come."""
        for event in self._read():
            self._publisher.publish(gate_to_message(event, TYPES))
            if self._sent is not None:
                self._sent.add()
                self.diagnostics.hold("state", Level.WARN, self._sent.error)
            self.diagnostics.count(event.kind.name.lower())
            self.diagnostics.stream(GATE_EVENTS).seen(event.stamp_ns, self.now_ns())

    def _report(self) -> None:
        if self._device is None:
            return
        self.diagnostics.values["overlong_lines"] = self._device.overlong
        self.diagnostics.values["opened"] = self._device.opened
        self.diagnostics.hold("gate", Level.ERROR, self._device.error)


main = main_of(GateNode)
