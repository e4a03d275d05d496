import json

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from PIL import Image

from aisle.bags.metrics import wilson
from aisle.learning.photos import (
    PhotosError,
    colour_histogram,
    evaluate,
    left_out,
    main,
    onnx_encoder,
    read_photos,
)

COLOURS = [
    (220, 30, 30), (30, 200, 40), (40, 60, 210), (210, 200, 40), (150, 40, 160), (60, 60, 60),
    (240, 130, 20),
]  # fmt: skip
HEADER = (
    "Class Name (str),Class ID (int),Coarse Class Name (str),Coarse Class ID (int),"
    "Iconic Image Path (str),Product Description Path (str)\n"
)


def blob(path, colour, ground, rng):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((40, 30, 3), ground, np.uint8)
    image[8:32, 6:24] = np.clip(np.array(colour) + rng.integers(-25, 26, (24, 18, 3)), 0, 255)
    Image.fromarray(image).save(path)


@pytest.fixture
def folder(tmp_path):
    """Seven colours as classes; the last one has no photo in `val`."""
    root, rng = tmp_path / "dataset", np.random.default_rng(1)
    rows, lists = [], {"train": [], "val": []}
    for i, colour in enumerate(COLOURS):
        blob(root / f"iconic/{i}.png", colour, 255, rng)
        rows.append(f"kind-{i},{i},all,0,/iconic/{i}.png,/iconic/{i}.txt\n")
        for split, listed in lists.items():
            for k in range(0 if (split, i) == ("val", 6) else 2):
                name = f"{split}/{i}_{k}.png"
                blob(root / name, colour, 255, rng)
                listed.append(f"{name}, {i}, 0\n")
    (root / "classes.csv").write_text(HEADER + "".join(rows))
    for split, listed in lists.items():
        (root / f"{split}.txt").write_text("".join(listed))
    return tmp_path


def mean_colour(image):
    return image.mean(axis=(0, 1)) - 200.0


def test_the_lists_say_which_photo_shows_what(folder):
    photos = read_photos(folder)
    assert [one.name for one in photos.classes] == [f"kind-{i}" for i in range(7)]
    assert {name: len(found) for name, found in photos.splits.items()} == {"train": 14, "val": 12}
    path, class_ = photos.splits["val"][2]
    assert (path.name, class_) == ("1_0.png", 1)
    assert read_photos(folder / "dataset") == photos


def test_colours_find_colours(folder):
    scores = evaluate(read_photos(folder), colour_histogram)
    assert (scores.every.photos, scores.every.classes, scores.unreadable) == (12, 6, 0)
    assert scores.every.top1 >= 10 / 12
    assert scores.every.top1_interval == wilson(round(12 * scores.every.top1), 12)


def test_an_encoder_that_says_nothing_scores_nothing(folder):
    photos = read_photos(folder)
    for constant in (np.ones(4), np.zeros(4)):
        scores = evaluate(photos, lambda image, same=constant: same)
        assert (scores.every.top1, scores.every.top5) == (0.0, 0.0)


def test_top_5_counts_what_is_nearly_right(folder):
    photos = read_photos(folder)
    of_photo = {tuple(np.asarray(Image.open(path))[20, 15]): c for path, c in photos.splits["val"]}

    def third(image):
        class_ = of_photo[tuple(image[20, 15])]
        return np.isin(np.arange(7), [(class_ + 1) % 7, (class_ + 2) % 7]) * 2 + np.eye(7)[class_]

    def one_of_all(image):
        return np.eye(7)[int(np.argmin([abs(image[20, 15] - np.array(c)).sum() for c in COLOURS]))]

    scores = evaluate(photos, third, catalogue=one_of_all)
    assert (scores.every.top1, scores.every.top5) == (0.0, 1.0)


def test_the_classes_left_out_follow_from_the_seed_alone(folder):
    photos = read_photos(folder)
    chosen = left_out(photos, 3, 3)
    assert chosen == left_out(photos, 3, 3)
    assert len({left_out(photos, seed, 3) for seed in range(12)}) > 1
    assert len(chosen) == 3
    assert 6 not in left_out(photos, 0)
    more = {**photos.splits, "test": photos.splits["val"][:1]}
    assert left_out(type(photos)(photos.classes, more), 3, 3) == chosen


def test_left_out_and_other_classes_are_counted_apart(folder, monkeypatch):
    monkeypatch.setattr("aisle.learning.photos.left_out", lambda photos, seed: frozenset({0, 3}))
    scores = evaluate(read_photos(folder), mean_colour)
    assert (scores.left_out.photos, scores.left_out.classes) == (4, 2)
    assert (scores.others.photos, scores.others.classes) == (8, 4)


