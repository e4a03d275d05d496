"""A process over all its runs: start, restart and stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..events.process import (
    ProcessExited,
    ProcessStarted,
    ProcessStderr,
    ProcessStdout,
    SignalProcess,
    matches_action,
)
from ._process_protocol import ProcessProtocol

if TYPE_CHECKING:
    from ..launch_context import LaunchContext

_STOP = "process[%s] failed to terminate '%s' seconds after receiving '%s', escalating to '%s'"


@dataclass(frozen=True)
class RunOptions:
    """How a process is run.

    ``timeouts`` gives, at the time of stopping, the seconds before SIGTERM and those from there
    to SIGKILL.
    """

    shell: bool
    log_cmd: bool
    respawn: bool
    respawn_delay: float | None
    max_retries: int
    timeouts: Callable[[], tuple[float, float]]


class ManagedProcess:
    """Runs a process, again and again if so asked, and tells of it by events."""

    def __init__(
        self,
        context: LaunchContext,
        details: dict[str, Any],
        logger: logging.Logger,
        options: RunOptions,
    ) -> None:
        self._context = context
        self._loop = context.asyncio_loop
        self._details = details
        self._logger = logger
        self._options = options
        self._retries_left = options.max_retries
        self._transport: asyncio.SubprocessTransport | None = None
        self._protocol: ProcessProtocol | None = None
        self._stopping: asyncio.Future[None] = self._loop.create_future()
        self._send_sigint = True
        self._escalation: asyncio.Task[None] | None = None
        self.completed: asyncio.Future[None] = self._loop.create_future()
        self._task = self._loop.create_task(self._run())

    @property
    def returncode(self) -> int | None:
        """The exit code of the newest run, or ``None`` while it has none."""
        return None if self._transport is None else self._transport.get_returncode()

    def send(self, event: SignalProcess) -> None:
        """Send a signal, unless the process has ended.

        Raises:
            RuntimeError: The process has not started.
        """
        if self._transport is None or self._protocol is None:
            raise RuntimeError("a signal is to be sent to a process that has not started")
        if self._protocol.complete.done():
            return
        name = self._details["name"]
        self._logger.info("sending signal '%s' to process[%s]", event.signal_name, name)
        try:
            self._transport.send_signal(event.signal.value)
        except ProcessLookupError:
            self._logger.debug("process[%s] has ended before the signal", name)

    def stop(self, *, send_sigint: bool) -> None:
        """Ask the process to end for good, now or as soon as it has started."""
        if self._stopping.done():
            return
        self._stopping.set_result(None)
        self._send_sigint = send_sigint
        if self._protocol is not None and not self._protocol.complete.done():
            self._escalation = self._loop.create_task(self._escalate())

    async def _escalate(self) -> None:
        name = self._details["name"]
        term, kill = self._options.timeouts()
        if self._send_sigint:
            self._signal(signal.SIGINT)
        await asyncio.sleep(term)
        self._logger.error(_STOP, name, f"{term:g}", "SIGINT", "SIGTERM")
        self._signal(signal.SIGTERM)
        await asyncio.sleep(kill)
        self._logger.error(_STOP, name, term + kill, "SIGTERM", "SIGKILL")
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        matcher = matches_action(self._details["action"])
        self._context.emit_event_sync(SignalProcess(signal_number=number, process_matcher=matcher))

    async def _run(self) -> None:
        try:
            await self._run_once()
            while await self._is_to_respawn():
                await self._run_once()
        except Exception:
            self._logger.error(
                "exception occurred while executing process:\n%s", traceback.format_exc()
            )
        finally:
            if self._escalation is not None:
                self._escalation.cancel()
            if not self.completed.done():
                self.completed.set_result(None)

    async def _run_once(self) -> None:
        details = self._details
        line = " ".join(part for part in details["cmd"] if part.strip())
        if self._options.log_cmd:
            self._logger.info("process details: cmd='%s', cwd='%s'", line, details["cwd"])
        transport, protocol = await self._start()
        pid = details["pid"]
        await self._context.emit_event(ProcessStarted(**details))
        if self._stopping.done():
            self._escalation = self._loop.create_task(self._escalate())
        returncode = await protocol.complete
        if returncode == 0:
            self._logger.info("process has finished cleanly [pid %d]", pid)
        else:
            self._logger.error(
                "process has died [pid %d, exit code %d, cmd '%s'].", pid, returncode, line
            )
        await self._context.emit_event(ProcessExited(returncode=returncode, **details))
        transport.close()

    async def _start(self) -> tuple[asyncio.SubprocessTransport, ProcessProtocol]:
        details = self._details

        def on_start(pid: int) -> None:
            details["pid"] = pid
            self._logger.info("process started with pid [%d]", pid)

        def on_output(fd: int, data: bytes) -> None:
            kind = ProcessStdout if fd == 1 else ProcessStderr
            self._context.emit_event_sync(kind(text=data, **details))

        def make() -> ProcessProtocol:
            return ProcessProtocol(self._loop, on_start, on_output)

        command, place = details["cmd"], {"cwd": details["cwd"], "env": details["env"]}
        if self._options.shell:
            started = await self._loop.subprocess_shell(make, " ".join(command), **place)
        else:
            started = await self._loop.subprocess_exec(make, *command, **place)
        self._transport, self._protocol = started
        return started

    async def _is_to_respawn(self) -> bool:
        if not self._options.respawn or self._retries_left == 0:
            return False
        if self._context.is_shutdown or self._stopping.done():
            return False
        self._retries_left -= 1
        delay = self._options.respawn_delay
        if delay is not None and delay > 0.0:
            await asyncio.wait([self._stopping], timeout=delay)
        return not self._stopping.done()
