"""Clips of people near each other, and the network that sees things handed over."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from aisle.learning.array_files import load, save
from aisle.learning.meeting_train import (
    MeetingTrainConfig,
    Trainer,
    check,
    judge,
    make_batch,
    train,
)
from aisle.learning.meetings import TICKS, Clips, look_at_meetings
from aisle.receipt_model.meeting import MeetingNet
from aisle.vision.meetings import CLOSE, MOST_VIEWS, SPAN, WIDE

TINY = MeetingTrainConfig(steps=40, batch=8, views=1, check_every=20, rate=4e-3, average=0.9)


def painted(seed, clips=16):
    """Grey clips; who gives stretches out a white arm in the middle."""
    rng = np.random.default_rng(seed)
    wide = np.full((clips, TICKS, MOST_VIEWS, *WIDE, 3), 100, np.uint8)
    close = np.full((clips, TICKS, MOST_VIEWS, *CLOSE, 3), 100, np.uint8)
    gives = rng.integers(0, 3, clips).astype(np.int8)
    for i in np.flatnonzero(gives):
        side = slice(10, 48) if gives[i] == 1 else slice(48, 86)
        wide[i, 5:8, :, 20:44, side] = 255
        close[i, 5:8, :, 20:52, 20:52] = 255
    shown = np.ones(wide.shape[:3], bool)
    return Clips(wide, close, shown, gives)


@pytest.fixture(scope="module")
def rendered():
    return look_at_meetings(1, 1, most=1)


def test_rendered_clips_show_who_meets_and_come_back_from_a_file(rendered, tmp_path):
    assert rendered.wide.shape == (2, TICKS, MOST_VIEWS, *WIDE, 3)
    assert rendered.close.shape == (2, TICKS, MOST_VIEWS, *CLOSE, 3)
    assert rendered.gives[0] in (1, 2)
    assert rendered.gives[1] == 0
    # What is shown is a picture, and what is not is black.
    assert rendered.shown[:, TICKS // 2].any(1).all()
    bright = rendered.wide.max((-1, -2, -3))
    np.testing.assert_array_equal(bright > 0, rendered.shown)
    save(rendered, tmp_path / "a.npz")
    found = load(Clips, tmp_path / "a.npz")
    np.testing.assert_array_equal(found.close, rendered.close)


def test_what_is_turned_round_is_given_from_the_other_side():
    library = [painted(1)]
    for seed in range(6):
        batch = make_batch(np.random.default_rng(seed), library, TINY)
        assert batch.wide.shape == (TINY.batch, SPAN, 1, 3, *WIDE)
        for wide, gives in zip(batch.wide, batch.gives.tolist(), strict=True):
            middle = wide[SPAN // 2, 0].float().mean(0)
            left, right = middle[:, :48].mean(), middle[:, 48:].mean()
            if gives:
                assert (left > right) == (gives == 1)


def test_views_that_are_not_shown_say_nothing():
    network = MeetingNet().eval()
    rng = torch.Generator().manual_seed(1)
    wide, close = (
        torch.randint(0, 256, (2, MOST_VIEWS, 3, *size), generator=rng, dtype=torch.uint8)
        for size in (WIDE, CLOSE)
    )
    shown = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    with torch.no_grad():
        one = network.see(wide, close, shown)
        wide[:, 1:], close[:, 1:] = 7, 7
        other = network.see(wide, close, shown)
    np.testing.assert_allclose(one[0], other[0], atol=1e-5)
    assert one[0].any()
    assert not one[1].any()


def test_training_learns_who_gives_and_goes_on(tmp_path):
    for name, seeds in (("data", (1, 2)), ("held", (3,))):
        (tmp_path / name).mkdir()
        for seed in seeds:
            save(painted(seed), tmp_path / name / f"meetings-{seed}-00000.npz")
    paths = tmp_path / "data", tmp_path / "held", tmp_path / "run"
    assert train(*paths, replace(TINY, steps=20)).step == 20
    trainer = train(*paths, TINY)
    found = check(trainer.learnt, [painted(4)])
    assert found["given"] > 0.8
    assert found["false"] < 0.3


def test_one_meeting_is_judged_like_several_together():
    network = MeetingNet().eval()
    batch = make_batch(np.random.default_rng(1), [painted(2)], TINY)
    with torch.no_grad():
        gives = judge(network, batch)
        size = batch.shown.shape[:2]
        parts = (part.flatten(0, 1) for part in (batch.wide, batch.close, batch.shown))
        seen = network.see(*parts).view(*size, -1)
        alone = network.say(seen[2:3])
    np.testing.assert_allclose(alone, gives[2:3], atol=1e-5)


def test_a_run_of_another_kind_is_refused(tmp_path):
    trainer = Trainer(tmp_path / "run", TINY)
    trainer.save()
    state = torch.load(trainer.checkpoint, weights_only=True)
    state["network"].pop("said.bias")
    torch.save(state, trainer.checkpoint)
    with pytest.raises((ValueError, RuntimeError), match="said"):
        Trainer(tmp_path / "run", TINY)
