"""A process given by its command."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..descriptions import Executable
from ..descriptions.executable import Environment
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from .execute_local import ExecuteLocal


class ExecuteProcess(ExecuteLocal):
    """Starts ``cmd``, a list of words; see :class:`ExecuteLocal` for the other arguments."""

    def __init__(
        self,
        *,
        cmd: Iterable[SomeSubstitutionsType],
        prefix: SomeSubstitutionsType | None = None,
        name: SomeSubstitutionsType | None = None,
        cwd: SomeSubstitutionsType | None = None,
        env: Environment | None = None,
        additional_env: Environment | None = None,
        **kwargs: Any,
    ) -> None:
        executable = Executable(
            cmd=cmd, prefix=prefix, name=name, cwd=cwd, env=env, additional_env=additional_env
        )
        super().__init__(process_description=executable, **kwargs)

    @property
    def name(self) -> list[Substitution] | str | None:
        """The process's name once it is known, else what was given."""
        description = self.process_description
        return description.name if description.final_name is None else description.final_name

    @property
    def cmd(self) -> list[list[Substitution]] | list[str]:
        """The command as texts once they are known, else as substitutions."""
        description = self.process_description
        return description.cmd if description.final_cmd is None else description.final_cmd

    @property
    def cwd(self) -> str | None:
        """The folder, once it is known."""
        return self.process_description.final_cwd

    @property
    def env(self) -> dict[str, str] | None:
        """The environment, once it is known."""
        return self.process_description.final_env
