"""Training with cameras: what is taken away, whose weights it begins with, resuming."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from aisle.fusion.runtime import OUTPUTS
from aisle.fusion.windows import ALL_SHAPES, GAIN, SEEN, SIGHT_SHAPES, TRACK, VIEWS, collate
from aisle.learning.collect import Sample, endless_samples
from aisle.learning.export import example
from aisle.learning.labels import Label
from aisle.learning.loss import make_batch
from aisle.learning.shards import Shards
from aisle.learning.sight_train import (
    SightConfig,
    SightTrainer,
    new_network,
    stated_and_right,
    train,
)
from aisle.learning.train import TrainConfig, Trainer
from aisle.learning.variations import (
    VariationConfig,
    mirrored,
    roughened,
    turned,
    weakened,
    with_fewer_products,
    without_cameras,
    without_plates,
    without_scales,
)
from aisle.learning.whose_train import WhoseConfig, learn_whose

SURE = dict.fromkeys(
    ("no_cameras", "no_tracks", "camera_lost", "no_scales", "no_plates", "no_looks", "some_looks"),
    0.0,
)


def seen_sample(seed=0):
    """A window with cameras in which something was taken."""
    arrays = {name: a[seed % 3] for name, a in example(ALL_SHAPES, 0).items()}
    for name in ("candidate_static", "column_state"):
        arrays[name] = np.clip(arrays[name], 0, 1)
    delta = np.full(len(arrays["plate_mask"]), -0.1, np.float32)
    right = Label("change", 1, 0, (), 0, 20, delta, 0.1)
    return Sample(arrays, right, right)


@pytest.fixture(scope="module")
def scales_only():
    return [sample for _, sample in zip(range(12), endless_samples(5), strict=False)]


def test_without_cameras_is_as_if_there_were_none():
    arrays = without_cameras(seen_sample().arrays)
    assert not arrays.keys() & SIGHT_SHAPES.keys()


def test_without_scales_plates_say_nothing_and_without_plates_there_are_none():
    arrays = seen_sample().arrays
    assert not without_scales(arrays)["plate_valid"].any()
    # A rough signal would tell of what a dead controller cannot have weighed.
    assert (without_scales(arrays)["plate_static"][:, 3] == -1).all()
    assert without_scales(arrays)["plate_mask"].all()
    assert not without_plates(arrays)["plate_mask"].any()
    assert not without_plates(arrays)["candidate_plates"].any()
    assert arrays["plate_valid"].any()


@pytest.mark.parametrize("part", SURE)
def test_each_part_is_taken_away_and_the_right_answer_stays(part):
    rng = np.random.default_rng(3)
    given = seen_sample()
    found = [weakened(given, VariationConfig(**(SURE | {part: 1.0})), rng) for _ in range(4)]
    assert any(
        s.arrays.keys() != given.arrays.keys()
        or any(not np.array_equal(s.arrays[n], a) for n, a in given.arrays.items())
        for s in found
    )
    for sample in found:
        assert (sample.label.kind, sample.label.candidate, sample.label.choice) == ("change", 1, 0)


def test_without_scales_only_what_is_to_be_seen_is_right():
    rng, config = np.random.default_rng(3), VariationConfig(**(SURE | {"no_scales": 1.0}))
    given = seen_sample()
    hidden = weakened(replace(given, unweighed=Label("none")), config, rng)
    assert not hidden.arrays["plate_valid"].any()
    assert hidden.label.kind == "none"
    unclear = replace(given, unweighed=None)
    assert weakened(unclear, config, rng) is unclear


def test_nothing_is_taken_away_from_a_window_that_no_camera_sees(scales_only):
    config = VariationConfig(**dict.fromkeys(SURE, 1.0))
    assert weakened(scales_only[0], config, np.random.default_rng(0)) is scales_only[0]


def test_it_begins_with_what_a_run_with_scales_has_learnt(tmp_path):
    first = Trainer(tmp_path / "scales", TrainConfig(seed=7))
    first.save()
    learnt = first.average.state_dict()
    fresh = SightTrainer(tmp_path / "fresh", SightConfig(), None).average.state_dict()
    trainer = SightTrainer(tmp_path / "sight", SightConfig(), tmp_path / "scales")
    for network in (trainer.network, trainer.average):
        found = network.state_dict()
        assert all(torch.equal(found[name], value) for name, value in learnt.items())
    assert not all(torch.equal(fresh[name], value) for name, value in learnt.items())


def test_a_stopped_run_goes_on(tmp_path, scales_only, monkeypatch):
    exported = []
    monkeypatch.setattr("aisle.learning.receipt_run.export", lambda *a: exported.append(a))
    for name in ("data", "held"):
        Shards(str(tmp_path / name)).write(
            "s-1.tar", [*scales_only, *(seen_sample(i) for i in range(3))]
        )
    folders = tmp_path / "run", str(tmp_path / "data"), str(tmp_path / "held")
    config = SightConfig(steps=4, batch=4, check_every=4, own_every=4)
    first = train(*folders, config, None)
    again = train(*folders, SightConfig(steps=8, batch=4, check_every=4, own_every=4), None)
    assert (first.step, again.step) == (4, 8)
    assert exported
    lines = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    kinds = [set(line["check"]) for line in lines if "check" in line]
    assert kinds == [{"all", "no_cameras", "no_scales"}] * 2


def test_how_sure_and_how_right_is_asked_where_something_is_said():
    samples = [seen_sample(i) for i in range(3)]
    batch = make_batch([(s.arrays, s.label) for s in samples], sight=True)
    network = new_network()
    with torch.no_grad():
        network.none.bias.fill_(-1e4)
        network.withdraw_head.bias.fill_(-1e5)
        found = stated_and_right(network, [batch])
        best = network(**batch.inputs)[1].flatten(1).argmax(1)
        assert [right for _, right in found] == batch.target[range(3), 1 + best].tolist()
        assert all(0 < stated <= 1 for stated, _ in found)
        network.none.bias.fill_(1e4)
        assert stated_and_right(network, [batch]) == []


def test_the_model_is_the_one_that_did_best_in_a_check(tmp_path):
    trainer = SightTrainer(tmp_path, SightConfig(), None)
    assert trainer.chosen()[1] == 0
    for step, loss in ((100, 0.5), (200, 0.3), (300, 0.4)):
        trainer.step = step
        with torch.no_grad():
            trainer.average.none.bias.fill_(step)
        trainer.choose({"all": {"loss": loss}, "no_scales": {"loss": 0.1}})
    again = SightTrainer(tmp_path, SightConfig(), None)
    network, step = again.chosen()
    assert step == 200
    assert network.none.bias.item() == 200


def with_hand(sample, session):
    """The same window, in which one session's hand is at the place of what was taken."""
    arrays = {name: a.copy() for name, a in sample.arrays.items()}
    track = np.zeros_like(arrays["session_track"])
    track[..., :6] = (2.0, 2.0, 1.0, 2.0, 2.0, 1.0)
    arrays["candidate_plates"][:], arrays["candidate_columns"][:] = 0, 0
    arrays["candidate_columns"][:, 0] = 1
    arrays["column_static"][:, 0] = np.linspace(-0.4, 0.4, len(arrays["column_static"]))
    track[session, :, :6] = (-0.4, 0.3, 1.0, -0.4, 0.0, 1.0)
    return replace(sample, arrays=arrays | {"session_track": track}, label=replace(
        sample.label, session=session))  # fmt: skip


