"""A process on this machine."""

from __future__ import annotations

import asyncio
import os
import signal
import traceback
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
    ProcessExited,
    ProcessIO,
    ProcessStarted,
    ProcessStderr,
    ProcessStdin,
    ProcessStdout,
    ShutdownProcess,
    SignalProcess,
    matches_action,
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
from ._process_output import LineWriter
from ._process_protocol import ProcessProtocol
from .functions import OpaqueFunction

if TYPE_CHECKING:
    from ..launch_context import LaunchContext

_STOP = "process[%s] failed to terminate '%s' seconds after receiving '%s', escalating to '%s'"
_DEFAULT_TIMEOUT_S = 5


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
        self.__retries_left = respawn_max_retries
        self.__details: dict[str, Any] | None = None
        self.__transport: asyncio.SubprocessTransport | None = None
        self.__protocol: ProcessProtocol | None = None
        self.__writers: dict[int, LineWriter] = {}
        self.__completed: asyncio.Future[None] | None = None
        self.__stopping: asyncio.Future[None] | None = None
        self.__escalation: asyncio.Task[None] | None = None
        self.__run: asyncio.Task[None] | None = None
        self.__send_sigint = True

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
        return None if self.__transport is None else self.__transport.get_returncode()

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
        return self.__completed

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
        self.__respawn = perform_bool_substitution(context, self.__respawn)

    def execute(self, context: LaunchContext) -> None:
        """Start the process, unless the launch stops already.

        Raises:
            RuntimeError: The action was executed before.
        """
        if self.__completed is not None:
            raise RuntimeError(f"{self.describe()} is executed more than once")
        self.prepare(context)
        if context.is_shutdown:
            return
        self._check_tty(context)
        name = self._name()
        self.__logger = get_logger(name)
        output: OutputConfig = (
            self.__output
            if isinstance(self.__output, dict)
            else perform_substitutions(context, self.__output)
        )
        for fd, logger in enumerate(get_output_loggers(name, output), start=1):
            self.__writers[fd] = LineWriter(logger, self._layout, self.__cached_output)
        for handler in self._handlers():
            context.register_event_handler(handler)
        self.__completed = context.asyncio_loop.create_future()
        self.__stopping = context.asyncio_loop.create_future()
        self.__run = context.asyncio_loop.create_task(self._run(context))

    def _check_tty(self, context: LaunchContext) -> None:
        wanted = context.launch_configurations.get("emulate_tty")
        if self.__emulate_tty or (
            wanted is not None and evaluate_condition_expression(context, wanted)
        ):
            raise left_out("emulate_tty=True")

    def _name(self) -> str:
        assert self.__details is not None
        return str(self.__details["name"])

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
        self._stop(context, send_sigint=not event.due_to_sigint or context.noninteractive)

    def _on_shutdown_process(self, context: LaunchContext) -> None:
        if context.locals.event.process_matcher(self):
            self._stop(context, send_sigint=True)

    def _on_signal_process(self, context: LaunchContext) -> None:
        event: SignalProcess = context.locals.event
        if not event.process_matcher(self):
            return
        if self.__transport is None or self.__protocol is None:
            raise RuntimeError("a signal is to be sent to a process that has not started")
        if self.__protocol.complete.done():
            return
        self.__logger.info("sending signal '%s' to process[%s]", event.signal_name, self._name())
        try:
            self.__transport.send_signal(event.signal.value)
        except ProcessLookupError:
            self.__logger.debug("process[%s] has ended before the signal", self._name())

    def _stop(self, context: LaunchContext, *, send_sigint: bool) -> None:
        """Ask the process to end, now or as soon as it has started."""
        assert self.__stopping is not None
        if self.__stopping.done():
            return
        self.__stopping.set_result(None)
        self.__send_sigint = send_sigint
        running = self.__protocol is not None and not self.__protocol.complete.done()
        if running:
            self.__escalation = context.asyncio_loop.create_task(self._escalate(context))

    async def _escalate(self, context: LaunchContext) -> None:
        term_text = perform_substitutions(context, self.__sigterm_timeout)
        term = float(term_text)
        kill = float(perform_substitutions(context, self.__sigkill_timeout))
        if self.__send_sigint:
            self._signal(context, signal.SIGINT)
        await asyncio.sleep(term)
        self.__logger.error(_STOP, self._name(), term_text, "SIGINT", "SIGTERM")
        self._signal(context, signal.SIGTERM)
        await asyncio.sleep(kill)
        self.__logger.error(_STOP, self._name(), term + kill, "SIGTERM", "SIGKILL")
        self._signal(context, signal.SIGKILL)

    def _signal(self, context: LaunchContext, number: signal.Signals) -> None:
        context.emit_event_sync(
            SignalProcess(signal_number=number, process_matcher=matches_action(self))
        )

    async def _run(self, context: LaunchContext) -> None:
        """Start the process, again and again if so asked, until it has ended for good."""
        assert self.__completed is not None
        try:
            while await self._run_once(context) and await self._is_to_respawn(context):
                pass
        except Exception:
            self.__logger.error(
                "exception occurred while executing process:\n%s", traceback.format_exc()
            )
        finally:
            if self.__escalation is not None:
                self.__escalation.cancel()
            if not self.__completed.done():
                self.__completed.set_result(None)

    async def _run_once(self, context: LaunchContext) -> bool:
        assert self.__details is not None
        assert self.__stopping is not None
        details = self.__details
        if self.__log_cmd:
            self.__logger.info(
                "process details: cmd='%s', cwd='%s'", _line(details), details["cwd"]
            )
        protocol = await self._start(context)
        pid = details["pid"]
        await context.emit_event(ProcessStarted(**details))
        if self.__stopping.done():
            self.__escalation = context.asyncio_loop.create_task(self._escalate(context))
        returncode = await protocol.complete
        if returncode == 0:
            self.__logger.info("process has finished cleanly [pid %d]", pid)
        else:
            self.__logger.error(
                "process has died [pid %d, exit code %d, cmd '%s'].",
                pid,
                returncode,
                _line(details),
            )
        await context.emit_event(ProcessExited(returncode=returncode, **details))
        assert self.__transport is not None
        self.__transport.close()
        return True

    async def _start(self, context: LaunchContext) -> ProcessProtocol:
        assert self.__details is not None
        details = self.__details
        loop = context.asyncio_loop

        def on_start(pid: int) -> None:
            details["pid"] = pid
            self.__logger.info("process started with pid [%d]", pid)

        def on_output(fd: int, data: bytes) -> None:
            kind = ProcessStdout if fd == 1 else ProcessStderr
            context.emit_event_sync(kind(text=data, **details))

        def make() -> ProcessProtocol:
            return ProcessProtocol(loop, on_start, on_output)

        place = {"cwd": details["cwd"], "env": details["env"]}
        if self.__shell:
            transport, protocol = await loop.subprocess_shell(
                make, " ".join(details["cmd"]), **place
            )
        else:
            transport, protocol = await loop.subprocess_exec(make, *details["cmd"], **place)
        self.__transport, self.__protocol = transport, protocol
        return protocol

    async def _is_to_respawn(self, context: LaunchContext) -> bool:
        assert self.__stopping is not None
        if not self.__respawn or self.__retries_left == 0:
            return False
        if context.is_shutdown or self.__stopping.done():
            return False
        self.__retries_left -= 1
        if self.__respawn_delay is not None and self.__respawn_delay > 0.0:
            await asyncio.wait([self.__stopping], timeout=self.__respawn_delay)
        return not self.__stopping.done()


def _timeout(name: str, given: SomeSubstitutionsType | None) -> list[Substitution]:
    if given is None:
        given = LaunchConfiguration(name, default=_DEFAULT_TIMEOUT_S)
    if isinstance(given, int | float):
        given = str(given)
    return normalize_to_list_of_substitutions(given)


def _line(details: dict[str, Any]) -> str:
    return " ".join(part for part in details["cmd"] if part.strip())
