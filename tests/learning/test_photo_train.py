"""Fine-tuning on photos: what is seen, what is not, and what comes out."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from aisle.learning import photos as measure
from aisle.learning.array_files import save
from aisle.learning.column_labels import BLOCKED, EMPTY
from aisle.learning.looks import Looks
from aisle.learning.photo_train import Album, PhotoTrainConfig, Trainer, divide, main, start, train
from aisle.learning.photos import PhotosError, left_out, read_photos
from aisle.learning.run import Run
from aisle.receipt_model.encoder import StripEncoder
from aisle.vision.networks import CATALOGUE, STRIPS
from aisle.vision.strips import COLUMN_PX, ROWS

CLASSES = 32
"""Twenty are left out."""
HEADER = "Class Name (str),Class ID (int),Iconic Image Path (str)\n"
# The rate does not depend on how many steps there are before it stops growing.
TINY = PhotoTrainConfig(steps=4, photos=6, check_classes=2, check_share=0.34, warm_up=50)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def folder(tmp_path):
    """Squares of one colour each: on white in the catalogue, on grey in three photos."""
    root, rng = tmp_path / "data", np.random.default_rng(1)
    rows, lists = [HEADER], {"train": [], "val": []}

    def draw(name, colour, ground):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        image = np.full((40, 30, 3), ground, np.uint8)
        image[8:32, 6:24] = colour
        Image.fromarray(image).save(root / name)

    for i, colour in enumerate(rng.integers(0, 230, (CLASSES, 3))):
        draw(f"iconic/{i}.png", colour, 255)
        rows.append(f"kind-{i},{i},/iconic/{i}.png\n")
        for split, count in (("train", 3), ("val", 1)):
            for k in range(count):
                draw(f"{split}/{i}_{k}.png", colour, 120)
                lists[split].append(f"{split}/{i}_{k}.png, {i}, 0\n")
    (root / "classes.csv").write_text("".join(rows))
    for split, lines in lists.items():
        (root / f"{split}.txt").write_text("".join(lines))
    return root


@pytest.fixture
def run(tmp_path):
    """What `aisle.learning.encode` leaves, after no step."""
    Run(tmp_path / "encoder", StripEncoder, TINY).save()
    return tmp_path / "encoder"


@pytest.fixture
def unwritten(monkeypatch):
    """Without the files for ONNX, which take longer to write than all else here."""
    monkeypatch.setattr("aisle.learning.photo_train.export_encoder", lambda encoder, out: None)


def log_of(directory):
    return [json.loads(line) for line in (directory / "log.jsonl").read_text().splitlines()]


def test_photos_of_classes_left_out_and_of_val_are_never_opened(folder, run, tmp_path, unwritten):
    photos = read_photos(folder)
    shutil.rmtree(folder / "val")
    for i in left_out(photos, TINY.seed):
        (folder / f"iconic/{i}.png").unlink()
        for path in (folder / "train").glob(f"{i}_*.png"):
            path.write_bytes(b"no picture")
    assert train(folder, run, tmp_path / "out", TINY).step == 4
    assert log_of(tmp_path / "out")[-1]["event"] == "finished"


def test_what_checks_show_is_not_learnt_from(folder):
    photos = read_photos(folder)
    seen = divide(photos, TINY)
    classes = {split: {class_ for _, class_ in found} for split, found in seen.splits.items()}
    assert classes["known"] == classes["learn"]
    assert not classes["new"] & classes["learn"]
    assert not (classes["new"] | classes["learn"]) & left_out(photos, TINY.seed)
    assert {one.id for one in seen.classes} == classes["new"] | classes["learn"]
    assert not set(seen.splits["known"]) & set(seen.splits["learn"])
    assert [len(seen.splits[name]) for name in ("learn", "known", "new")] == [20, 10, 6]


def test_each_photo_has_its_own_catalogue_image_among_all(folder):
    batch = Album(divide(read_photos(folder), TINY)).batch(np.random.default_rng(3), 40)
    assert (batch.photos.shape, batch.catalogue.shape) == ((40, 3, 64, 64), (10, 3, 64, 64))
    middle = batch.photos[:, :, 32, 32], batch.catalogue[batch.class_][:, :, 32, 32]
    # The light differs from picture to picture, by nearly the same factor for all colours.
    assert torch.nn.functional.cosine_similarity(*middle).min() > 0.97


def test_a_run_that_was_stopped_ends_with_the_same_numbers(folder, run, tmp_path, unwritten):
    whole = train(folder, run, tmp_path / "a", TINY)
    train(folder, run, tmp_path / "b", replace(TINY, steps=2))
    parts = train(folder, run, tmp_path / "b", TINY)
    assert (whole.step, parts.step) == (4, 4)
    for name, value in whole.learnt.state_dict().items():
        assert torch.equal(value, parts.learnt.state_dict()[name]), name


def test_training_finds_classes_that_it_learns(folder, run, tmp_path):
    config = replace(TINY, warm_up=5, rate=3e-3)
    trainer, album = (
        Trainer(tmp_path / "out", config, run),
        Album(divide(read_photos(folder), TINY)),
    )
    found = [trainer.learn(album.batch(np.random.default_rng(i), 16)) for i in range(60)]
    first, last = (np.mean([one["name"] for one in part]) for part in (found[:10], found[-10:]))
    assert last < 0.7 * first


def test_rendered_shelves_are_learnt_beside_photos(folder, run, tmp_path, unwritten):
    shelves = tmp_path / "shelves"
    shelves.mkdir()
    columns, rng = 24, np.random.default_rng(2)
    picture = rng.integers(0, 256, (4, 1, ROWS, ROWS, 3), np.uint8)
    strip = rng.integers(0, 256, (ROWS, columns * COLUMN_PX, 3), np.uint8)
    label, ones = np.arange(columns, dtype=np.int16) % 4, np.ones(columns, np.float32)
    label[:2] = EMPTY, BLOCKED
    looks = Looks(
        picture, np.array(list("abcd")), strip, np.array([columns], np.int32), label,
        ones, 30 * ones, np.zeros((columns, 2), np.float32), 0.1 * ones,
    )  # fmt: skip
    save(looks, shelves / "looks-1-00000.npz")
    alone = train(folder, run, tmp_path / "a", replace(TINY, steps=1)).network
    both = train(folder, run, tmp_path / "b", replace(TINY, steps=1), shelves).network
    before = start(run)
    # Only strips have a use for this layer.
    assert torch.equal(alone.shows.bias, before.shows.bias)
    assert not torch.equal(both.shows.bias, before.shows.bias)


def test_the_file_works_where_photos_are_measured(folder, run, tmp_path, capsys):
    main([str(folder), "--encoder", str(run), "--out", str(tmp_path / "out"), "--steps", "0"])
    assert {CATALOGUE, STRIPS} <= {path.name for path in (tmp_path / "out").iterdir()}
    capsys.readouterr()
    measure.main([str(folder), "--encoder", str(tmp_path / "out" / CATALOGUE)])
    assert "32 classes,   32 photos: top-1 " in capsys.readouterr().out


def test_centres_stay_those_of_the_encoder(folder, run, tmp_path, unwritten):
    learnt = train(folder, run, tmp_path / "out", TINY).learnt
    before = start(run)
    assert torch.equal(learnt.product_centre.running_mean, before.product_centre.running_mean)
    assert not torch.equal(learnt.trunk[0].conv.weight, before.trunk[0].conv.weight)


def test_another_run_is_not_gone_on_with(folder, run, tmp_path, unwritten):
    with pytest.raises(PhotosError, match="has a run of something else"):
        train(folder, run, run, TINY)
    train(folder, run, tmp_path / "out", replace(TINY, steps=0))
    with pytest.raises(PhotosError, match="has a run of seed 0, not 1"):
        train(folder, run, tmp_path / "out", replace(TINY, seed=1))


def test_what_cannot_be_used_is_one_sentence(folder, run, tmp_path, capsys):
    def told(directory, encoder, *more):
        with pytest.raises(SystemExit) as error:
            main([str(directory), "--encoder", str(encoder), "--out", str(tmp_path / "o"), *more])
        assert error.value.code == 2
        return capsys.readouterr().err.splitlines()[-1]

    assert "holds no photos" in told(tmp_path / "absent", run)
    assert "holds no run of aisle.learning.encode" in told(folder, tmp_path / "absent")
    (tmp_path / "checkpoint.pt").write_bytes(b"none")
    assert "holds no run of aisle.learning.encode" in told(folder, tmp_path)
    assert "no looks-*.npz" in told(folder, run, "--looks", str(tmp_path))
    (folder / "train.txt").write_text("train/0_0.png, 0, 0\n")
    assert "too few to learn" in told(folder, run)
