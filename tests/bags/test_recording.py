import shutil

import pytest
from bag_samples import tiny_store

from aisle.bags import convert_store
from aisle.bags.messages import bag_types
from aisle.bags.recording import DiskFullError, Recorder, parse_size, wanted
from aisle.bags.store_io import BagReader, RawMessage

PAYLOAD = bag_types().write(
    convert_store.store_to_message(tiny_store(), 5, bag_types()), convert_store.STORE
)


def message(log_ns: int, topic: str = "/store/model") -> RawMessage:
    return RawMessage(topic, convert_store.STORE, log_ns, PAYLOAD)


def record(recorder: Recorder, seconds: range) -> None:
    for second in seconds:
        recorder.write(message(second * 10**9))
        recorder.check()


@pytest.mark.parametrize(
    ("text", "size"), [("500", 500), ("2K", 2000), ("1.5G", 1_500_000_000), ("3 MB", 3_000_000)]
)
def test_sizes_are_powers_of_ten(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", "ten", "1GG", "1e9", "1" * 40])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="is no size"):
        parse_size(text)


def test_all_topics_are_wanted_but_the_chatter_of_ros():
    assert wanted("/weights/g1", [])
    assert wanted("/tf_static", [])
    assert not wanted("/rosout", [])
    assert not wanted("/fusion_node/transition_event", [])
    assert not wanted("/fusion/_action/status", [])


def test_chosen_topics_may_hold_stars_and_match_in_namespaces():
    assert wanted("/weights/g1", ["weights/*"])
    assert wanted("/rig/weights/g1", ["weights/*"])
    assert not wanted("/overweights/g1", ["weights/*"])
    assert not wanted("/rig/weights/g1", ["/weights/*"])
    assert not wanted("/rosoutX", ["/rosout."])


def test_what_comes_before_the_clock_gets_the_first_time(tmp_path):
    recorder = Recorder(tmp_path / "b", 10**9, 0)
    for log_ns in (0, 0, 70, 80):
        recorder.write(message(log_ns))
    recorder.close()
    with BagReader(tmp_path / "b") as reader:
        assert [m.log_ns for m in reader.messages()] == [70, 70, 70, 80]


def test_what_never_saw_a_clock_is_kept_all_the_same(tmp_path):
    recorder = Recorder(tmp_path / "b", 10**9, 0)
    recorder.write(message(0))
    recorder.close()
    with BagReader(tmp_path / "b") as reader:
        assert len(list(reader.messages())) == 1


def test_the_greatest_size_ends_a_recording_and_the_bag_is_whole(tmp_path):
    recorder = Recorder(tmp_path / "b", 3000, 0)
    with pytest.raises(DiskFullError, match="greatest size"):
        record(recorder, range(1, 1000))
    assert recorder.counts["/store/model"] < 100
    recorder.close()
    with BagReader(tmp_path / "b") as reader:
        assert len(list(reader.messages())) == recorder.counts["/store/model"]
        assert reader.warnings == []


def test_a_nearly_full_disk_is_not_written_to(tmp_path, monkeypatch):
    with pytest.raises(DiskFullError, match="to stay free"):
        Recorder(tmp_path / "b", 10**9, 10**18)
    assert not (tmp_path / "b").exists()
    recorder = Recorder(tmp_path / "b", 10**9, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(DiskFullError, match="to stay free"):
        recorder.check()
    recorder.close()


def test_a_full_disk_is_told_and_what_was_written_can_be_read(tmp_path, monkeypatch):
    recorder = Recorder(tmp_path / "b", 10**9, 0)
    for second in range(1, 9):
        recorder.write(message(second * 10**9))

    def full(*_):
        raise OSError(28, "No space left on device")

    storage = recorder._writer._writer.storage
    monkeypatch.setattr(storage, "close_chunk", full)
    with pytest.raises(DiskFullError, match="No space left"):
        record(recorder, range(9, 15))
    with pytest.raises(DiskFullError, match="no index"):
        recorder.close()
    storage.bio.close()
    with BagReader(tmp_path / "b") as reader:
        assert len(list(reader.messages())) >= 6
        assert "damaged" in reader.warnings[0]
