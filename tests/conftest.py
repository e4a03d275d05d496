"""Settings of all tests."""

import os

import pytest
from hypothesis import settings

# A busy machine is no failure. The gate draws the same examples each time, so that it judges the
# change before it; everywhere else new ones are drawn, and find what nobody thought of.
settings.register_profile("aisle", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("aisle")


@pytest.fixture
def one_thread():
    """torch computes with one thread, so that sums come out alike."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
