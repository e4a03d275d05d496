"""The base of all actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .condition import Condition
from .launch_description_entity import LaunchDescriptionEntity

if TYPE_CHECKING:
    from .launch_context import LaunchContext


class Action(LaunchDescriptionEntity):
    """A step of a launch, executed when its condition holds."""

    def __init__(self, *, condition: Condition | None = None) -> None:
        if condition is not None and not isinstance(condition, Condition):
            raise TypeError(f"condition must be a Condition, not {type(condition).__name__}")
        self.__condition = condition

    @property
    def condition(self) -> Condition | None:
        """The condition, if any."""
        return self.__condition

    def describe_sub_entities(self) -> Sequence[LaunchDescriptionEntity]:
        """Return the entities inside when there is no condition."""
        return self.get_sub_entities() if self.__condition is None else []

    def describe_conditional_sub_entities(
        self,
    ) -> list[tuple[str, Sequence[LaunchDescriptionEntity]]]:
        """Return the entities inside when there is a condition."""
        if self.__condition is None:
            return []
        return [("Conditionally included by " + self.describe(), self.get_sub_entities())]

    def visit(self, context: LaunchContext) -> Sequence[LaunchDescriptionEntity] | None:
        """Execute when the condition holds."""
        if self.__condition is None or self.__condition.evaluate(context):
            return self.execute(context)
        return None

    def execute(self, context: LaunchContext) -> Sequence[LaunchDescriptionEntity] | None:
        """Do the work and return the entities to visit next."""
        raise NotImplementedError(f"{self.__class__.__name__}.execute")
