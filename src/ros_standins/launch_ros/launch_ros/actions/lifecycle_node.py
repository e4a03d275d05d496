"""A ROS node with a lifecycle."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from launch._left_out import left_out
from launch.actions import OpaqueFunction
from launch.event_handler import EventHandler
from launch.logging import get_logger
from launch.some_substitutions_type import SomeSubstitutionsType
from lifecycle_msgs.msg import TransitionEvent
from lifecycle_msgs.srv import ChangeState as ChangeStateService

from ..events.lifecycle import ChangeState, StateTransition
from ..ros_adapters import get_ros_node
from .node import Node

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

_POLL_S = 0.2


class LifecycleNode(Node):
    """Starts a node, asks it for transitions (``ChangeState``), and tells of those it made.

    The transitions go through the node's service ``change_state``; each one that the node tells
    on ``transition_event`` becomes a ``StateTransition``.
    """

    def __init__(
        self, *, name: SomeSubstitutionsType, namespace: SomeSubstitutionsType, **kwargs: Any
    ) -> None:
        if "autostart" in kwargs:
            raise left_out("LifecycleNode(autostart=...)")
        super().__init__(name=name, namespace=namespace, **kwargs)

    @property
    def is_lifecycle_node(self) -> bool:
        """True."""
        return True

    def execute(self, context: LaunchContext) -> Any:
        """Start the node and connect to its lifecycle."""
        result = super().execute(context)
        node = get_ros_node(context)
        node.create_subscription(
            TransitionEvent,
            f"{self.node_name}/transition_event",
            lambda message: self._on_transition(context, message),
            10,
        )
        # After the subscription, so that who sees the client knows where to tell its transitions.
        self.__client = node.create_client(ChangeStateService, f"{self.node_name}/change_state")
        context.register_event_handler(
            EventHandler(
                matcher=lambda event: isinstance(event, ChangeState),
                entities=[OpaqueFunction(function=self._on_change_state)],
            )
        )
        return result

    def _on_transition(self, context: LaunchContext, message: TransitionEvent) -> None:
        event = StateTransition(action=self, msg=message)
        context.asyncio_loop.call_soon_threadsafe(context.emit_event_sync, event)

    def _on_change_state(self, context: LaunchContext) -> None:
        event: ChangeState = context.locals.event
        if not event.lifecycle_node_matcher(self):
            return
        context.add_completion_future(
            context.asyncio_loop.run_in_executor(
                None, self._change_state, context, event.transition_id
            )
        )

    def _change_state(self, context: LaunchContext, transition_id: int) -> None:
        """Call the service, in a thread, until the launch stops."""
        try:
            response = self._call(context, transition_id)
        except Exception:
            # The node of the launch goes away at shutdown, also from under a waiting call.
            if not context.is_shutdown:
                raise
            response = None
        if response is None:
            get_logger().warning(
                "Abandoning wait for the '%s' service, due to shutdown.", self.__client.srv_name
            )
        elif not response.success:
            get_logger().error(
                "Failed to make transition '%s' for LifecycleNode '%s'",
                ChangeState.valid_transitions[transition_id],
                self.node_name,
            )

    def _call(self, context: LaunchContext, transition_id: int) -> Any:
        """Return the answer of the service, or ``None`` when the launch stops before."""
        while not self.__client.wait_for_service(timeout_sec=_POLL_S):
            if context.is_shutdown:
                return None
        request = ChangeStateService.Request()
        request.transition.id = transition_id
        answered = threading.Event()
        future = self.__client.call_async(request)
        future.add_done_callback(lambda _: answered.set())
        while not answered.wait(_POLL_S):
            if context.is_shutdown:
                return None
        return future.result()
