"""A small, closed subset of Python expressions."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .._left_out import left_out
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from .text import SubstitutionFailure, describe_all

if TYPE_CHECKING:
    from ..launch_context import LaunchContext

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (abs, all, any, bool, float, int, len, max, min, round, sorted, str, sum)
}
_METHODS = frozenset(
    [
        "count",
        "endswith",
        "find",
        "get",
        "index",
        "join",
        "lower",
        "lstrip",
        "replace",
        "rstrip",
        "split",
        "startswith",
        "strip",
        "upper",
        "isdigit",
        "keys",
        "values",
        "items",
    ]
)


class PythonExpression(Substitution):
    """The value of an expression, as text.

    The expression is never handed to the interpreter: literals, arithmetic, comparisons,
    conditions, subscripts, a few functions, text methods and the module ``math`` are known.
    """

    def __init__(
        self,
        expression: SomeSubstitutionsType,
        python_modules: SomeSubstitutionsType | Iterable[str] = ("math",),
    ) -> None:
        self.__expression = normalize_to_list_of_substitutions(expression)
        self.__modules = normalize_to_list_of_substitutions(python_modules)

    @property
    def expression(self) -> list[Substitution]:
        """The expression, as substitutions."""
        return self.__expression

    def describe(self) -> str:
        """Return the expression for people."""
        return f"PythonExpr({describe_all(self.__expression)})"

    def perform(self, context: LaunchContext) -> str:
        """Return the value as text.

        Raises:
            NotImplementedError: The expression uses what the subset leaves out.
            SubstitutionFailure: It cannot be evaluated.
        """
        modules = [perform_substitutions(context, [module]) for module in self.__modules]
        if any(module != "math" for module in modules):
            raise left_out("PythonExpression(python_modules=...) other than math")
        text = perform_substitutions(context, self.__expression)
        try:
            return str(_value(ast.parse(text.strip(), mode="eval").body))
        except NotImplementedError:
            raise
        except Exception as error:
            raise SubstitutionFailure(f"failed to evaluate '{text}': {error}") from error


def _value(node: ast.expr) -> Any:
    evaluate = _NODES.get(type(node))
    if evaluate is None:
        raise left_out(f"PythonExpression with {type(node).__name__}")
    return evaluate(node)


def _binary(node: ast.BinOp) -> Any:
    function = _OPERATORS.get(type(node.op))
    if function is None:
        raise left_out(f"PythonExpression with {type(node.op).__name__}")
    return function(_value(node.left), _value(node.right))


def _unary(node: ast.UnaryOp) -> Any:
    function = _OPERATORS.get(type(node.op))
    if function is None:
        raise left_out(f"PythonExpression with {type(node.op).__name__}")
    return function(_value(node.operand))


def _boolean(node: ast.BoolOp) -> Any:
    stop_at = isinstance(node.op, ast.Or)
    value: Any = not stop_at
    for part in node.values:
        value = _value(part)
        if bool(value) is stop_at:
            return value
    return value


def _compare(node: ast.Compare) -> bool:
    left = _value(node.left)
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = _value(comparator)
        if not _OPERATORS[type(op)](left, right):
            return False
        left = right
    return True


def _name(node: ast.Name) -> Any:
    # Words such as ``true`` arrive unquoted from launch configurations.
    if node.id in vars(math) and not node.id.startswith("_"):
        return getattr(math, node.id)
    raise NameError(f"name '{node.id}' is not defined")


def _attribute(node: ast.Attribute) -> Any:
    if isinstance(node.value, ast.Name) and node.value.id == "math" and node.attr[0] != "_":
        return getattr(math, node.attr)
    raise left_out(f"PythonExpression with the attribute '{node.attr}'")


def _call(node: ast.Call) -> Any:
    arguments = [_value(argument) for argument in node.args]
    if node.keywords:
        raise left_out("PythonExpression with keyword arguments")
    function = node.func
    if isinstance(function, ast.Name) and function.id in _FUNCTIONS:
        return _FUNCTIONS[function.id](*arguments)
    is_math = isinstance(function, ast.Name) or (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "math"
    )
    if is_math:
        return _value(function)(*arguments)
    if isinstance(function, ast.Attribute) and function.attr in _METHODS:
        return getattr(_value(function.value), function.attr)(*arguments)
    raise left_out(f"PythonExpression with the call '{ast.unparse(node)}'")


def _slice(node: ast.Slice) -> slice:
    return slice(
        *(None if part is None else _value(part) for part in (node.lower, node.upper, node.step))
    )


_NODES: dict[type[ast.expr], Callable[[Any], Any]] = {
    ast.Constant: lambda node: node.value,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Slice: _slice,
    ast.IfExp: lambda node: _value(node.body) if _value(node.test) else _value(node.orelse),
    ast.List: lambda node: [_value(item) for item in node.elts],
    ast.Tuple: lambda node: tuple(_value(item) for item in node.elts),
    ast.Set: lambda node: {_value(item) for item in node.elts},
    ast.Dict: lambda node: {
        _value(key): _value(value) for key, value in zip(node.keys, node.values, strict=True)
    },
    ast.Subscript: lambda node: _value(node.value)[_value(node.slice)],
}