def test_the_last_lesson_teaches_whose_it_is_and_nothing_else():
    torch.manual_seed(0)
    network, told = new_network().eval(), []
    samples = [with_hand(seen_sample(i), i % 2) for i in range(6)]
    batch = make_batch([(s.arrays, s.label) for s in samples], sight=True)

    def answers():
        with torch.no_grad():
            return network(**batch.inputs)

    before = answers()
    config, plain = WhoseConfig(steps=200, batch=12), VariationConfig(**SURE)
    learn_whose(network, samples, config, plain, lambda **line: told.append(line))
    after = answers()
    session = after[3][range(6), batch.candidate]
    assert session.argmax(-1).tolist() == batch.session.tolist()
    assert told[-1]["loss"] < 0.5
    for name, old, new in zip(OUTPUTS, before, after, strict=True):
        if name != "session_logits":
            torch.testing.assert_close(old, new)
    with pytest.raises(ValueError, match="several sessions"):
        learn_whose(network, [], config, plain, told.append)


def test_a_folder_without_shards_says_how_to_make_them(tmp_path):
    with pytest.raises(ValueError, match="makes them"):
        train(tmp_path / "run", str(tmp_path / "a"), str(tmp_path / "b"), SightConfig(), None)


def test_the_network_takes_what_cameras_see():
    assert new_network().sight is not None


