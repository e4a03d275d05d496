"""Substitutions that look at files, programs and the launch itself."""

from __future__ import annotations

import os
import random
import shlex
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from .text import SubstitutionFailure, describe_all

if TYPE_CHECKING:
    from ..launch_context import LaunchContext


class FindExecutable(Substitution):
    """The path of a program on ``PATH``."""

    def __init__(self, *, name: SomeSubstitutionsType) -> None:
        self.__name = normalize_to_list_of_substitutions(name)

    @property
    def name(self) -> list[Substitution]:
        """The name, as substitutions."""
        return self.__name

    def describe(self) -> str:
        """Return the name for people."""
        return f"FindExec({describe_all(self.__name)})"

    def perform(self, context: LaunchContext) -> str:
        """Return the path.

        Raises:
            SubstitutionFailure: There is no such program.
        """
        name = perform_substitutions(context, self.__name)
        path = shutil.which(name)
        if path is None:
            raise SubstitutionFailure(f"executable '{name}' not found on the PATH")
        return path


class Command(Substitution):
    """What a command prints; its words are separated as in a shell, without a shell."""

    def __init__(
        self, command: SomeSubstitutionsType, *, on_stderr: SomeSubstitutionsType = "fail"
    ) -> None:
        self.__command = normalize_to_list_of_substitutions(command)
        self.__on_stderr = normalize_to_list_of_substitutions(on_stderr)

    @property
    def command(self) -> list[Substitution]:
        """The command, as substitutions."""
        return self.__command

    def describe(self) -> str:
        """Return the command for people."""
        return f"Command({describe_all(self.__command)})"

    def perform(self, context: LaunchContext) -> str:
        """Run the command and return its output.

        Raises:
            SubstitutionFailure: It does not start, exits with another code than 0, or writes
                error output while ``on_stderr`` is ``fail``.
        """
        words = shlex.split(perform_substitutions(context, self.__command))
        on_stderr = perform_substitutions(context, self.__on_stderr)
        if on_stderr not in ("fail", "ignore", "warn", "capture"):
            raise SubstitutionFailure(
                f"on_stderr must be one of fail, ignore, warn, capture, not '{on_stderr}'"
            )
        try:
            result = subprocess.run(  # noqa: S603  the launch file names the command
                words,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if on_stderr == "capture" else subprocess.PIPE,
                env=dict(context.environment),
                text=True,
                check=False,
            )
        except (FileNotFoundError, PermissionError) as error:
            raise SubstitutionFailure(f"executed command failed. Command: {words}: {error}") from (
                error
            )
        return self._output(result, words, on_stderr)

    def _output(
        self, result: subprocess.CompletedProcess[str], words: list[str], on_stderr: str
    ) -> str:
        if result.returncode != 0:
            raise SubstitutionFailure(
                f"executed command failed. Command: {shlex.join(words)}\n"
                f"Captured stderr output: {result.stderr}"
            )
        if result.stderr and on_stderr == "fail":
            raise SubstitutionFailure(
                f"executed command showed stderr output. Command: {shlex.join(words)}\n"
                f"Captured stderr output:\n{result.stderr}"
            )
        if result.stderr and on_stderr == "warn":
            from ..logging import get_logger

            get_logger().warning(
                "executed command showed stderr output. Command: %s\nCaptured stderr output:\n%s",
                shlex.join(words),
                result.stderr,
            )
        return result.stdout


class FileContent(Substitution):
    """The text of a file."""

    def __init__(self, path: SomeSubstitutionsType) -> None:
        self.__path = normalize_to_list_of_substitutions(path)

    def describe(self) -> str:
        """Return the path for people."""
        return f"FileContent({describe_all(self.__path)})"

    def perform(self, context: LaunchContext) -> str:
        """Return the text.

        Raises:
            SubstitutionFailure: The file cannot be read.
        """
        path = perform_substitutions(context, self.__path)
        try:
            return Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise SubstitutionFailure(f"failed to read file '{path}': {error}") from error


class AnonName(Substitution):
    """A name with a random end, the same for the same name within a launch."""

    def __init__(self, name: SomeSubstitutionsType) -> None:
        self.__name = normalize_to_list_of_substitutions(name)

    def describe(self) -> str:
        """Return the name for people."""
        return f"AnonName({describe_all(self.__name)})"

    def perform(self, context: LaunchContext) -> str:
        """Return the name with its end."""
        name = perform_substitutions(context, self.__name)
        key = "anon" + name
        if key not in context.launch_configurations:
            end = f"{socket.gethostname()}_{os.getpid()}_{random.randrange(2**63)}"
            clean = end.replace(".", "_").replace("-", "_").replace(":", "_")
            context.launch_configurations[key] = f"{name}_{clean}"
        return str(context.launch_configurations[key])


class ThisLaunchFile(Substitution):
    """The path of the launch file in which it stands."""

    def perform(self, context: LaunchContext) -> str:
        """Return the path."""
        return _current(context, "current_launch_file_path")


class ThisLaunchFileDir(Substitution):
    """The folder of the launch file in which it stands."""

    def perform(self, context: LaunchContext) -> str:
        """Return the folder."""
        return _current(context, "current_launch_file_directory")


def _current(context: LaunchContext, key: str) -> str:
    known = context.get_locals_as_dict()
    if key not in known:
        raise SubstitutionFailure(f"'{key}' is known only in an included launch file")
    return str(known[key])


class LaunchLogDir(Substitution):
    """The folder of this launch's log files."""

    def perform(self, context: LaunchContext) -> str:
        """Return the folder."""
        from ..logging import launch_config

        return launch_config.log_dir
