"""Events of lifecycle nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from launch.event import Event
from lifecycle_msgs.msg import State, Transition, TransitionEvent

if TYPE_CHECKING:
    from ..actions.lifecycle_node import LifecycleNode

__all__ = ["ChangeState", "StateTransition"]


def _labels(message: type, prefix: str) -> dict[int, str]:
    return {
        getattr(message, name): name.removeprefix(prefix).lower()
        for name in dir(message)
        if name.startswith(prefix)
    }


class ChangeState(Event):
    """Asks the lifecycle nodes that ``lifecycle_node_matcher`` picks for a transition."""

    name = "launch_ros.events.lifecycle.ChangeState"

    valid_states = {  # noqa: RUF012  the original's name
        **_labels(State, "PRIMARY_STATE_"),
        **_labels(State, "TRANSITION_STATE_"),
    }
    valid_transitions = _labels(Transition, "TRANSITION_")

    def __init__(
        self, *, lifecycle_node_matcher: Callable[[Any], bool], transition_id: int
    ) -> None:
        if transition_id not in self.valid_transitions:
            raise ValueError(
                f"invalid transition_id '{transition_id}', expected one of "
                f"{sorted(self.valid_transitions)}"
            )
        self.lifecycle_node_matcher = lifecycle_node_matcher
        self.transition_id = transition_id


class StateTransition(Event):
    """A lifecycle node went from one state to another; states and transition are labels."""

    name = "launch_ros.events.lifecycle.StateTransition"

    def __init__(self, *, action: LifecycleNode, msg: TransitionEvent) -> None:
        self.action = action
        self.msg = msg
        self.timestamp = msg.timestamp
        self.transition: str = msg.transition.label
        self.start_state: str = msg.start_state.label
        self.goal_state: str = msg.goal_state.label
