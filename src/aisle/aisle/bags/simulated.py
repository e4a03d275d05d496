"""A simulation as a bag with its truth beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aisle.bags.store_io import BagWriter
from aisle.bags.truth import truth_of, write_truth
from aisle.records import CameraFrame, WeightBatch
from aisle.sensing.camera_calibration import calibration_of
from aisle.sim.simulation import SECOND, Simulation

if TYPE_CHECKING:
    from aisle.sim.cameras import SimulatedCameras

JPEG_QUALITY = 85


def write_simulation(
    path: Path,
    simulation: Simulation,
    cameras: SimulatedCameras | None = None,
    *,
    jpeg_quality: int = JPEG_QUALITY,
    progress: Callable[[float], None] = lambda _: None,
) -> None:
    """Write what arrives, in order of arrival, and `truth.json`.

    That is the store model, weights, gate events, and of each camera compressed images with their
    camera_info. The same simulation gives the same bytes; pictures do on the same machine.

    Args:
        path: Of the new bag.
        simulation: What happens.
        cameras: Its cameras; None for a bag without pictures.
        jpeg_quality: 1 to 100.
        progress: Called with the simulated seconds so far.

    Raises:
        BagError: `path` exists already, or cannot be written.
    """
    calibrations = {name: calibration_of(c) for name, c in simulation.store.cameras.items()}
    with BagWriter(path) as writer:
        writer.store(simulation.store, simulation.start_ns, simulation.start_ns)
        frames = () if cameras is None else cameras.frames()
        for arrival_ns, record in simulation.records(frames):
            if isinstance(record, WeightBatch):
                writer.weights(record, arrival_ns, record.plates[0].split("/")[0])
            elif isinstance(record, CameraFrame):
                writer.picture(record, jpeg_quality, arrival_ns)
                writer.camera_info(calibrations[record.camera], record.stamp_ns, arrival_ns)
            else:
                writer.gate(record, arrival_ns)
            progress((arrival_ns - simulation.start_ns) / SECOND)
    write_truth(path, truth_of(simulation))
