"""Where weight batches come from: a recording that is played, or a serial scale."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from aisle.records import WeightBatch
from aisle.sensing.batching import Batcher, ClockWatch
from aisle.sensing.line_device import LineDevice
from aisle.sensing.playback import Playback
from aisle.sensing.serial_lines import (
    SICS_POLL,
    SICS_STREAM,
    LineError,
    Sample,
    parse_line,
    parse_sics,
)
from aisle.store.types import Controller


class Source(Protocol):
    """Gives the batches that are due."""

    @property
    def counters(self) -> Counter[str]:
        """What was lost or damaged, for diagnostics."""

    @property
    def error(self) -> str:
        """What is wrong now, for people; empty when all is well."""

    def read(self, now_ns: int, steady_s: float) -> list[WeightBatch]:
        """Return the batches that are complete at `now_ns`, oldest first; never waits."""

    def close(self) -> None:
        """Release the device."""


class PlayedScales:
    """Scales of a simulation or a recording, played by the clock.

    Args:
        playback: The batches.
    """

    def __init__(self, playback: Playback[WeightBatch]) -> None:
        self._playback = playback
        self.counters: Counter[str] = Counter()
        self.error = ""

    def read(self, now_ns: int, steady_s: float) -> list[WeightBatch]:
        """Return the batches that are due; a damaged recording ends where it is damaged."""
        if self.error:
            return []
        try:
            return self._playback.read(now_ns)
        except ValueError as error:
            self.error = f"the recording ends here: {error}"
            self.counters["damaged_recordings"] += 1
            return []

    def close(self) -> None:
        """Nothing to release."""


class SerialScale:
    """A serial device that speaks one of the protocols of `aisle.sensing.serial_lines`.

    Args:
        device: The port; for `sics` without polling its greeting is `SICS_STREAM`.
        controller: Its plates; `sics` has exactly one.
        protocol: `lines` or `sics`.
        poll: Ask for each reading (`sics`).

    Raises:
        ValueError: `sics` with more plates than one.
    """

    def __init__(
        self, device: LineDevice, controller: Controller, protocol: str, *, poll: bool = False
    ) -> None:
        if protocol == "sics" and len(controller.plates) != 1:
            raise ValueError(
                f"a sics scale has one plate, controller '{controller.id}' has "
                f"{len(controller.plates)}"
            )
        self._device, self._controller = device, controller
        self._protocol = protocol
        self._poll_s = 1.0 / controller.rate_hz if poll else None
        self._ask_s = float("-inf")
        self._batcher = Batcher(controller)
        self._watch = ClockWatch()
        self._opened = 0
        self._damaged = 0
        self._error = ""

    @property
    def counters(self) -> Counter[str]:
        """Times opened, damaged and overlong lines, lost and repeated samples, clocks set."""
        return Counter(
            opened=self._device.opened,
            damaged_lines=self._damaged,
            overlong_lines=self._device.overlong,
            lost_samples=self._batcher.lost,
            repeated_samples=self._batcher.repeated,
            clock_steps=self._watch.steps,
        )

    @property
    def error(self) -> str:
        """Why nothing comes, or what was damaged in the last call."""
        return self._error

    def read(self, now_ns: int, steady_s: float) -> list[WeightBatch]:
        """Return the batches that the lines received so far complete.

        When the clock was set, stamps follow it at once.
        """
        lines = self._device.read(steady_s)
        if self._device.opened != self._opened:
            self._opened = self._device.opened
            self._batcher.restart()
        self._error = self._device.error
        if self._poll_s is not None and steady_s >= self._ask_s:
            behind = steady_s - self._ask_s >= self._poll_s
            self._ask_s = (steady_s if behind else self._ask_s) + self._poll_s
            self._device.write(SICS_POLL, steady_s)
        step_ns = self._watch.step_ns(now_ns, steady_s)
        batches = self._batcher.follow(step_ns) if step_ns else []
        for line in lines:
            try:
                sample = self._parse(line)
            except LineError as error:
                self._damaged += 1
                self._error = f"damaged line: {error}"
                continue
            if sample is not None:
                batches += self._batcher.add(sample, now_ns)
        return batches

    def close(self) -> None:
        """Close the port."""
        self._device.close()

    def _parse(self, line: bytes) -> Sample | None:
        if self._protocol == "sics":
            return parse_sics(line)
        return parse_line(line, len(self._controller.plates))


def serial_scale(
    controller: Controller,
    port: str,
    *,
    baud: int,
    protocol: str,
    poll: bool,
    reconnect_s: float,
) -> SerialScale:
    """Return the source for a scale on a serial port; nothing is opened yet."""
    greeting = SICS_STREAM if protocol == "sics" and not poll else b""
    device = LineDevice(port, baud, reconnect_s, greeting)
    return SerialScale(device, controller, protocol, poll=poll)
