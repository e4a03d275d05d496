"""Events of processes, from them and to them."""

from __future__ import annotations

import fnmatch
import signal as signals
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...event import Event

if TYPE_CHECKING:
    from ...action import Action
    from ...actions.execute_local import ExecuteLocal

__all__ = [
    "ProcessExited",
    "ProcessIO",
    "ProcessStarted",
    "ProcessStderr",
    "ProcessStdin",
    "ProcessStdout",
    "ProcessTargetedEvent",
    "RunningProcessEvent",
    "ShutdownProcess",
    "SignalProcess",
    "matches_action",
    "matches_executable",
    "matches_name",
    "matches_pid",
]

Matcher = Callable[["ExecuteLocal"], bool]


def matches_action(target: Action) -> Callable[[Action], bool]:
    """Match one action by identity."""
    return lambda action: action is target


def matches_name(name: str) -> Matcher:
    """Match the name of the started process, with shell wildcards."""
    return lambda action: (
        action.process_details is not None and fnmatch.fnmatch(action.process_details["name"], name)
    )


def matches_pid(pid: int) -> Matcher:
    """Match the process id."""
    return lambda action: (
        action.process_details is not None and action.process_details.get("pid") == pid
    )


def matches_executable(executable: str) -> Matcher:
    """Match the first word of the command."""
    return lambda action: (
        action.process_details is not None and action.process_details["cmd"][0] == executable
    )


class RunningProcessEvent(Event):
    """Something about one running process."""

    name = "launch.events.process.RunningProcessEvent"

    def __init__(
        self,
        *,
        action: ExecuteLocal,
        name: str,
        cmd: list[str],
        cwd: str | None,
        env: dict[str, str] | None,
        pid: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.action = action
        self.process_name = name
        self.cmd = cmd
        self.cwd = cwd
        self.env = env
        self.pid = pid

    @property
    def execute_process_action(self) -> ExecuteLocal:
        """The action that started the process."""
        return self.action


class ProcessStarted(RunningProcessEvent):
    """A process started."""

    name = "launch.events.process.ProcessStarted"


class ProcessExited(RunningProcessEvent):
    """A process ended; ``returncode`` is minus the signal when a signal ended it."""

    name = "launch.events.process.ProcessExited"

    def __init__(self, *, returncode: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.returncode = returncode


class ProcessIO(RunningProcessEvent):
    """A process wrote or is to read ``text`` (bytes, not cut at lines)."""

    name = "launch.events.process.ProcessIO"

    def __init__(self, *, text: bytes, fd: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.text = text
        self.fd = fd

    @property
    def from_stdin(self) -> bool:
        """Whether it is input."""
        return self.fd == 0

    @property
    def from_stdout(self) -> bool:
        """Whether it is output."""
        return self.fd == 1

    @property
    def from_stderr(self) -> bool:
        """Whether it is error output."""
        return self.fd == 2


class ProcessStdin(ProcessIO):
    """Input for a process."""

    name = "launch.events.process.ProcessStdin"

    def __init__(self, *, text: bytes, **kwargs: Any) -> None:
        super().__init__(text=text, fd=0, **kwargs)


class ProcessStdout(ProcessIO):
    """Output of a process."""

    name = "launch.events.process.ProcessStdout"

    def __init__(self, *, text: bytes, **kwargs: Any) -> None:
        super().__init__(text=text, fd=1, **kwargs)


class ProcessStderr(ProcessIO):
    """Error output of a process."""

    name = "launch.events.process.ProcessStderr"

    def __init__(self, *, text: bytes, **kwargs: Any) -> None:
        super().__init__(text=text, fd=2, **kwargs)


class ProcessTargetedEvent(Event):
    """An order for the processes that ``process_matcher`` picks."""

    name = "launch.events.process.ProcessTargetedEvent"

    def __init__(self, *, process_matcher: Callable[[Any], bool]) -> None:
        self.process_matcher = process_matcher


class ShutdownProcess(ProcessTargetedEvent):
    """Stop a process, with escalation."""

    name = "launch.events.process.ShutdownProcess"


class SignalProcess(ProcessTargetedEvent):
    """Send a signal, given as number or name."""

    name = "launch.events.process.SignalProcess"

    def __init__(
        self,
        *,
        signal_number: str | int | signals.Signals,
        process_matcher: Callable[[Any], bool],
    ) -> None:
        super().__init__(process_matcher=process_matcher)
        self.signal = (
            signals.Signals[signal_number]
            if isinstance(signal_number, str)
            else signals.Signals(signal_number)
        )

    @property
    def signal_name(self) -> str:
        """The signal's name, such as ``SIGINT``."""
        return self.signal.name
