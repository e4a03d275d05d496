"""The follower and its training, on clips of coloured spots that need no renderer."""

from dataclasses import replace

import numpy as np
import pytest

from aisle.vision.floor_map import CELL_M
from toy_walks import HEIGHT, WIDTH, spots

torch = pytest.importorskip("torch")
from aisle.learning.follow import Trainer, checked  # noqa: E402
from aisle.learning.follow_check import (  # noqa: E402
    at_the_gate,
    births,
    check,
    followed,
    nearest_blobs,
)
from aisle.learning.follow_data import FollowConfig, augmented  # noqa: E402
from aisle.learning.follow_loss import Tick, assigned, losses, nearest_own  # noqa: E402
from aisle.receipt_model.appearance import Appearance  # noqa: E402
from aisle.receipt_model.follower import Follower, averaged, born  # noqa: E402


@pytest.fixture(scope="module")
def follower():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return Follower().eval()


def tick_of(walk, tick):
    people = len(walk.session)
    return Tick(
        torch.from_numpy(walk.pictures[tick])[None], torch.from_numpy(walk.seen[tick])[None],
        torch.ones(1, people), torch.zeros(1, people, dtype=torch.bool), torch.zeros(1, people, 2),
        walk.session[None], torch.from_numpy(walk.head[tick, :, :2])[None],
        torch.from_numpy(walk.hands[tick])[None],
    )  # fmt: skip


def run(follower, walk, order, open_):
    """Heads [T, S, 2] of tracks in some order."""
    place = torch.from_numpy(walk.gate)[None, order]
    state = follower.begin(1, len(order), HEIGHT, WIDTH)
    state = born(state, torch.ones(1, len(order), dtype=torch.bool), place)
    heads = []
    with torch.no_grad():
        for tick in range(5):
            now = tick_of(walk, tick)
            seat = torch.tensor([0.0, 0.25]).expand(1, len(order), 2)
            state, tracks = follower.step(state, now.picture, now.seen, open_[:, order], seat)
            heads.append(tracks.head[0])
            total = tracks.share.sum(-1) + tracks.lost
            torch.testing.assert_close(total, torch.ones_like(total))
    return torch.stack(heads)


def test_the_order_of_tracks_does_not_matter_and_closed_ones_do_not_count(follower):
    walk = spots(session=(0, 1, 2))
    everybody = run(follower, walk, [0, 1, 2], torch.ones(1, 3))
    turned = run(follower, walk, [2, 0, 1], torch.ones(1, 3))
    torch.testing.assert_close(turned, everybody[:, [2, 0, 1]], atol=1e-4, rtol=0)
    alone = run(follower, walk, [0, 1], torch.ones(1, 3))
    closed = run(follower, walk, [0, 1, 2], torch.tensor([[1.0, 1.0, 0.0]]))
    torch.testing.assert_close(closed[:, :2], alone, atol=1e-4, rtol=0)


def test_a_track_that_is_born_forgets_whose_it_was(follower):
    state = follower.begin(1, 2, HEIGHT, WIDTH)
    state = state._replace(memory=state.memory + 1, look=state.look + 1, pace=state.pace + 1)
    place = torch.tensor([[[0.5, 0.7], [0.1, 0.1]]])
    state = born(state, torch.tensor([[True, False]]), place)
    assert state.memory[0, 0].abs().max() == 0
    assert state.memory[0, 1].min() == 1
    torch.testing.assert_close(state.place[0], torch.tensor([[0.5, 0.7], [0.0, 0.0]]))


def test_onnx_says_the_same_over_several_ticks_and_shapes(follower, tmp_path):
    from aisle.learning.follow_export import TOLERANCE, difference, export_follower

    path = export_follower(follower, tmp_path / "follower.onnx")
    assert difference(follower, path) <= TOLERANCE


def test_people_of_a_group_may_be_either_track():
    walk = spots(session=(0, 0, 1))
    now = tick_of(walk, 0)
    swapped = now.head[:, [1, 0, 2]]
    assert assigned(swapped, now)[0].tolist() == [1, 0, 2]
    assert nearest_own(swapped, now.head, now.session).max() == 0
    strangers = now.head[:, [0, 2, 1]]
    assert assigned(strangers, now)[0].tolist() == [0, 1, 2]
    assert nearest_own(strangers, now.head, now.session)[0, 2] > 0.3


