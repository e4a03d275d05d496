"""What the processes wrote."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from launch._left_out import refuse_arguments
from launch.actions import ExecuteLocal
from launch.events.process import ProcessIO

from .asserts import Expected, assertInStderr, assertInStdout
from .util.proc_lookup import NoMatchingProcessException, Process, process_name, resolveProcesses

_STREAMS = {"stdout": assertInStdout, "stderr": assertInStderr}


class IoHandler:
    """Collects output, by process, in order."""

    def __init__(self) -> None:
        self._events: list[ProcessIO] = []
        self._processes: dict[int, ExecuteLocal] = {}

    def track(self, process: ExecuteLocal) -> None:
        """Know a process before it writes anything."""
        self._processes.setdefault(id(process), process)

    def append(self, process_io: ProcessIO) -> None:
        """Add a piece of output."""
        self.track(process_io.action)
        self._events.append(process_io)

    def __iter__(self) -> Iterator[ProcessIO]:
        return iter(self._events)

    def processes(self) -> list[ExecuteLocal]:
        """Return the known processes."""
        return list(self._processes.values())

    def process_names(self) -> list[str]:
        """Return the names of the known processes."""
        return [process_name(process) for process in self._processes.values()]

    def __getitem__(self, process: Process) -> list[ProcessIO]:
        """Return the pieces of one process, in order.

        Raises:
            NoMatchingProcessException: There is no such process.
        """
        chosen = resolveProcesses(self.processes(), process=process)
        return [event for event in self._events if any(event.action is one for one in chosen)]


class ActiveIoHandler:
    """Collects output while processes run; tests can wait for it."""

    def __init__(self) -> None:
        self._io_handler = IoHandler()
        self._changed = threading.Condition()

    @property
    def io_handler(self) -> IoHandler:
        """What came so far."""
        return self._io_handler

    def track(self, process: ExecuteLocal) -> None:
        """Know a process before it writes anything."""
        with self._changed:
            self._io_handler.track(process)
            self._changed.notify_all()

    def append(self, process_io: ProcessIO) -> None:
        """Add a piece of output and wake who waits."""
        with self._changed:
            self._io_handler.append(process_io)
            self._changed.notify_all()

    def __iter__(self) -> Iterator[ProcessIO]:
        with self._changed:
            return iter(list(self._io_handler))

    def processes(self) -> list[ExecuteLocal]:
        """Return the known processes."""
        with self._changed:
            return self._io_handler.processes()

    def process_names(self) -> list[str]:
        """Return the names of the known processes."""
        with self._changed:
            return self._io_handler.process_names()

    def __getitem__(self, process: Process) -> list[ProcessIO]:
        """Return the pieces of one process, in order."""
        with self._changed:
            return self._io_handler[process]

    def waitFor(  # noqa: N802  the original's name
        self,
        expected_output: Expected,
        process: Process = None,
        cmd_args: str | None = None,
        *,
        output_filter: Callable[[str], str] | None = None,
        timeout: float = 10,
        strict_proc_matching: bool = True,
        stream: str = "stderr",
        **left_over: Any,
    ) -> bool:
        """Wait up to ``timeout`` seconds for output and tell whether it came."""
        refuse_arguments("waitFor", left_over, ["strip_ansi_escape_sequences"])
        test = _STREAMS[stream]

        def has_come() -> bool:
            try:
                test(
                    self._io_handler,
                    expected_output,
                    process,
                    cmd_args,
                    output_filter=output_filter,
                    strict_proc_matching=strict_proc_matching,
                )
            except (AssertionError, NoMatchingProcessException):
                return False
            return True

        with self._changed:
            return self._changed.wait_for(has_come, timeout=timeout)

    def assertWaitFor(self, expected_output: Expected, *args: Any, **kwargs: Any) -> None:  # noqa: N802
        """Wait for output; see :meth:`waitFor` for the arguments.

        Raises:
            AssertionError: It did not come in time.
        """
        if not self.waitFor(expected_output, *args, **kwargs):
            names = ", ".join(self.process_names())
            raise AssertionError(
                f"Waiting for output timed out: {expected_output!r} (processes: {names})"
            )
