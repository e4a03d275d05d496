"""Parameters with a name, a type or a file."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from launch._left_out import left_out
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

    from .utilities.parameters import Value

__all__ = ["Parameter", "ParameterFile", "ParameterValue"]


class ParameterValue:
    """A value with a type: ``str``, ``int``, ``float``, ``bool`` or a list of one of these.

    Without a type the text is read as YAML.
    """

    def __init__(self, value: Any, *, value_type: Any = None) -> None:
        self.__value = value
        self.__value_type = value_type

    @property
    def value(self) -> Any:
        """The value as given."""
        return self.__value

    @property
    def value_type(self) -> Any:
        """The type, or ``None``."""
        return self.__value_type

    def evaluate(self, context: LaunchContext) -> Value:
        """Return the plain value.

        Raises:
            TypeError: The text is not of that type.
        """
        from .utilities.parameters import checked

        value = self.__value
        if isinstance(value, str | Substitution) or _is_joined(value):
            text = perform_substitutions(context, normalize_to_list_of_substitutions(value))
            if self.__value_type is str:
                return text
            value = yaml.safe_load(text)
        elif isinstance(value, list | tuple):
            value = [self._item(context, item) for item in value]
        if self.__value_type is None:
            return checked(value)
        return checked(_converted(value, self.__value_type))

    def _item(self, context: LaunchContext, item: Any) -> Any:
        if isinstance(item, bool | int | float):
            return item
        text = perform_substitutions(context, normalize_to_list_of_substitutions(item))
        if typing.get_args(self.__value_type) == (str,) or isinstance(item, str):
            return text
        return yaml.safe_load(text)


def _is_joined(value: Any) -> bool:
    """Tell whether a list is one text in pieces: texts and at least one substitution."""
    return (
        isinstance(value, list | tuple)
        and any(isinstance(item, Substitution) for item in value)
        and all(isinstance(item, str | Substitution) for item in value)
    )


def _converted(value: Any, value_type: Any) -> Any:
    item_types = typing.get_args(value_type)
    if item_types:
        if not isinstance(value, list):
            raise TypeError(f"'{value!r}' is not a list")
        return [_converted(item, item_types[0]) for item in value]
    if value_type is float and type(value) is int:
        return float(value)
    if type(value) is not value_type:
        raise TypeError(f"'{value!r}' is not of type {value_type.__name__}")
    return value


class Parameter:
    """One parameter by name."""

    def __init__(self, name: SomeSubstitutionsType, value: Any, *, value_type: Any = None) -> None:
        self.__name = normalize_to_list_of_substitutions(name)
        self.__value = ParameterValue(value, value_type=value_type)

    @property
    def name(self) -> list[Substitution]:
        """The name, as substitutions."""
        return self.__name

    @property
    def value(self) -> Any:
        """The value as given."""
        return self.__value.value

    def evaluate(self, context: LaunchContext) -> tuple[str, Value]:
        """Return name and plain value."""
        return perform_substitutions(context, self.__name), self.__value.evaluate(context)


class ParameterFile:
    """A parameter file."""

    def __init__(
        self,
        param_file: SomeSubstitutionsType,
        *,
        allow_substs: bool | SomeSubstitutionsType = False,
    ) -> None:
        if allow_substs is not False:
            raise left_out("ParameterFile(allow_substs=...)")
        self.__path = normalize_to_list_of_substitutions(param_file)

    @property
    def param_file(self) -> list[Substitution]:
        """The path, as substitutions."""
        return self.__path

    def evaluate(self, context: LaunchContext) -> Path:
        """Return the path."""
        return Path(perform_substitutions(context, self.__path))
