"""Shards of training windows: what is written comes back, whole, from any file system."""

import io
import tarfile

import numpy as np
import pytest

from aisle.fusion.windows import FEATURES, STATES, VIEWS
from aisle.learning.collect import Sample
from aisle.learning.labels import Label
from aisle.learning.shards import Shards


def sample(number):
    rng = np.random.default_rng(number)
    arrays = {
        "plate_mask": np.ones(number, np.float32),
        "column_feature": rng.normal(size=(5, VIEWS, FEATURES)).astype(np.float32),
        "column_state": rng.random((5, VIEWS, STATES), dtype=np.float32),
        "session_mask": np.ones(2, np.float32),
    }
    delta = None if number % 2 else rng.normal(size=number).astype(np.float32)
    right = Label("change", 3, 4, (1, 2), 1, 17, delta, 0.25)
    return Sample(arrays, right, [None, Label("none"), right][number % 3])


@pytest.fixture(params=["folder", "memory"])
def shards(request, tmp_path):
    return Shards(str(tmp_path / "shards") if request.param == "folder" else "memory://shards")


def test_samples_come_back_with_the_large_arrays_at_half_precision(shards):
    given = [sample(number) for number in (1, 2, 3)]
    shards.write("some-1.tar", given)
    found = list(shards.read("some-1.tar"))
    assert shards.names() == ["some-1.tar"]
    assert len(found) == 3
    for before, after in zip(given, found, strict=True):
        assert after.arrays.keys() == before.arrays.keys()
        for name, array in before.arrays.items():
            np.testing.assert_allclose(after.arrays[name], array, rtol=1e-3, atol=1e-3)
        assert after.arrays["column_feature"].dtype == np.float16
        assert (after.label.delta is None) == (before.label.delta is None)
        for field in ("kind", "candidate", "choice", "commits", "session", "mark", "mass_kg"):
            assert getattr(after.label, field) == getattr(before.label, field)
        kinds = [s.unweighed and s.unweighed.kind for s in (before, after)]
        assert kinds[0] == kinds[1]
        assert (
            after.unweighed is None
            or after.unweighed.kind == "change"
            or (after.unweighed.delta is None)
        )


def test_a_folder_holds_shards_of_one_set_of_networks(tmp_path):
    Shards(str(tmp_path), {"a.onnx": "1"})
    Shards(str(tmp_path), {"a.onnx": "1"})
    Shards(str(tmp_path))
    with pytest.raises(ValueError, match="other networks"):
        Shards(str(tmp_path), {"a.onnx": "2"})


def test_a_shard_that_was_not_finished_does_not_count(tmp_path):
    (tmp_path / "some-1.tar.part").write_bytes(b"half")
    assert Shards(str(tmp_path)).names() == []


def test_a_shard_with_something_else_in_it_is_refused_and_runs_nothing(tmp_path):
    pickled = io.BytesIO()
    np.savez(pickled, plate_mask=np.array([print], dtype=object))
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        for name, data in (("0.npz", pickled.getvalue()), ("0.json", b'{"kind": "none"}')):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    with pytest.raises(ValueError, match="bad"):
        list(Shards(str(tmp_path)).read("bad.tar"))