def test_who_is_not_there_teaches_nothing(follower):
    walk = spots()
    now = tick_of(walk, 0)
    state = follower.begin(1, 2, HEIGHT, WIDTH)
    _, tracks = follower.step(state, now.picture, now.seen, now.open, torch.zeros(1, 2, 2))
    nobody = replace(now, head=now.head * torch.nan, hands=now.hands * torch.nan)
    parts = losses(tracks, nobody)
    assert all(float(parts[n].detach()) == 0 for n in ("head", "hands", "point"))
    assert all(torch.isfinite(value) for value in parts.values())


def test_an_appearance_is_a_mean_that_one_tick_hardly_changes():
    mean = torch.zeros(1, 1, 3)
    pink, green = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[0.0, 1.0]]])
    for _ in range(60):
        mean = averaged(mean, pink, torch.tensor([[[1.0]]]))
    torch.testing.assert_close(mean[..., :2], pink)
    one = averaged(mean, green, torch.tensor([[[1.0]]]))
    assert one[0, 0, 0] > 0.97
    hidden = averaged(mean, green, torch.tensor([[[0.0]]]))
    torch.testing.assert_close(hidden, mean)


@pytest.mark.parametrize("seed", range(8))
def test_turned_and_mirrored_clips_keep_people_under_their_heads(seed):
    walk = augmented(spots(4), np.random.default_rng(seed))
    for tick in range(4):
        ground = walk.pictures[tick, 0, 0, 0].astype(int)
        for x, y, _ in walk.head[tick]:
            cell = walk.pictures[tick, 0, int(y / CELL_M), int(x / CELL_M)].astype(int)
            assert np.abs(cell - ground).max() > 60
    left, right = walk.hands[0, 0]
    assert np.linalg.norm(left - right) == pytest.approx(0.4, abs=1e-5)


def test_steps_lower_the_loss_and_a_resumed_run_goes_on(tmp_path):
    spots(60).save(tmp_path / "walk-000000.npz")
    paths = [tmp_path / "walk-000000.npz"]
    config = FollowConfig(steps=400, warm_up=1, lanes=2, ticks=8, rate=3e-3, average=0.5)
    looks = Appearance()
    trainer = Trainer(tmp_path / "run", tmp_path, config, looks)
    # Of the parts, this one does not depend on how far people have come from the gate.
    first = trainer.learn()["person"]
    last = [trainer.learn()["person"] for _ in range(24)]
    assert last[-1] < 0.9 * first
    trainer.save()
    again = Trainer(tmp_path / "run", tmp_path, config, looks)
    assert again.step == trainer.step
    for name, weight in looks.state_dict().items():
        for follower in (again.network, again.average):
            assert torch.equal(follower.appear.state_dict()[name], weight)
    with pytest.raises(ValueError, match="another run of"):
        Trainer(tmp_path / "run", tmp_path, config, Appearance())
    assert checked(again.average, paths).summary() == checked(trainer.average, paths).summary()


def perfect(walk, born_at, place):
    return np.nan_to_num(walk.head[..., :2])


def swapping(walk, born_at, place):
    heads = perfect(walk, born_at, place).copy()
    half = len(heads) // 2
    heads[half:] = heads[half:, ::-1]
    return heads


def test_figures_tell_right_tracks_from_swapped_ones():
    walks = [spots(), spots(session=(0, 0))]
    score = check(perfect, walks).summary()
    assert (score["p95_m"], score["right"], score["person_ticks"]) == (0.0, 1.0, 160)
    assert score["switches_and_minutes"]["2"] == [0, pytest.approx(80 * 0.25 / 60, abs=0.01)]
    assert check(swapping, walks[:1]).summary()["switches_and_minutes"]["2"][0] == 2
    # Within a group, nobody cares which track is whose.
    assert check(swapping, walks[1:]).summary()["right"] == 1.0


def test_blobs_beat_the_gate_where_spots_are_apart_and_the_follower_answers(follower):
    walks = [spots()]
    blobs, gate = (check(m, walks).summary() for m in (nearest_blobs, at_the_gate))
    assert blobs["right"] > gate["right"] + 0.3
    answered = check(followed(follower), walks).summary()
    assert answered["person_ticks"] == gate["person_ticks"]


def test_who_came_before_the_clip_is_born_where_he_is_by_then():
    walk = spots()
    walk = replace(walk, opens=np.array([-5, 3], np.int32))
    at, place = births(walk, 0.0, np.random.default_rng(0))
    assert at.tolist() == [0, 3]
    np.testing.assert_allclose(place, [walk.head[0, 0, :2], walk.gate[1]])
