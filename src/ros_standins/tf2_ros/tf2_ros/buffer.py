"""A buffer that can wait and that follows the node's clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import sleep
from typing import Any, Literal, overload

import rclpy
from geometry_msgs.msg import TransformStamped
from rclpy.clock import Clock, JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.task import Future
from rclpy.time import Time
from tf2_msgs.srv import FrameGraph
from tf2_py import BufferCore

_POLL_S = 0.02
# A clock that falls back further than this while waiting has been reset.
_RESET = Duration(seconds=3.0)
_NO_WAIT = Duration()


class Buffer(BufferCore):
    """Holds transforms, waits for them, and is cleared when its clock jumps back."""

    def __init__(self, cache_time: Duration | None = None, node: Node | None = None) -> None:
        super().__init__(cache_time)
        self._new_data_callbacks: list[Callable[[], None]] = []
        self._callbacks_lock = threading.RLock()
        if node is not None:
            self.srv = node.create_service(FrameGraph, "tf2_frames", self._get_frames)
        self.clock: Any = Clock() if node is None else node.get_clock()
        threshold = JumpThreshold(
            min_forward=None, min_backward=Duration(seconds=-1), on_clock_change=True
        )
        self.jump_handle = self.clock.create_jump_callback(
            threshold, post_callback=self.time_jump_callback
        )

    def _get_frames(
        self, request: FrameGraph.Request, response: FrameGraph.Response
    ) -> FrameGraph.Response:
        response.frame_yaml = self.all_frames_as_yaml()
        return response

    def time_jump_callback(self, time_jump: TimeJump) -> None:
        """Forget all that is not static when the clock changed or went back."""
        get_logger("tf2_buffer").warning("Detected jump back in time. Clearing tf buffer.")
        self.clear()

    def set_transform(self, transform: TransformStamped, authority: str) -> None:
        """Take a transform that holds at its stamp, and wake who waits."""
        super().set_transform(transform, authority)
        self._call_new_data_callbacks()

    def set_transform_static(self, transform: TransformStamped, authority: str) -> None:
        """Take a transform that holds at any time, and wake who waits."""
        super().set_transform_static(transform, authority)
        self._call_new_data_callbacks()

    def _call_new_data_callbacks(self) -> None:
        with self._callbacks_lock:
            waiting = list(self._new_data_callbacks)
        for callback in waiting:
            callback()

    def lookup_transform(
        self, target_frame: str, source_frame: str, time: Time, timeout: Duration = _NO_WAIT
    ) -> TransformStamped:
        """Return where ``source_frame`` stands in ``target_frame`` at ``time``.

        Waits up to ``timeout``, blocking.

        Raises:
            TransformException: It cannot be known; the kind says why.
        """
        self.can_transform(target_frame, source_frame, time, timeout)
        return self.lookup_transform_core(target_frame, source_frame, time)

    async def lookup_transform_async(
        self, target_frame: str, source_frame: str, time: Time
    ) -> TransformStamped:
        """Wait, without blocking the executor, and return the transform."""
        await self.wait_for_transform_async(target_frame, source_frame, time)
        return self.lookup_transform_core(target_frame, source_frame, time)

    def lookup_transform_full(
        self,
        target_frame: str,
        target_time: Time,
        source_frame: str,
        source_time: Time,
        fixed_frame: str,
        timeout: Duration = _NO_WAIT,
    ) -> TransformStamped:
        """Return where the source stood at its time in the target at its time.

        Raises:
            TransformException: It cannot be known; the kind says why.
        """
        self.can_transform_full(
            target_frame, target_time, source_frame, source_time, fixed_frame, timeout
        )
        return self.lookup_transform_full_core(
            target_frame, target_time, source_frame, source_time, fixed_frame
        )

    async def lookup_transform_full_async(
        self,
        target_frame: str,
        target_time: Time,
        source_frame: str,
        source_time: Time,
        fixed_frame: str,
    ) -> TransformStamped:
        """Wait, without blocking the executor, and return the transform over two times."""
        await self.wait_for_transform_full_async(
            target_frame, target_time, source_frame, source_time, fixed_frame
        )
        return self.lookup_transform_full_core(
            target_frame, target_time, source_frame, source_time, fixed_frame
        )

    @overload
    def can_transform(
        self,
        target_frame: str,
        source_frame: str,
        time: Time,
        timeout: Duration = ...,
        return_debug_tuple: Literal[False] = ...,
    ) -> int: ...

    @overload
    def can_transform(
        self,
        target_frame: str,
        source_frame: str,
        time: Time,
        timeout: Duration,
        return_debug_tuple: Literal[True],
    ) -> tuple[int, str]: ...

    def can_transform(
        self,
        target_frame: str,
        source_frame: str,
        time: Time,
        timeout: Duration = _NO_WAIT,
        return_debug_tuple: bool = False,
    ) -> int | tuple[int, str]:
        """Return 1 when the transform can be looked up within ``timeout``, else 0.

        With ``return_debug_tuple`` the reason comes as second item. Waiting blocks.
        """
        result = self._wait(
            lambda: self.can_transform_core(target_frame, source_frame, time), timeout
        )
        return result if return_debug_tuple else result[0]

    def can_transform_full(
        self,
        target_frame: str,
        target_time: Time,
        source_frame: str,
        source_time: Time,
        fixed_frame: str,
        timeout: Duration = _NO_WAIT,
        return_debug_tuple: bool = False,
    ) -> int | tuple[int, str]:
        """Return 1 when the transform over two times can be looked up, else 0."""
        result = self._wait(
            lambda: self.can_transform_full_core(
                target_frame, target_time, source_frame, source_time, fixed_frame
            ),
            timeout,
        )
        return result if return_debug_tuple else result[0]

    @staticmethod
    def _wait(test: Callable[[], tuple[int, str]], timeout: Duration) -> tuple[int, str]:
        result = test()
        if timeout == _NO_WAIT:
            return result
        clock = Clock()
        start = clock.now()
        while not result[0] and start - _RESET <= clock.now() < start + timeout:
            sleep(_POLL_S)
            result = test()
        return result

    def wait_for_transform_async(self, target_frame: str, source_frame: str, time: Time) -> Future:
        """Return a future that gets ``True`` as soon as the transform can be looked up."""
        return self._future(lambda: self.can_transform_core(target_frame, source_frame, time))

    def wait_for_transform_full_async(
        self,
        target_frame: str,
        target_time: Time,
        source_frame: str,
        source_time: Time,
        fixed_frame: str,
    ) -> Future:
        """Return a future that gets ``True`` as soon as the transform can be looked up."""
        return self._future(
            lambda: self.can_transform_full_core(
                target_frame, target_time, source_frame, source_time, fixed_frame
            )
        )

    def _future(self, test: Callable[[], tuple[int, str]]) -> Future:
        future: Future = rclpy.task.Future()

        def on_new_data() -> None:
            if test()[0] and not future.done():
                future.set_result(True)

        with self._callbacks_lock:
            self._new_data_callbacks.append(on_new_data)
        future.add_done_callback(lambda _: self._forget(on_new_data))
        # Only now, so that a transform that comes in between is not missed.
        on_new_data()
        return future

    def _forget(self, callback: Callable[[], None]) -> None:
        with self._callbacks_lock:
            if callback in self._new_data_callbacks:
                self._new_data_callbacks.remove(callback)

    def transform(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: the registry of message types is left out."""
        raise NotImplementedError("tf2_ros.Buffer.transform is left out of this stand-in")
