"""Substitutions of texts, launch configurations and locals."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .._left_out import left_out
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from ..launch_context import LaunchContext


class SubstitutionFailure(RuntimeError):  # noqa: N818  the original's name
    """A substitution has no text in this context."""


def describe_all(subs: Iterable[Substitution]) -> str:
    """Join the descriptions of substitutions for people."""
    return " + ".join(sub.describe() for sub in subs)


class TextSubstitution(Substitution):
    """A fixed text."""

    def __init__(self, *, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"TextSubstitution wants a text, got '{type(text).__name__}'")
        self.__text = text

    @property
    def text(self) -> str:
        """The text."""
        return self.__text

    def describe(self) -> str:
        """Return the text in quotes."""
        return f"'{self.__text}'"

    def perform(self, context: LaunchContext) -> str:
        """Return the text."""
        return self.__text


class LaunchConfiguration(Substitution):
    """The value of a launch configuration, or the default when it is not set."""

    def __init__(self, variable_name: SomeSubstitutionsType, *, default: Any = None) -> None:
        self.__name = normalize_to_list_of_substitutions(variable_name)
        self.__default: list[Substitution] | None = None
        if default is not None:
            if isinstance(default, bool | int | float):
                default = str(default)
            self.__default = normalize_to_list_of_substitutions(default)

    @property
    def variable_name(self) -> list[Substitution]:
        """The name, as substitutions."""
        return self.__name

    def describe(self) -> str:
        """Return the name for people."""
        return f"LaunchConfig({describe_all(self.__name)})"

    def perform(self, context: LaunchContext) -> str:
        """Return the value.

        Raises:
            SubstitutionFailure: It is not set and there is no default.
        """
        name = perform_substitutions(context, self.__name)
        if name in context.launch_configurations:
            value: str = context.launch_configurations[name]
            return value
        if self.__default is None:
            raise SubstitutionFailure(f"launch configuration '{name}' does not exist")
        return perform_substitutions(context, self.__default)


class LocalSubstitution(Substitution):
    """An attribute of the context's locals, such as ``event.returncode``."""

    def __init__(self, expression: str, description: str | None = None) -> None:
        self.__expression = expression
        self.__description = description

    @property
    def expression(self) -> str:
        """The dotted name."""
        return self.__expression

    def describe(self) -> str:
        """Return the description, or the dotted name."""
        return f"LocalVar('{self.__description or self.__expression}')"

    def perform(self, context: LaunchContext) -> str:
        """Return the value as text."""
        value: Any = context.locals
        for part in self.__expression.split("."):
            if not part.isidentifier():
                raise left_out(f"LocalSubstitution('{self.__expression}')")
            value = getattr(value, part)
        return str(value)


class EnvironmentVariable(Substitution):
    """The value of an environment variable."""

    def __init__(
        self, name: SomeSubstitutionsType, *, default_value: SomeSubstitutionsType | None = None
    ) -> None:
        self.__name = normalize_to_list_of_substitutions(name)
        self.__default = (
            None if default_value is None else normalize_to_list_of_substitutions(default_value)
        )

    @property
    def name(self) -> list[Substitution]:
        """The name, as substitutions."""
        return self.__name

    def describe(self) -> str:
        """Return the name for people."""
        return f"EnvVar({describe_all(self.__name)})"

    def perform(self, context: LaunchContext) -> str:
        """Return the value, or the default.

        Raises:
            SubstitutionFailure: It is not set and there is no default.
        """
        name = perform_substitutions(context, self.__name)
        if name in context.environment:
            return context.environment[name]
        if self.__default is None:
            raise SubstitutionFailure(f"environment variable '{name}' does not exist")
        return perform_substitutions(context, self.__default)


class PathJoinSubstitution(Substitution):
    """Parts of a path, joined; each part is a text, a substitution or a list of them."""

    def __init__(self, substitutions: Iterable[SomeSubstitutionsType]) -> None:
        self.__parts = [normalize_to_list_of_substitutions(part) for part in substitutions]

    @property
    def substitutions(self) -> list[list[Substitution]]:
        """The parts."""
        return self.__parts

    def describe(self) -> str:
        """Return the parts for people."""
        return f"PathJoin({', '.join(describe_all(part) for part in self.__parts)})"

    def perform(self, context: LaunchContext) -> str:
        """Return the path."""
        parts = [perform_substitutions(context, part) for part in self.__parts]
        return os.path.join(*parts)  # noqa: PTH118  a later absolute part replaces


class StringJoinSubstitution(Substitution):
    """Parts joined with a delimiter."""

    def __init__(
        self, substitutions: Iterable[SomeSubstitutionsType], delimiter: SomeSubstitutionsType = ""
    ) -> None:
        self.__parts = [normalize_to_list_of_substitutions(part) for part in substitutions]
        self.__delimiter = normalize_to_list_of_substitutions(delimiter)

    def describe(self) -> str:
        """Return the parts for people."""
        return f"StringJoin({', '.join(describe_all(part) for part in self.__parts)})"

    def perform(self, context: LaunchContext) -> str:
        """Return the text."""
        return perform_substitutions(context, self.__delimiter).join(
            perform_substitutions(context, part) for part in self.__parts
        )


class IfElseSubstitution(Substitution):
    """One of two values, chosen by a condition."""

    def __init__(
        self,
        condition: SomeSubstitutionsType,
        if_value: SomeSubstitutionsType = "",
        else_value: SomeSubstitutionsType = "",
    ) -> None:
        self.__condition = normalize_to_list_of_substitutions(condition)
        self.__values: Mapping[bool, list[Substitution]] = {
            True: normalize_to_list_of_substitutions(if_value),
            False: normalize_to_list_of_substitutions(else_value),
        }

    def describe(self) -> str:
        """Return condition and values for people."""
        return (
            f"IfElseSubstitution({describe_all(self.__condition)}, "
            f"{describe_all(self.__values[True])}, {describe_all(self.__values[False])})"
        )

    def perform(self, context: LaunchContext) -> str:
        """Return the value."""
        from ..conditions import InvalidConditionExpressionError, evaluate_condition_expression

        try:
            chosen = evaluate_condition_expression(context, self.__condition)
        except InvalidConditionExpressionError as error:
            raise SubstitutionFailure(str(error)) from error
        return perform_substitutions(context, self.__values[chosen])
