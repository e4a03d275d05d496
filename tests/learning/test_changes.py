"""Pairs of pictures before and after, and the network that compares them."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from aisle.learning.array_files import load, save
from aisle.learning.change_train import (
    Batch,
    ChangeTrainConfig,
    Trainer,
    check,
    loss,
    make_batch,
    train,
)
from aisle.learning.changes import Changes, goods_in, look_twice
from aisle.receipt_model.change import StripChange
from aisle.sim.scene import Unit
from aisle.store.types import Product, Shelf
from aisle.vision.strips import COLUMN_PX, ROWS

TINY = ChangeTrainConfig(steps=30, batch=8, columns=6, check_every=15, rate=4e-3)


def painted(seed, columns=60):
    """Grey shelves; white boxes come and black ones go, two columns wide."""
    rng = np.random.default_rng(seed)
    pictures = np.full((2, ROWS, columns * COLUMN_PX, 3), 128, np.uint8)
    gain = np.zeros(columns, np.float32)
    for left in range(0, columns - 1, 6):
        kind = rng.integers(3)
        if kind:
            box = slice(left * COLUMN_PX, (left + 2) * COLUMN_PX)
            pictures[int(kind == 1), 20:60, box] = 255
            gain[left : left + 2] = 0.08 if kind == 1 else -0.08
    ones = np.ones(columns, np.float32)
    lines = np.zeros((columns, 2), np.float32)
    return Changes(*pictures, np.full(columns // 12, 12, np.int32), gain, ones, lines)


def test_goods_count_with_those_behind_and_above_them():
    pose = np.eye(4)
    shelf = Shelf("s", "f", (1.0, 0.4, 0.4), pose, ())
    products = {"a": Product("a", "a", 0.1, (0.125, 0.1, 0.1), 100)}

    def unit(x, y, z, holder=""):
        at = np.eye(4)
        at[:3, 3] = x, y, z
        return Unit(f"a#{x}{y}{z}", "a", at, holder)

    # Two behind each other and one on top, over exactly two columns; and one in a hand.
    stack = [unit(0.0625, 0.05, 0.0), unit(0.0625, 0.15, 0.0), unit(0.0625, 0.05, 0.1)]
    found = goods_in(shelf, [*stack, unit(0.5, 0.1, 0.0, "ada")], products)
    np.testing.assert_allclose(found[:2], 0.3, atol=1e-6)
    assert not found[2:].any()


@pytest.fixture(scope="module")
def rendered():
    return look_twice(3, 1, pairs=1)


def test_rendered_pairs_differ_where_something_moved_and_come_back_from_a_file(rendered, tmp_path):
    changed = (np.abs(rendered.gain) > 0.01) & (rendered.clear > 0)
    assert changed.sum() > 10
    away = np.abs(rendered.after.astype(int) - rendered.before).mean((0, 2))
    away = away.reshape(-1, COLUMN_PX).mean(1)
    still = (rendered.gain == 0) & (rendered.clear > 0)
    assert away[changed].mean() > 2 * away[still].mean()
    save(rendered, tmp_path / "a.npz")
    found = load(Changes, tmp_path / "a.npz")
    for name in ("before", "after", "columns", "gain", "clear", "slope"):
        np.testing.assert_array_equal(getattr(found, name), getattr(rendered, name))
    np.savez(tmp_path / "b.npz", before=rendered.before)
    with pytest.raises(ValueError, match="no after, clear"):
        load(Changes, tmp_path / "b.npz")
    (tmp_path / "c.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:1000])
    with pytest.raises(ValueError, match="cut off"):
        load(Changes, tmp_path / "c.npz")


def test_what_does_not_count_is_not_learnt_from():
    batch = make_batch(np.random.default_rng(1), [painted(1)], TINY)
    gain, off = torch.zeros_like(batch.gain), torch.full_like(batch.gain, 0.02)
    blind = replace(batch, clear=torch.zeros_like(batch.clear))
    assert loss(gain, off, batch) > 0
    assert loss(gain, off, blind) == 0
    wide = Batch(batch.before, batch.after, batch.slope, 9 * batch.gain, batch.clear)
    assert loss(gain, off, wide) > loss(gain, off, batch)


def test_a_column_does_not_depend_on_what_is_far_away():
    torch.manual_seed(1)
    network = StripChange().eval()
    given = painted(4)
    strips = [
        torch.from_numpy(np.ascontiguousarray(p.transpose(2, 0, 1)))[None]
        for p in (given.before, given.after)
    ]
    lines = torch.from_numpy(given.slope[None])
    whole = network(*strips, lines)[0][0, :20]
    part = network(*(s[..., : 40 * COLUMN_PX] for s in strips), lines[:, :40])[0][0, :20]
    torch.testing.assert_close(part, whole, atol=1e-5, rtol=1e-4)


def test_training_learns_to_tell_what_comes_from_what_goes_and_goes_on(tmp_path):
    for name, seeds in (("data", (1, 2)), ("held", (3,))):
        (tmp_path / name).mkdir()
        for seed in seeds:
            save(painted(seed), tmp_path / name / f"changes-1-{seed:05d}.npz")
    folders = tmp_path / "data", tmp_path / "held", tmp_path / "run"
    train(*folders, TINY)
    trainer = train(*folders, replace(TINY, steps=120, check_every=60))
    assert trainer.step == 120
    found = check(trainer.learnt, [painted(3)])
    assert found["told"] > 0.9
    assert found["off_m"] < 0.5 * found["size_m"]
    log = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert {"event": "resumed", "step": 30} in log


def test_a_folder_without_pairs_says_how_to_make_them(tmp_path):
    with pytest.raises(ValueError, match="makes them"):
        train(tmp_path, tmp_path, tmp_path / "run", TINY)


def test_weights_are_the_same_for_the_same_seed(tmp_path):
    ends = []
    for name in ("a", "b"):
        trainer = Trainer(tmp_path / name, TINY)
        rng = np.random.default_rng(2)
        ends.append([trainer.learn(make_batch(rng, [painted(1)], TINY)) for _ in range(2)])
    assert ends[0] == ends[1]
