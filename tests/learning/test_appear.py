"""What people look like, learnt on clips of coloured spots that need no renderer."""

from dataclasses import replace

import numpy as np
import pytest

from aisle.vision.floor_map import CELL_M
from toy_walks import spots

torch = pytest.importorskip("torch")
from aisle.learning.appear import (  # noqa: E402
    AppearConfig,
    Moments,
    Trainer,
    at_heads,
    check,
    learnt,
    moments,
    pairs_told,
    told_apart,
)
from aisle.receipt_model.appearance import LOOKED, Appearance, floats, looked  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


def own_vectors(count, people):
    """[count, people, people] of which each person has one of his own."""
    return torch.eye(people).expand(count, people, people)


def everybody(count, people):
    return torch.ones(count, people, dtype=torch.bool)


def test_who_looks_like_himself_costs_little_and_who_looks_like_another_much():
    seen = everybody(3, 3)
    own = own_vectors(3, 3)
    turned = torch.stack([own[0], own[0][[1, 2, 0]], own[0][[2, 0, 1]]])
    assert float(told_apart(own, seen)) < 0.1
    assert float(told_apart(own[:, :1].expand(3, 3, 3), seen)) == pytest.approx(np.log(3), abs=1e-4)
    assert float(told_apart(turned, seen)) > 2


def test_who_is_alone_or_unseen_need_not_be_known_again():
    assert float(told_apart(own_vectors(2, 1), everybody(2, 1))) == 0
    assert float(told_apart(own_vectors(2, 2), ~everybody(2, 2))) == 0
    seen = torch.tensor([[True, True], [True, False]])
    # Nobody else is seen in the second moment, so there is a choice only in the first.
    only = told_apart(torch.ones(2, 2, 2) / 2**0.5, seen)
    assert float(only) == pytest.approx(np.log(2), abs=1e-4)


