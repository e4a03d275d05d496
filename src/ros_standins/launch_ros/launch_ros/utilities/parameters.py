"""Parameters of nodes, from what a launch file gives to plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml
from launch.substitution import Substitution
from launch.substitutions import TextSubstitution
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

from ..parameter_descriptions import Parameter, ParameterFile, ParameterValue

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

Value: TypeAlias = "bool | int | float | str | bytes | list[bool | int | float | str]"
_SCALARS = (bool, int, float, str)

# Normalized: a file, one rule, or names with values; a value is a plain value, a tuple of plain
# values, a tuple of substitutions (one text), or a tuple of such tuples (a list of texts).
Normalized: TypeAlias = "ParameterFile | Parameter | dict[tuple[Substitution, ...], Any]"


def normalize_parameters(parameters: Iterable[Any]) -> list[Normalized]:
    """Check a node's ``parameters`` and bring each into one form.

    Args:
        parameters: Files (path or substitutions), dictionaries, ``Parameter``,
            ``ParameterFile``. Nested dictionaries become names with dots.

    Raises:
        TypeError: ``parameters`` is no list, or a value has a type that no parameter has.
    """
    if isinstance(parameters, str) or not isinstance(parameters, Sequence):
        raise TypeError(f"expecting a list of parameters, got {parameters!r}")
    normalized: list[Normalized] = []
    for parameter in parameters:
        if isinstance(parameter, Mapping):
            normalized.append(normalize_parameter_dict(parameter))
        elif isinstance(parameter, ParameterFile | Parameter):
            normalized.append(parameter)
        else:
            normalized.append(ParameterFile(parameter))
    return normalized


def normalize_parameter_dict(
    parameters: Mapping[Any, Any], prefix: tuple[Substitution, ...] = ()
) -> dict[tuple[Substitution, ...], Any]:
    """Flatten nested dictionaries and normalize names and values.

    Raises:
        TypeError: A value has a type that no parameter has.
    """
    normalized: dict[tuple[Substitution, ...], Any] = {}
    for key, value in parameters.items():
        dot = (TextSubstitution(text="."),) if prefix else ()
        name = (*prefix, *dot, *normalize_to_list_of_substitutions(key))
        if isinstance(value, Mapping):
            normalized.update(normalize_parameter_dict(value, name))
        else:
            normalized[name] = _normalize_value(value)
    return normalized


def _normalize_value(value: Any) -> Any:
    if isinstance(value, ParameterValue | bool | int | float | bytes):
        return value
    if isinstance(value, str):
        # Quoted as YAML needs it, so that a text that looks like a number stays a text.
        return tuple(normalize_to_list_of_substitutions(yaml.dump(value)))
    if isinstance(value, Substitution):
        return (value,)
    if isinstance(value, Sequence):
        return _normalize_list(value)
    raise TypeError(f"unexpected type for a parameter value: {value!r}")


def _normalize_list(values: Sequence[Any]) -> tuple[Any, ...]:
    kinds = {_kind(value) for value in values}
    if kinds in ({int}, {bool}):
        return tuple(values)
    if kinds in ({float}, {int, float}):
        return tuple(float(value) for value in values)
    if Substitution in kinds and kinds <= {str, Substitution, tuple}:
        return tuple(normalize_to_list_of_substitutions(values))
    return tuple(
        tuple(
            normalize_to_list_of_substitutions(
                yaml.dump(value) if isinstance(value, _SCALARS) else value
            )
        )
        for value in values
    )


def _kind(value: Any) -> type:
    if isinstance(value, Substitution):
        return Substitution
    if isinstance(value, _SCALARS):
        return type(value)
    if isinstance(value, Sequence):
        return tuple
    raise TypeError(f"unexpected type in a list of parameter values: {value!r}")


def evaluate_parameters(
    context: LaunchContext, parameters: Iterable[Normalized]
) -> list[Path | Parameter | dict[str, Value]]:
    """Perform the substitutions of normalized parameters.

    Texts from substitutions are read as YAML, so ``1`` is a number and ``'1'`` a text.

    Raises:
        TypeError: A text is no parameter value, or a list has items of several types.
    """
    evaluated: list[Path | Parameter | dict[str, Value]] = []
    for parameter in parameters:
        if isinstance(parameter, ParameterFile):
            evaluated.append(parameter.evaluate(context))
        elif isinstance(parameter, Parameter):
            parameter.evaluate(context)
            evaluated.append(parameter)
        else:
            evaluated.append(evaluate_parameter_dict(context, parameter))
    return evaluated


def evaluate_parameter_dict(
    context: LaunchContext, parameters: Mapping[tuple[Substitution, ...], Any]
) -> dict[str, Value]:
    """Perform the substitutions of a normalized dictionary.

    Raises:
        TypeError: See :func:`evaluate_parameters`.
    """
    return {
        perform_substitutions(context, name): _evaluate(context, value)
        for name, value in parameters.items()
    }


def _evaluate(context: LaunchContext, value: Any) -> Value:
    if isinstance(value, ParameterValue):
        return value.evaluate(context)
    if isinstance(value, tuple):
        if not value:
            raise TypeError("a list of parameter values must not be empty")
        if isinstance(value[0], Substitution):
            return checked(yaml.safe_load(perform_substitutions(context, value)))
        if isinstance(value[0], tuple):
            texts = [perform_substitutions(context, item) for item in value]
            return checked([yaml.safe_load(text) for text in texts])
        return list(value)
    plain: Value = value
    return plain


def checked(value: Any) -> Value:
    """Return ``value`` when it can be a parameter.

    Raises:
        TypeError: It cannot: the type is wrong, or a list is empty or of several types.
    """
    if isinstance(value, bool | int | float | str | bytes):
        return value
    if not isinstance(value, list):
        raise TypeError(
            "Allowed value types are bytes, bool, int, float, str, Sequence[bool], "
            f"Sequence[int], Sequence[float], Sequence[str]. Got {type(value)}."
        )
    if not value or type(value[0]) not in _SCALARS or len({type(item) for item in value}) != 1:
        raise TypeError(
            "Expected a non-empty sequence, with items of uniform type. "
            "Allowed sequence item types are bool, int, float, str."
        )
    return value
