"""camera_node: one camera as `camera/<camera>/image_raw`, `.../compressed` and `camera_info`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
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
from aisle.sensing.camera_calibration import calibration_of
from aisle.sensing.camera_health import DarkPicture, FrozenPicture, RateWatch
from aisle.sensing.camera_sources import FileSource, Wish, open_device, with_credentials
from aisle.store.names import is_device_id, optical_frame
from aisle.store.types import Camera
from aisle_nodes.diagnostics import Level
from aisle_nodes.interfaces import CAMERA_QOS, TYPES, camera_topic
from aisle_nodes.node import AisleNode, main_of
from aisle_nodes.parameters import ParameterError
from aisle_nodes.schemas import CameraParameters
from aisle_nodes.simulated import store_of

WATCH_PERIOD_S = 0.25
LEAVE_S = 0.5
"""How long the end of the node waits for the camera's thread."""
RAW, COMPRESSED, INFO = "image_raw", "image_raw/compressed", "camera_info"

Opener = Callable[[], FrameSource]
MakeOpener = Callable[[CameraParameters, Callable[[], int], Camera | None], Opener]
"""Makes what opens the source, from the parameters, the node's clock and what the rig says.

Mistakes in the parameters are `ParameterError`s at once; whatever may pass, such as a device that
is not there, is a `CameraError` of the opener.
"""


def device_opener(params: CameraParameters, clock: Callable[[], int], rig: Camera | None) -> Opener:
    """Return what opens a V4L2 device or a stream."""
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
    return lambda: open_device(params.camera, device, clock, wish)


def file_opener(params: CameraParameters, clock: Callable[[], int], rig: Camera | None) -> Opener:
    """Return what opens a video file."""
    path = Path(params.file)
    if not path.is_file():
        raise ParameterError(f"parameter 'file' must be a video, is {params.file!r}")
    rate, loop = params.rate_hz, params.loop
    return lambda: FileSource(params.camera, path, clock, rate_hz=rate, loop=loop)


SOURCES: Mapping[str, MakeOpener] = {"device": device_opener, "file": file_opener}
"""By the parameter `source`."""


