import csv
import gzip
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.bags import autocheckout_rows
from aisle.bags.autocheckout import read_store, read_weights
from aisle.records import PlateStatus
from aisle.store.load import load_store
from aisle.store.problems import StoreError
from aisle.store.write import write_store

REAL = Path(__file__).parents[3] / "shared" / "data" / "real_store"
PERIOD = 1 / 60
START = 1_600_000_000.0


def coordinates(x, y, z, size, turn=0.0):
    return {
        "transform": {
            "translation": {"x": x, "y": y, "z": z},
            "rotation": {"x": 0, "y": 0, "z": turn},
        },
        "dim_x": size[0],
        "dim_y": size[1],
        "dim_z": size[2],
    }


def shelf_id(gondola, shelf):
    return {"gondola_id": {"id": gondola}, "shelf_index": shelf}


def plate(gondola, shelf, number, x):
    at = coordinates(x, 0, 0, (0.1, 0.4, 0))
    return {"id": {"shelf_id": shelf_id(gondola, shelf), "plate_index": number}, "coordinates": at}


def write_rows(folder, rows):
    with gzip.open(folder / "weights.csv.gz", "wt") as file:
        file.write("timestamp,reading,gondola,shelf,plate\n")
        file.writelines(f"{row}\n" for row in rows)


def row(sample, grams, *place):
    return f"{START + sample * PERIOD:.4f},{grams:.3f},{','.join(map(str, place))}"


