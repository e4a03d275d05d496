"""A program with arguments, folder and environment."""

from __future__ import annotations

import itertools
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..substitutions import LaunchConfiguration
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from ..action import Action
    from ..launch_context import LaunchContext

_numbers = itertools.count(1)

Environment = Mapping[SomeSubstitutionsType, SomeSubstitutionsType]
_Pairs = list[tuple[list[Substitution], list[Substitution]]]


def _pairs(environment: Environment | None) -> _Pairs | None:
    if environment is None:
        return None
    return [
        (normalize_to_list_of_substitutions(key), normalize_to_list_of_substitutions(value))
        for key, value in environment.items()
    ]


class Executable:
    """A program to execute, first as substitutions, after :meth:`prepare` as texts."""

    def __init__(
        self,
        *,
        cmd: Iterable[SomeSubstitutionsType],
        prefix: SomeSubstitutionsType | None = None,
        name: SomeSubstitutionsType | None = None,
        cwd: SomeSubstitutionsType | None = None,
        env: Environment | None = None,
        additional_env: Environment | None = None,
        arguments: Iterable[SomeSubstitutionsType] | None = None,
    ) -> None:
        self.cmd = [normalize_to_list_of_substitutions(part) for part in cmd]
        self.cmd += [normalize_to_list_of_substitutions(part) for part in arguments or ()]
        self.__prefix = normalize_to_list_of_substitutions(
            LaunchConfiguration("launch-prefix", default="") if prefix is None else prefix
        )
        self.__prefix_is_global = prefix is None
        self.__name = None if name is None else normalize_to_list_of_substitutions(name)
        self.__cwd = None if cwd is None else normalize_to_list_of_substitutions(cwd)
        self.__env = _pairs(env)
        self.__additional_env = _pairs(additional_env)
        self.final_name: str | None = None
        self.final_cmd: list[str] | None = None
        self.final_cwd: str | None = None
        self.final_env: dict[str, str] | None = None

    @property
    def name(self) -> list[Substitution] | None:
        """The name, if given, as substitutions."""
        return self.__name

    def apply_context(self, context: LaunchContext) -> None:
        """Perform all substitutions; the name gets a number that no other process has."""
        cmd = [perform_substitutions(context, part) for part in self.cmd]
        name = (
            os.path.basename(cmd[0])  # noqa: PTH119  cmd[0] may be empty
            if self.__name is None
            else perform_substitutions(context, self.__name)
        )
        self.final_name = f"{name}-{next(_numbers)}"
        self.final_cmd = self._prefix_words(context, cmd) + cmd
        if self.__cwd is not None:
            self.final_cwd = perform_substitutions(context, self.__cwd)
        base = (
            dict(context.environment) if self.__env is None else self._perform(context, self.__env)
        )
        self.final_env = {**base, **self._perform(context, self.__additional_env or [])}

    def prepare(self, context: LaunchContext, action: Action) -> None:
        """Make ready for execution by ``action``."""
        self.apply_context(context)

    def _prefix_words(self, context: LaunchContext, cmd: list[str]) -> list[str]:
        prefix = shlex.split(perform_substitutions(context, self.__prefix))
        pattern = context.launch_configurations.get("launch-prefix-filter")
        if prefix and pattern is not None and self.__prefix_is_global:
            basename = os.path.basename(cmd[0])  # noqa: PTH119  cmd[0] may be empty
            return prefix if re.match(pattern, basename) else []
        return prefix

    @staticmethod
    def _perform(context: LaunchContext, pairs: _Pairs) -> dict[str, str]:
        return {
            perform_substitutions(context, key): perform_substitutions(context, value)
            for key, value in pairs
        }
