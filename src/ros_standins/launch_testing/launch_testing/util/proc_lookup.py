"""Which process a test means."""

from __future__ import annotations

from collections.abc import Iterable

from launch.actions import ExecuteLocal

Process = ExecuteLocal | str | None


class NoMatchingProcessException(Exception):  # noqa: N818  the original's name
    """No process is the one that a test means, or several are."""


def process_name(process: ExecuteLocal) -> str:
    """Return the name of a process, or a placeholder before it started."""
    details = process.process_details
    return "<not started>" if details is None else str(details["name"])


def resolveProcesses(  # noqa: N802  the original's name
    known: Iterable[ExecuteLocal],
    *,
    process: Process = None,
    cmd_args: str | None = None,
    strict_proc_matching: bool = True,
) -> list[ExecuteLocal]:
    """Return the processes that a test means.

    Args:
        known: All processes.
        process: The action, a part of the name, or ``None`` for any.
        cmd_args: A word that must stand in the command.
        strict_proc_matching: Whether several processes are an error.

    Raises:
        NoMatchingProcessException: None match, or several while only one may.
    """
    candidates = list(known)
    if isinstance(process, ExecuteLocal):
        matches = [candidate for candidate in candidates if candidate is process]
    elif isinstance(process, str):
        matches = [candidate for candidate in candidates if process in process_name(candidate)]
    elif process is None:
        matches = candidates
    else:
        raise TypeError(f"a process is named by action, text or None, not {process!r}")
    if cmd_args is not None:
        matches = [match for match in matches if cmd_args in (match.process_details or {})["cmd"]]
    names = ", ".join(process_name(candidate) for candidate in candidates)
    if not matches:
        raise NoMatchingProcessException(
            f"Did not find any process matching name '{process}' and args '{cmd_args}'. "
            f"Procs: {names}"
        )
    if strict_proc_matching and process is not None and len(matches) > 1:
        raise NoMatchingProcessException(
            f"Found multiple processes matching name '{process}' and cmd_args '{cmd_args}'. "
            f"Procs: {names}"
        )
    return matches
