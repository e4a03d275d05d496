import json

import pytest
from test_autocheckout import recording as recording
from test_autocheckout import write_rows

from aisle.bags import convert
from aisle.bags.importing import import_autocheckout
from aisle.bags.reading import read_records
from aisle.bags.store_io import BagError, BagReader
from aisle.cli.main import main
from aisle.records import GateEvent, GateKind, WeightBatch
from aisle.store.load import load_store


def records(bag):
    with BagReader(bag) as reader:
        names = {convert.WEIGHTS, convert.GATE, "aisle_msgs/msg/StoreModel"}
        return [arrived.record for arrived in read_records(reader, names, {})]


def test_the_shopper_is_in_the_store_from_the_first_to_the_last_sample(recording, tmp_path):
    result = import_autocheckout(recording, tmp_path / "bag")
    found = records(tmp_path / "bag")
    weights = [record for record in found if isinstance(record, WeightBatch)]
    first, last = found[1], found[-1]
    assert found[0][1].plates.keys() == result.store.plates.keys()
    assert (first.kind, first.session) == (GateKind.ENTER, "shopper-1")
    assert first.stamp_ns == min(batch.stamp_ns for batch in weights)
    assert (last.kind, last.session) == (GateKind.EXIT, "shopper-1")
    assert last.stamp_ns == max(batch.end_ns for batch in weights)
    assert sum(isinstance(record, GateEvent) for record in found) == 2
    assert len(weights) == result.batches > 0


def test_the_store_is_written_as_files_that_load(recording, tmp_path):
    result = import_autocheckout(recording, tmp_path / "bag", tmp_path / "store")
    store, _ = load_store(tmp_path / "store")
    assert store.products.keys() == result.store.products.keys()
    assert store.plates.keys() == result.store.plates.keys()


def test_a_recording_without_weights_leaves_no_bag(recording, tmp_path):
    write_rows(recording, [])
    with pytest.raises(BagError, match="holds no weights"):
        import_autocheckout(recording, tmp_path / "bag")
    (recording / "weights.csv.gz").unlink()
    with pytest.raises(BagError, match="weights"):
        import_autocheckout(recording, tmp_path / "bag")
    assert not (tmp_path / "bag").exists()


def test_the_command_tells_what_was_imported(recording, tmp_path, capsys):
    words = ["import", "autocheckout", str(recording), "--out", str(tmp_path / "bag"), "--json"]
    with pytest.raises(SystemExit, match="0"):
        main(words)
    found = json.loads(capsys.readouterr().out)
    assert found["plates"] == len(records(tmp_path / "bag")[0][1].plates)
    assert found["counts"]["rows"] > 0
    with pytest.raises(SystemExit, match="1"):
        main(words)
    assert "exists already" in capsys.readouterr().err
