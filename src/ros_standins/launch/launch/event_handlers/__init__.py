"""Handlers for the events of processes, actions and the launch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..action import Action
from ..event import Event
from ..event_handler import BaseEventHandler, call_reaction
from ..events import ExecutionComplete, IncludeLaunchDescription, Shutdown
from ..events.process import ProcessExited, ProcessIO, ProcessStarted
from ..launch_description_entity import LaunchDescriptionEntity
from ..some_entities_type import SomeEntitiesType
from ..utilities import normalize_to_list_of_entities

if TYPE_CHECKING:
    from ..launch_context import LaunchContext

__all__ = [
    "OnActionEventBase",
    "OnExecutionComplete",
    "OnIncludeLaunchDescription",
    "OnProcessExit",
    "OnProcessIO",
    "OnProcessStart",
    "OnShutdown",
]

Reaction = SomeEntitiesType | Callable[..., Any] | None
Target = Action | Callable[[Any], bool] | None


class _Reacting(BaseEventHandler):
    """Visits fixed entities, or those that a function returns."""

    def __init__(
        self, *, matcher: Callable[[Event], bool], reaction: Reaction, handle_once: bool = False
    ) -> None:
        super().__init__(matcher=matcher, handle_once=handle_once)
        self._function = reaction if callable(reaction) else None
        self._entities = [] if callable(reaction) else normalize_to_list_of_entities(reaction)

    @property
    def entities(self) -> Sequence[LaunchDescriptionEntity]:
        """The fixed entities; none when a function decides."""
        return self._entities

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """Take an event and return the entities to visit."""
        super().handle(event, context)
        if self._function is None:
            return self._entities
        return normalize_to_list_of_entities(call_reaction(self._function, event, context))


class OnActionEventBase(_Reacting):
    """Reacts to an event of one action, of those a function picks, or of any."""

    def __init__(
        self,
        *,
        action_matcher: Target,
        on_event: Reaction,
        target_event_cls: type[Event],
        handle_once: bool = False,
    ) -> None:
        if not (action_matcher is None or isinstance(action_matcher, Action)) and not callable(
            action_matcher
        ):
            raise ValueError(
                f"{type(self).__name__}: the target is neither an action nor a function"
            )

        def matches(event: Event) -> bool:
            if not isinstance(event, target_event_cls):
                return False
            action = event.action  # type: ignore[attr-defined]
            if action_matcher is None:
                return True
            if isinstance(action_matcher, Action):
                return bool(action is action_matcher)
            return bool(action_matcher(action))

        super().__init__(matcher=matches, reaction=on_event, handle_once=handle_once)


class OnProcessStart(OnActionEventBase):
    """Reacts when a process started."""

    def __init__(
        self, *, target_action: Target = None, on_start: Reaction, handle_once: bool = False
    ) -> None:
        super().__init__(
            action_matcher=target_action,
            on_event=on_start,
            target_event_cls=ProcessStarted,
            handle_once=handle_once,
        )


class OnProcessExit(OnActionEventBase):
    """Reacts when a process ended."""

    def __init__(
        self, *, target_action: Target = None, on_exit: Reaction, handle_once: bool = False
    ) -> None:
        super().__init__(
            action_matcher=target_action,
            on_event=on_exit,
            target_event_cls=ProcessExited,
            handle_once=handle_once,
        )


class OnExecutionComplete(OnActionEventBase):
    """Reacts when an action that waits has ended."""

    def __init__(
        self, *, target_action: Target = None, on_completion: Reaction, handle_once: bool = False
    ) -> None:
        super().__init__(
            action_matcher=target_action,
            on_event=on_completion,
            target_event_cls=ExecutionComplete,
            handle_once=handle_once,
        )


class OnProcessIO(OnActionEventBase):
    """Reacts to what a process writes."""

    def __init__(
        self,
        *,
        target_action: Target = None,
        on_stdin: Callable[..., Any] | None = None,
        on_stdout: Callable[..., Any] | None = None,
        on_stderr: Callable[..., Any] | None = None,
        handle_once: bool = False,
    ) -> None:
        functions = {0: on_stdin, 1: on_stdout, 2: on_stderr}

        def react(event: ProcessIO, context: LaunchContext) -> Any:
            function = functions[event.fd]
            return None if function is None else call_reaction(function, event, context)

        super().__init__(
            action_matcher=target_action,
            on_event=react,
            target_event_cls=ProcessIO,
            handle_once=handle_once,
        )


class OnShutdown(_Reacting):
    """Reacts when the launch stops."""

    def __init__(self, *, on_shutdown: Reaction, handle_once: bool = False) -> None:
        super().__init__(
            matcher=lambda event: isinstance(event, Shutdown),
            reaction=on_shutdown,
            handle_once=handle_once,
        )


class OnIncludeLaunchDescription(BaseEventHandler):
    """Visits launch descriptions that are included from outside."""

    def __init__(self) -> None:
        super().__init__(matcher=lambda event: isinstance(event, IncludeLaunchDescription))

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """Return the launch description."""
        super().handle(event, context)
        assert isinstance(event, IncludeLaunchDescription)
        return event.launch_description
