"""An argument of a launch file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..action import Action
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from ..launch_context import LaunchContext


class DeclareLaunchArgument(Action):
    """Declares an argument; its value is the launch configuration of that name."""

    def __init__(
        self,
        name: str,
        *,
        default_value: SomeSubstitutionsType | None = None,
        description: str | None = None,
        choices: Iterable[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.__name = name
        self.__choices = None if choices is None else list(choices)
        if self.__choices == []:
            raise ValueError("there must be at least one choice")
        self.__default_value = (
            None if default_value is None else normalize_to_list_of_substitutions(default_value)
        )
        self.__description = self._described(description)
        self._conditionally_included = False

    def _described(self, description: str | None) -> str:
        if self.__choices is None:
            return "no description given" if description is None else description
        if description is None:
            return f"One of the following: {self.__choices}"
        return f"{description}. Valid choices are: {self.__choices}"

    @property
    def name(self) -> str:
        """The name."""
        return self.__name

    @property
    def default_value(self) -> list[Substitution] | None:
        """The default as substitutions, or ``None``."""
        return self.__default_value

    @property
    def description(self) -> str:
        """The description for people."""
        return self.__description

    @property
    def choices(self) -> list[str] | None:
        """The only values allowed, or ``None``."""
        return self.__choices

    def execute(self, context: LaunchContext) -> None:
        """Set the default when there is no value, and check the value.

        Raises:
            RuntimeError: There is neither value nor default, or the value is not allowed.
        """
        if self.name not in context.launch_configurations:
            if self.default_value is None:
                raise RuntimeError(
                    f"Required launch argument '{self.name}' "
                    f"(description: '{self.description}') was not provided"
                )
            context.launch_configurations[self.name] = perform_substitutions(
                context, self.default_value
            )
        value = context.launch_configurations[self.name]
        if self.__choices is not None and value not in self.__choices:
            raise RuntimeError(
                f'Argument "{self.name}" provided value "{value}" is not valid. '
                f"Valid options are: {self.__choices}"
            )
