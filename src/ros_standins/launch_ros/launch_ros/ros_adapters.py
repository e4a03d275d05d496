"""The node of the launch itself, which speaks with lifecycle nodes."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import rclpy
from launch.event import Event
from launch.event_handlers import OnShutdown
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

_KEY = "ros_adapter"


class ROSAdapter:
    """A node that is spun in a thread until the launch stops."""

    def __init__(self) -> None:
        self.ros_context = Context()
        rclpy.init(context=self.ros_context, signal_handler_options=SignalHandlerOptions.NO)
        self.ros_node: Node = rclpy.create_node(
            f"launch_ros_{os.getpid()}", context=self.ros_context
        )
        self._executor = SingleThreadedExecutor(context=self.ros_context)
        self._executor.add_node(self.ros_node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            return

    def shutdown(self) -> None:
        """Stop spinning and leave the graph."""
        self._executor.shutdown(timeout_sec=1.0)
        self.ros_context.try_shutdown()
        self._thread.join(timeout=1.0)


def get_ros_adapter(context: LaunchContext) -> ROSAdapter:
    """Return the adapter of a launch; the first call makes it."""
    known = context.get_locals_as_dict()
    if _KEY not in known:
        adapter = ROSAdapter()

        def on_shutdown(event: Event, context: LaunchContext) -> None:
            adapter.shutdown()

        context.extend_globals({_KEY: adapter})
        context.register_event_handler(OnShutdown(on_shutdown=on_shutdown))
        return adapter
    adapter_known: ROSAdapter = known[_KEY]
    return adapter_known


def get_ros_node(context: LaunchContext) -> Node:
    """Return the node of a launch."""
    return get_ros_adapter(context).ros_node
