"""The cameras of a simulation as sources that are read like devices.

One thread draws for all of them, since they share a graphics device, the standing store and what
moves. What each camera makes of its picture (lens, light, noise) is worked out by who reads it.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from aisle.records import CameraFrame
from aisle.sensing.camera import CameraEndedError, CameraError
from aisle.sensing.camera_sources import Clock
from aisle.store.types import Camera

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aisle.sim.cameras import Shot, SimulatedCameras

AHEAD_NS = 300_000_000
"""How long before its exposure a picture may be drawn: evens out what some cost more."""
BEHIND_NS = 200_000_000
"""How long after its exposure a picture is still drawn: where drawing is too slow, some are not."""
STALE_NS = 1_000_000_000
"""A picture that nobody has read for this long is not delivered any more."""
WAIT_S = 0.01
READ_S = 0.25


class SimulatedFeed:
    """Draws the pictures of a simulation as its time goes on.

    Args:
        make: Makes the cameras, in the thread that draws.
        cameras: Those to read.
        start_ns: Stamp at which the simulation begins.
        clock: The simulation's time; 0 as long as it is not known.
    """

    def __init__(
        self,
        make: Callable[[], SimulatedCameras],
        cameras: Mapping[str, Camera],
        start_ns: int,
        clock: Clock,
    ) -> None:
        self._make, self._start_ns, self._clock = make, start_ns, clock
        self._rates = {name: camera.rate_hz for name, camera in cameras.items()}
        most = {name: math.ceil(2 * rate * AHEAD_NS / 1e9) for name, rate in self._rates.items()}
        self._drawn: dict[str, deque[tuple[Shot, NDArray[np.uint8]]]] = {
            name: deque(maxlen=max(2, count)) for name, count in most.items()
        }
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._ready = threading.Event()
        self._cameras: SimulatedCameras | None = None
        self._error = ""
        self._over = False
        self._thread = threading.Thread(target=self._run, name="renderer", daemon=True)

    def start(self) -> None:
        """Prepare the first pictures, which takes seconds.

        Raises:
            CameraError: Nothing can be drawn; the text says why.
        """
        self._thread.start()
        self._ready.wait()
        if self._error:
            raise CameraError(self._error)

    def stop(self, timeout_s: float = 2.0) -> None:
        """End the thread."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def source(self, camera: str) -> SimulatedSource:
        """Return what one camera gives."""
        return SimulatedSource(self, camera)

    def rate_hz(self, camera: str) -> float:
        """Frames a second."""
        return self._rates[camera]

    def read(self, camera: str) -> CameraFrame | None:
        """Wait a moment for a camera's next frame, and until it arrives.

        Raises:
            CameraEndedError: The scenario is over.
            CameraError: Drawing has failed.
        """
        drawn = self._drawn[camera]
        with self._changed:
            self._changed.wait_for(lambda: drawn or self._over, READ_S)
            if not drawn:
                if self._error:
                    raise CameraError(self._error)
                if self._over:
                    raise CameraEndedError("the scenario is over")
                return None
            shot, ideal = drawn.popleft()
        if self._clock() - shot.arrival_ns > STALE_NS:
            return None
        assert self._cameras is not None
        frame = self._cameras.deliver(shot, ideal)
        while (wait_ns := shot.arrival_ns - self._clock()) > 0 and not self._stopped.is_set():
            time.sleep(min(WAIT_S, wait_ns / 1e9))
        return frame

    def _run(self) -> None:
        try:
            self._cameras = cameras = self._make()
            started: set[str] = set()
            for shot in cameras.shots():
                if shot.camera in started:
                    break
                cameras.draw(shot)  # the first picture of a camera costs many times the others
                started.add(shot.camera)
            self._ready.set()
            self._draw(cameras)
            cameras.close()
        except Exception as error:  # of the graphics driver: anything may come
            self._error = f"pictures cannot be drawn: {error}"
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._ready.set()

    def _draw(self, cameras: SimulatedCameras) -> None:
        """Draw until the scenario is over; what is too late is left out for all cameras."""
        over = False
        while not over and not self._stopped.is_set():
            over = True
            from_s = max(0.0, (self._clock() - self._start_ns) / 1e9)
            for shot in cameras.shots(from_s):
                if not self._wait(shot):
                    over = False
                    break
                ideal = cameras.draw(shot)
                with self._changed:
                    self._drawn[shot.camera].append((shot, ideal))
                    self._changed.notify_all()

    def _wait(self, shot: Shot) -> bool:
        """Wait until it is time to draw; False when it is too late for that."""
        while (ahead_ns := shot.taken_ns - self._clock()) > AHEAD_NS:
            if self._stopped.wait(WAIT_S):
                return False
        return ahead_ns > -BEHIND_NS and not self._stopped.is_set()


class SimulatedSource:
    """One camera of a `SimulatedFeed`."""

    def __init__(self, feed: SimulatedFeed, camera: str) -> None:
        self._feed, self._camera = feed, camera

    @property
    def rate_hz(self) -> float:
        """Frames a second of the store's rig."""
        return self._feed.rate_hz(self._camera)

    def read(self) -> CameraFrame | None:
        """Wait for the next frame.

        Raises:
            CameraError: Nothing more will come.
        """
        return self._feed.read(self._camera)

    def close(self) -> None:
        """Nothing to release: the feed goes on for the other cameras."""
