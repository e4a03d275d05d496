"""What may stand where a text is wanted."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import Union

from .substitution import Substitution

SomeSubstitutionsType = Union[
    str, Substitution, "PathLike[str]", Iterable[Union[str, Substitution]]  # noqa: UP007
]
