"""Launch tests in a Python module."""

from __future__ import annotations

import functools
import inspect
import unittest
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

from launch import LaunchDescription
from launch._left_out import left_out
from launch.launch_description_entity import LaunchDescriptionEntity

from .actions import ReadyToTest
from .decorators import is_post_shutdown
from .markers import is_kept_alive
from .parametrize import runs_of


class TestRun:
    """One launch and the tests that belong to it."""

    __test__ = False

    def __init__(
        self,
        name: str,
        description_function: Callable[..., Any],
        parameters: dict[str, Any],
        pre_shutdown_tests: unittest.TestSuite,
        post_shutdown_tests: unittest.TestSuite,
    ) -> None:
        self.name = name
        self.parameters = parameters
        self.pre_shutdown_tests = pre_shutdown_tests
        self.post_shutdown_tests = post_shutdown_tests
        self._function = description_function

    @property
    def keep_alive(self) -> bool:
        """Whether the launch runs on when no process runs."""
        return is_kept_alive(self._function)

    def __str__(self) -> str:
        if not self.parameters:
            return self.name
        values = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.name}[{values}]"

    def describe(self, on_ready: Callable[[], None]) -> tuple[LaunchDescription, dict[str, Any]]:
        """Generate the description.

        Args:
            on_ready: Called when the tests are to start.

        Returns:
            The description and what tests can ask for by name.

        Raises:
            RuntimeError: No ``ReadyToTest`` stands in the description.
            TypeError: The function returns something else.
        """
        wanted = inspect.signature(self._function).parameters
        if "ready_fn" in wanted:
            raise left_out("generate_test_description(ready_fn)")
        result = self._function(
            **{name: value for name, value in self.parameters.items() if name in wanted}
        )
        description, extra = result if isinstance(result, tuple) else (result, {})
        if not isinstance(description, LaunchDescription):
            raise TypeError(
                "generate_test_description must return a LaunchDescription, or one with a dict"
            )
        ready = list(_ready_actions(description.entities))
        if not ready:
            raise RuntimeError(
                "generate_test_description must return a LaunchDescription containing a "
                "ReadyToTest action"
            )
        for action in ready:
            action.add_callback(on_ready)
        return description, dict(extra)

    def bind(self, suite: unittest.TestSuite, values: dict[str, Any]) -> None:
        """Give all tests of a suite ``values``: as attributes, and as arguments by name."""
        classes = set()
        for test in _tests(suite):
            for name, value in values.items():
                setattr(test, name, value)
            method = test._testMethodName
            setattr(test, method, _bound(getattr(test, method), values))
            classes.add(type(test))
        for test_class in classes:
            for method in ("setUpClass", "tearDownClass"):
                setattr(test_class, method, _bound(getattr(test_class, method), values))


def LoadTestsFromPythonModule(  # noqa: N802  the original's name
    module: ModuleType, *, name: str = "launch_tests"
) -> list[TestRun]:
    """Return the runs of a module: one, or one for each set of parameters.

    Raises:
        AttributeError: There is no ``generate_test_description``.
    """
    function: Callable[..., Any] = module.generate_test_description
    return [
        TestRun(
            name,
            function,
            parameters,
            _suite(module, wanted=False),
            _suite(module, wanted=True),
        )
        for parameters in runs_of(function)
    ]


def _suite(module: ModuleType, *, wanted: bool) -> unittest.TestSuite:
    loader = unittest.TestLoader()
    return unittest.TestSuite(
        loader.loadTestsFromTestCase(value)
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, unittest.TestCase)
        and is_post_shutdown(value) is wanted
    )


def _ready_actions(entities: Iterable[LaunchDescriptionEntity]) -> Iterator[ReadyToTest]:
    for entity in entities:
        if isinstance(entity, ReadyToTest):
            yield entity
        yield from _ready_actions(entity.describe_sub_entities())
        for _, conditional in entity.describe_conditional_sub_entities():
            yield from _ready_actions(conditional)


def _tests(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from _tests(item)
        else:
            yield item


def _bound(function: Callable[..., Any], values: dict[str, Any]) -> Callable[..., Any]:
    wanted = inspect.signature(function).parameters
    given = {name: value for name, value in values.items() if name in wanted}
    if not given:
        return function
    bound = functools.partial(function, **given)
    functools.update_wrapper(bound, function)
    return bound
