"""The tree of frames over time."""

from __future__ import annotations

import math
import threading
from typing import Any

from geometry_msgs.msg import TransformStamped
from rclpy.duration import Duration
from rclpy.logging import get_logger
from rclpy.time import Time

from .caches import Sample, StaticCache, TimeCache
from .exceptions import (
    ExtrapolationException,
    LookupException,
    TransformException,
)
from .rigid import Rigid
from .rules import check_name, fault, not_connected

_DEFAULT_LENGTH_NS = 10_000_000_000
_MAX_DEPTH = 1000


def nanoseconds(time: Any) -> int:
    """Return a time of rclpy or of a message as nanoseconds.

    Raises:
        TypeError: It is neither.
    """
    if hasattr(time, "nanoseconds"):
        return int(time.nanoseconds)
    if hasattr(time, "sec") and hasattr(time, "nanosec"):
        return int(time.sec) * 10**9 + int(time.nanosec)
    raise TypeError("time must have sec and nanosec, or nanoseconds.")


class BufferCore:
    """Holds transforms and answers where a frame stands in another; safe between threads.

    A transform maps coordinates of ``child_frame_id`` to those of ``header.frame_id``. Time zero
    asks for the newest time that all frames on the way have.
    """

    def __init__(self, cache_time: Duration | None = None) -> None:
        self.__length = _DEFAULT_LENGTH_NS if cache_time is None else nanoseconds(cache_time)
        self.__caches: dict[str, StaticCache | TimeCache] = {}
        self.__authorities: dict[str, str] = {}
        # In order of appearance, which the listing keeps.
        self.__frames: dict[str, None] = {}
        self.__lock = threading.RLock()

    def set_transform(self, transform: TransformStamped, authority: str) -> None:
        """Take a transform that holds at its stamp; a bad one is logged and dropped."""
        self.__set(transform, authority, is_static=False)

    def set_transform_static(self, transform: TransformStamped, authority: str) -> None:
        """Take a transform that holds at any time; a bad one is logged and dropped."""
        self.__set(transform, authority, is_static=True)

    def __set(self, transform: TransformStamped, authority: str, *, is_static: bool) -> None:
        parent = transform.header.frame_id.removeprefix("/")
        child = transform.child_frame_id.removeprefix("/")
        t, r = transform.transform.translation, transform.transform.rotation
        rigid = Rigid((t.x, t.y, t.z), (r.x, r.y, r.z, r.w))
        wrong = fault(parent, child, rigid)
        if wrong is not None:
            get_logger("tf2_buffer").error(f"{wrong} (authority {authority})")
            return
        sample = Sample(nanoseconds(transform.header.stamp), parent, rigid)
        with self.__lock:
            cache = self.__caches.get(child)
            if not isinstance(cache, StaticCache if is_static else TimeCache):
                cache = StaticCache() if is_static else TimeCache(self.__length)
                self.__caches[child] = cache
            if not cache.insert(sample):
                get_logger("tf2_buffer").warning(
                    f"TF_OLD_DATA ignoring data from the past for frame {child} at time "
                    f"{sample.stamp / 1e9:.6f} according to authority {authority}"
                )
                return
            self.__authorities[child] = authority
            self.__frames.setdefault(child)
            self.__frames.setdefault(parent)

    def clear(self) -> None:
        """Forget all transforms that are not static; the frames stay known."""
        with self.__lock:
            for cache in self.__caches.values():
                cache.clear()

    def lookup_transform_core(
        self, target_frame: str, source_frame: str, time: Time
    ) -> TransformStamped:
        """Return where ``source_frame`` stands in ``target_frame`` at ``time``.

        Raises:
            TransformException: It cannot be known; the kind says why.
        """
        with self.__lock:
            self.__validate("lookupTransform argument target_frame", target_frame)
            self.__validate("lookupTransform argument source_frame", source_frame)
            rigid, stamp = self.__look_up(target_frame, source_frame, nanoseconds(time))
        return _message(rigid, stamp, target_frame, source_frame)

    def lookup_transform_full_core(
        self,
        target_frame: str,
        target_time: Time,
        source_frame: str,
        source_time: Time,
        fixed_frame: str,
    ) -> TransformStamped:
        """Return where the source stood at its time in the target at its time.

        ``fixed_frame`` is a frame that does not move between the two times.

        Raises:
            TransformException: It cannot be known; the kind says why.
        """
        with self.__lock:
            self.__validate("lookupTransform argument target_frame", target_frame)
            self.__validate("lookupTransform argument source_frame", source_frame)
            self.__validate("lookupTransform argument fixed_frame", fixed_frame)
            first, _ = self.__look_up(fixed_frame, source_frame, nanoseconds(source_time))
            second, stamp = self.__look_up(target_frame, fixed_frame, nanoseconds(target_time))
        return _message(second.after(first), stamp, target_frame, source_frame)

    def can_transform_core(
        self, target_frame: str, source_frame: str, time: Time
    ) -> tuple[int, str]:
        """Return (1, "") when the transform can be looked up, else (0, why not)."""
        with self.__lock:
            try:
                self.__validate_for_test("target_frame", target_frame)
                self.__validate_for_test("source_frame", source_frame)
                self.__look_up(target_frame, source_frame, nanoseconds(time))
            except TransformException as error:
                return 0, str(error)
        return 1, ""

    def can_transform_full_core(
        self,
        target_frame: str,
        target_time: Time,
        source_frame: str,
        source_time: Time,
        fixed_frame: str,
    ) -> tuple[int, str]:
        """Return (1, "") when the transform over two times can be looked up, else (0, why)."""
        with self.__lock:
            try:
                self.__validate_for_test("target_frame", target_frame)
                self.__validate_for_test("source_frame", source_frame)
                self.__validate_for_test("fixed_frame", fixed_frame)
                self.__look_up(fixed_frame, source_frame, nanoseconds(source_time))
                self.__look_up(target_frame, fixed_frame, nanoseconds(target_time))
            except TransformException as error:
                return 0, str(error)
        return 1, ""

    def get_latest_common_time(self, target_frame: str, source_frame: str) -> Time:
        """Return the newest time that all frames on the way have; 0 when none limits it.

        Raises:
            LookupException: A frame does not exist.
            ConnectivityException: The frames are not in the same tree.
        """
        with self.__lock:
            for frame in (target_frame, source_frame):
                if frame not in self.__frames:
                    raise LookupException(f'"{frame}" does not exist. ')
            return Time(nanoseconds=self.__latest_common(target_frame, source_frame))

    def all_frames_as_yaml(self) -> str:
        """Return what is known of each child frame, as YAML; ``{}`` when there is none."""
        with self.__lock:
            entries = [
                f"{child}: \n"
                f"  parent: '{cache.latest()[1]}'\n"
                f"  broadcaster: '{self.__authorities[child]}'\n"
                f"  rate: {_rate(cache):.3f}\n"
                f"  most_recent_transform: {cache.stamps()[1] / 1e9:.6f}\n"
                f"  oldest_transform: {cache.stamps()[0] / 1e9:.6f}\n"
                f"  buffer_length: {(cache.stamps()[1] - cache.stamps()[0]) / 1e9:.3f}\n"
                for child, cache in self.__caches.items()
                if cache.latest()[1] is not None
            ]
        return "".join(entries) or "{}"

    def all_frames_as_string(self) -> str:
        """Return one line for each frame with a parent."""
        with self.__lock:
            return "".join(
                f"Frame {child} exists with parent {cache.latest()[1] or 'NO_PARENT'}.\n"
                for child, cache in self.__caches.items()
            )

    def _frameExists(self, frame: str) -> bool:  # noqa: N802  the original's name
        return frame in self.__frames

    def _getFrameStrings(self) -> list[str]:  # noqa: N802  the original's name
        return list(self.__frames)

    def __validate(self, role: str, frame: str) -> None:
        check_name(role, frame)
        if frame not in self.__frames:
            raise LookupException(f'"{frame}" passed to {role} does not exist. ')

    def __validate_for_test(self, argument: str, frame: str) -> None:
        check_name(f"canTransform argument {argument}", frame)
        if frame not in self.__frames:
            raise LookupException(
                f'Invalid frame ID "{frame}" passed to canTransform argument {argument} - '
                "frame does not exist"
            )

    def __look_up(self, target: str, source: str, stamp: int) -> tuple[Rigid, int]:
        """Return the transform and the stamp for which it holds."""
        if target == source:
            cache = self.__caches.get(target)
            newest = 0 if cache is None else cache.latest()[0]
            return Rigid(), stamp or newest
        if stamp == 0:
            stamp = self.__latest_common(target, source)
        from_source, error = self.__ways_up(source, stamp)
        from_target, target_error = self.__ways_up(target, stamp)
        for ancestor, target_to_ancestor in from_target.items():
            if ancestor in from_source:
                return target_to_ancestor.inverse().after(from_source[ancestor]), stamp
        error = target_error or error
        if error is not None:
            raise ExtrapolationException(
                f"{error}, when looking up transform from frame [{source}] to frame [{target}]"
            )
        raise not_connected(target, source)

    def __ways_up(self, frame: str, stamp: int) -> tuple[dict[str, Rigid], str | None]:
        """Walk to the root: the transform into each ancestor, and what stopped the walk."""
        ways = {frame: Rigid()}
        while frame in self.__caches:
            try:
                sample = self.__caches[frame].at(stamp)
            except ExtrapolationException as error:
                return ways, str(error)
            if sample.parent in ways or len(ways) > _MAX_DEPTH:
                raise LookupException("The tf tree is invalid because it contains a loop.")
            ways[sample.parent] = sample.rigid.after(ways[frame])
            frame = sample.parent
        return ways, None

    def __latest_common(self, target: str, source: str) -> int:
        """Return the newest stamp that all frames between the two have."""
        if target == source:
            cache = self.__caches.get(source)
            return 0 if cache is None else cache.latest()[0]
        from_source = self.__newest_up(source)
        from_target = self.__newest_up(target)
        for ancestor, newest in from_target.items():
            if ancestor in from_source:
                common = min(newest, from_source[ancestor])
                return 0 if math.isinf(common) else int(common)
        raise not_connected(target, source)

    def __newest_up(self, frame: str) -> dict[str, float]:
        """Walk to the root along the newest parents: the newest stamp common to the way."""
        newest: dict[str, float] = {frame: math.inf}
        while frame in self.__caches:
            stamp, parent = self.__caches[frame].latest()
            if parent is None:
                break
            if parent in newest:
                raise LookupException("The tf tree is invalid because it contains a loop.")
            newest[parent] = min(newest[frame], stamp or math.inf)
            frame = parent
        return newest


def _rate(cache: StaticCache | TimeCache) -> float:
    if isinstance(cache, StaticCache):
        return 10000.0
    oldest, newest, count = cache.stamps()
    return count / max((newest - oldest) / 1e9, 0.0001)


def _message(rigid: Rigid, stamp: int, target: str, source: str) -> TransformStamped:
    message = TransformStamped()
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 10**9)
    message.header.frame_id = target
    message.child_frame_id = source
    translation, rotation = message.transform.translation, message.transform.rotation
    translation.x, translation.y, translation.z = rigid.translation
    rotation.x, rotation.y, rotation.z, rotation.w = rigid.rotation
    return message