@pytest.fixture
def recording(tmp_path):
    """Gondola 1 with two shelves and a plate without pose; gondola 2, turned, has one plate."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    gondolas = [
        {"id": {"id": 1}, "coordinates": coordinates(1, 2, 0, (0.3, 0.03, 2))},
        {"id": {"id": 2}, "coordinates": coordinates(5, 0, 0, (0.3, 0.03, 2), -np.pi / 2)},
    ]
    shelves = [
        {"id": shelf_id(*id_), "coordinates": coordinates(0, -0.4, height, (0.3, 0.4, 0.2))}
        for id_, height in [((1, 1), 0.3), ((1, 2), 0.6), ((2, 1), 0.3)]
    ]
    plates = [
        plate(1, 1, 1, 0.0), plate(1, 1, 2, 0.1), plate(1, 2, 1, 0.0), plate(2, 1, 1, 0.2),
        plate(2, 1, 2, 0.1),
    ]  # fmt: skip
    for name, found in [("gondolas", gondolas), ("shelves", shelves), ("plates", plates)]:
        (folder / f"{name}.json").write_text(json.dumps({name: found}))
    (folder / "products.csv").write_text(
        'name,weight_g,price\n Tea Bags ,60,2\n"Salt, fine",500,1.5\nDust,0,1\nSalt fine,480,1\n'
    )
    (folder / "planogram.csv").write_text(
        "name,gondola,shelf,plate\nTea Bags,1,1,1\nTea Bags,1,1,2\n"
        '"Salt, fine",1,2,1\nGhost,1,2,1\nSalt fine,2,1,1\n'
    )
    places = [(1, 1, 1), (1, 1, 2), (1, 1, 3), (1, 2, 1), (2, 1, 1)]
    write_rows(folder, [row(i, 100.0 * n, *p) for i in range(30) for n, p in enumerate(places)])
    return folder


def test_the_store_of_a_recording(recording):
    store, problems = read_store(recording)
    assert store.name == "tiny"
    assert store.currency == "USD"
    ids = {"tea-bags": "Tea Bags", "salt-fine": "Salt, fine", "salt-fine-2": "Salt fine"}
    assert {product.id: product.name for product in store.products.values()} == ids
    assert store.products["salt-fine"].price_minor == 150
    assert store.products["tea-bags"].weight_kg == pytest.approx(0.06)
    assert store.slots["g1/s1/tea-bags"].plates == ("g1/s1/p1", "g1/s1/p2")
    assert store.shelves["g1/s1"].plates == ("g1/s1/p1", "g1/s1/p2", "g1/s1/p3")
    assert store.controllers["g1"].plates == ("g1/s1/p1", "g1/s1/p2", "g1/s1/p3", "g1/s2/p1")
    assert store.plates["g1/s1/p3"].pose is None
    assert "g2/s1/p2" not in store.plates
    rules = Counter(problem.rule for problem in problems)
    assert rules["plate-without-frame"] == 1
    assert rules["plate-without-controller"] == 1
    assert rules["unknown-product"] == 1
    assert rules["bad-number"] == 1
    assert {problem.severity for problem in problems} == {"warning"}


def test_poses_are_chained_from_gondola_to_plate(recording):
    store, _ = read_store(recording)
    near = {"rtol": 0, "atol": 1e-9}
    np.testing.assert_allclose(store.plates["g1/s1/p2"].pose[:3, 3], [1.15, 1.8, 0.3], **near)
    # Turned to the right by a quarter: x of the gondola is -y of the map.
    np.testing.assert_allclose(store.plates["g2/s1/p1"].pose[:3, 3], [4.8, -0.25, 0.3], **near)
    np.testing.assert_allclose(store.fixtures["g1"].pose[:3, 3], [1, 1.6, 0], **near)
    np.testing.assert_allclose(store.fixtures["g1"].size_m, (0.3, 0.43, 2), **near)


def test_the_imported_store_can_be_written_and_loaded(recording, tmp_path):
    store, _ = read_store(recording)
    loaded, _ = load_store(write_store(store, tmp_path / "written"))
    assert loaded.slots == store.slots
    assert loaded.products == store.products
    assert loaded.controllers == store.controllers


def test_weights_come_as_batches_of_twelve_in_kilograms(recording):
    counts = Counter()
    batches = list(read_weights(recording, counts))
    first = [batch for batch in batches if batch.controller == "g1"]
    assert [len(batch.kilograms) for batch in first] == [12, 12, 6]
    assert first[0].plates == read_store(recording)[0].controllers["g1"].plates
    np.testing.assert_allclose(first[0].kilograms[3], [0.0, 0.1, 0.2, 0.3], atol=1e-6)
    assert first[0].stamp_ns == 1_600_000_000 * 10**9
    assert first[1].stamp_ns - first[0].stamp_ns == pytest.approx(2e8, abs=1e5)
    assert first[0].period_ns == 16_666_667
    assert (first[0].status == PlateStatus.OK).all()
    ends = [batch.end_ns for batch in batches]
    assert ends == sorted(ends)
    assert counts["rows"] == 150
    assert not +counts - Counter(rows=150)


def test_a_missed_sample_is_nan_and_a_silence_is_no_batch(recording):
    samples = [i for i in range(40) if i not in (3, 4) and not 14 <= i < 30]
    rows = [row(i, 250.0, 1, 1, p) for i in samples for p in (1, 2)]
    rows.remove(row(7, 250.0, 1, 1, 2))
    write_rows(recording, rows)
    one, two, three = (b for b in read_weights(recording) if b.controller == "g1")
    assert np.isnan(one.kilograms[3:5]).all()
    assert np.isnan(one.kilograms[7, 1])
    assert one.kilograms[7, 0] == np.float32(0.25)
    # A plate with a product that never speaks is there, and says that it is missing.
    assert one.status.tolist() == [PlateStatus.OK, PlateStatus.OK, PlateStatus.MISSING]
    assert [len(b.kilograms) for b in (two, three)] == [12, 10]
    assert np.isfinite(two.kilograms[:2, 0]).all()
    assert np.isnan(two.kilograms[2:]).all()
    assert three.stamp_ns == pytest.approx((START + 30 * PERIOD) * 1e9, abs=1e5)


def test_jittered_stamps_stay_on_the_grid(recording):
    rng = np.random.default_rng(0)
    times = START + np.arange(60) * PERIOD + rng.uniform(-0.004, 0.004, 60)
    write_rows(recording, [f"{t:.4f},1.0,2,1,1" for t in times])
    batches = [batch for batch in read_weights(recording) if batch.controller == "g2"]
    assert sum(np.isfinite(batch.kilograms).sum() for batch in batches) == 60
    assert len(batches) == 5


def test_bad_rows_are_counted_and_the_rest_is_used(recording):
    good = [row(i, 100.0, 1, 1, 1) for i in range(24)]
    bad = [
        "", "x,y", "nan,1,1,1,1", f"{START},1e9,1,1,1", f"{START},1,1,1,1.5", f"{START},1,0,1,1",
        f"{START},1,1,1,999", f"{START},,1,1,1", "1.2.3,1,1,1,1", f"{START},1,1,1,1,1",
    ]  # fmt: skip
    repeated = row(5, 120.0, 1, 1, 1)
    strange = row(6, 1.0, 7, 7, 7)
    rows = [*good[:6], repeated, *bad, *good[6:], strange]
    write_rows(recording, rows)
    counts = Counter()
    batches = list(read_weights(recording, counts))
    assert counts["malformed"] == len(bad)
    assert counts["unknown plate"] == 1
    assert counts["repeated"] == 1
    assert counts["rows"] == len(rows)
    assert batches[0].kilograms[5, 0] == np.float32(0.12)
    assert sum(np.isfinite(batch.kilograms).sum() for batch in batches) == 24


def test_rows_that_come_far_too_late_are_dropped(recording, monkeypatch):
    monkeypatch.setattr(autocheckout_rows, "_BLOCK_BYTES", 200)
    rows = [row(i, 100.0, 1, 1, 1) for i in range(48)]
    write_rows(recording, [*rows, rows[2]])
    counts = Counter()
    batches = list(read_weights(recording, counts))
    assert counts["out of order"] == 1
    assert len(batches) == 4


def test_small_blocks_give_the_same_batches(recording, monkeypatch):
    whole = list(read_weights(recording))
    monkeypatch.setattr(autocheckout_rows, "_BLOCK_BYTES", 97)
    pieces = list(read_weights(recording))
    assert [b.stamp_ns for b in pieces] == [b.stamp_ns for b in whole]
    for one, two in zip(pieces, whole, strict=True):
        np.testing.assert_array_equal(one.kilograms, two.kilograms)


def test_a_file_cut_off_is_used_as_far_as_it_goes(recording):
    path = recording / "weights.csv.gz"
    rows = [row(i, 100.0 + i % 7, 1, 1, 1) for i in range(20000)]
    write_rows(recording, rows)
    path.write_bytes(path.read_bytes()[:-2000])
    counts = Counter()
    assert len(list(read_weights(recording, counts))) > 100
    assert counts["truncated"] == 1


@settings(max_examples=40, deadline=None)
@given(noise=st.binary(max_size=300))
def test_no_bytes_crash_the_rows(tmp_path_factory, noise):
    folder = tmp_path_factory.mktemp("noise")
    with gzip.open(folder / "weights.csv.gz", "wb") as file:
        file.write(b"header\n" + row(0, 1.0, 1, 1, 1).encode() + b"\n" + noise)
    counts = Counter()
    total = sum(len(r.seconds) for r in autocheckout_rows.read_rows(folder, counts))
    assert total == counts["rows"] - counts["malformed"]
    (folder / "weights.csv.gz").write_bytes(noise)
    list(autocheckout_rows.read_rows(folder, Counter()))


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("plates.json", '{"plates": [', "malformed-json"),
        ("plates.json", '{"plates": [{"id": 7}]}', "malformed-json"),
        ("gondolas.json", '{"gondolas": []}', "malformed-json"),
        ("shelves.json", "[" * 100_000, "malformed-json"),
        ("products.csv", "name,weight_g\n", "missing-column"),
        ("planogram.csv", "\0", "control-character"),
        ("planogram.csv", None, "missing-file"),
    ],
)
def test_broken_files_are_named(recording, name, text, rule):
    (recording / name).unlink()
    if text is not None:
        (recording / name).write_text(text)
    with pytest.raises(StoreError) as error:
        read_store(recording)
    errors = [(p.file, p.rule) for p in error.value.problems if p.severity == "error"]
    assert errors == [(name, rule)]


def test_plates_of_a_product_that_are_not_neighbours_are_told(recording):
    with (recording / "planogram.csv").open("a") as file:
        file.write("Salt fine,1,1,1\nSalt fine,1,1,3\n")
    store, problems = read_store(recording)
    assert store.slots["g1/s1/salt-fine-2"].plates == ("g1/s1/p1",)
    assert "plates-not-contiguous" in {problem.rule for problem in problems}


@pytest.mark.skipif(not REAL.is_dir(), reason="needs ../shared/data/real_store")
def test_the_real_recording_imports_whole(tmp_path):
    short = tmp_path / "short"
    short.mkdir()
    for path in REAL.iterdir():
        if path.name != "weights.csv.gz":
            shutil.copyfile(path, short / path.name)
    with gzip.open(REAL / "weights.csv.gz", "rt") as file:
        lines = [next(file).rstrip("\n") for _ in range(50_001)]
    write_rows(short, lines[1:])
    store, _ = read_store(short)
    assert len(store.plates) == 348
    assert len(store.slots) == 121
    assert sum(plate.pose is None for plate in store.plates.values()) == 54
    loaded, _ = load_store(write_store(store, tmp_path / "store"))
    assert loaded.slots == store.slots
    counts = Counter()
    batches = list(read_weights(short, counts))
    assert counts["rows"] == 50_000
    assert not counts["malformed"]
    assert sum(np.isfinite(batch.kilograms).sum() for batch in batches) == 50_000
    with (REAL / "planogram.csv").open() as file:
        placed = {(r["gondola"], r["shelf"], r["plate"]) for r in csv.DictReader(file)}
    held = {plate for slot in store.slots.values() for plate in slot.plates}
    assert held == {f"g{g}/s{s}/p{p}" for g, s, p in placed}
