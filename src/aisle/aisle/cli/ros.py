"""A connection of a command to the ROS graph; the only module here that imports rclpy."""

from __future__ import annotations

import importlib
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
)
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown

SPIN_S = 0.1
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Offer:
    """What the publishers of a topic offer together."""

    reliable: bool
    latched: bool


class Connection:
    """A node that subscribes and spins; use `connect`."""

    def __init__(self, node: Any) -> None:
        self.node = node
        self.stopped = False
        """Set by SIGINT and SIGTERM, and by whoever wants `spin` to end."""
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)

    def topics(self) -> dict[str, str]:
        """Return the types of the topics that somebody publishes, in the form `pkg/msg/Name`."""
        return {
            topic: types[0]
            for topic, types in self.node.get_topic_names_and_types()
            if types and self.node.count_publishers(topic)
        }

    def offer(self, topic: str) -> Offer:
        """Return what all publishers of a topic offer."""
        profiles = [info.qos_profile for info in self.node.get_publishers_info_by_topic(topic)]
        return Offer(
            all(p.reliability == ReliabilityPolicy.RELIABLE for p in profiles),
            all(p.durability == DurabilityPolicy.TRANSIENT_LOCAL for p in profiles),
        )

    def subscribe(
        self, topic: str, name: str, offer: Offer, call: Callable[[Any], None], *, raw: bool = False
    ) -> None:
        """Subscribe to what is offered; messages come as bytes when `raw`.

        Raises:
            ModuleNotFoundError, AttributeError: The type is not installed.
        """
        package, _, short = name.split("/")
        message_class = getattr(importlib.import_module(f"{package}.msg"), short)
        durable, volatile = DurabilityPolicy.TRANSIENT_LOCAL, DurabilityPolicy.VOLATILE
        reliable, best = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT
        profile = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=1000,
            reliability=reliable if offer.reliable else best,
            durability=durable if offer.latched else volatile,
        )
        self.node.create_subscription(message_class, topic, call, profile, raw=raw)

    def call(self, service: str, name: str, seconds: float, **fields: Any) -> Any | None:
        """Call a service of the type `pkg/srv/Name`; None when nobody answers in time.

        Raises:
            ModuleNotFoundError, AttributeError: The type is not installed.
        """
        package, _, short = name.split("/")
        service_class = getattr(importlib.import_module(f"{package}.srv"), short)
        client = self.node.create_client(service_class, service)
        began = time.monotonic()
        if not client.wait_for_service(seconds):
            return None
        future = client.call_async(service_class.Request(**fields))
        left_s = max(0.0, seconds - (time.monotonic() - began))
        self._executor.spin_until_future_complete(future, left_s)
        return future.result() if future.done() else None

    def now_ns(self) -> int:
        """Return the node's clock; 0 before the first `/clock` where simulated time is used."""
        return int(self.node.get_clock().now().nanoseconds)

    def spin(self, seconds: float | None, each: Callable[[], None], every_s: float = 0.25) -> None:
        """Take in messages until stopped or `seconds` have passed, calling `each` now and then."""
        began = last = time.monotonic()
        each()
        while not self.stopped and (seconds is None or time.monotonic() - began < seconds):
            self._executor.spin_once(timeout_sec=SPIN_S)
            if time.monotonic() - last >= every_s:
                last = time.monotonic()
                each()

    def drain(self, seconds: float = 0.2) -> None:
        """Take in what has arrived but was not taken in yet."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._executor.spin_once(timeout_sec=0.0)


@contextmanager
def connect(name: str, *, use_sim_time: bool = False, namespace: str = "") -> Iterator[Connection]:
    """Join the ROS graph as a node; SIGINT and SIGTERM only set `stopped`."""
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = Node(
        name,
        namespace=namespace,
        enable_rosout=False,
        start_parameter_services=False,
        parameter_overrides=[Parameter("use_sim_time", value=use_sim_time)],
    )
    connection = Connection(node)

    def stop(number: int, frame: FrameType | None) -> None:
        connection.stopped = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield connection
    finally:
        node.destroy_node()
        try_shutdown()
        for number, handler in before.items():
            signal.signal(number, handler)