def test_a_photo_that_cannot_be_read_is_counted_apart(folder):
    (folder / "dataset/val/0_0.png").write_bytes(b"none")
    (folder / "dataset/val/0_1.png").unlink()
    scores = evaluate(read_photos(folder), colour_histogram)
    assert (scores.unreadable, scores.every.photos) == (2, 10)


def test_what_cannot_be_used_is_told(folder, tmp_path):
    root = folder / "dataset"
    photos = read_photos(folder)
    with pytest.raises(PhotosError, match="no split 'test', only train, val"):
        evaluate(photos, colour_histogram, "test")
    with pytest.raises(PhotosError, match="finite"):
        evaluate(photos, lambda image: np.array([np.nan]))
    with pytest.raises(PhotosError, match="different lengths"):
        evaluate(photos, lambda image: np.ones(int(image[20, 15, 0])))
    with pytest.raises(PhotosError, match="4 features of a photo, not 3"):
        evaluate(photos, lambda image: np.ones(4), catalogue=mean_colour)
    (root / "iconic/2.png").unlink()
    with pytest.raises(PhotosError, match="catalogue image"):
        evaluate(photos, colour_histogram)
    for line, message in (
        ("a.png", "list index"),
        ("../../a.png, 1", "outside"),
        ("a.png, 9", "9"),
    ):
        (root / "val.txt").write_text(f"{line}\n")
        with pytest.raises(PhotosError, match=rf"val\.txt:1: .*{message}"):
            read_photos(folder)
    with pytest.raises(PhotosError, match="holds no photos"):
        read_photos(tmp_path / "absent")


@given(st.text(max_size=80))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_list_is_read_or_refused(folder, text):
    (folder / "dataset/val.txt").write_text(text, encoding="utf-8")
    try:
        found = read_photos(folder).splits["val"]
    except PhotosError:
        return
    assert all(path.is_relative_to(folder) for path, _ in found)


def model(path, shape, kind=TensorProto.UINT8, axes=(2, 3)):
    """A network that gives the mean of each channel."""
    given = helper.make_tensor_value_info("pictures", kind, shape)
    out = helper.make_tensor_value_info("features", TensorProto.FLOAT, None)
    nodes = [
        helper.make_node("Cast", ["pictures"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x"], ["features"], axes=list(axes), keepdims=0),
    ]
    graph = helper.make_graph(nodes, "mean", [given], [out])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(made, path)
    return path


@pytest.mark.parametrize(
    ("shape", "kind", "axes"),
    [
        (["n", 3, 64, 64], TensorProto.UINT8, (2, 3)),
        ([1, 3, 32, "w"], TensorProto.FLOAT, (2, 3)),
        (["n", "images", 3, 64, 64], TensorProto.UINT8, (3, 4)),
    ],
)
def test_an_encoder_comes_from_a_file(tmp_path, shape, kind, axes):
    encode = onnx_encoder(model(tmp_path / "a.onnx", shape, kind, axes))
    image = np.full((50, 50, 3), (10, 20, 30), np.uint8)
    square = encode(image)
    assert square.shape == (3,)
    if shape[-1] == 64:
        assert square == pytest.approx([10, 20, 30])
        # Half of a narrow picture's square is white.
        assert encode(image[:, :25]) == pytest.approx([132.5, 137.5, 142.5])


def test_a_file_that_is_no_encoder_is_told(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"none")
    with pytest.raises(PhotosError, match="not a model that can be loaded"):
        onnx_encoder(tmp_path / "a.onnx")
    with pytest.raises(PhotosError, match="not pictures"):
        onnx_encoder(model(tmp_path / "b.onnx", [1, 4, 64, 64]))


def test_the_command_prints_figures_and_json(folder, tmp_path, capsys):
    encoder = str(model(tmp_path / "a.onnx", ["n", 3, 64, 64]))
    main([str(folder), "--encoder", encoder])
    assert "6 classes,   12 photos: top-1 " in capsys.readouterr().out
    main([str(folder), "--json", "--seed", "4", "--split", "train"])
    found = json.loads(capsys.readouterr().out)
    assert (found["split"], found["seed"], found["every"]["photos"]) == ("train", 4, 14)
    with pytest.raises(SystemExit) as error:
        main([str(tmp_path / "absent")])
    assert error.value.code == 2
