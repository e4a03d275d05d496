"""Substitutions that give ``true`` or ``false``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import (
    normalize_to_list_of_substitutions,
    perform_bool_substitution,
    perform_substitutions,
)
from .text import SubstitutionFailure, describe_all

if TYPE_CHECKING:
    from ..launch_context import LaunchContext


def _word(value: bool) -> str:
    return "true" if value else "false"


def _truth(context: LaunchContext, value: list[Substitution]) -> bool:
    try:
        return perform_bool_substitution(context, value)
    except ValueError as error:
        raise SubstitutionFailure(str(error)) from error


class NotSubstitution(Substitution):
    """The opposite of a truth value."""

    def __init__(self, value: SomeSubstitutionsType) -> None:
        self.__value = normalize_to_list_of_substitutions(value)

    def describe(self) -> str:
        """Return the value for people."""
        return f"NotSubstitution({describe_all(self.__value)})"

    def perform(self, context: LaunchContext) -> str:
        """Return ``true`` or ``false``."""
        return _word(not _truth(context, self.__value))


class _Binary(Substitution):
    def __init__(self, left: SomeSubstitutionsType, right: SomeSubstitutionsType) -> None:
        self._left = normalize_to_list_of_substitutions(left)
        self._right = normalize_to_list_of_substitutions(right)

    def describe(self) -> str:
        """Return both values for people."""
        return f"{type(self).__name__}({describe_all(self._left)} {describe_all(self._right)})"


class AndSubstitution(_Binary):
    """Whether both values are true."""

    def perform(self, context: LaunchContext) -> str:
        """Return ``true`` or ``false``."""
        return _word(all([_truth(context, self._left), _truth(context, self._right)]))


class OrSubstitution(_Binary):
    """Whether one of two values is true."""

    def perform(self, context: LaunchContext) -> str:
        """Return ``true`` or ``false``."""
        return _word(any([_truth(context, self._left), _truth(context, self._right)]))


class AllSubstitution(Substitution):
    """Whether all values are true; true for none."""

    def __init__(self, *args: SomeSubstitutionsType) -> None:
        self.__args = [normalize_to_list_of_substitutions(arg) for arg in args]

    def perform(self, context: LaunchContext) -> str:
        """Return ``true`` or ``false``."""
        return _word(all(_truth(context, arg) for arg in self.__args))


class AnySubstitution(Substitution):
    """Whether any value is true; false for none."""

    def __init__(self, *args: SomeSubstitutionsType) -> None:
        self.__args = [normalize_to_list_of_substitutions(arg) for arg in args]

    def perform(self, context: LaunchContext) -> str:
        """Return ``true`` or ``false``."""
        return _word(any(_truth(context, arg) for arg in self.__args))


def _normalized(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return _word(value) if isinstance(value, bool) else str(value)
    return value


def _equal(left: str, right: str) -> bool:
    words = {"true": True, "1": True, "false": False, "0": False}
    if left.lower() in words and right.lower() in words:
        return words[left.lower()] == words[right.lower()]
    try:
        return math.isclose(float(left), float(right))
    except ValueError:
        return left == right


class EqualsSubstitution(_Binary):
    """Whether two values are equal: as truth values, numbers or texts."""

    def __init__(self, left: Any, right: Any) -> None:
        super().__init__(_normalized(left), _normalized(right))

    def _equal(self, context: LaunchContext) -> bool:
        return _equal(
            perform_substitutions(context, self._left), perform_substitutions(context, self._right)
        )

    def perform(self, context: LaunchContext) -> str:
        """Return ``true`` or ``false``."""
        return _word(self._equal(context))


class NotEqualsSubstitution(EqualsSubstitution):
    """Whether two values differ."""

    def perform(self, context: LaunchContext) -> str:
        """Return ``true`` or ``false``."""
        return _word(not self._equal(context))
