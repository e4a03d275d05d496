"""One launch test for each of several values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])
_MARK = "__parametrized__"


def parametrize(
    argnames: str | Iterable[str], argvalues: Iterable[Any]
) -> Callable[[_Function], _Function]:
    """Launch and test once for each of ``argvalues``.

    Args:
        argnames: Names, or one text with commas, of arguments of the decorated function; tests
            can ask for them by name too.
        argvalues: A value for each run, or a tuple of values when there are several names.
    """
    names = (
        [name.strip() for name in argnames.split(",")]
        if isinstance(argnames, str)
        else list(argnames)
    )
    runs = [
        dict(zip(names, values if len(names) > 1 else (values,), strict=True))
        for values in argvalues
    ]

    def mark(function: _Function) -> _Function:
        setattr(function, _MARK, runs)
        return function

    return mark


def runs_of(function: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """Yield the arguments of each run; one run without any when there is no mark."""
    yield from getattr(function, _MARK, [{}])
