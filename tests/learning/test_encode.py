"""The strip encoder and its training."""

import json

import numpy as np
import pytest
import torch

from aisle.learning.array_files import save
from aisle.learning.column_labels import BLOCKED, EMPTY
from aisle.learning.columns import BatchConfig, check, make_batch, shows_of
from aisle.learning.compute import PRECISIONS, Compute
from aisle.learning.encode import EncodeConfig, Trainer, train
from aisle.learning.export_encoder import check_equal, export_encoder
from aisle.learning.looks import Looks
from aisle.receipt_model.encoder import EncoderConfig, Shows, StripEncoder
from aisle.vision.networks import CATALOGUE, STRIPS
from aisle.vision.strips import COLUMN_PX, ROWS

TINY = BatchConfig(stores=2, crops=6, columns=4, products=6, views=1)


pytestmark = pytest.mark.usefixtures("one_thread")


def noise(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def painted_store(seed, name):
    """Goods of one colour each, two columns wide; every third place is bare, every fifth hidden.

    The further back a thing stands, the higher its lower edge: half of them 4 cm, half 20 cm.
    """
    rng = np.random.default_rng(seed)
    colours = rng.integers(30, 256, (8, 3))
    catalogue = np.full((8, 2, ROWS, ROWS, 3), 255, np.uint8)
    catalogue[:, :, 16:48, 16:48] = colours[:, None, None, None]
    label = np.repeat(rng.integers(0, 8, 24), 2).astype(np.int16)
    label[::6] = label[1::6] = EMPTY
    label[::10] = label[1::10] = BLOCKED
    strips = np.full((ROWS, len(label) * COLUMN_PX, 3), 230, np.uint8)
    room = np.full(len(label), 0.4, np.float32)
    for i, what in enumerate(label):
        part = strips[:, i * COLUMN_PX : (i + 1) * COLUMN_PX]
        if what >= 0:
            deep = i // 2 % 2
            part[20 : 44 if deep else 64] = colours[what]
            room[i] = 0.2 if deep else 0.04
        elif what == BLOCKED:
            part[::2] = 0
    ones = np.ones(len(label), np.float32)
    names = np.array([f"{name}{i}" for i in range(8)])
    slope = np.zeros((len(label), 2), np.float32)
    return Looks(
        catalogue, names, strips, np.full(4, 12, np.int32), label, ones, 30 * ones, slope, room
    )


def test_columns_and_products_get_features_of_length_one():
    encoder = StripEncoder()
    features, shows, room = encoder(noise(2, 3, ROWS, 7 * COLUMN_PX), torch.zeros(2, 7, 2))
    goods = encoder.catalogue(noise(5, 3, 3, ROWS, ROWS))
    assert features.shape == (2, 7, 32)
    assert shows.shape == (2, 7, len(Shows))
    assert goods.shape == (5, 32)
    assert room.shape == (2, 7)
    assert ((room > 0) & (room < 0.4)).all()
    for found in (features, goods):
        assert torch.allclose(found.norm(dim=-1), torch.ones(found.shape[:-1]), atol=1e-5)


def test_a_column_does_not_depend_on_how_long_its_strip_is():
    encoder = StripEncoder().eval()
    strip = noise(1, 3, ROWS, 12 * COLUMN_PX)
    slope = torch.rand(1, 12, 2)
    whole, part = encoder(strip, slope), encoder(strip[..., : 8 * COLUMN_PX], slope[:, :8])
    for long, short in zip(whole, part, strict=True):
        assert torch.allclose(long[:, :6], short[:, :6], atol=1e-5)


def test_the_order_of_catalogue_pictures_does_not_matter():
    encoder = StripEncoder().eval()
    pictures = noise(1, 3, 3, ROWS, ROWS)
    turned = encoder.catalogue(pictures[:, [2, 0, 1]])
    assert torch.allclose(encoder.catalogue(pictures), turned, atol=1e-5)


def test_a_metre_costs_about_fifteen_million_multiply_adds():
    encoder, count = StripEncoder(), 0

    def add(layer, _, out):
        nonlocal count
        count += out.numel() * layer.weight[0].numel()

    for layer in encoder.modules():
        if isinstance(layer, torch.nn.Conv1d | torch.nn.Conv2d):
            layer.register_forward_hook(add)
    encoder(noise(1, 3, ROWS, 256), torch.zeros(1, 16, 2))
    assert 10e6 < count < 16e6


def test_onnx_gives_what_torch_gives_for_any_width(tmp_path):
    torch.manual_seed(2)
    encoder = StripEncoder(EncoderConfig(channels=(4, 6, 8, 8), features=32))
    export_encoder(encoder, tmp_path)
    assert check_equal(encoder, tmp_path) < 1e-4
    assert {path.name for path in tmp_path.iterdir()} == {STRIPS, CATALOGUE}


def test_a_batch_asks_for_products_in_its_own_catalogue():
    stores = [painted_store(1, "a"), painted_store(2, "b")]
    batch = make_batch(np.random.default_rng(3), stores, TINY)
    assert batch.strips.shape == (12, 3, ROWS, 4 * COLUMN_PX)
    assert len(batch.product) == len(batch.shows) == len(batch.weight) == 12
    named = (batch.shows == Shows.PRODUCT) & (batch.weight > 0)
    middle = batch.pictures[:, 0, :, 32, 32]
    rows, columns = named.nonzero(as_tuple=True)
    assert len(rows) > 8
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        seen = batch.strips[row, :, 40, column * COLUMN_PX + 8]
        wanted = middle[batch.product[row, column]]
        # The light differs from picture to picture, by the same factor for all pixels of one.
        assert torch.nn.functional.cosine_similarity(seen, wanted, dim=0) > 0.95


def test_labels_say_what_a_column_shows():
    assert shows_of(np.array([EMPTY, BLOCKED, 0, 7], np.int16)).tolist() == [0, 1, 2, 2]


def test_training_learns_to_name_products_that_it_has_never_seen(tmp_path):
    trainer = Trainer(tmp_path, EncodeConfig(steps=90, warm_up=5, average=0.9, rate=4e-3))
    stores = [painted_store(seed, str(seed)) for seed in range(12)]
    unseen = [painted_store(seed, str(seed)) for seed in (100, 101)]
    before = check(trainer.average, unseen, None)
    for step in range(90):
        trainer.learn(make_batch(np.random.default_rng(step), stores, TINY))
    after = check(trainer.average, unseen, None)
    assert after["named"] == sum(int((looks.label >= 0).sum()) for looks in unseen)
    assert after["top1"] > 0.7 > before["top1"]
    assert after["blocked_right"] > 0.8
    assert after["empty_right"] > 0.8
    assert after["room_mean_m"] < 0.5 * before["room_mean_m"]


def test_a_stopped_run_goes_on(tmp_path):
    for folder, seed in (("data", 1), ("other", 2)):
        (tmp_path / folder).mkdir()
        save(painted_store(seed, folder), tmp_path / folder / f"looks-{seed}-00000.npz")
    folders = tmp_path / "data", tmp_path / "other", tmp_path / "run"
    config = EncodeConfig(steps=3, batch=TINY, check_every=1)
    first = train(*folders, EncodeConfig(steps=2, batch=TINY), 9.0)
    again = train(*folders, config, 9.0)
    assert (first.step, again.step) == (2, 3)
    lines = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [line.get("event") for line in lines] == ["finished", "resumed", None, "finished"]


def test_products_of_the_check_must_not_be_trained_on(tmp_path):
    save(painted_store(1, "a"), tmp_path / "looks-1-00000.npz")
    with pytest.raises(ValueError, match="trained on"):
        train(tmp_path, tmp_path, tmp_path / "run", EncodeConfig(steps=0, batch=TINY), 1.0)


def test_a_folder_without_pictures_is_named(tmp_path):
    with pytest.raises(ValueError, match="no looks"):
        train(tmp_path, tmp_path, tmp_path / "run", EncodeConfig(steps=1), 1.0)


def test_mixed_precision_computes_about_the_same_and_keeps_weights_exact(tmp_path):
    stores = [painted_store(1, "a"), painted_store(2, "b")]
    found = {}
    for precision in PRECISIONS:
        compute = Compute("cpu", precision)
        trainer = Trainer(tmp_path / precision, EncodeConfig(batch=TINY), compute)
        rng = np.random.default_rng(4)
        found[precision] = [trainer.learn(make_batch(rng, stores, TINY)) for _ in range(4)]
        assert {p.dtype for p in trainer.network.parameters()} == {torch.float32}
    exact, mixed = found.values()
    assert exact != mixed
    for one, other in zip(exact, mixed, strict=True):
        assert other["total"] == pytest.approx(one["total"], rel=0.05)


def test_a_device_that_is_not_there_is_one_sentence():
    with pytest.raises(ValueError, match="cuda:77: torch cannot use it here"):
        Compute("cuda:77")
