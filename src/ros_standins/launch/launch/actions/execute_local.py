"""A process on this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._left_out import left_out, refuse_arguments
from ..action import Action
from ..conditions import evaluate_condition_expression
from ..descriptions import Executable
from ..event import Event
from ..event_handler import BaseEventHandler, EventHandler
from ..event_handlers import OnProcessExit, OnProcessIO, OnShutdown, Reaction
from ..events import Shutdown
from ..events.process import (
    ProcessIO,
    ProcessStdin,
    ShutdownProcess,
    SignalProcess,
)
from ..launch_description_entity import LaunchDescriptionEntity
from ..logging import OutputConfig, get_logger, get_output_loggers
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..substitutions import LaunchConfiguration
from ..utilities import (
    normalize_to_list_of_substitutions,
    perform_bool_substitution,
    perform_substitutions,
)
from ._managed_process import ManagedProcess, RunOptions
from ._process_output import LineWriter
from .functions import OpaqueFunction

if TYPE_CHECKING:
    from ..launch_context import LaunchContext

_DEFAULT_TIMEOUT_S = 5.0


class ExecuteLocal(Action):
    """Starts a process, logs what it writes, restarts it if asked, and stops it at shutdown.

    Stopping escalates: SIGINT at once, SIGTERM after ``sigterm_timeout`` seconds, SIGKILL
    ``sigkill_timeout`` seconds later. The process starts in the process group of the launch, so
    a terminal's ctrl-c reaches it without the launch: then SIGINT is not sent a second time.
    """

    def __init__(
        self,
        *,
        process_description: Executable,
        shell: bool = False,
        sigterm_timeout: SomeSubstitutionsType | None = None,
        sigkill_timeout: SomeSubstitutionsType | None = None,
        emulate_tty: bool = False,
        output: SomeSubstitutionsType | dict[str, Any] = "log",
        output_format: str = "[{this.process_description.final_name}] {line}",
        cached_output: bool = False,
        log_cmd: bool = False,
        on_exit: Reaction = None,
        respawn: bool | SomeSubstitutionsType = False,
        respawn_delay: float | None = None,
        respawn_max_retries: int = -1,
        condition: Any = None,
        **left_over: Any,
    ) -> None:
        refuse_arguments(type(self).__name__, left_over, ())
        super().__init__(condition=condition)
        self.__process_description = process_description
        self.__shell = shell
        self.__sigterm_timeout = _timeout("sigterm_timeout", sigterm_timeout)
        self.__sigkill_timeout = _timeout("sigkill_timeout", sigkill_timeout)
        self.__emulate_tty = emulate_tty
        chosen = os.environ.get("OVERRIDE_LAUNCH_PROCESS_OUTPUT", output)
        self.__output = (
            chosen if isinstance(chosen, dict) else normalize_to_list_of_substitutions(chosen)
        )
        self.__output_format = output_format
        self.__cached_output = cached_output
        self.__log_cmd = log_cmd
        self.__on_exit = on_exit
        self.__respawn = respawn
        self.__respawn_delay = respawn_delay
        self.__max_retries = respawn_max_retries
        self.__details: dict[str, Any] | None = None
        self.__writers: dict[int, LineWriter] = {}
        self.__process: ManagedProcess | None = None

    @property
    def process_description(self) -> Executable:
        """What is executed."""
        return self.__process_description

    @property
    def shell(self) -> bool:
        """Whether a shell executes it."""
        return self.__shell

    @property
    def emulate_tty(self) -> bool:
        """Whether a terminal is emulated."""
        return self.__emulate_tty

    @property
    def output(self) -> Any:
        """Where the output goes, as given."""
        return self.__output

    @property
    def sigterm_timeout(self) -> list[Substitution]:
        """Seconds between SIGINT and SIGTERM, as substitutions."""
        return self.__sigterm_timeout

    @property
    def sigkill_timeout(self) -> list[Substitution]:
        """Seconds between SIGTERM and SIGKILL, as substitutions."""
        return self.__sigkill_timeout

    @property
    def process_details(self) -> dict[str, Any] | None:
        """``name``, ``cmd``, ``cwd``, ``env`` and, once started, ``pid``; else ``None``."""
        return self.__details

    @property
    def return_code(self) -> int | None:
        """The exit code, or ``None`` while it has none."""
        return None if self.__process is None else self.__process.returncode

    def get_stdout(self) -> str:
        """Return all output so far.

        Raises:
            RuntimeError: ``cached_output`` is off.
        """
        return self._cached(1)

    def get_stderr(self) -> str:
        """Return all error output so far.

        Raises:
            RuntimeError: ``cached_output`` is off.
        """
        return self._cached(2)

    def _cached(self, fd: int) -> str:
        if not self.__cached_output:
            raise RuntimeError("cached output must be true to get what a process wrote")
        return self.__writers[fd].text() if fd in self.__writers else ""

    def get_sub_entities(self) -> Sequence[LaunchDescriptionEntity]:
        """Return the actions at exit."""
        return list(self.__on_exit) if isinstance(self.__on_exit, list) else []

    def get_asyncio_future(self) -> asyncio.Future[None] | None:
        """Return what is done when the process has ended for good."""
        return None if self.__process is None else self.__process.completed

    def prepare(self, context: LaunchContext) -> None:
        """Perform all substitutions."""
        description = self.__process_description
        description.prepare(context, self)
        self.__details = {
            "action": self,
            "name": description.final_name,
            "cmd": description.final_cmd,
            "cwd": description.final_cwd,
            "env": description.final_env,
        }

    def execute(self, context: LaunchContext) -> None:
        """Start the process, unless the launch stops already.

        Raises:
            RuntimeError: The action was executed before.
        """
        if self.__process is not None:
            raise RuntimeError(f"{self.describe()} is executed more than once")
        self.prepare(context)
        if context.is_shutdown:
            return
        self._check_tty(context)
        assert self.__details is not None
        name = str(self.__details["name"])
        output: OutputConfig = (
            self.__output
            if isinstance(self.__output, dict)
            else perform_substitutions(context, self.__output)
        )
        for fd, logger in enumerate(get_output_loggers(name, output), start=1):
            self.__writers[fd] = LineWriter(logger, self._layout, self.__cached_output)
        for handler in self._handlers():
            context.register_event_handler(handler)
        options = RunOptions(
            shell=self.__shell,
            log_cmd=self.__log_cmd,
            respawn=perform_bool_substitution(context, self.__respawn),
            respawn_delay=self.__respawn_delay,
            max_retries=self.__max_retries,
            timeouts=lambda: self._timeouts(context),
        )
        self.__process = ManagedProcess(context, self.__details, get_logger(name), options)

    def _timeouts(self, context: LaunchContext) -> tuple[float, float]:
        texts = [
            perform_substitutions(context, self.__sigterm_timeout),
            perform_substitutions(context, self.__sigkill_timeout),
        ]
        try:
            return float(texts[0]), float(texts[1])
        except ValueError:
            # Whatever the configuration says, the process must be stopped.
            get_logger().error("sigterm_timeout and sigkill_timeout must be numbers: %s", texts)
            return _DEFAULT_TIMEOUT_S, _DEFAULT_TIMEOUT_S

    def _check_tty(self, context: LaunchContext) -> None:
        wanted = context.launch_configurations.get("emulate_tty")
        if self.__emulate_tty or (
            wanted is not None and evaluate_condition_expression(context, wanted)
        ):
            raise left_out("emulate_tty=True")

    def _layout(self, line: str) -> str:
        return self.__output_format.format(line=line, this=self)

    def _handlers(self) -> list[BaseEventHandler]:
        """Return the handlers; of two for the same event the later one acts first."""
        return [
            EventHandler(
                matcher=lambda event: isinstance(event, ShutdownProcess),
                entities=OpaqueFunction(function=self._on_shutdown_process),
            ),
            EventHandler(
                matcher=lambda event: isinstance(event, SignalProcess),
                entities=OpaqueFunction(function=self._on_signal_process),
            ),
            OnProcessIO(
                target_action=self,
                on_stdin=self._on_stdin,
                on_stdout=self._on_output,
                on_stderr=self._on_output,
            ),
            OnShutdown(on_shutdown=self._on_shutdown),
            OnProcessExit(target_action=self, on_exit=self.__on_exit),
            OnProcessExit(target_action=self, on_exit=self._on_exited),
        ]

    def _on_output(self, event: ProcessIO) -> None:
        self.__writers[event.fd].feed(event.text)

    def _on_stdin(self, event: ProcessIO) -> None:
        raise left_out(ProcessStdin.name)

    def _on_exited(self, event: Event) -> None:
        for writer in self.__writers.values():
            writer.flush()

    def _on_shutdown(self, event: Event, context: LaunchContext) -> None:
        assert isinstance(event, Shutdown)
        assert self.__process is not None
        self.__process.stop(send_sigint=not event.due_to_sigint or context.noninteractive)

    def _on_shutdown_process(self, context: LaunchContext) -> None:
        assert self.__process is not None
        if context.locals.event.process_matcher(self):
            self.__process.stop(send_sigint=True)

    def _on_signal_process(self, context: LaunchContext) -> None:
        assert self.__process is not None
        if context.locals.event.process_matcher(self):
            self.__process.send(context.locals.event)


def _timeout(name: str, given: SomeSubstitutionsType | None) -> list[Substitution]:
    if given is None:
        given = LaunchConfiguration(name, default=f"{_DEFAULT_TIMEOUT_S:g}")
    if isinstance(given, int | float):
        given = str(given)
    return normalize_to_list_of_substitutions(given)
