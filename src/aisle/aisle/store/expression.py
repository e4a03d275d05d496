"""Arithmetic of xacro expressions, without Python's `eval`.

Store files come from strangers, and xacro's own evaluation can be led to run any code. This one
knows numbers, text, names, arithmetic, comparison and a few functions, and nothing else.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable
from typing import Any

Value = int | float | str | bool
_MAX_LENGTH = 500
_MAX_TEXT = 10_000
_MAX_INTEGER = 10**15

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_MATH_FUNCTIONS = (
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sqrt", "hypot", "floor", "ceil",
    "radians", "degrees",
)  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(math, name) for name in _MATH_FUNCTIONS},
    **{f.__name__: f for f in (min, max, abs, round, int, float, str, bool)},
}
_CONSTANTS: dict[str, Value] = {"pi": math.pi, "true": True, "false": False}


class ExpressionError(ValueError):
    """An expression is wrong, or asks for more than arithmetic."""


def evaluate(text: str, lookup: Callable[[str], object]) -> Value:
    """Value of an expression.

    Args:
        text: For example `0.1 * count + 2 * sin(pi / 4)`.
        lookup: Value of a name; raises KeyError for an unknown one.

    Raises:
        ExpressionError: With the reason.
    """
    if len(text) > _MAX_LENGTH:
        raise ExpressionError(f"longer than {_MAX_LENGTH} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(text.strip(), mode="eval")
        return _value(tree.body, lookup)
    except (SyntaxError, ArithmeticError, TypeError, ValueError, RecursionError, MemoryError) as e:
        raise ExpressionError(str(e) or type(e).__name__) from e


def _value(node: ast.expr, lookup: Callable[[str], object]) -> Value:
    if isinstance(node, ast.Constant):
        return _plain(node.value)
    if isinstance(node, ast.Name):
        return _name(node.id, lookup)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        return _plain(_UNARY[type(node.op)](_value(node.operand, lookup)))
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = _value(node.left, lookup), _value(node.right, lookup)
        if not isinstance(node.op, ast.Add) and (isinstance(left, str) or isinstance(right, str)):
            raise ExpressionError("text can only be added")
        return _plain(_BINARY[type(node.op)](left, right))
    if isinstance(node, ast.BoolOp):
        values = (_value(value, lookup) for value in node.values)
        return all(values) if isinstance(node.op, ast.And) else any(values)
    if isinstance(node, ast.IfExp):
        return _value(node.body if _value(node.test, lookup) else node.orelse, lookup)
    if isinstance(node, ast.Compare):
        return _compare(node, lookup)
    if isinstance(node, ast.Call):
        return _call(node, lookup)
    if isinstance(node, ast.Attribute) and ast.unparse(node) == "math.pi":
        return math.pi
    raise ExpressionError(f"{type(node).__name__} is not allowed")


def _plain(value: object) -> Value:
    if not isinstance(value, int | float | str):
        raise ExpressionError(f"{type(value).__name__} is not allowed")
    if isinstance(value, str) and len(value) > _MAX_TEXT:
        raise ExpressionError("text too long")
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionError("number not finite")
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        raise ExpressionError("number too large")
    return value


def _name(name: str, lookup: Callable[[str], object]) -> Value:
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    try:
        return _plain(lookup(name))
    except KeyError:
        raise ExpressionError(f"'{name}' is not defined") from None


def _compare(node: ast.Compare, lookup: Callable[[str], object]) -> bool:
    left = _value(node.left, lookup)
    for op, right_node in zip(node.ops, node.comparators, strict=True):
        if type(op) not in _COMPARE:
            raise ExpressionError(f"{type(op).__name__} is not allowed")
        right = _value(right_node, lookup)
        if not _COMPARE[type(op)](left, right):
            return False
        left = right
    return True


def _call(node: ast.Call, lookup: Callable[[str], object]) -> Value:
    function = node.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        name = function.attr if function.value.id == "math" else ""
        allowed = name in _MATH_FUNCTIONS
    else:
        name = function.id if isinstance(function, ast.Name) else ""
        allowed = name in _FUNCTIONS
    if not allowed or node.keywords:
        raise ExpressionError(f"call of '{ast.unparse(function)[:40]}' is not allowed")
    return _plain(_FUNCTIONS[name](*(_value(argument, lookup) for argument in node.args)))
