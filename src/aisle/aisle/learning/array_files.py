"""Training data as dataclasses of arrays: one store a file, in folders that may still grow."""

from __future__ import annotations

import io
import zlib
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from aisle.files import write_atomic

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)
else:
    T = TypeVar("T")


def save(arrays: DataclassInstance, path: Path) -> None:
    """Write a file, whole or not at all."""
    data = io.BytesIO()
    np.savez(data, **{field.name: getattr(arrays, field.name) for field in fields(arrays)})
    write_atomic(path, data.getvalue())


def load(kind: type[T], path: Path) -> T:
    """Read a file of `save`.

    Raises:
        ValueError: It is none, or of something else.
    """
    names = [field.name for field in fields(kind)]
    arrays = read_arrays(path)
    missing = sorted(set(names) - set(arrays))
    if missing:
        raise ValueError(f"{path}: no {', '.join(missing)}")
    return kind(**{name: arrays[name] for name in names})


def read_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """All arrays of an `.npz` file, by name.

    Raises:
        ValueError: It is none, or is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (BadZipFile, EOFError, TypeError, ValueError, AttributeError, zlib.error) as error:
        raise ValueError(f"{path}: no arrays, or cut off: {error!r}") from error


class Library(Generic[T]):
    """The stores of a directory, the newest too; each file is read once.

    Args:
        directory: Where the files are.
        kind: What is in them.
        name: Files are called `<name>-*.npz`, and `aisle.learning.<name>` makes them.
    """

    def __init__(self, directory: Path, kind: type[T], name: str) -> None:
        self.directory, self._kind, self._name = directory, kind, name
        self._known: dict[Path, T] = {}

    def stores(self) -> list[T]:
        """All that there are now.

        Raises:
            ValueError: There is none, or a file is damaged.
        """
        for path in sorted(self.directory.glob(f"{self._name}-*.npz")):
            if path not in self._known:
                self._known[path] = load(self._kind, path)
        if not self._known:
            raise ValueError(
                f"{self.directory}: no {self._name}-*.npz; `aisle.learning.{self._name}` makes them"
            )
        return list(self._known.values())
