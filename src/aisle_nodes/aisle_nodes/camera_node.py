"""camera_node: cameras as `camera/<camera>/image_raw`, `.../compressed` and `camera_info`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cv_bridge import CvBridge
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.exceptions import InvalidHandle
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from aisle.bags.convert import header_message
from aisle.bags.convert_images import camera_info_to_message, compressed_to_message
from aisle.records import CameraFrame
from aisle.sensing.camera import FrameSource, Grabber
from aisle.sensing.camera_simulated import SimulatedFeed
from aisle.sensing.camera_sources import FileSource, Wish, open_device, with_credentials
from aisle.store.names import is_device_id, optical_frame
from aisle.store.types import Camera
from aisle_nodes.camera_watch import WatchedCamera
from aisle_nodes.diagnostics import Level
from aisle_nodes.interfaces import CAMERA_QOS, TYPES, camera_topic
from aisle_nodes.node import AisleNode, main_of
from aisle_nodes.parameters import ParameterError
from aisle_nodes.schemas import CameraParameters
from aisle_nodes.simulated import simulation_of, store_of

WATCH_PERIOD_S = 0.25
LEAVE_S = 0.5
"""How long the end of the node waits for a camera's thread."""
RAW, COMPRESSED, INFO = "image_raw", "image_raw/compressed", "camera_info"

Opener = Callable[[], FrameSource]


@dataclass(frozen=True)
class Sources:
    """What opens the source of each camera, and what ends all of them."""

    openers: Mapping[str, Opener]
    close: Callable[[], None] = lambda: None


MakeSources = Callable[[CameraParameters, Callable[[], int], Mapping[str, Camera | None]], Sources]
"""Makes sources from the parameters, the node's clock and what the rig says of each camera.

Mistakes in the parameters are `ParameterError`s at once; whatever may pass, such as a device that
is not there, is a `CameraError` of the opener.
"""


def _only(params: CameraParameters, rigs: Mapping[str, Camera | None]) -> tuple[str, Camera | None]:
    """Return the one camera that a device or a file is."""
    if len(rigs) != 1:
        raise ParameterError(
            f"source {params.source} is one camera: name it in 'cameras', not {len(rigs)} of them"
        )
    return next(iter(rigs.items()))


def device_sources(
    params: CameraParameters, clock: Callable[[], int], rigs: Mapping[str, Camera | None]
) -> Sources:
    """Return what opens a V4L2 device or a stream."""
    camera, rig = _only(params, rigs)
    if not params.device:
        raise ParameterError("source device needs the path or URL of the camera in 'device'")
    device = params.device
    if params.credentials_file:
        try:
            credentials = Path(params.credentials_file).read_text(encoding="utf-8")
            device = with_credentials(device, credentials)
        except (OSError, ValueError) as error:
            raise ParameterError(f"parameter 'credentials_file': {error}") from None
    width, height, rate = (rig.width, rig.height, rig.rate_hz) if rig else (0, 0, 0.0)
    wish = Wish(width, height, params.rate_hz or rate, params.fourcc)
    return Sources({camera: lambda: open_device(camera, device, clock, wish)})


def file_sources(
    params: CameraParameters, clock: Callable[[], int], rigs: Mapping[str, Camera | None]
) -> Sources:
    """Return what opens a video file."""
    camera, _ = _only(params, rigs)
    path = Path(params.file)
    if not path.is_file():
        raise ParameterError(f"parameter 'file' must be a video, is {params.file!r}")
    rate, loop = params.rate_hz, params.loop
    return Sources({camera: lambda: FileSource(camera, path, clock, rate_hz=rate, loop=loop)})


def simulated_sources(
    params: CameraParameters, clock: Callable[[], int], rigs: Mapping[str, Camera | None]
) -> Sources:
    """Return the cameras of a simulation, ready to draw.

    Raises:
        CameraError: Nothing can be drawn on this machine.
    """
    simulation = simulation_of(params)
    if not simulation.scenario.walk:
        raise ParameterError("source simulator needs a 'scenario' with bodies (walk: true)")
    if not rigs:
        raise ParameterError("source simulator needs a 'store' that has cameras")
    known = {name: simulation.store.cameras[name] for name in rigs}

    def make() -> Any:
        # Here, so that a node with real cameras does not load the renderer.
        from aisle.sim.cameras import SimulatedCameras

        return SimulatedCameras(simulation, known)

    feed = SimulatedFeed(make, known, params.start_ns, clock)
    feed.start()
    return Sources({name: partial(feed.source, name) for name in known}, feed.stop)


SOURCES: Mapping[str, MakeSources] = {
    "device": device_sources,
    "file": file_sources,
    "simulator": simulated_sources,
}
"""By the parameter `source`."""


