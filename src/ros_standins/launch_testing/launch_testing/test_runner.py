"""Launches what is under test and runs the tests beside it."""

from __future__ import annotations

import argparse
import threading
import unittest
from collections.abc import Iterable
from typing import Any

from launch import LaunchDescription, LaunchDescriptionSource, LaunchService
from launch.actions import IncludeLaunchDescription, RegisterEventHandler
from launch.event_handlers import OnProcessExit, OnProcessIO, OnProcessStart
from launch.events.process import ProcessStarted

from .io_handler import ActiveIoHandler
from .loader import TestRun
from .proc_info_handler import ActiveProcInfoHandler

_READY_TIMEOUT_S = 15.0


class FailResult(unittest.TestResult):
    """The result of tests that could not run to their end."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self.message = message

    def wasSuccessful(self) -> bool:  # noqa: N802  the original's name
        """Return false."""
        return False


class _Worker:
    """One run: the launch in this thread, the tests in another."""

    def __init__(self, run: TestRun, arguments: list[str], debug: bool) -> None:
        self._run = run
        self._arguments = arguments
        self._service = LaunchService(argv=arguments, debug=debug, noninteractive=True)
        self._ready = threading.Event()
        self._stopped = threading.Event()
        self._proc_info = ActiveProcInfoHandler()
        self._proc_output = ActiveIoHandler()
        self._result: unittest.TestResult | None = None

    def run(self) -> tuple[unittest.TestResult, unittest.TestResult]:
        """Launch, test, stop, and test what is left; return both results.

        When the launch ends before the tests do, nothing more is tested.
        """
        description, extra = self._run.describe(self._ready.set)
        common = {
            "launch_service": self._service,
            "test_args": dict(_split(self._arguments)),
            **self._run.parameters,
            **extra,
        }
        self._run.bind(
            self._run.pre_shutdown_tests,
            {"proc_info": self._proc_info, "proc_output": self._proc_output, **common},
        )
        self._run.bind(
            self._run.post_shutdown_tests,
            {
                "proc_info": self._proc_info.proc_info_handler,
                "proc_output": self._proc_output.io_handler,
                **common,
            },
        )
        self._service.include_launch_description(self._wrapped(description))
        thread = threading.Thread(target=self._test, daemon=True)
        thread.start()
        self._service.run(shutdown_when_idle=not self._run.keep_alive)
        self._stopped.set()
        result = self._result
        if result is None:
            died = FailResult("Processes under test stopped before tests completed")
            print(died.message)
            self._print_output()
            return died, died
        print(f"\n[{self._run}] tests after shutdown:", flush=True)
        after = unittest.TextTestRunner(verbosity=2).run(self._run.post_shutdown_tests)
        return result, after

    def _wrapped(self, description: LaunchDescription) -> LaunchDescription:
        """Put what watches the processes before what is under test."""

        def on_start(event: ProcessStarted) -> None:
            self._proc_info.append(event)
            self._proc_output.track(event.action)

        return LaunchDescription(
            [
                RegisterEventHandler(OnProcessStart(on_start=on_start)),
                RegisterEventHandler(OnProcessExit(on_exit=self._proc_info.append)),
                RegisterEventHandler(
                    OnProcessIO(
                        on_stdout=self._proc_output.append, on_stderr=self._proc_output.append
                    )
                ),
                IncludeLaunchDescription(
                    LaunchDescriptionSource(description), launch_arguments=_split(self._arguments)
                ),
            ]
        )

    def _test(self) -> None:
        try:
            if not self._wait_until_ready():
                return
            print(f"\n[{self._run}] tests:", flush=True)
            result = unittest.TextTestRunner(verbosity=2).run(self._run.pre_shutdown_tests)
            if not self._stopped.is_set():
                self._result = result
        finally:
            self._service.shutdown()

    def _wait_until_ready(self) -> bool:
        """Wait for ``ReadyToTest``, as long as the launch runs."""
        if self._ready.wait(timeout=_READY_TIMEOUT_S):
            return True
        if not self._stopped.is_set():
            print("Timed out waiting for processes to start up", flush=True)
        return False

    def _print_output(self) -> None:
        for name in self._proc_output.process_names():
            print(f"Output of {name}:")
            for piece in self._proc_output:
                if piece.process_name == name:
                    print(piece.text.decode(errors="replace"), end="")


class LaunchTestRunner:
    """Runs launch tests, one after another."""

    def __init__(
        self,
        test_runs: Iterable[TestRun],
        launch_file_arguments: Iterable[str] = (),
        debug: bool = False,
    ) -> None:
        self._test_runs = list(test_runs)
        self._arguments = list(launch_file_arguments)
        self._debug = debug

    def run(self) -> dict[TestRun, list[unittest.TestResult]]:
        """Run all and return the results, before and after shutdown, of each run."""
        return {
            run: list(_Worker(run, self._arguments, self._debug).run()) for run in self._test_runs
        }

    def validate(self) -> None:
        """Check that each run can be described.

        Raises:
            Exception: Whatever keeps a description from being generated.
        """
        for run in self._test_runs:
            run.describe(lambda: None)


def _split(arguments: Iterable[str]) -> list[tuple[str, str]]:
    pairs = []
    for argument in arguments:
        name, separator, value = argument.partition(":=")
        if not separator or not name:
            raise argparse.ArgumentTypeError(
                f"malformed launch argument '{argument}', expected format '<name>:=<value>'"
            )
        pairs.append((name, value))
    return pairs


def explain(results: Iterable[unittest.TestResult]) -> list[str]:
    """Return a text for each failure."""
    texts = []
    for result in results:
        if isinstance(result, FailResult):
            texts.append(result.message)
        for test, trace in [*result.failures, *result.errors]:
            texts.append(f"{test}\n{trace}")
        texts += [f"{test}: unexpected success" for test in result.unexpectedSuccesses]
    return texts


def count(results: Iterable[unittest.TestResult]) -> tuple[int, int]:
    """Return how many tests ran and how many of them were skipped."""
    listed: list[Any] = list(results)
    return sum(r.testsRun for r in listed), sum(len(r.skipped) for r in listed)