class CameraNode(AisleNode[CameraParameters]):
    """Publishes the pictures of one camera; only what somebody listens to is made.

    A thread reads the camera; everything else happens in the node's executor.
    """

    def __init__(self, sources: Mapping[str, MakeOpener] = SOURCES, **options: Any) -> None:
        super().__init__("camera_node", CameraParameters, **options)
        self._sources = sources
        self._bridge = CvBridge()
        self._grabber: Grabber | None = None
        self._active = False
        self._timer: Any = None
        self._wake: Any = None

    def configure(self) -> None:
        """Create the topics and begin to read the camera."""
        camera = self.params.camera
        if not is_device_id(camera):
            raise ParameterError(
                f"parameter 'camera' must be lower-case letters, digits and single '_', "
                f"is {camera!r}"
            )
        self._rig = self._in_rig()
        self._calibration = calibration_of(self._rig) if self._rig else None
        self._frozen = FrozenPicture(self.params.frozen_after_s)
        self._dark = DarkPicture(self.params.dark_below)
        self._rate = RateWatch()
        self._wrong_size, self._told, self._held_back, self._damaged = "", "", 0, 0
        self._outputs = {
            part: self.create_lifecycle_publisher(kind, camera_topic(camera, part), CAMERA_QOS)
            for part, kind in ((RAW, Image), (COMPRESSED, CompressedImage), (INFO, CameraInfo))
        }
        self.diagnostics.refresh = self._report
        opener = self._sources[self.params.source](self.params, self.now_ns, self._rig)
        self._wake = self.create_guard_condition(self._work)
        self._grabber = Grabber(opener, self._notify, self.params.reconnect_s)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self.create_timer(WATCH_PERIOD_S, self._watch, clock=steady)
        self._grabber.start()

    def activate(self) -> None:
        """Let pictures through."""
        self._active = True

    def deactivate(self) -> None:
        """Let no pictures through; the camera is watched all the same."""
        self._active = False

    def release(self) -> None:
        """Leave the camera; one that hangs in its driver is left behind."""
        self._active = False
        grabber, self._grabber = self._grabber, None
        if grabber is None:
            return
        grabber.stop(LEAVE_S)
        self.destroy_timer(self._timer)
        self.destroy_guard_condition(self._wake)

    def _in_rig(self) -> Camera | None:
        """Return what the store's rig says of the camera; None without a store."""
        if not self.params.store:
            return None
        known, camera = store_of(self.params.store).cameras, self.params.camera
        if camera not in known:
            raise ParameterError(
                f"parameter 'camera' must be a camera of the store "
                f"({', '.join(known) or 'it has none'}), is {camera!r}"
            )
        return known[camera]

    def _notify(self) -> None:
        """Wake the executor, from the camera's thread."""
        # A thread that hung in its driver may come back when the node is gone.
        with suppress(InvalidHandle):
            self._wake.trigger()

    def _work(self) -> None:
        """Take in what the thread has read."""
        if self._grabber is None:
            return
        for frame in self._grabber.take():
            self._take(frame)
        self._tell()

    def _watch(self) -> None:
        """Say within moments that nothing comes."""
        self._tell()

    def _take(self, frame: CameraFrame) -> None:
        assert self._grabber is not None
        self._frozen.add(frame)
        self._dark.add(frame)
        self._rate.add(frame.stamp_ns, self._expected_hz)
        self._check_size(frame)
        if self._frozen.frozen_s:
            self._held_back += 1
        elif self._active:
            self._publish(frame)
            topic = camera_topic(frame.camera, RAW)
            self.diagnostics.stream(topic).seen(frame.stamp_ns, self.now_ns())

    def _publish(self, frame: CameraFrame) -> None:
        wanted = {part for part, out in self._outputs.items() if out.get_subscription_count()}
        if RAW in wanted:
            header: Header = header_message(frame.stamp_ns, optical_frame(frame.camera), TYPES)
            image = self._bridge.cv2_to_imgmsg(frame.image, frame.encoding, header)
            self._outputs[RAW].publish(image)
        if COMPRESSED in wanted:
            message = compressed_to_message(frame, self.params.jpeg_quality, TYPES)
            self._outputs[COMPRESSED].publish(message)
        if INFO in wanted and self._calibration is not None and not self._wrong_size:
            self._outputs[INFO].publish(
                camera_info_to_message(self._calibration, frame.stamp_ns, TYPES)
            )

    def _check_size(self, frame: CameraFrame) -> None:
        """See whether the calibration is one of such pictures."""
        height, width = frame.image.shape[:2]
        right = self._calibration
        fits = right is None or (width, height) == (right.width, right.height)
        self._wrong_size = "" if fits else f"{width}x{height}"

    @property
    def _expected_hz(self) -> float:
        assert self._grabber is not None
        rig_hz = self._rig.rate_hz if self._rig else 0.0
        return self.params.rate_hz or rig_hz or self._grabber.rate_hz

    def _problems(self) -> dict[str, tuple[Level, str]]:
        """Return all that may be wrong, by name; an empty text where it is not."""
        grabber, right = self._grabber, self._calibration
        assert grabber is not None
        camera, silent, frozen, size = self.params.camera, "", "", ""
        patience = max(self.params.silent_after_s, 3.0 / (self._expected_hz or 1000.0))
        if grabber.silent_s > patience and not grabber.error:
            doing = "its driver hangs" if grabber.open else "it is being opened"
            silent = f"{camera}: no picture for more than {patience:.1f} s, {doing}"
        if self._frozen.frozen_s:
            frozen = f"{camera} is frozen: always the same picture, held back; restart the camera"
        if self._wrong_size and right is not None:
            size = (
                f"{camera} gives {self._wrong_size}, the store's rig says "
                f"{right.width}x{right.height}: no camera_info"
            )
        nothing = "" if right else f"{camera} has no store and so no calibration: no camera_info"
        dark = self._dark.problem and f"{camera}: {self._dark.problem}; look at light and lens"
        rate = "" if grabber.error or silent else self._rate.problem(self._expected_hz)
        return {
            "source": (Level.WARN if grabber.ended else Level.ERROR, grabber.error),
            "silent": (Level.ERROR, silent),
            "frozen": (Level.ERROR, frozen),
            "size": (Level.ERROR, size),
            "calibration": (Level.WARN, nothing),
            "dark": (Level.WARN, dark),
            "rate": (Level.WARN, rate and f"{camera}: {rate}"),
        }

    def _tell(self) -> None:
        """Publish diagnostics at once when something is newly wrong or right again."""
        if self._grabber is None:
            return
        if self._grabber.error:
            self._rate.restart()
        wrong = ",".join(name for name, (_, text) in self._problems().items() if text)
        if wrong != self._told:
            self._told = wrong
            self.diagnostics.publish()

    def _report(self) -> None:
        """Bring counters and problems up to date for diagnostics."""
        grabber = self._grabber
        if grabber is None:
            return
        for name, (level, text) in self._problems().items():
            self.diagnostics.hold(name, level, text)
        damaged = grabber.counters["damaged_frames"]
        fresh, self._damaged = damaged > self._damaged, damaged
        self.diagnostics.hold("damaged", Level.WARN, grabber.damage if fresh else "")
        topic = camera_topic(self.params.camera, RAW)
        self.diagnostics.stream(topic).drops = grabber.counters["dropped"]
        self.diagnostics.values.update(grabber.counters)
        self.diagnostics.values.update(
            missed_frames=self._rate.missed,
            stamps_backwards=self._rate.backwards,
            held_back=self._held_back,
            expected_hz=f"{self._expected_hz:.2f}",
            camera_hz=f"{self._rate.rate_hz:.2f}",
            brightness=f"{self._dark.brightness:.0f}",
        )


main = main_of(CameraNode)
