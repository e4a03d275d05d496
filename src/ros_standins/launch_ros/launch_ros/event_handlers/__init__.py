"""Handlers for the events of nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from launch.event import Event
from launch.event_handler import EventHandler
from launch.some_entities_type import SomeEntitiesType

from ..events.lifecycle import StateTransition

if TYPE_CHECKING:
    from ..actions.lifecycle_node import LifecycleNode

__all__ = ["OnStateTransition"]


class OnStateTransition(EventHandler):
    """Reacts when a lifecycle node changed its state; what is ``None`` may be anything."""

    def __init__(
        self,
        *,
        entities: SomeEntitiesType,
        target_lifecycle_node: LifecycleNode | None = None,
        transition: str | None = None,
        start_state: str | None = None,
        goal_state: str | None = None,
        matcher: Callable[[Event], bool] | None = None,
        **kwargs: Any,
    ) -> None:
        def matches(event: Event) -> bool:
            return (
                isinstance(event, StateTransition)
                and target_lifecycle_node in (None, event.action)
                and transition in (None, event.transition)
                and start_state in (None, event.start_state)
                and goal_state in (None, event.goal_state)
            )

        super().__init__(
            matcher=matches if matcher is None else matcher, entities=entities, **kwargs
        )
