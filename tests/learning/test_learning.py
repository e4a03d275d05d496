import numpy as np
import pytest

from aisle.fusion.fusion import Fusion
from aisle.learning.calibrate import fit
from aisle.learning.collect import endless_samples
from aisle.learning.labels import open_events
from aisle.learning.yardstick import Yardstick
from aisle.records import ChangeState
from aisle.sim.scenario import Actions, Scales, Scenario
from aisle.sim.simulation import simulate
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def pairs():
    found = []
    for sample in endless_samples(77):
        found.append((sample.arrays, sample.label))
        if len(found) == 300:
            return found
    raise AssertionError


def test_samples_hold_all_kinds_of_answers(pairs):
    assert {right.kind for _, right in pairs} == {"none", "change", "withdraw"}


def test_a_few_steps_lower_the_loss_and_a_resumed_run_goes_on(pairs, tmp_path):
    from aisle.learning.loss import make_batch
    from aisle.learning.train import TrainConfig, Trainer

    torch.set_num_threads(1)
    batch = make_batch(pairs)
    config = TrainConfig(steps=100, warm_up=1, rate=2e-3)
    trainer = Trainer(tmp_path, config)
    first = trainer.learn(batch)["total"]
    for _ in range(8):
        last = trainer.learn(batch)["total"]
    assert last < 0.9 * first
    trainer.save()
    resumed = Trainer(tmp_path, config)
    assert resumed.step == trainer.step
    assert resumed.learn(batch)["total"] == trainer.learn(batch)["total"]


def test_torch_and_onnx_agree_and_a_batch_answers_as_its_parts(tmp_path, pairs):
    from aisle.fusion.runtime import OUTPUTS, load_runtime
    from aisle.fusion.windows import collate
    from aisle.learning.export import TOLERANCE, export
    from aisle.receipt_model.network import ReceiptTransformer

    torch.manual_seed(0)
    network = ReceiptTransformer()
    path = export(network, tmp_path / "m.onnx", {})
    batch = collate([arrays for arrays, _ in pairs[:7]])
    left = load_runtime(path).run_arrays(batch)
    with torch.no_grad():
        right = network(**{name: torch.from_numpy(a) for name, a in batch.items()})
    for name, tensor in zip(OUTPUTS, right, strict=True):
        np.testing.assert_allclose(left[name], tensor.numpy(), atol=TOLERANCE, err_msg=name)


def test_the_network_answers_only_what_can_have_happened(pairs):
    from aisle.fusion.windows import collate, possible
    from aisle.receipt_model.network import ReceiptTransformer

    torch.manual_seed(0)
    windows = [arrays for arrays, _ in pairs[:40]]
    batch = collate(windows)
    with torch.no_grad():
        chosen = ReceiptTransformer()(**{n: torch.from_numpy(a) for n, a in batch.items()})[1]
    for row, arrays in enumerate(windows):
        can = possible(arrays)
        assert 0 < can.sum() < can.size
        np.testing.assert_array_equal(chosen[row, : len(can)].numpy() > -1e3, can)
        assert (chosen[row, len(can) :] < -1e3).all()


def test_every_answer_that_is_taught_can_be_given(pairs):
    from aisle.fusion.windows import possible

    taught = [(arrays, right) for arrays, right in pairs if right.kind == "change"]
    assert taught
    assert all(possible(arrays)[right.candidate, right.choice] for arrays, right in taught)


def test_training_sees_windows_that_reach_beyond_the_last_sample():
    ends = 0
    for number, sample in enumerate(endless_samples(78)):
        ends += not sample.arrays["plate_valid"][:, -8:].any()
        if number == 1500:
            break
    assert ends > 5


def test_a_window_without_events_has_nothing_to_say():
    store = generate_store(np.random.default_rng(1), StoreSpec(gondolas=1, shelves=(1,)))
    simulation = simulate(store, Scenario(shoppers=1, actions=Actions(touch=1, take=0,
        take_several=0, put_back=0, put_back_elsewhere=0, look_and_put_back=0)), 1)  # fmt: skip
    assert simulation.effects == ()
    seen = []

    class Nothing:
        def __init__(self):
            self.manifest = {}

        def run(self, windows):
            from aisle.learning.collect import Teacher

            seen.extend(open_events(w, simulation.effects) for w in windows)
            return Teacher((), np.random.default_rng(0)).run(windows)

    fusion = Fusion(store, Nothing())
    for arrival in simulation.arrivals():
        fusion.push(arrival.record)
    assert seen
    assert all(missed == [] for missed, _ in seen)


def test_calibration_rises_and_follows_the_share_that_was_right():
    rng = np.random.default_rng(3)
    stated = rng.uniform(0.3, 1.0, 4000)
    right = rng.random(4000) < stated**2
    curve = fit(list(zip(stated.tolist(), right.tolist(), strict=True)))
    x, y = np.array(curve).T
    assert (np.diff(y) >= 0).all()
    assert np.abs(np.interp([0.5, 0.7, 0.9], x, y) - np.array([0.25, 0.49, 0.81])).max() < 0.08


def test_calibration_without_cases_changes_nothing():
    assert fit([]) == []


def test_the_yardstick_finds_clear_single_takes():
    store = generate_store(np.random.default_rng(5), StoreSpec(gondolas=1, shelves=(3,)))
    takes = Actions(take=1, take_several=0, put_back=0, put_back_elsewhere=0,
                    look_and_put_back=0, touch=0)  # fmt: skip
    scenario = Scenario(shoppers=3, actions=takes, overlap=0, action_s=8,
                        scales=Scales(noise=0.5, bursts_per_minute=0))  # fmt: skip
    simulation = simulate(store, scenario, 2)
    yardstick = Yardstick(store)
    found = [p for a in simulation.arrivals() for p in yardstick.push(a.record)]
    named = [c.product for p in found for c in p.changes if c.state is ChangeState.CONFIRMED]
    true = [e.product for e in simulation.truth]
    assert len(true) > 10
    assert sum(named.count(p) > 0 for p in true) / len(true) > 0.85


def test_training_ends_with_a_word_when_nobody_simulates_any_more(tmp_path, monkeypatch):
    import queue

    from aisle.learning import train

    class Ended:
        def is_alive(self):
            return False

    monkeypatch.setattr(train, "WAIT_S", 0.01)
    trainer = train.Trainer(tmp_path, train.TrainConfig(steps=4))
    with pytest.raises(RuntimeError, match="simulating"):
        train._loop(trainer, queue.Queue(), [], [Ended()])


def test_training_simulates_from_seeds_that_no_benchmark_uses(monkeypatch):
    from aisle.learning import collect

    seeds = []
    monkeypatch.setattr(
        collect, "samples_of", lambda simulation, *_: [seeds.append(simulation.seed)]
    )
    for _, sample in zip(range(5), collect.endless_samples(10**9), strict=False):
        assert sample is None
    assert len(set(seeds)) == 5
    assert max(seeds) < 1 << 30
