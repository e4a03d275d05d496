"""A launch file inside another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..action import Action
from ..launch_description import LaunchDescription
from ..launch_description_entity import LaunchDescriptionEntity
from ..launch_description_source import LaunchDescriptionSource
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from .configurations import SetLaunchConfiguration
from .functions import OpaqueFunction

if TYPE_CHECKING:
    from ..launch_context import LaunchContext

_LOCATION = ("current_launch_file_path", "current_launch_file_directory")


class IncludeLaunchDescription(Action):
    """Visits a launch description, after setting its arguments.

    There is no scope: the arguments and all that the description sets stay set behind it.
    """

    def __init__(
        self,
        launch_description_source: LaunchDescriptionSource | SomeSubstitutionsType,
        *,
        launch_arguments: Iterable[tuple[SomeSubstitutionsType, SomeSubstitutionsType]]
        | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(launch_description_source, LaunchDescriptionSource):
            from ..launch_description_sources import AnyLaunchDescriptionSource

            launch_description_source = AnyLaunchDescriptionSource(launch_description_source)
        self.__source = launch_description_source
        self.__arguments = [
            (normalize_to_list_of_substitutions(name), normalize_to_list_of_substitutions(value))
            for name, value in launch_arguments or ()
        ]

    @property
    def launch_description_source(self) -> LaunchDescriptionSource:
        """Where the launch description comes from."""
        return self.__source

    @property
    def launch_arguments(self) -> Sequence[tuple[list[Substitution], list[Substitution]]]:
        """The arguments given, as substitutions."""
        return self.__arguments

    def describe(self) -> str:
        """Return the location for people."""
        return f"IncludeLaunchDescription({self.__source.location})"

    def get_sub_entities(self) -> Sequence[LaunchDescriptionEntity]:
        """Return the description when it can be known without a running launch."""
        description = self.__source.try_get_launch_description_without_context()
        return [] if description is None else [description]

    def _names_without_context(self) -> list[str]:
        from ..launch_context import LaunchContext

        try:
            return self._names(LaunchContext())
        except Exception:
            return []

    def _names(self, context: LaunchContext) -> list[str]:
        return [perform_substitutions(context, name) for name, _ in self.__arguments]

    def execute(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        """Load the description and check its arguments.

        Raises:
            RuntimeError: An argument without default is not given.
        """
        description = self.__source.get_launch_description(context)
        self._check_arguments(context, description)
        known = context.get_locals_as_dict()
        restore = {key: known[key] for key in _LOCATION if key in known}
        path = Path(self.__source.location)
        context.extend_locals(
            {_LOCATION[0]: str(path.absolute()), _LOCATION[1]: str(path.absolute().parent)}
        )
        return [
            *(SetLaunchConfiguration(name, value) for name, value in self.__arguments),
            description,
            OpaqueFunction(function=lambda context: context.extend_locals(restore)),
        ]

    def _check_arguments(self, context: LaunchContext, description: LaunchDescription) -> None:
        given = self._names(context)
        declared = description.get_launch_arguments_with_include_launch_description_actions()
        for argument, includes in declared:
            if argument._conditionally_included or argument.default_value is not None:
                continue
            inner = [name for include in includes for name in include._names_without_context()]
            if argument.name not in given + inner:
                raise RuntimeError(
                    f"Included launch description missing required argument '{argument.name}' "
                    f"(description: '{argument.description}'), given: [{', '.join(given)}]"
                )