def test_what_a_run_logs_at_a_step_is_there_for_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trainer = SightTrainer(tmp_path, SightConfig(), None)
    trainer.log(event="begun")
    trainer.log(step=3, train={"answer": 0.5}, check={"all": {"loss": 0.25}}, note="text")
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    assert sorted(board.Tags()["scalars"]) == ["check/all/loss", "train/answer"]
    assert [(e.step, e.value) for e in board.Scalars("train/answer")] == [(3, 0.5)]


def test_a_mirror_twice_is_no_mirror_and_once_mirrors_what_each_plate_lost():
    given = seen_sample()
    back = mirrored(mirrored(given))
    for name, array in given.arrays.items():
        np.testing.assert_array_equal(back.arrays[name], array)
    np.testing.assert_array_equal(back.label.delta, given.label.delta)
    tracks = np.arange(TRACK, dtype=np.float32) + np.zeros((2, VIEWS, TRACK), np.float32)
    seen = replace(given, arrays=given.arrays | {"session_track": tracks})
    along = [-1, 1, 1] * 3  # Of body, hand, and hand that reaches in.
    np.testing.assert_array_equal(mirrored(seen).arrays["session_track"], tracks * along)
    torch.manual_seed(1)
    network = new_network().eval()
    answers = []
    for sample in (given, mirrored(given)):
        batch = collate([sample.arrays], sight=True)
        with torch.no_grad():
            found = network(**{name: torch.from_numpy(array) for name, array in batch.items()})
        answers.append(found)
    # What each plate lost or got does not depend on which side is left.
    torch.testing.assert_close(answers[0][6].flip(1), answers[1][6], atol=1e-4, rtol=1e-3)


def test_turned_features_are_as_like_as_before():
    given = seen_sample()
    found = turned(given, np.random.default_rng(0))
    for sample in (given, found):
        sample.arrays["like"] = sample.arrays["column_feature"] @ sample.arrays["candidate_look"].T
    np.testing.assert_allclose(found.arrays["like"], given.arrays["like"], atol=1e-4)
    assert not np.allclose(found.arrays["candidate_look"], given.arrays["candidate_look"])


def test_a_product_may_be_unknown_unless_it_is_taken_carried_or_named_before():
    sample = seen_sample()
    count = len(sample.arrays["candidate_mask"])
    static = np.zeros_like(sample.arrays["candidate_static"])
    static[0, 7], static[2, 5] = 1.0, 1.0
    named = np.zeros_like(sample.arrays["commit_candidate"])
    named[:, 3] = 1.0
    sample.arrays.update(
        candidate_static=static, commit_candidate=named, candidate_mask=np.ones(count, np.float32)
    )
    rng = np.random.default_rng(0)
    left = sum(with_fewer_products(sample, 1.0, rng).arrays["candidate_mask"] for _ in range(60))
    assert sample.label.candidate == 1
    assert left[:4].tolist() == [60] * 4
    assert (left[4:] < 60).all()
    assert (left[4:] > 0).all()


def test_rougher_sights_leave_what_was_not_seen_at_nothing():
    sample = seen_sample()
    state = sample.arrays["column_state"].copy()
    state[0] = 0.0
    state[1:, :, SEEN] = 1.0
    feature = sample.arrays["column_feature"].copy()
    feature[0] = 0.0
    before = replace(
        sample, arrays=sample.arrays | {"column_state": state, "column_feature": feature}
    )
    after = roughened(before, VariationConfig(), np.random.default_rng(0)).arrays
    assert not after["column_feature"][0].any()
    assert not after["column_state"][0].any()
    off = after["column_feature"][1:] - feature[1:]
    assert 0.0 < np.abs(off).mean() < 0.1
    moved = after["column_state"][1:, :, GAIN] / state[1:, :, GAIN]
    np.testing.assert_allclose(moved[np.isfinite(moved)], moved[np.isfinite(moved)][0], rtol=1e-5)
