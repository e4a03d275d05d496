"""The base of all sources of launch descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .launch_description import LaunchDescription
from .some_substitutions_type import SomeSubstitutionsType
from .utilities import normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from .launch_context import LaunchContext


class LaunchDescriptionSource:
    """A launch description, given or found at a location."""

    def __init__(
        self,
        launch_description: LaunchDescription | None = None,
        location: SomeSubstitutionsType = "",
        method: str = "unspecified mechanism from a script",
    ) -> None:
        self.__description = launch_description
        self.__location = normalize_to_list_of_substitutions(location)
        self.__expanded: str | None = None
        self.__method = method

    @property
    def method(self) -> str:
        """How the description is made, in words."""
        return self.__method

    @property
    def location(self) -> str:
        """The location, or its description while it is not known."""
        if self.__expanded is not None:
            return self.__expanded
        return " + ".join(sub.describe() for sub in self.__location)

    def get_launch_description(self, context: LaunchContext) -> LaunchDescription:
        """Return the description; it is loaded once."""
        if self.__description is None:
            self.__expanded = perform_substitutions(context, self.__location)
            self.__description = self._get_launch_description(self.__expanded)
        return self.__description

    def try_get_launch_description_without_context(self) -> LaunchDescription | None:
        """Return the description when its location needs no running launch, else ``None``."""
        from .launch_context import LaunchContext
        from .logging import get_logger

        if self.__description is None:
            try:
                return self.get_launch_description(LaunchContext())
            except Exception as error:
                get_logger().debug("cannot load '%s' yet: %s", self.location, error)
        return self.__description

    def _get_launch_description(self, location: str) -> LaunchDescription:
        raise NotImplementedError(f"{type(self).__name__}._get_launch_description")
