import random
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import yaml
from bag_samples import tiny_store, write_bag
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader

from aisle.bags.convert import WEIGHTS, weights_from_message
from aisle.bags.messages import bag_types
from aisle.bags.store_io import BagError, BagReader, BagWriter, RawMessage


def contents(path: Path) -> list[RawMessage]:
    with BagReader(path) as reader:
        return list(reader.messages())


@pytest.fixture(scope="module")
def bag(tmp_path_factory) -> Path:
    return write_bag(tmp_path_factory.mktemp("bags") / "first", seconds=60)


def test_messages_come_back_in_order_of_arrival_with_their_types(bag):
    messages = contents(bag)
    assert [m.log_ns for m in messages] == sorted(m.log_ns for m in messages)
    assert messages[0].topic == "/store/model"
    assert {m.topic: m.type for m in messages} == {
        "/store/model": "aisle_msgs/msg/StoreModel",
        "/gate/events": "aisle_msgs/msg/GateEvent",
        "/weights/g1": "aisle_msgs/msg/WeightReadings",
    }
    with BagReader(bag) as reader:
        assert reader.counts() == {"/store/model": 1, "/gate/events": 2, "/weights/g1": 300}
        weights = [weights_from_message(reader.decode(m)) for m in reader.messages({WEIGHTS})]
        assert reader.warnings == []
    assert len(weights) == 300
    assert np.isnan(weights[7].kilograms[3, 1])


def test_the_same_messages_give_the_same_bytes_in_any_folder(bag, tmp_path):
    again = write_bag(tmp_path / "other_name", seconds=60)
    names = sorted(file.name for file in bag.iterdir())
    assert names == ["bag_0.mcap", "metadata.yaml"]
    for name in names:
        assert (again / name).read_bytes() == (bag / name).read_bytes()


def test_metadata_says_what_ros2_bag_needs(bag):
    info = yaml.safe_load((bag / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    assert info["version"] == 9
    assert info["storage_identifier"] == "mcap"
    assert info["compression_mode"] == ""
    assert info["relative_file_paths"] == ["bag_0.mcap"]
    assert info["message_count"] == 303
    topics = {t["topic_metadata"]["name"]: t for t in info["topics_with_message_count"]}
    model = topics["/store/model"]["topic_metadata"]
    assert model["serialization_format"] == "cdr"
    assert model["type_description_hash"].startswith("RIHS01_")
    assert model["offered_qos_profiles"][0]["durability"] == "transient_local"
    assert topics["/weights/g1"]["topic_metadata"]["offered_qos_profiles"][0]["depth"] == 50


def test_other_readers_of_mcap_find_the_definitions_and_zstd_chunks(bag):
    with (bag / "bag_0.mcap").open("rb") as stream:
        summary = make_reader(stream).get_summary()
    assert {chunk.compression for chunk in summary.chunk_indexes} == {"zstd"}
    schema = next(s for s in summary.schemas.values() if s.name == WEIGHTS)
    assert schema.encoding == "ros2msg"
    assert b"float32[] kilograms" in schema.data


def test_an_existing_bag_is_not_written_over(bag):
    with pytest.raises(BagError, match="exists already"):
        BagWriter(bag)


def test_a_bag_is_complete_also_after_an_error(tmp_path):
    with suppress(KeyboardInterrupt), BagWriter(tmp_path / "b") as writer:
        writer.store(tiny_store(), 1, 1)
        raise KeyboardInterrupt
    with BagReader(tmp_path / "b") as reader:
        assert len(list(reader.messages())) == 1
        assert reader.warnings == []


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1))
def test_a_cut_bag_is_readable_up_to_the_cut(bag, cut_bag, share):
    whole = (bag / "bag_0.mcap").read_bytes()
    size = int(share * (len(whole) - 1))
    (cut_bag / "bag_0.mcap").write_bytes(whole[:size])
    if size < 10_000:  # the store model may not be whole
        with suppress(BagError):
            BagReader(cut_bag)
        return
    with BagReader(cut_bag) as reader:
        messages = list(reader.messages())
        assert "damaged" in reader.warnings[0]
        assert f"read {len(messages)} messages" in reader.warnings[0]
    assert messages == contents(bag)[: len(messages)]
    written = (size / len(whole)) * 60
    assert len(messages) >= (written - 10) * 5


@pytest.fixture(scope="module")
def cut_bag(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cut")


def test_a_cut_bag_with_metadata_is_readable_too(bag, tmp_path):
    (tmp_path / "metadata.yaml").write_text((bag / "metadata.yaml").read_text())
    whole = (bag / "bag_0.mcap").read_bytes()
    (tmp_path / "bag_0.mcap").write_bytes(whole[: len(whole) // 2])
    with BagReader(tmp_path) as reader:
        assert len(list(reader.messages())) > 100
        assert "bag_0.mcap is cut off" in reader.warnings[0] or "read" in reader.warnings[0]


def test_a_bag_without_metadata_is_read_whole(bag, tmp_path):
    (tmp_path / "bag_0.mcap").write_bytes((bag / "bag_0.mcap").read_bytes())
    with BagReader(tmp_path) as reader:
        assert list(reader.messages()) == contents(bag)
        assert len(reader.warnings) == 1


def test_flipped_bytes_end_the_bag_or_are_found(bag, tmp_path):
    whole = bytearray((bag / "bag_0.mcap").read_bytes())
    draw = random.Random(5)
    (tmp_path / "metadata.yaml").write_text((bag / "metadata.yaml").read_text())
    for _ in range(30):
        spoiled = whole.copy()
        for _ in range(8):
            spoiled[draw.randrange(len(spoiled))] = draw.randrange(256)
        (tmp_path / "bag_0.mcap").write_bytes(spoiled)
        with suppress(BagError), BagReader(tmp_path) as reader:
            assert len(list(reader.messages())) <= 303


def test_a_folder_without_a_bag_says_so(tmp_path):
    with pytest.raises(BagError, match="is no bag"):
        BagReader(tmp_path)
    with pytest.raises(BagError, match="does not exist"):
        BagReader(tmp_path / "nothing")


def test_a_topic_whose_type_has_other_fields_is_left_out(bag, tmp_path, monkeypatch):
    fields = bag_types().store.fielddefs
    constants, gate = fields["aisle_msgs/msg/GateEvent"]
    monkeypatch.setitem(fields, "aisle_msgs/msg/GateEvent", (constants, gate[:-1]))
    with BagReader(bag) as reader:
        assert "/gate/events" not in reader.types
        assert "/gate/events is left out" in reader.warnings[0]


def test_an_unknown_type_cannot_be_written(tmp_path):
    with BagWriter(tmp_path / "b") as writer, pytest.raises(BagError, match="unknown"):
        writer.write_raw(RawMessage("/x", "nobody/msg/Nothing", 1, b""))
