"""What the cameras of a simulated store deliver: pictures, late, lost, and by their own clocks.

>>> cameras = SimulatedCameras(simulation)       # doctest: +SKIP
>>> for arrival in cameras.frames(): ...         # doctest: +SKIP
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import count
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from aisle.records import CameraFrame
from aisle.sim.choreography.performance import Performance
from aisle.sim.products.look import look_of
from aisle.sim.render.renderer import Renderer
from aisle.sim.render.sensor import CameraModel
from aisle.sim.scene import Look, Scene
from aisle.sim.simulation import SECOND, Simulation
from aisle.store.types import Camera, Product

DELAY_S = (0.02, 0.05)
"""From the exposure to the arrival: reading out, compressing, sending."""
LATE_S = (0.1, 0.4)
_SETTLED_S = 1.0
"""What a camera did longer ago than this holds up no picture."""


@dataclass(frozen=True)
class Shot:
    """One picture that a camera takes, before it is drawn."""

    camera: str
    number: int
    """Of the exposure since the beginning, those counted that are lost."""
    taken_ns: int
    """When it is exposed, in the simulation's time."""
    stamp_ns: int
    """The same by the camera's clock."""
    arrival_ns: int


@dataclass(frozen=True)
class FrameArrival:
    """A frame and when it reaches the reader."""

    arrival_ns: int
    frame: CameraFrame


def shots(
    simulation: Simulation, cameras: Collection[str] | None = None, from_s: float = 0.0
) -> Iterator[Shot]:
    """What cameras take and deliver, in order of exposure.

    Cameras of one rate expose together. Whatever is chosen and wherever it begins, a picture has
    the same fate.

    Args:
        simulation: Of what, by which rules, and from which seed.
        cameras: Ids; None for all of the store.
        from_s: Leave out what was taken before.
    """
    chosen = [c for c in simulation.store.cameras.values() if cameras is None or c.id in cameras]
    of_each = (_shots_of(simulation, camera, from_s) for camera in chosen)
    return heapq.merge(*of_each, key=lambda shot: shot.taken_ns)


def _shots_of(simulation: Simulation, camera: Camera, from_s: float) -> Iterator[Shot]:
    faults, name = simulation.scenario.cameras, crc32(camera.id.encode())
    own = np.random.default_rng((simulation.seed, 7, name))
    offset_ns = round(float(own.uniform(-1, 1)) * faults.clock_offset_s * SECOND)
    free_ns = 0
    for number in count(max(0, math.floor((from_s - _SETTLED_S) * camera.rate_hz))):
        at_s = number / camera.rate_hz
        if at_s >= simulation.duration_s:
            return
        rng = np.random.default_rng((simulation.seed, 7, name, number))
        delay_s = rng.uniform(*DELAY_S)
        if rng.random() < faults.late_frames:
            delay_s += rng.uniform(*LATE_S)
        dropped = rng.random() < faults.dropped_frames
        if dropped or any(c == camera.id and a <= at_s < b for c, a, b in faults.silent):
            continue
        taken_ns = simulation.start_ns + round(at_s * SECOND)
        # A link keeps the order: behind a frame that is held up, the next ones wait.
        arrival_ns = free_ns = max(taken_ns + round(float(delay_s) * SECOND), free_ns + 1)
        if at_s >= from_s:
            yield Shot(camera.id, number, taken_ns, taken_ns + offset_ns, arrival_ns)


class SimulatedCameras:
    """Draws what cameras take. `draw` belongs to the thread that made this; `deliver` does not.

    The same simulation gives the same pictures on the same machine.

    Args:
        simulation: A scenario with `walk`.
        cameras: Ids; None for all of the store.
        look_for: What a product looks like.
        device: EGL device number; None takes the system's first choice.

    Raises:
        ValueError: The scenario is without `walk`.
        RenderingError: Nothing can be drawn on this machine; the text says what is missing.
    """

    def __init__(
        self,
        simulation: Simulation,
        cameras: Collection[str] | None = None,
        *,
        look_for: Callable[[Product], Look] = look_of,
        device: int | None = None,
    ) -> None:
        store, seed = simulation.store, simulation.seed
        self._simulation = simulation
        self._performance = Performance(store, simulation.script, seed, simulation.start_ns)
        self._models = {
            name: CameraModel(camera, seed=crc32(f"{seed}/{name}".encode()))
            for name, camera in store.cameras.items()
            if cameras is None or name in cameras
        }
        ideal = {name: model.ideal for name, model in self._models.items()}
        self._renderer = Renderer(store, look_for, ideal, seed=seed, device=device)
        self._scene: Scene | None = None

    def shots(self, from_s: float = 0.0) -> Iterator[Shot]:
        """What these cameras take from a time on, in order of exposure."""
        return shots(self._simulation, self._models, from_s)

    def draw(self, shot: Shot) -> NDArray[np.uint8]:
        """The ideal picture; cheapest when the shots of one moment come one after the other."""
        if self._scene is None or self._scene.stamp_ns != shot.taken_ns:
            self._scene = self._performance.scene(shot.taken_ns)
        return self._renderer.render(shot.camera, self._scene).rgb

    def deliver(self, shot: Shot, ideal: NDArray[np.uint8]) -> CameraFrame:
        """What the camera makes of the ideal picture; each camera in one thread at a time."""
        image = self._models[shot.camera].apply(ideal, shot.number)
        return CameraFrame(shot.camera, shot.stamp_ns, image)

    def frames(self, camera: str | None = None, from_s: float = 0.0) -> Iterator[FrameArrival]:
        """The frames of all cameras (or one) in order of arrival, from a time on."""
        chosen = self._models if camera is None else {camera}
        waiting: list[tuple[int, int, CameraFrame]] = []
        for order, shot in enumerate(shots(self._simulation, chosen, from_s)):
            while waiting and waiting[0][0] <= shot.taken_ns:
                yield _arrived(waiting)
            frame = self.deliver(shot, self.draw(shot))
            heapq.heappush(waiting, (shot.arrival_ns, order, frame))
        while waiting:
            yield _arrived(waiting)

    def close(self) -> None:
        """Give back what the device holds."""
        self._renderer.close()


def _arrived(waiting: list[tuple[int, int, CameraFrame]]) -> FrameArrival:
    arrival_ns, _, frame = heapq.heappop(waiting)
    return FrameArrival(arrival_ns, frame)
