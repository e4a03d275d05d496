"""Actions that write to the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..action import Action
from ..logging import get_logger
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from ..launch_context import LaunchContext


class Log(Action):
    """Writes a message with a level (a name such as ``INFO``) as ``launch.user``."""

    def __init__(
        self, *, msg: SomeSubstitutionsType, level: SomeSubstitutionsType, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.__msg = normalize_to_list_of_substitutions(msg)
        self.__level = normalize_to_list_of_substitutions(level)

    @property
    def msg(self) -> list[Substitution]:
        """The message, as substitutions."""
        return self.__msg

    def execute(self, context: LaunchContext) -> None:
        """Write it.

        Raises:
            KeyError: There is no such level.
        """
        name = perform_substitutions(context, self.__level).upper()
        level = logging.getLevelName(name)
        if not isinstance(level, int):
            raise KeyError(f"'{name}' is not a level of the log")
        get_logger("launch.user").log(level, "%s", perform_substitutions(context, self.__msg))


class LogInfo(Log):
    """Writes a message."""

    def __init__(self, *, msg: SomeSubstitutionsType, **kwargs: Any) -> None:
        super().__init__(msg=msg, level="INFO", **kwargs)


class LogWarning(Log):
    """Writes a warning."""

    def __init__(self, *, msg: SomeSubstitutionsType, **kwargs: Any) -> None:
        super().__init__(msg=msg, level="WARNING", **kwargs)


class LogError(Log):
    """Writes an error."""

    def __init__(self, *, msg: SomeSubstitutionsType, **kwargs: Any) -> None:
        super().__init__(msg=msg, level="ERROR", **kwargs)


class LogDebug(Log):
    """Writes a message that is shown only with ``--debug``."""

    def __init__(self, *, msg: SomeSubstitutionsType, **kwargs: Any) -> None:
        super().__init__(msg=msg, level="DEBUG", **kwargs)
