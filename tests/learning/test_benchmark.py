"""Benchmarks: the same figures however they are computed, and clear words for wrong usage."""

import json
from dataclasses import replace

import numpy as np
import pytest

from aisle.bags.evaluate import summary
from aisle.cli.main import main
from aisle.learning.benchmark import MakeMethod, benchmark, run, spread
from aisle.learning.suites import CAMERAS, SUITES
from aisle.records import ReceiptState
from aisle.sim.simulation import simulate
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec

_QUICK = (
    SUITES["scales_only"].scenario(0).model_copy(update={"stay_s": (12.0, 15.0), "action_s": 3.0})
)
SMALL = StoreSpec(name="small", gondolas=1, shelves=(2,), plates=(6,))
SHORT = replace(SUITES["scales_only"], scenarios=(_QUICK,), spec=SMALL)


@pytest.fixture(scope="module")
def store():
    return generate_store(np.random.default_rng(4), SMALL)


def test_more_processes_change_nothing_but_the_time(store):
    alone, shared = (
        summary(benchmark(store, SHORT, 2, 1, MakeMethod("model"), workers).evaluation)
        for workers in (1, 2)
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
    found = benchmark(split, SHORT, 2, 1, MakeMethod(name)).evaluation
    assert found.events_right > 0.5 * found.events > 0


def test_results_come_in_the_order_of_the_items():
    assert list(spread(abs, [-3, 2, -1], 1)) == [3, 2, 1]


def test_both_methods_are_scored_on_the_same_events(store, monkeypatch, capsys):
    monkeypatch.setitem(SUITES, "scales_only", SHORT)
    with pytest.raises(SystemExit) as ended:
        main(["bench", "scales_only", "--sessions", "1", "--workers", "1", "--json"])
    assert not ended.value.code
    (found,) = json.loads(capsys.readouterr().out)["results"]
    assert found["modalities"] == ["scales"]
    model, yardstick = (found["methods"][name] for name in ("model", "yardstick"))
    assert model["events"]["of"] == yardstick["events"]["of"] > 0
    assert found["happened"]["actions"] > 0


def test_what_a_suite_leaves_out_is_withheld(store):
    simulation = simulate(store, _QUICK, 3)
    result = run(MakeMethod("yardstick")(store), simulation, frozenset({CAMERAS}))
    assert simulation.truth
    assert not any(prediction.changes for _, prediction in result.predictions)
    assert [receipt.lines for receipt in result.receipts.values()] == [()]
    assert all(receipt.state != ReceiptState.CLOSED for receipt in result.receipts.values())


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["cameras_only"], "nothing to measure"),
        (["rush"], "no suite rush"),
        (["new_products", "--store", "shop"], "its own store"),
        (["calm", "none.json"], "none.json"),
    ],
)
def test_a_suite_that_cannot_be_run_is_refused_before_anything_runs(words, problem, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["bench", *words])
    assert ended.value.code in (1, 2)
    assert problem in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_a_missing_model_is_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["bench", "calm", "--model", str(tmp_path / "none.onnx")])
    assert ended.value.code == 2
    assert "make train" in capsys.readouterr().err