def test_a_vector_is_taken_from_where_the_head_is():
    walk = spots(20, session=(0, 1, 2))
    shown = moments(walk, 5, np.random.default_rng(0), vary=False)
    height, width = (cells // 4 for cells in shown.looked.shape[2:])
    rows, columns = np.divmod(np.arange(height * width), width)
    places = torch.tensor(np.stack([columns, rows], 1) * 4 * CELL_M + 2 * CELL_M)
    far = (places[None, :, None] - shown.head[:, None]).norm(dim=-1)
    looks = at_heads(torch.eye(3)[far.argmin(-1)].float(), shown)
    assert (looks.argmax(-1) == torch.arange(3)).all()
    assert all(pairs_told(looks, shown, walk.session)[0])


def test_pairs_of_one_session_are_not_asked_about():
    shown = Moments(torch.zeros(2, LOOKED, 4, 4), torch.zeros(2, 3, 2), everybody(2, 3))
    told, close = pairs_told(own_vectors(2, 3), shown, [0, 0, 1])
    assert len(told) == len(close) == 2
    assert all(told)
    assert not any(pairs_told(torch.ones(2, 3, 3), shown, [0, 0, 1])[0])


def test_moments_are_those_at_which_people_can_be_mistaken_for_each_other():
    walk = spots(20)
    assert moments(spots(20, session=(0,)), 4, np.random.default_rng(0)) is None
    head = walk.head.copy()
    head[:15, 1] = np.nan
    some = replace(walk, head=head)
    assert moments(some, 6, np.random.default_rng(0)) is None
    shown = moments(some, 5, np.random.default_rng(0))
    assert shown is not None
    assert not shown.head.isnan().any()
    assert shown.visible.all()
    dark = replace(some, seen=np.zeros_like(walk.seen))
    assert not moments(dark, 5, np.random.default_rng(0)).visible.any()


def test_what_was_not_known_of_the_empty_store_is_what_is_seen_first():
    picture = torch.full((1, 4, 8, 8, 3), 200, dtype=torch.uint8)
    seen = torch.ones(1, 4, 8, 8, dtype=torch.uint8)
    seen[..., :4] = 0
    colours, visible = floats(picture, seen)
    assert float(colours[..., :4].abs().max()) == 0
    unknown = torch.zeros(1, 4, 8, 8)
    shown, empty = looked(colours, visible, torch.zeros(1, 12, 8, 8), unknown)
    torch.testing.assert_close(empty[..., 4:], colours[..., 4:])
    assert float(shown[:, 12:24].abs().max()) == 0
    shown, empty = looked(colours, visible, torch.zeros(1, 12, 8, 8), unknown + 1)
    assert float(empty.abs().max()) == 0
    torch.testing.assert_close(shown[:, 12:24, :, 4:], 2 * colours[..., 4:])


def test_vectors_are_of_length_one_and_do_not_depend_on_other_clips():
    torch.manual_seed(0)
    network, some = Appearance().eval(), torch.rand(2, LOOKED, 16, 24)
    with torch.no_grad():
        both, first = network(some), network(some[:1])
    assert both.shape == (2, 4 * 6, network.size)
    torch.testing.assert_close(both.norm(dim=-1), torch.ones(2, 24))
    torch.testing.assert_close(both[:1], first, atol=1e-5, rtol=0)


def test_steps_teach_colours_and_a_resumed_run_goes_on(tmp_path):
    paths = [tmp_path / f"walk-{number:06d}.npz" for number in range(2)]
    for path, session in zip(paths, [(0, 1), (0, 1, 2)], strict=True):
        spots(60, session).save(path)
    config = AppearConfig(steps=60, warm_up=1, clips=2, moments=4, average=0.5, check_every=30)
    trainer = Trainer(tmp_path / "run", tmp_path, config)
    assert check(trainer.learnt.eval(), paths)["pairs"] == 4 * 12 * 11 / 2
    apart = []

    def learn(rng):
        apart.append(trainer.learn(rng)["apart"])
        return {"apart": apart[-1]}

    looks = []
    trainer.go(learn, lambda: looks.append(trainer.step) or {}, 10)
    assert looks == [30, 60]
    assert np.mean(apart[-10:]) < 0.7 * np.mean(apart[:5])
    after = check(trainer.learnt.eval(), paths)
    assert after["told"] > 0.97
    again = Trainer(tmp_path / "run", tmp_path, replace(config, steps=62))
    assert check(again.learnt.eval(), paths) == after == check(learnt(tmp_path / "run"), paths)
    again.go(again.learn, dict, 10)
    assert again.step == 62


def test_clips_without_two_people_at_once_are_refused(tmp_path):
    spots(40, session=(0,)).save(tmp_path / "walk-000000.npz")
    trainer = Trainer(tmp_path / "run", tmp_path, AppearConfig(shelf=1))
    with pytest.raises(ValueError, match="two people at once"):
        trainer.learn(np.random.default_rng(0))


def test_who_is_beside_the_floor_map_is_not_seen():
    walk = spots(20)
    head = walk.head.copy()
    head[:, 1, 0] = -0.3
    shown = moments(replace(walk, head=head), 5, np.random.default_rng(0), vary=False)
    assert shown.visible[:, 0].all()
    assert not shown.visible[:, 1].any()


def test_the_empty_store_is_known_where_it_is_rarely_seen():
    walk = spots(30)
    seen = np.zeros_like(walk.seen)
    seen[::7] = 1
    pictures = walk.pictures * seen[..., None]
    shown = moments(
        replace(walk, pictures=pictures, seen=seen), 20, np.random.default_rng(0), vary=False
    )
    other = shown.looked[:, 12:24].abs().amax((1, 2, 3))
    # Only people are other than it, and they are small.
    assert float((shown.looked[:, 12:24].abs() > 0.05).float().mean()) < 0.02
    assert float(other.max()) > 0.3


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no run of"):
        learnt(tmp_path)
