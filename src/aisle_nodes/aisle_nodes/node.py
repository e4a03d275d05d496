"""The common shape of all nodes: parameters, lifecycle, diagnostics, clean exit."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.logging import get_logger
from rclpy.utilities import ok, try_shutdown

from aisle_nodes.diagnostics import Diagnostics, Level
from aisle_nodes.parameters import ParameterError, declare
from aisle_nodes.schemas import NodeParameters

P = TypeVar("P", bound=NodeParameters)


class AisleNode(LifecycleNode, Generic[P]):
    """A lifecycle node with typed parameters and diagnostics.

    A subclass opens what it needs in `configure`, starts timers in `activate`, stops them in
    `deactivate` and closes everything in `release`. Publishers, services, subscriptions and timers
    that are made in `configure` and `activate` are destroyed after `release`. `release` also
    runs at exit, when nothing can be published any more. An exception in any of them is logged and
    leads to the error state.
    """

    def __init__(self, name: str, schema: type[P], **options: Any) -> None:
        super().__init__(name, **options)
        self.params: P = declare(self, schema)
        self.diagnostics = Diagnostics(self)
        self._made: set[Any] = set()

    def configure(self) -> None:
        """Open files, devices, models; create publishers, subscriptions and services."""

    def activate(self) -> None:
        """Start to publish."""

    def deactivate(self) -> None:
        """Stop to publish."""

    def release(self) -> None:
        """Close what `configure` opened; safe to call twice."""

    def now_ns(self) -> int:
        """Return the node's clock in nanoseconds, simulated where `use_sim_time` is set."""
        return int(self.get_clock().now().nanoseconds)

    def start(self) -> bool:
        """Configure and activate; return whether the node is active."""
        done = TransitionCallbackReturn.SUCCESS
        return bool(self.trigger_configure() == done and self.trigger_activate() == done)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run `configure`."""
        self.diagnostics.solved("lifecycle")
        return self._transition(self.configure, super().on_configure, state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let the publishers through, then run `activate`."""
        entities = super().on_activate(state)
        return self._transition(self.activate, lambda _: entities, state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run `deactivate`."""
        return self._transition(self.deactivate, super().on_deactivate, state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run `release`."""
        return self._undo(super().on_cleanup, state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run `release`."""
        return self._undo(super().on_shutdown, state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run `release`, so that the node can be configured again."""
        return self._undo(super().on_error, state)

    def _entities(self) -> set[Any]:
        return {*self.publishers, *self.services, *self.subscriptions, *self.timers}

    def _undo(self, rest: Callable[[Any], Any], state: LifecycleState) -> TransitionCallbackReturn:
        result = self._transition(self.release, rest, state)
        made, self._made = self._made & self._entities(), set()
        for entity in made:
            if entity in self.publishers:
                self.destroy_lifecycle_publisher(entity)
            elif entity in self.services:
                self.destroy_service(entity)
            elif entity in self.subscriptions:
                self.destroy_subscription(entity)
            else:
                self.destroy_timer(entity)
        return result

    def _transition(
        self, work: Callable[[], None], rest: Callable[[Any], Any], state: LifecycleState
    ) -> TransitionCallbackReturn:
        before = self._entities()
        try:
            work()
        except Exception as error:  # the boundary to the lifecycle, which would hide it
            text = f"{work.__name__} failed: {error}"
            self.diagnostics.problem("lifecycle", Level.ERROR, text)
            return TransitionCallbackReturn.ERROR
        finally:
            self._made |= self._entities() - before
        return rest(state)


def run(make: Callable[[], AisleNode[Any]], args: Sequence[str] | None = None) -> int:
    """Run a node until SIGINT, SIGTERM or shutdown, and return the exit code of the process.

    0 after a clean exit; 1 when a parameter is refused or an automatic start fails, so that a
    launch file sees it and may respawn the node.
    """
    rclpy.init(args=None if args is None else list(args))
    node = None
    try:
        node = make()
        if node.params.autostart and not node.start():
            return 1
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except RuntimeError:
        # A signal that arrives while rclpy takes a message ends its context under the call, which
        # then fails with this; anything else is an error of ours.
        if ok():
            raise
    except ParameterError as error:
        get_logger("aisle").fatal(str(error))
        return 1
    finally:
        # Whoever ends a whole process group interrupts a node twice: once more by its launch.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        if node is not None:
            node.release()
            node.destroy_node()
        try_shutdown()
    return 0


def main_of(make: Callable[[], AisleNode[Any]]) -> Callable[[], None]:
    """Return the console script of a node."""

    def main() -> None:
        sys.exit(run(make))

    return main
