"""Benchmarks: the same figures however they are computed, and clear words for wrong usage."""

import json
from dataclasses import replace

import numpy as np
import pytest

from aisle.bags.evaluate import summary
from aisle.cli.main import main
from aisle.fusion.windows import ALL_SHAPES, TRACK, VIEWS, Window, collate
from aisle.learning.ablation import Ablated
from aisle.learning.benchmark import MakeMethod, benchmark, run, spread
from aisle.learning.export import example
from aisle.learning.suites import CAMERAS, MODALITIES, SUITES
from aisle.records import ReceiptState
from aisle.sim.simulation import simulate
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec
from toy_model import write_toy_model
from toy_vision import watched

_QUICK = (
    SUITES["scales_only"].scenario(0).model_copy(update={"stay_s": (12.0, 15.0), "action_s": 3.0})
)
_SEEN = {"walk": True, "stay_s": (18.0, 20.0)}
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


def test_what_cameras_showed_is_looked_at_once_and_says_the_same_again(store, tmp_path):
    seen = replace(SHORT, modalities=MODALITIES, scenarios=(_QUICK.model_copy(update=_SEEN),))
    figures = [
        summary(benchmark(watched(store), seen, 1, 1, MakeMethod("model"), kept=folder).evaluation)
        for folder in (None, tmp_path / "kept", tmp_path / "kept")
    ]
    for one in figures:
        del one["wall_s"]
    assert figures[1] == figures[2]
    assert figures[0]["items"] == figures[1]["items"]
    assert figures[1]["events"]["of"] > 0
    (file,) = (tmp_path / "kept").iterdir()
    store = watched(store)
    moved = {name: replace(c, rate_hz=c.rate_hz / 2) for name, c in store.cameras.items()}
    other = replace(store, cameras=moved)
    benchmark(other, seen, 1, 1, MakeMethod("model"), kept=tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 2
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ValueError, match="cut off"):
        benchmark(store, seen, 1, 1, MakeMethod("model"), kept=tmp_path / "kept")


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


def test_the_model_is_also_scored_without_a_part(store, monkeypatch, capsys):
    monkeypatch.setitem(SUITES, "short", SHORT)
    words = ["bench", "short", "--sessions", "2", "--no-yardstick", "--json", "--workers", "1"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--without", "places", "--without", "scales"])
    assert ended.value.code == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    # A model that is left without anything to use is not run.
    assert set(result["methods"]) == {"model", "model without places"}
    whole, less = result["methods"].values()
    assert whole["events"]["of"] == less["events"]["of"] > 0
    assert less["events"]["right"] < whole["events"]["right"]


class Echo:
    """Says of each session what its window shows, and how many others there are."""

    manifest, sight = {}, True

    def run(self, windows):
        batch = collate([w.arrays for w in windows], sight=True)
        mask = batch["session_mask"]
        shown = batch["session_track"][:, :, 0, 0] + 10 * mask.sum(1, keepdims=True)
        return {
            "session_logits": np.where(mask, shown, -1e4)[:, None].repeat(2, 1),
            "none_logit": batch["candidate_look"].sum((1, 2))[:, None],
        }


def window(sessions):
    arrays = {name: a[0] for name, a in example(ALL_SHAPES, 0).items()}
    arrays["session_mask"] = np.ones(sessions, np.float32)
    arrays["session_track"] = np.ones((sessions, VIEWS, TRACK), np.float32)
    arrays["session_track"][:, 0, 0] = range(sessions)
    return Window("s", 0, arrays, ("", "a"), (), tuple("abcdefg"[:sessions]), ())


def test_sessions_asked_alone_do_not_see_each_other_and_keep_their_places():
    found = Ablated(Echo(), "sessions").run([window(3), window(1)])["session_logits"]
    np.testing.assert_allclose(found[0], [[10, 11, 12]] * 2)
    np.testing.assert_allclose(found[1, :, 0], 10)
    assert (found[1, :, 1:] < -1e3).all()


def test_what_is_left_out_is_not_given():
    given = window(2)
    assert Echo().run([given])["none_logit"] > 0
    assert Ablated(Echo(), "catalogue").run([given])["none_logit"] == 0
    assert Ablated(Echo(), "tracks").run([given])["session_logits"].max() == 20
    assert given.arrays["candidate_look"].any()


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
        (["calm", "--without", "luck"], "no part luck"),
        (["calm", "--without", "tracks"], "takes nothing from cameras"),
        (["rush"], "no suite rush"),
        (["new_products", "--store", "shop"], "its own store"),
        (["calm", "none.json"], "none.json"),
    ],
)
def test_a_suite_that_cannot_be_run_is_refused_before_anything_runs(
    words, problem, tmp_path, capsys
):
    blind = write_toy_model(tmp_path / "blind.onnx")
    with pytest.raises(SystemExit) as ended:
        main(["bench", *words, "--model", str(blind)])
    assert ended.value.code in (1, 2)
    assert problem in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_a_missing_model_is_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["bench", "calm", "--model", str(tmp_path / "none.onnx")])
    assert ended.value.code == 2
    assert "make train" in capsys.readouterr().err