class CameraNode(AisleNode[CameraParameters]):
    """Publishes the pictures of its cameras; only what somebody listens to is made.

    A thread reads each camera; everything else happens in the node's executor.
    """

    def __init__(self, sources: Mapping[str, MakeSources] = SOURCES, **options: Any) -> None:
        super().__init__("camera_node", CameraParameters, **options)
        self._make_sources = sources
        self._bridge = CvBridge()
        self._cameras: dict[str, WatchedCamera] = {}
        self._sources: Sources | None = None
        self._active = False
        self._timer: Any = None
        self._wake: Any = None

    def configure(self) -> None:
        """Open the sources, create the topics and begin to read."""
        rigs = self._choose()
        self._sources = self._make_sources[self.params.source](self.params, self.now_ns, rigs)
        self._told = ""
        self._outputs = {
            (camera, part): self.create_lifecycle_publisher(
                kind, camera_topic(camera, part), CAMERA_QOS
            )
            for camera in rigs
            for part, kind in ((RAW, Image), (COMPRESSED, CompressedImage), (INFO, CameraInfo))
        }
        self.diagnostics.refresh = self._report
        self._wake = self.create_guard_condition(self._work)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self.create_timer(WATCH_PERIOD_S, self._tell, clock=steady)
        for camera, opener in self._sources.openers.items():
            grabber = Grabber(opener, self._notify, self.params.reconnect_s)
            self._cameras[camera] = WatchedCamera(camera, rigs[camera], grabber, self.params)
            grabber.start()

    def activate(self) -> None:
        """Let pictures through."""
        self._active = True

    def deactivate(self) -> None:
        """Let no pictures through; the cameras are watched all the same."""
        self._active = False

    def release(self) -> None:
        """Leave the cameras; one that hangs in its driver is left behind."""
        self._active = False
        cameras, self._cameras = self._cameras, {}
        for watched in cameras.values():
            watched.grabber.stop(0.0)
        if self._sources is not None:
            self._sources.close()
            self._sources = None
        for watched in cameras.values():
            watched.grabber.stop(LEAVE_S)
        if cameras:
            self.destroy_timer(self._timer)
            self.destroy_guard_condition(self._wake)

    def _choose(self) -> dict[str, Camera | None]:
        """Return what the store's rig says of each camera; None without a store."""
        named = self.params.cameras
        for camera in named:
            if not is_device_id(camera):
                raise ParameterError(
                    f"parameter 'cameras' must be lower-case letters, digits and single '_', "
                    f"has {camera!r}"
                )
        if not self.params.store:
            return dict.fromkeys(named)
        known = store_of(self.params.store).cameras
        if unknown := [camera for camera in named if camera not in known]:
            raise ParameterError(
                f"parameter 'cameras' must name cameras of the store "
                f"({', '.join(known) or 'it has none'}), has {unknown[0]!r}"
            )
        return {camera: known[camera] for camera in named or known}

    def _notify(self) -> None:
        """Wake the executor, from a camera's thread."""
        # A thread that hung in its driver may come back when the node is gone.
        with suppress(InvalidHandle):
            self._wake.trigger()

    def _work(self) -> None:
        """Publish what the threads have read."""
        for camera, watched in self._cameras.items():
            for frame in watched.take():
                if self._active:
                    self._publish(camera, frame, watched)
        self._tell()

    def _publish(self, camera: str, frame: CameraFrame, watched: WatchedCamera) -> None:
        outputs = {part: self._outputs[camera, part] for part in (RAW, COMPRESSED, INFO)}
        wanted = {part for part, out in outputs.items() if out.get_subscription_count()}
        if RAW in wanted:
            header: Header = header_message(frame.stamp_ns, optical_frame(camera), TYPES)
            outputs[RAW].publish(self._bridge.cv2_to_imgmsg(frame.image, frame.encoding, header))
        if COMPRESSED in wanted:
            message = compressed_to_message(frame, self.params.jpeg_quality, TYPES)
            outputs[COMPRESSED].publish(message)
        calibration = watched.calibration_for(frame) if INFO in wanted else None
        if calibration is not None:
            outputs[INFO].publish(camera_info_to_message(calibration, frame.stamp_ns, TYPES))
        self.diagnostics.stream(camera_topic(camera, RAW)).seen(frame.stamp_ns, self.now_ns())

    def _problems(self) -> dict[str, tuple[Level, str]]:
        return {
            name: problem
            for watched in self._cameras.values()
            for name, problem in watched.problems(self.now_ns()).items()
        }

    def _tell(self) -> None:
        """Publish diagnostics at once when something is newly wrong or right again."""
        if not self._cameras:
            return
        wrong = ",".join(name for name, (_, text) in self._problems().items() if text)
        if wrong != self._told:
            self._told = wrong
            self.diagnostics.publish()

    def _report(self) -> None:
        """Bring counters and problems up to date for diagnostics."""
        for name, (level, text) in self._problems().items():
            self.diagnostics.hold(name, level, text)
        for camera, watched in self._cameras.items():
            self.diagnostics.hold(f"{camera}/damaged", Level.WARN, watched.fresh_damage())
            stream = self.diagnostics.stream(camera_topic(camera, RAW))
            stream.drops = watched.grabber.counters["dropped"]
            self.diagnostics.values.update(watched.values())


main = main_of(CameraNode)
