"""Stores that several parts of the tests share."""

import numpy as np

from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec
from aisle.store.write import write_store


def small_store(folder):
    """Write a store with 2 gondolas of 3 shelves of 6 plates, and return its folder."""
    spec = StoreSpec(name="small", gondolas=2, shelves=(3,), plates=(6,), frameless=0.0)
    return write_store(generate_store(np.random.default_rng(5), spec), folder)
