"""Lets pytest collect files whose ``generate_test_description`` is marked as a launch test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..loader import LoadTestsFromPythonModule
from ..test_runner import LaunchTestRunner, count, explain


class LaunchTestFailure(Exception):  # noqa: N818  the original's name
    """Some tests of a launch failed."""


class LaunchTestItem(pytest.Item):
    """All runs of one file."""

    def runtest(self) -> None:
        """Launch and test.

        Raises:
            LaunchTestFailure: A test failed, or the launch did not live long enough.
        """
        module: Any = self.parent
        runs = LoadTestsFromPythonModule(module.obj, name=self.name)
        runner = LaunchTestRunner(runs, self.config.getoption("--launch-args"))
        runner.validate()
        results = [result for pair in runner.run().values() for result in pair]
        if not all(result.wasSuccessful() for result in results):
            raise LaunchTestFailure("\n\n".join(explain(results)) or "no test result")
        ran, skipped = count(results)
        if ran > 0 and ran == skipped:
            pytest.skip("all tests of the launch are skipped")

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Show the failures of the tests without the way to them."""
        if isinstance(excinfo.value, LaunchTestFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return file, line and name."""
        return self.path, 0, f"launch tests: {self.name}"


class LaunchTestModule(pytest.Module):
    """A file with one launch test."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the one item, with the marks of ``generate_test_description``."""
        item = LaunchTestItem.from_parent(self, name=self.path.stem)
        item.own_markers.extend(_marks(self.obj))
        yield item


def _marks(module: Any) -> list[pytest.Mark]:
    function = getattr(module, "generate_test_description", None)
    marks: list[pytest.Mark] = list(getattr(function, "pytestmark", []))
    return marks


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Any:
    """Take over files with a marked ``generate_test_description``."""
    if "generate_test_description" not in module_path.read_text(encoding="utf-8", errors="replace"):
        return None
    module = LaunchTestModule.from_parent(parent, path=module_path)
    try:
        marks = _marks(module.obj)
    except pytest.Collector.CollectError:
        # The default collector imports again and reports the error.
        return None
    return module if any(mark.name == "launch_test" for mark in marks) else None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--launch-args``."""
    parser.addoption(
        "--launch-args",
        nargs="*",
        default=[],
        help="arguments of the launch tests: '<name>:=<value>'",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    config.addinivalue_line(
        "markers", "launch_test: mark a generate_test_description function as launch test"
    )
