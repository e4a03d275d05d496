"""The examples of docs/formats.md, put together, are a sound store."""

import re
from pathlib import Path

import pytest

from aisle.store.load import check_store, load_store

DOCUMENT = (Path(__file__).parents[2] / "docs/formats.md").read_text("utf-8")
FILES = (
    "rig.yaml",
    "store.urdf.xacro",
    "catalogue.csv",
    "planogram.csv",
    "floor_plan.geojson",
)


@pytest.fixture
def folder(tmp_path):
    for name in FILES:
        section = DOCUMENT.split(f"### `{name}`\n", 1)[1]
        block = re.search(r"```\w*\n(.*?)```", section, re.DOTALL)
        (tmp_path / name).write_text(block[1], "utf-8")
    return tmp_path


def test_the_examples_make_up_a_store_that_lacks_only_pictures(folder):
    assert [problem.rule for problem in check_store(folder)] == ["product-without-images"]
    store = load_store(folder)[0]
    assert set(store.controllers) == {"left", "fridge"}
    assert {slot.product for slot in store.slots.values()} <= set(store.products)
