import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from aisle.bags.simulated import write_simulation
from aisle.bags.store_io import BagReader
from aisle.cli import main as cli
from aisle.fusion import engines
from aisle.sim.scenario import Scenario
from aisle.sim.simulation import simulate
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in words])
    return ended.value.code or 0


@pytest.fixture(scope="module")
def bag(tmp_path_factory) -> Path:
    """One shopper in a small store."""
    store = generate_store(np.random.default_rng(5), StoreSpec(gondolas=1))
    scenario = Scenario(shoppers=1, stay_s=(8.0, 9.0), lead_s=3.0, action_s=4.0)
    path = tmp_path_factory.mktemp("replay") / "bag"
    write_simulation(path, simulate(store, scenario, seed=3))
    return path


def test_receipts_are_written_as_the_same_json_each_time(bag, tmp_path, capsys):
    for name in ("one.json", "two.json"):
        assert run("replay", bag, "--out", tmp_path / name) == 0
    assert "1 receipts" in capsys.readouterr().out
    first = (tmp_path / "one.json").read_bytes()
    assert first == (tmp_path / "two.json").read_bytes()
    receipts = json.loads(first)
    assert [receipt["session"] for receipt in receipts] == ["shopper-1"]
    assert receipts[0]["state"] in ("CLOSED", "REVIEW")


def test_a_catalogue_that_is_none_is_refused(bag, tmp_path, capsys):
    assert run("replay", bag, "--catalogue", tmp_path) == 2
    assert "no store's folder" in capsys.readouterr().err


def test_json_and_a_bag_of_the_results(bag, tmp_path, capsys):
    assert run("replay", bag, "--json", "--bag-out", tmp_path / "out") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["receipts"][0]["session"] == "shopper-1"
    assert found["store_s"] > 5
    with BagReader(tmp_path / "out") as reader:
        assert set(reader.types) == {
            "/store/model",
            "/receipts/predictions",
            "/receipts/updates",
        }


def test_several_bags_are_evaluated_side_by_side(bag, capsys):
    assert run("evaluate", bag, bag, "--jobs", 2, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sessions"] == 2
    assert found["exact"]["right"] in (0, 2)


def test_a_file_that_is_no_model_is_one_sentence(bag, tmp_path, capsys):
    (tmp_path / "model.onnx").write_text("no model")
    assert run("replay", bag, "--model", tmp_path / "model.onnx") == 1
    err = capsys.readouterr().err
    assert err.startswith("aisle: ")
    assert "model.onnx" in err
    assert "Traceback" not in err


def test_a_runtime_that_cannot_be_had_is_named_and_not_replaced(bag, capsys, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(engines, "importlib", SimpleNamespace(import_module=absent))
    assert run("replay", bag, "--runtime", "tensorrt") == 1
    assert "neither tensorrt nor tensorrt_rtx is installed" in capsys.readouterr().err
    assert run("replay", bag, "--runtime", "abacus") == 2
