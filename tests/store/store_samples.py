"""Stores and comparisons that the store tests share."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np

from aisle.store.types import Store

HERE = Path(__file__).parent
SOUND = HERE / "sound"
FULL_RACK = HERE.parents[1] / "config" / "stores" / "full_rack"


def copy_of_sound(folder: Path) -> Path:
    """A copy of the sound store that a test may spoil."""
    return Path(shutil.copytree(SOUND, folder / "shop"))


def assert_same_store(one: Store, two: Store, metres: float = 2e-6) -> None:
    """Asserts that two stores say the same, poses and sizes up to what writing rounds."""
    _assert_same(one, two, "store", metres)


def _assert_same(one: object, two: object, where: str, metres: float) -> None:
    if hasattr(one, "__dataclass_fields__"):
        assert type(one) is type(two), where
        for field in fields(one):  # type: ignore[arg-type]
            name = field.name
            _assert_same(getattr(one, name), getattr(two, name), f"{where}.{name}", metres)
    elif isinstance(one, dict) and isinstance(two, dict):
        assert list(one) == list(two), where
        for key in one:
            _assert_same(one[key], two[key], f"{where}[{key}]", metres)
    elif isinstance(one, np.ndarray):
        assert isinstance(two, np.ndarray), where
        np.testing.assert_allclose(one, two, rtol=0, atol=metres, err_msg=where)
    elif isinstance(one, tuple) and any(isinstance(value, float) for value in one):
        np.testing.assert_allclose(one, two, rtol=0, atol=metres, err_msg=where)  # type: ignore[arg-type]
    elif isinstance(one, float):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-8, err_msg=where)  # type: ignore[arg-type]
    elif isinstance(one, Path) and isinstance(two, Path):
        # A copy of the store has copies of its files.
        assert one.read_bytes() == two.read_bytes(), where
    elif isinstance(one, tuple) and isinstance(two, tuple) and len(one) == len(two):
        for i, (left, right) in enumerate(zip(one, two, strict=True)):
            _assert_same(left, right, f"{where}[{i}]", metres)
    else:
        assert one == two, where
