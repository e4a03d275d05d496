"""How the stand-ins refuse what they leave out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def left_out(name: str) -> NotImplementedError:
    """Make the error for a part of the original that the stand-in does not have.

    Args:
        name: Dotted name of the part, as a user would write it.

    Returns:
        The error to raise.
    """
    return NotImplementedError(f"{name} is left out of this stand-in")


def refuse(names: Iterable[str], module: str) -> Callable[[str], Any]:
    """Make a module ``__getattr__`` that names what the stand-in leaves out.

    Args:
        names: Attributes of the original that the stand-in does not have.
        module: Name of the module.

    Returns:
        A function for the module's ``__getattr__``: it raises ``NotImplementedError`` for
        ``names`` and ``AttributeError`` for anything else.
    """
    known = frozenset(names)

    def getattribute(name: str) -> Any:
        if name in known:
            raise left_out(f"{module}.{name}")
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return getattribute


def refuse_arguments(owner: str, arguments: dict[str, Any], known: Iterable[str]) -> None:
    """Refuse leftover keyword arguments of a constructor.

    Args:
        owner: Name of the class.
        arguments: What the caller gave beyond the supported arguments.
        known: Arguments of the original that the stand-in leaves out.

    Raises:
        NotImplementedError: One of ``arguments`` exists in the original.
        TypeError: One of ``arguments`` does not exist there either.
    """
    for name in arguments:
        if name in set(known):
            raise left_out(f"{owner}({name}=...)")
        raise TypeError(f"{owner}() got an unexpected keyword argument {name!r}")
