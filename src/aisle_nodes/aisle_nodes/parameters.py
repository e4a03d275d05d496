"""Typed parameter schemas: one frozen dataclass for each node.

From a schema come the declaration with descriptors, the validation, the YAML file with defaults
and the table in the documentation. Fields are made with `parameter`; their types are `bool`,
`int`, `float`, `str` and `tuple[str, ...]`. Every parameter is read-only: it takes effect when
the node starts.
"""

from __future__ import annotations

import dataclasses
import math
import re
import typing
from dataclasses import dataclass
from typing import Any, TypeVar

S = TypeVar("S")
Value = bool | int | float | str | tuple[str, ...]

_TYPE_NAMES = {
    bool: "true or false",
    int: "an integer",
    float: "a decimal number",
    str: "a text",
    tuple: "a list of texts",
}


class ParameterError(ValueError):
    """A parameter has a value that its rule refuses; the text names parameter, rule and value."""


@dataclass(frozen=True)
class Rule:
    """What a parameter is and which values it takes."""

    description: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    """Regular expression that each text matches in full."""
    pattern_text: str = ""
    """The pattern in words."""
    required: bool = False
    """An empty text or list is refused."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a schema."""

    name: str
    kind: type
    default: Value
    rule: Rule

    @property
    def type_name(self) -> str:
        """The type in words."""
        return _TYPE_NAMES[self.kind]

    @property
    def constraint(self) -> str:
        """The rule in words, without the type; empty when any value will do."""
        rule = self.rule
        parts = []
        if rule.minimum is not None and rule.maximum is not None:
            parts.append(f"{_number(rule.minimum)} to {_number(rule.maximum)}")
        elif rule.minimum is not None:
            parts.append(f"at least {_number(rule.minimum)}")
        elif rule.maximum is not None:
            parts.append(f"at most {_number(rule.maximum)}")
        if rule.choices:
            parts.append("one of " + ", ".join(choice or "''" for choice in rule.choices))
        if rule.pattern:
            parts.append(rule.pattern_text or f"matching {rule.pattern}")
        if rule.required:
            parts.append("not empty")
        return ", ".join(parts)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def parameter(default: Any, description: str, **rule: Any) -> Any:
    """Make a schema field; `rule` holds the other fields of `Rule`."""
    return dataclasses.field(
        default=default, metadata={"rule": Rule(description=description, **rule)}
    )


def parameters_of(schema: type[Any]) -> list[Parameter]:
    """Return the parameters of a schema in order of declaration."""
    hints = typing.get_type_hints(schema)
    found = []
    for field in dataclasses.fields(schema):
        kind = typing.get_origin(hints[field.name]) or hints[field.name]
        default = typing.cast(Value, field.default)
        found.append(Parameter(field.name, kind, default, field.metadata["rule"]))
    return found


def check(parameter: Parameter, value: object) -> Value:
    """Return `value` as the type of the schema, or raise `ParameterError`.

    A list becomes a tuple without its empty texts, because an empty list cannot be written in a
    ROS parameter file. Nothing else is converted: 1 is not a decimal number.
    """
    if parameter.kind is tuple and isinstance(value, (list, tuple)):
        value = tuple(item for item in value if item != "")
    right_type = type(value) is parameter.kind and (
        not isinstance(value, tuple) or all(isinstance(item, str) for item in value)
    )
    if not right_type:
        hint = " (write 1.0, not 1)" if parameter.kind is float and type(value) is int else ""
        raise ParameterError(
            f"parameter '{parameter.name}' must be {parameter.type_name}, is {value!r}{hint}"
        )
    if not _holds(parameter.rule, value):
        unit = f" {parameter.rule.unit}" if parameter.rule.unit else ""
        raise ParameterError(
            f"parameter '{parameter.name}' must be {parameter.constraint}{unit}, is {value!r}"
        )
    return typing.cast(Value, value)


def _holds(rule: Rule, value: object) -> bool:
    if rule.required and value in ("", ()):
        return False
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low = -math.inf if rule.minimum is None else rule.minimum
        high = math.inf if rule.maximum is None else rule.maximum
        return math.isfinite(value) and low <= value <= high
    texts = value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
    return all(
        (not rule.choices or text in rule.choices)
        and (not rule.pattern or re.fullmatch(rule.pattern, text) is not None)
        for text in texts
    )


def build(schema: type[S], values: typing.Mapping[str, object]) -> S:
    """Check `values` (defaults where absent) and return the schema's instance.

    Raises:
        ParameterError: a value breaks a rule, or a name is not in the schema.
    """
    known = {p.name: p for p in parameters_of(schema)}
    for name in values:
        if name not in known:
            raise ParameterError(f"parameter '{name}' does not exist; there are {sorted(known)}")
    return schema(**{n: check(p, values.get(n, p.default)) for n, p in known.items()})


def declare(node: Any, schema: type[S]) -> S:
    """Declare the schema's parameters on a node and return their checked values.

    Args:
        node: An `rclpy.node.Node`.
        schema: The schema.

    Raises:
        ParameterError: a value given from outside breaks a rule.
    """
    values = {}
    for item in parameters_of(schema):
        default = list(item.default) or [""] if isinstance(item.default, tuple) else item.default
        # Dynamic typing lets the schema, not rclpy, word the refusal of a wrong type.
        declared = node.declare_parameter(item.name, default, _descriptor(item))
        values[item.name] = declared.value
    return build(schema, values)


def _descriptor(item: Parameter) -> Any:
    from rcl_interfaces.msg import ParameterDescriptor

    text = item.rule.description + (f" [{item.rule.unit}]" if item.rule.unit else "")
    return ParameterDescriptor(
        description=text,
        additional_constraints=item.constraint,
        read_only=True,
        dynamic_typing=True,
    )


def yaml_text(node: str, schema: type[Any]) -> str:
    """Return a ROS parameter file with all defaults, each with its description as a comment."""
    lines = [f"/**/{node}:", "  ros__parameters:"]
    for item in parameters_of(schema):
        unit = f" [{item.rule.unit}]" if item.rule.unit else ""
        constraint = f" ({item.constraint})" if item.constraint else ""
        lines.append(f"    # {item.rule.description}{unit}{constraint}")
        lines.append(f"    {item.name}: {_yaml_value(item.default)}")
    return "\n".join(lines) + "\n"


def _yaml_value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in value or ("",)) + "]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def markdown_table(schema: type[Any]) -> str:
    """Return the schema as a table of name, type, default, unit, rule and meaning."""
    rows = ["| parameter | type | default | unit | rule | meaning |", "|---|---|---|---|---|---|"]
    for item in parameters_of(schema):
        cells = (
            f"`{item.name}`",
            item.type_name.removeprefix("a ").removeprefix("an "),
            f"`{_yaml_value(item.default)}`",
            item.rule.unit,
            item.constraint.replace("|", "\\|"),
            item.rule.description.replace("|", "\\|"),
        )
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"
