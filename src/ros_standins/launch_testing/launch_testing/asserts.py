"""What tests claim about output and ends of processes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from launch._left_out import refuse, refuse_arguments
from launch.actions import ExecuteLocal
from launch.events.process import ProcessExited, ProcessIO

from .util.proc_lookup import Process, process_name, resolveProcesses

__all__ = [
    "EXIT_FORCED",
    "EXIT_OK",
    "EXIT_SIGINT",
    "EXIT_SIGKILL",
    "EXIT_SIGQUIT",
    "EXIT_SIGSEGV",
    "assertExitCodes",
    "assertInStderr",
    "assertInStdout",
]

EXIT_OK = 0
EXIT_FORCED = 1
EXIT_SIGINT = 130
EXIT_SIGQUIT = 131
EXIT_SIGKILL = 137
EXIT_SIGSEGV = 139

# A text, a pattern, or several of them in this order.
Expected = str | re.Pattern[str] | Iterable[Any]
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class _Output(Protocol):
    def processes(self) -> list[ExecuteLocal]: ...

    def __iter__(self) -> Any: ...


class _Infos(Protocol):
    def processes(self) -> list[ExecuteLocal]: ...

    def __iter__(self) -> Any: ...


def assertInStdout(  # noqa: N802  the original's name
    proc_output: _Output,
    expected_output: Expected,
    process: Process,
    cmd_args: str | None = None,
    *,
    output_filter: Callable[[str], str] | None = None,
    strict_proc_matching: bool = True,
    **left_over: Any,
) -> None:
    """Claim that a process wrote something to its standard output.

    Raises:
        AssertionError: It did not.
        NoMatchingProcessException: There is no such process.
    """
    refuse_arguments("assertInStdout", left_over, ["strip_ansi_escape_sequences"])
    chosen = resolveProcesses(
        proc_output.processes(),
        process=process,
        cmd_args=cmd_args,
        strict_proc_matching=strict_proc_matching,
    )
    _assert_in(proc_output, expected_output, chosen, output_filter, fd=1)


def assertInStderr(  # noqa: N802  the original's name
    proc_output: _Output,
    expected_output: Expected,
    process: Process,
    cmd_args: str | None = None,
    *,
    output_filter: Callable[[str], str] | None = None,
    strict_proc_matching: bool = True,
    **left_over: Any,
) -> None:
    """Claim that a process wrote something to its error output.

    Raises:
        AssertionError: It did not.
        NoMatchingProcessException: There is no such process.
    """
    refuse_arguments("assertInStderr", left_over, ["strip_ansi_escape_sequences"])
    chosen = resolveProcesses(
        proc_output.processes(),
        process=process,
        cmd_args=cmd_args,
        strict_proc_matching=strict_proc_matching,
    )
    _assert_in(proc_output, expected_output, chosen, output_filter, fd=2)


def _assert_in(
    proc_output: _Output,
    expected: Expected,
    processes: list[ExecuteLocal],
    output_filter: Callable[[str], str] | None,
    fd: int,
) -> None:
    for process in processes:
        pieces: list[ProcessIO] = [
            piece for piece in proc_output if piece.action is process and piece.fd == fd
        ]
        text = b"".join(piece.text for piece in pieces).decode(errors="replace")
        text = _ANSI.sub("", text)
        if _contains(text if output_filter is None else output_filter(text), expected):
            return
    names = ", ".join(process_name(process) for process in processes)
    stream = "stdout" if fd == 1 else "stderr"
    raise AssertionError(f"Did not find {expected!r} in {stream} of: {names}")


def _contains(text: str, expected: Expected) -> bool:
    if isinstance(expected, str):
        return expected in text
    if isinstance(expected, re.Pattern):
        return expected.search(text) is not None
    start = 0
    for part in expected:
        if isinstance(part, re.Pattern):
            match = part.search(text, start)
            if match is None:
                return False
            start = match.end()
            continue
        found = text.find(part, start)
        if found < 0:
            return False
        start = found + len(part)
    return True


def assertExitCodes(  # noqa: N802  the original's name
    proc_info: _Infos,
    allowable_exit_codes: Iterable[int] = (EXIT_OK,),
    process: Process = None,
    cmd_args: str | None = None,
    *,
    strict_proc_matching: bool = True,
) -> None:
    """Claim how processes ended: one, or with ``None`` all.

    Raises:
        AssertionError: One ended with another code.
        NoMatchingProcessException: There is no such process.
    """
    allowed = list(allowable_exit_codes)
    for code in allowed:
        if not isinstance(code, int):
            raise TypeError(f"an exit code is a number, not {code!r}")
    infos: list[ProcessExited] = list(proc_info)
    if process is not None:
        chosen = resolveProcesses(
            [info.action for info in infos],
            process=process,
            cmd_args=cmd_args,
            strict_proc_matching=strict_proc_matching,
        )
        infos = [info for info in infos if any(info.action is one for one in chosen)]
    for info in infos:
        if info.returncode not in allowed:
            raise AssertionError(
                f"Proc {info.process_name} exited with code {info.returncode}, "
                f"expected one of {allowed}"
            )


__getattr__ = refuse(
    ["SequentialTextChecker", "assertInOutput", "assertSequentialStdout"], __name__
)
