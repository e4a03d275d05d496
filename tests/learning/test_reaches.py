"""Fronts of fixtures with hands in them, and the network that finds these."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from aisle.learning.array_files import load, save
from aisle.learning.reach_train import ReachTrainConfig, Trainer, check, make_batch, train
from aisle.learning.reaches import Reaches, look_at_reaches, reaching
from aisle.receipt_model.reach import CELL_M, FrontReach
from aisle.sim.choreography.performance import PersonTruth
from aisle.store.geometry import pose_from_rpy
from aisle.store.types import Fixture
from aisle.vision.fronts import BESIDE_M, HIGH_M, PX_PER_M, ROWS, is_before

SEED, NUMBER = 1, 35
"""Of a store with few people in it: drawn in seconds."""
TINY = ReachTrainConfig(steps=20, batch=8, width=48, check_every=10, rate=4e-3, average=0.98)


def painted(seed, fronts=12, width=64):
    """Grey fronts; where a hand is, there is a white square, and its head a black one above it."""
    rng = np.random.default_rng(seed)
    empty = np.full((ROWS, fronts * width, 3), 128, np.uint8)
    now, hands, heads = empty.copy(), [], []
    for i in range(fronts):
        column, row = rng.integers(10, width - 10), rng.integers(40, 70)
        left = i * width + column
        now[row - 4 : row + 4, left - 4 : left + 4] = 255
        now[row - 30 : row - 22, left - 4 : left + 4] = 0
        x = column / PX_PER_M - BESIDE_M
        hands.append((x, HIGH_M - row / PX_PER_M))
        heads.append((x, HIGH_M - (row - 26) / PX_PER_M))
    widths = np.full(fronts, width, np.int32)
    both = np.array(hands, np.float32), np.array(heads, np.float32)
    return Reaches(now, empty, widths, np.arange(fronts, dtype=np.int32), *both)


def test_a_hand_reaches_in_from_just_before_the_front_on():
    pose = pose_from_rpy((2.0, 1.0, 0.0), (0.0, 0.0, 0.7))
    fixture = Fixture("g", "gondola", (1.2, 0.4, 1.5), pose, ())

    def at(x, y, z):
        return (pose @ (x, y, z, 1.0))[:3]

    def person(*hands):
        return PersonTruth("a", 0, at(0.3, -0.4, 1.6), *(at(*hand) for hand in hands), "", (), ())

    (((x, z), head),) = reaching(fixture, [person((0.5, 0.1, 1.0), (0.5, -0.3, 1.0))])
    np.testing.assert_allclose([x, z, *head], [0.5, 1.0, 0.3, -0.4, 1.6], atol=1e-9)
    outside = person((0.5, 0.1, 2.5), (2.0, 0.1, 1.0))
    assert not list(reaching(fixture, [outside]))
    assert len(list(reaching(fixture, [person((0.5, -0.05, 1.0), (0.4, 0.3, 0.5))]))) == 2


@pytest.fixture(scope="module")
def rendered():
    return look_at_reaches(SEED, NUMBER)


def test_rendered_fronts_have_somebody_before_them_and_come_back_from_a_file(rendered, tmp_path):
    assert len(rendered.of) > 20
    assert rendered.of.max() < len(rendered.width)
    ends = np.cumsum(rendered.width)
    for end, width in zip(ends[:20], rendered.width, strict=False):
        part = slice(end - width, end)
        assert is_before(rendered.now[:, part], rendered.empty[:, part])
    # Where hands are, more differs from the empty front than elsewhere.
    away = np.abs(rendered.now.astype(int) - rendered.empty).mean(-1)
    there = []
    for of, (x, z) in zip(rendered.of, rendered.hand, strict=True):
        column = int((x + BESIDE_M) * PX_PER_M) + ends[of] - rendered.width[of]
        there.append(away[int((HIGH_M - z) * PX_PER_M), column])
    assert np.mean(there) > 2 * away.mean()
    save(rendered, tmp_path / "a.npz")
    found = load(Reaches, tmp_path / "a.npz")
    for name in ("now", "empty", "width", "of", "hand", "head"):
        np.testing.assert_array_equal(getattr(found, name), getattr(rendered, name))


def test_the_same_numbers_draw_the_same_fronts(rendered):
    again = look_at_reaches(SEED, NUMBER)
    np.testing.assert_array_equal(again.now, rendered.now)


def test_pieces_keep_hands_and_heads_in_their_places():
    given = painted(1)
    for seed in range(5):
        batch = make_batch(np.random.default_rng(seed), [given], TINY)
        assert batch.heat.shape == (TINY.batch, ROWS // 4, TINY.width // 4)
        assert len(batch.at) > TINY.batch // 2
        for (row, up, along), hand, head in zip(batch.at, batch.hand, batch.head, strict=True):
            assert batch.heat[row, up, along] == 1
            x, y = (hand[0] * PX_PER_M).int(), ((HIGH_M - hand[1]) * PX_PER_M).int()
            assert batch.now[row, :, y, x].min() > 180
            x, y = (head[0] * PX_PER_M).int(), ((HIGH_M - head[1]) * PX_PER_M).int()
            assert batch.now[row, :, y, x].max() < 60
            assert int(hand[0] / CELL_M) == along


def test_a_network_that_has_learnt_nothing_says_places_near_each_cell():
    network = FrontReach().eval()
    front = torch.zeros(1, 3, ROWS, 96, dtype=torch.uint8)
    with torch.no_grad():
        heat, hand, head = network(front, front)
    assert heat.shape == (1, 20, 24)
    assert float(heat.max()) < -1
    assert hand.shape == (1, 20, 24, 2)
    assert (head[..., 2] > 0).all()
    # Each cell means places around itself: the same answer one cell further is one cell further.
    along = (hand[0, 8, 9:13, 0] - hand[0, 8, 8:12, 0]).mean()
    assert float(along) == pytest.approx(CELL_M, abs=CELL_M / 2)


def test_training_learns_to_find_hands_and_their_heads_and_goes_on(tmp_path):
    for name, seeds in (("data", (1, 2)), ("held", (3,))):
        (tmp_path / name).mkdir()
        for seed in seeds:
            save(painted(seed), tmp_path / name / f"reaches-1-{seed:05d}.npz")
    folders = tmp_path / "data", tmp_path / "held", tmp_path / "run"
    train(*folders, TINY)
    trainer = train(*folders, replace(TINY, steps=200, check_every=100))
    assert trainer.step == 200
    found = check(trainer.learnt, [painted(3)])
    assert found["guessed"] > 0.9
    assert found["false_guessed"] < 0.3
    log = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert {"event": "resumed", "step": 20} in log


def test_weights_are_the_same_for_the_same_seed(tmp_path):
    ends = []
    for name in ("a", "b"):
        trainer = Trainer(tmp_path / name, TINY)
        rng = np.random.default_rng(2)
        ends.append([trainer.learn(make_batch(rng, [painted(1)], TINY)) for _ in range(2)])
    assert ends[0] == ends[1]


def test_a_folder_without_fronts_says_how_to_make_them(tmp_path):
    with pytest.raises(ValueError, match="makes them"):
        train(tmp_path, tmp_path, tmp_path / "run", TINY)
