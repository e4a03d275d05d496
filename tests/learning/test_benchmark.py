"""Benchmarks: the same figures however they are computed, and clear words for wrong usage."""

import json
from dataclasses import replace

import numpy as np
import pytest

from aisle.bags.evaluate import summary
from aisle.cli.main import main
from aisle.learning.benchmark import SUITES, MakeMethod, benchmark, spread
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec

SHORT = SUITES["calm"].model_copy(update={"stay_s": (12.0, 15.0), "action_s": 3.0})


@pytest.fixture(scope="module")
def store():
    spec = StoreSpec(name="small", gondolas=1, shelves=(2,), plates=(6,))
    return generate_store(np.random.default_rng(4), spec)


def test_more_processes_change_nothing_but_the_time(store):
    alone, shared = (
        summary(benchmark(store, SHORT, 2, 1, MakeMethod("model"), workers)) for workers in (1, 2)
    )
    for figures in (alone, shared):
        del figures["wall_s"]
    assert alone == shared
    assert alone["events"]["of"] > 0


@pytest.mark.parametrize("name", ["model", "yardstick"])
def test_a_shelf_on_two_controllers_is_scored_too(store, name):
    (only,) = store.controllers.values()
    parts = {"even": only.plates[::2], "odd": only.plates[1::2]}
    wired = {plate: (c, i) for c, plates in parts.items() for i, plate in enumerate(plates)}
    split = replace(
        store,
        controllers={c: replace(only, id=c, plates=plates) for c, plates in parts.items()},
        plates={
            plate.id: replace(plate, controller=wired[plate.id][0], channel=wired[plate.id][1])
            for plate in store.plates.values()
        },
    )
    found = benchmark(split, SHORT, 2, 1, MakeMethod(name))
    assert found.events_right > 0.5 * found.events > 0


def test_results_come_in_the_order_of_the_items():
    assert list(spread(abs, [-3, 2, -1], 1)) == [3, 2, 1]


def test_both_methods_are_scored_on_the_same_events(store, monkeypatch, capsys):
    monkeypatch.setitem(SUITES, "calm", SHORT)
    with pytest.raises(SystemExit) as ended:
        main(["bench", "calm", "--sessions", "1", "--workers", "1", "--json"])
    assert not ended.value.code
    found = json.loads(capsys.readouterr().out)
    assert found["model"]["events"]["of"] == found["yardstick"]["events"]["of"] > 0


def test_a_missing_model_is_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["bench", "calm", "--model", str(tmp_path / "none.onnx")])
    assert ended.value.code == 2
    assert "make train" in capsys.readouterr().err
