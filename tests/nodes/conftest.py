"""A small store, a toy model, and nodes that run inside the test's process."""

import itertools
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from ros_graph import Graph
from samples import small_store
from toy_model import write_toy_model

# Tests on the same machine at the same time keep apart.
DOMAINS = itertools.count(20 + os.getpid() % 30)


@pytest.fixture(scope="session")
def store_dir(tmp_path_factory):
    """The folder of a store with 2 gondolas of 3 shelves of 6 plates."""
    return small_store(tmp_path_factory.mktemp("store") / "small")


@pytest.fixture(scope="session")
def toy_model(tmp_path_factory):
    """The path of the toy model."""
    return write_toy_model(tmp_path_factory.mktemp("model") / "toy.onnx")


@pytest.fixture
def graph():
    """A ROS domain of its own for each test."""
    graph = Graph(next(DOMAINS) % 100)
    yield graph
    graph.close()
