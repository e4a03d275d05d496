"""A group of actions with a scope of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..action import Action
from ..launch_description_entity import LaunchDescriptionEntity
from ..some_substitutions_type import SomeSubstitutionsType
from .configurations import (
    PopLaunchConfigurations,
    PushLaunchConfigurations,
    ResetLaunchConfigurations,
    SetLaunchConfiguration,
)
from .environment import PopEnvironment, PushEnvironment

if TYPE_CHECKING:
    from ..launch_context import LaunchContext


class GroupAction(Action):
    """Visits actions, by default with launch configurations and environment of their own.

    With ``forwarding=False`` the group starts without the launch configurations from outside,
    except those in ``launch_configurations``.
    """

    def __init__(
        self,
        actions: Iterable[Action],
        *,
        scoped: bool = True,
        forwarding: bool = True,
        launch_configurations: Mapping[Any, SomeSubstitutionsType] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.__actions = list(actions)
        self.__scoped = scoped
        self.__forwarding = forwarding
        self.__configurations = dict(launch_configurations or {})
        self.__resolved: list[LaunchDescriptionEntity] | None = None

    def get_sub_entities(self) -> Sequence[LaunchDescriptionEntity]:
        """Return the actions, framed by those that make the scope."""
        if self.__resolved is None:
            self.__resolved = self._framed()
        return self.__resolved

    def _framed(self) -> list[LaunchDescriptionEntity]:
        setters: list[LaunchDescriptionEntity] = [
            SetLaunchConfiguration(name, value) for name, value in self.__configurations.items()
        ]
        if not self.__scoped:
            return [*setters, *self.__actions]
        if not self.__forwarding:
            setters = [ResetLaunchConfigurations(self.__configurations)]
        return [
            PushLaunchConfigurations(),
            PushEnvironment(),
            *setters,
            *self.__actions,
            PopEnvironment(),
            PopLaunchConfigurations(),
        ]

    def execute(self, context: LaunchContext) -> Sequence[LaunchDescriptionEntity]:
        """Return the actions."""
        return self.get_sub_entities()
