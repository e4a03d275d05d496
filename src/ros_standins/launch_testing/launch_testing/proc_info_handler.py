"""Which processes started and how they ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from launch.actions import ExecuteLocal
from launch.events.process import ProcessExited, ProcessStarted

from .util.proc_lookup import NoMatchingProcessException, Process, process_name, resolveProcesses


class ProcInfoHandler:
    """Collects the ends of processes."""

    def __init__(self) -> None:
        self._started: dict[int, ExecuteLocal] = {}
        self._exits: dict[int, ProcessExited] = {}

    def append(self, info: ProcessStarted | ProcessExited) -> None:
        """Add a start or an end."""
        self._started[id(info.action)] = info.action
        if isinstance(info, ProcessExited):
            self._exits[id(info.action)] = info
        else:
            self._exits.pop(id(info.action), None)

    def __iter__(self) -> Iterator[ProcessExited]:
        return iter(list(self._exits.values()))

    def processes(self) -> list[ExecuteLocal]:
        """Return the processes that started."""
        return list(self._started.values())

    def process_names(self) -> list[str]:
        """Return the names of the processes that started."""
        return [process_name(process) for process in self._started.values()]

    def has_ended(self, process: ExecuteLocal) -> bool:
        """Tell whether a process does not run any more."""
        return id(process) in self._exits

    def __getitem__(self, process: Process) -> ProcessExited:
        """Return how a process ended.

        Raises:
            NoMatchingProcessException: There is no such process, or it runs.
        """
        chosen = resolveProcesses(self.processes(), process=process)
        for candidate in chosen:
            if self.has_ended(candidate):
                return self._exits[id(candidate)]
        raise NoMatchingProcessException(f"{process_name(chosen[0])} has not ended")


class ActiveProcInfoHandler:
    """Collects starts and ends while processes run; tests can wait for them."""

    def __init__(self) -> None:
        self._proc_info_handler = ProcInfoHandler()
        self._changed = threading.Condition()

    @property
    def proc_info_handler(self) -> ProcInfoHandler:
        """What happened so far."""
        return self._proc_info_handler

    def append(self, info: ProcessStarted | ProcessExited) -> None:
        """Add a start or an end and wake who waits."""
        with self._changed:
            self._proc_info_handler.append(info)
            self._changed.notify_all()

    def __iter__(self) -> Iterator[ProcessExited]:
        with self._changed:
            return iter(self._proc_info_handler)

    def processes(self) -> list[ExecuteLocal]:
        """Return the processes that started."""
        with self._changed:
            return self._proc_info_handler.processes()

    def process_names(self) -> list[str]:
        """Return the names of the processes that started."""
        with self._changed:
            return self._proc_info_handler.process_names()

    def __getitem__(self, process: Process) -> ProcessExited:
        """Return how a process ended."""
        with self._changed:
            return self._proc_info_handler[process]

    def waitForStartup(  # noqa: N802  the original's name
        self, process: Process, cmd_args: str | None = None, *, timeout: float = 10
    ) -> bool:
        """Wait until a process has started and tell whether it did."""
        return self._wait(process, cmd_args, timeout, lambda one: True)

    def waitForShutdown(  # noqa: N802  the original's name
        self, process: Process, cmd_args: str | None = None, *, timeout: float = 10
    ) -> bool:
        """Wait until a process has ended and tell whether it did."""
        return self._wait(process, cmd_args, timeout, self._proc_info_handler.has_ended)

    def assertWaitForStartup(  # noqa: N802  the original's name
        self, process: Process, cmd_args: str | None = None, *, timeout: float = 10
    ) -> None:
        """Wait until a process has started.

        Raises:
            AssertionError: It did not start in time.
        """
        if not self.waitForStartup(process, cmd_args, timeout=timeout):
            raise AssertionError(f"Timed out waiting for process '{_label(process)}' to start")

    def assertWaitForShutdown(  # noqa: N802  the original's name
        self, process: Process, cmd_args: str | None = None, *, timeout: float = 10
    ) -> None:
        """Wait until a process has ended.

        Raises:
            AssertionError: It did not end in time.
        """
        if not self.waitForShutdown(process, cmd_args, timeout=timeout):
            raise AssertionError(f"Timed out waiting for process '{_label(process)}' to finish")

    def _wait(
        self,
        process: Process,
        cmd_args: str | None,
        timeout: float,
        test: Callable[[ExecuteLocal], bool],
    ) -> bool:
        def holds() -> bool:
            try:
                matches = resolveProcesses(
                    self._proc_info_handler.processes(), process=process, cmd_args=cmd_args
                )
            except NoMatchingProcessException:
                return False
            return any(test(match) for match in matches)

        with self._changed:
            return self._changed.wait_for(holds, timeout=timeout)


def _label(process: Process) -> str:
    return process_name(process) if isinstance(process, ExecuteLocal) else str(process)
