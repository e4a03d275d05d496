"""Conditions on launch configurations and expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .condition import Condition
from .some_substitutions_type import SomeSubstitutionsType
from .utilities import normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from .launch_context import LaunchContext

__all__ = [
    "IfCondition",
    "InvalidConditionExpressionError",
    "LaunchConfigurationEquals",
    "LaunchConfigurationNotEquals",
    "UnlessCondition",
    "evaluate_condition_expression",
]


class InvalidConditionExpressionError(Exception):
    """An expression is neither true nor false."""


def evaluate_condition_expression(
    context: LaunchContext, expression: SomeSubstitutionsType
) -> bool:
    """Evaluate ``true``/``1`` and ``false``/``0``, in any case.

    Raises:
        InvalidConditionExpressionError: The text is none of these.
    """
    text = perform_substitutions(context, normalize_to_list_of_substitutions(expression))
    value = text.strip().lower()
    if value in ("true", "1"):
        return True
    if value in ("false", "0"):
        return False
    raise InvalidConditionExpressionError(
        f"condition '{text}' is neither one of ['true', '1'] nor one of ['false', '0']"
    )


class IfCondition(Condition):
    """True when the expression is true."""

    def __init__(self, predicate_expression: SomeSubstitutionsType) -> None:
        self._expression = normalize_to_list_of_substitutions(predicate_expression)
        super().__init__(predicate=lambda c: evaluate_condition_expression(c, self._expression))


class UnlessCondition(Condition):
    """True when the expression is false."""

    def __init__(self, predicate_expression: SomeSubstitutionsType) -> None:
        self._expression = normalize_to_list_of_substitutions(predicate_expression)
        super().__init__(predicate=lambda c: not evaluate_condition_expression(c, self._expression))


class LaunchConfigurationEquals(Condition):
    """True when a launch configuration has a value; ``None`` asks for "not set"."""

    def __init__(
        self, launch_configuration_name: str, expected_value: SomeSubstitutionsType | None
    ) -> None:
        self._name = launch_configuration_name
        self._expected = (
            None if expected_value is None else normalize_to_list_of_substitutions(expected_value)
        )
        super().__init__(predicate=self._matches)

    def _matches(self, context: LaunchContext) -> bool:
        expected = (
            None if self._expected is None else perform_substitutions(context, self._expected)
        )
        return bool(context.launch_configurations.get(self._name) == expected)


class LaunchConfigurationNotEquals(LaunchConfigurationEquals):
    """True when a launch configuration does not have a value."""

    def _matches(self, context: LaunchContext) -> bool:
        return not super()._matches(context)
