"""weight_node: scales of a simulation, a recording or a serial port as `weights/<controller>`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from aisle_msgs.msg import WeightReadings
from aisle_msgs.srv import TarePlate

from aisle.bags.convert import WEIGHTS, weights_to_message
from aisle.bags.reading import read_records
from aisle.bags.store_io import BagError, BagReader
from aisle.records import WeightBatch
from aisle.sensing.health import DEFAULT_TARE_SAMPLES, FrozenWatch, Tare
from aisle.sensing.playback import Playback, prefetched
from aisle.sensing.sources import PlayedScales, Source, serial_scale
from aisle.sensing.table import read_table
from aisle.store.types import Controller
from aisle_nodes.diagnostics import Level
from aisle_nodes.interfaces import TYPES, WEIGHTS_OUT, weights_topic
from aisle_nodes.node import main_of
from aisle_nodes.parameters import ParameterError
from aisle_nodes.polling import PollingNode
from aisle_nodes.schemas import WeightParameters
from aisle_nodes.simulated import simulation_of, store_of

PLAY_PERIOD_S = 0.02
SERIAL_PERIOD_S = 0.01
AHEAD = 500
"""Simulated messages made in advance; the simulator makes ten seconds at once."""


class WeightNode(PollingNode[WeightParameters]):
    """Publishes the readings of its controllers and sets their plates to zero."""

    def __init__(self, **options: Any) -> None:
        super().__init__("weight_node", WeightParameters, **options)
        self._source: Source | None = None

    def configure(self) -> None:
        """Open the source; one topic and one service for each controller."""
        self._controllers = self._choose()
        self._source = self._open()
        self._outputs = {
            name: self.create_lifecycle_publisher(WeightReadings, weights_topic(name), WEIGHTS_OUT)
            for name in self._controllers
        }
        self._watches = {
            name: FrozenWatch(self.params.frozen_after_s) for name in self._controllers
        }
        self._tares = {name: Tare(self._tare_path(name)) for name in self._controllers}
        self._services_of_plates = [
            self.create_service(TarePlate, f"{weights_topic(name)}/tare", self._tare_service(name))
            for name in self._controllers
        ]
        self.diagnostics.refresh = self._report

    def activate(self) -> None:
        """Begin to read."""
        serial = self.params.source == "serial"
        self.begin(SERIAL_PERIOD_S if serial else PLAY_PERIOD_S, device=serial)

    def close(self) -> None:
        """Close the device."""
        if self._source is not None:
            self._source.close()
            self._source = None

    def _choose(self) -> dict[str, Controller]:
        known = store_of(self.params.store).controllers
        chosen = self.params.controllers or tuple(known)
        if unknown := [name for name in chosen if name not in known]:
            raise ParameterError(
                f"parameter 'controllers' must name controllers of the store "
                f"({', '.join(known)}), has {unknown[0]!r}"
            )
        return {name: known[name] for name in chosen}

    def _open(self) -> Source:
        if self.params.source == "serial":
            return self._open_serial()
        if self.params.source == "file":
            if not Path(self.params.file).exists():
                raise ParameterError(
                    f"parameter 'file' must be a recording, is {self.params.file!r}"
                )
            return PlayedScales(Playback(self._recorded))
        simulation = simulation_of(self.params)

        def simulated(now_ns: int) -> Iterator[tuple[int, WeightBatch]]:
            from_s = max(0.0, (now_ns - simulation.start_ns) / 1e9)
            for arrival in simulation.batches(from_s=from_s):
                batch = arrival.record
                if isinstance(batch, WeightBatch) and batch.controller in self._controllers:
                    yield arrival.arrival_ns, batch

        return PlayedScales(Playback(lambda now_ns: prefetched(simulated(now_ns), AHEAD)))

    def _open_serial(self) -> Source:
        if len(self._controllers) != 1 or not self.params.port:
            raise ParameterError(
                "source serial needs one controller in 'controllers' and its device in 'port'"
            )
        (controller,) = self._controllers.values()
        return serial_scale(
            controller,
            self.params.port,
            baud=self.params.baud,
            protocol=self.params.protocol,
            poll=self.params.poll,
            reconnect_s=self.params.reconnect_s,
        )

    def _recorded(self, now_ns: int) -> Iterator[tuple[int, WeightBatch]]:
        """Give a recording as if it began now."""
        shift_ns = None
        path = Path(self.params.file)
        chosen = list(self._controllers.values())
        batches = read_table(path, chosen) if ".csv" in path.suffixes else self._in_bag(path)
        for batch in batches:
            if shift_ns is None:
                shift_ns = now_ns - batch.stamp_ns
            moved = replace(batch, stamp_ns=batch.stamp_ns + shift_ns)
            yield moved.end_ns, moved

    def _in_bag(self, path: Path) -> Iterator[WeightBatch]:
        """Give the weights of a bag; ends early with `ValueError` where it cannot be read."""
        try:
            with BagReader(path) as reader:
                for arrived in read_records(reader, {WEIGHTS}, self.diagnostics.counters):
                    batch = arrived.record
                    if isinstance(batch, WeightBatch) and batch.controller in self._controllers:
                        yield batch
        except BagError as error:
            raise ValueError(str(error)) from error

    def _tare_path(self, controller: str) -> Path | None:
        folder = self.params.state_dir
        return Path(folder) / f"tare_{controller}.json" if folder else None

    def poll(self) -> None:
        """Publish the readings that have come."""
        assert self._source is not None
        now_ns = self.now_ns()
        for batch in self._source.read(now_ns, time.monotonic()):
            name = batch.controller
            self._watches[name].add(batch)
            message = weights_to_message(self._tares[name].apply(batch), TYPES)
            self._outputs[name].publish(message)
            self.diagnostics.stream(weights_topic(name)).seen(batch.end_ns, now_ns)

    def _report(self) -> None:
        """Bring counters and problems up to date for diagnostics."""
        if self._source is None:
            return
        self.diagnostics.values.update(self._source.counters)
        self.diagnostics.hold("source", Level.WARN, self._source.error)
        frozen = ", ".join(plate for watch in self._watches.values() for plate in watch.frozen)
        advice = "always the same reading; restart the scale or look at the load cell"
        self.diagnostics.hold("frozen", Level.WARN, f"{frozen}: {advice}" if frozen else "")

    def _tare_service(self, controller: str) -> Any:
        def serve(request: Any, response: Any) -> Any:
            samples = request.samples or DEFAULT_TARE_SAMPLES
            try:
                offset = self._tares[controller].set_zero(request.plate, samples)
            except (ValueError, OSError) as error:
                response.success, response.message = False, str(error)
                return response
            response.success, response.offset = True, offset
            response.message = f"{request.plate} is at zero, {offset:.4f} kg were on it"
            self.get_logger().info(response.message)
            return response

        return serve


main = main_of(WeightNode)
