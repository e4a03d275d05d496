"""A list of entities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .action import Action
from .launch_description_entity import LaunchDescriptionEntity
from .utilities import ensure_argument_type

if TYPE_CHECKING:
    from .actions.declare_launch_argument import DeclareLaunchArgument
    from .actions.include_launch_description import IncludeLaunchDescription
    from .launch_context import LaunchContext

    _Declared = list[tuple[DeclareLaunchArgument, list[IncludeLaunchDescription]]]


class LaunchDescription(LaunchDescriptionEntity):
    """What to launch: entities that are visited in order."""

    def __init__(
        self,
        initial_entities: Iterable[LaunchDescriptionEntity] | None = None,
        *,
        deprecated_reason: str | None = None,
    ) -> None:
        self.__entities: list[LaunchDescriptionEntity] = []
        self.deprecated_reason = deprecated_reason
        for entity in initial_entities or ():
            self.add_entity(entity)

    @property
    def entities(self) -> list[LaunchDescriptionEntity]:
        """The entities, in order."""
        return self.__entities

    @property
    def deprecated(self) -> bool:
        """Whether the description is marked as deprecated."""
        return self.deprecated_reason is not None

    def add_entity(self, entity: LaunchDescriptionEntity) -> None:
        """Append an entity."""
        ensure_argument_type(entity, LaunchDescriptionEntity, "entity", "LaunchDescription")
        self.__entities.append(entity)

    def add_action(self, action: Action) -> None:
        """Append an action."""
        self.add_entity(action)

    def visit(self, context: LaunchContext) -> Sequence[LaunchDescriptionEntity]:
        """Return the entities to visit."""
        if self.deprecated_reason is not None:
            from .logging import get_logger

            get_logger().warning("this launch file is deprecated: %s", self.deprecated_reason)
        return self.__entities

    def get_sub_entities(self) -> Sequence[LaunchDescriptionEntity]:
        """Return the entities."""
        return self.__entities

    def get_launch_arguments(
        self, conditional_inclusion: bool = False
    ) -> list[DeclareLaunchArgument]:
        """Return all declared arguments, also of included files, each name once, in order."""
        return [
            argument
            for argument, _ in self.get_launch_arguments_with_include_launch_description_actions(
                conditional_inclusion
            )
        ]

    def get_launch_arguments_with_include_launch_description_actions(
        self, conditional_inclusion: bool = False
    ) -> _Declared:
        """Return all declared arguments, each with the includes that lead to it."""
        declared: _Declared = []
        _collect_arguments(self.entities, conditional_inclusion, [], declared)
        return declared


def _collect_arguments(
    entities: Sequence[LaunchDescriptionEntity],
    conditional: bool,
    includes: list[IncludeLaunchDescription],
    declared: _Declared,
) -> None:
    from .actions import (
        DeclareLaunchArgument,
        IncludeLaunchDescription,
        ResetLaunchConfigurations,
    )

    for entity in entities:
        if isinstance(entity, ResetLaunchConfigurations):
            # What is declared behind it cannot be set from outside any more.
            return
        if isinstance(entity, DeclareLaunchArgument):
            if any(entity.name == known.name for known, _ in declared):
                continue
            entity._conditionally_included = conditional or entity.condition is not None
            declared.append((entity, includes))
        inner = [*includes, entity] if isinstance(entity, IncludeLaunchDescription) else includes
        _collect_arguments(entity.describe_sub_entities(), conditional, inner, declared)
        for _, sub_entities in entity.describe_conditional_sub_entities():
            _collect_arguments(sub_entities, True, inner, declared)
