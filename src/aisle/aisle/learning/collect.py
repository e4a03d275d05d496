"""Training windows from simulated stores, made by the fusion itself.

The fusion runs on a simulation; in place of the model a teacher answers from the truth, late and
with mistakes, or the model as it is so far. Each window that the fusion makes is kept with its
right answer. So the model learns on the inputs that it will meet, its own mistakes included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from aisle.fusion.decode import DecodeConfig
from aisle.fusion.eyes import Eyes
from aisle.fusion.fusion import Fusion, FusionConfig
from aisle.fusion.memory import Carried
from aisle.fusion.runtime import Runtime
from aisle.fusion.windows import CHOICES, MARKS, MAX_QUANTITY, Arrays, Window, possible
from aisle.learning.labels import Effect, Label, answerable, change_label, label, open_events
from aisle.learning.when_seen import WhenSeen
from aisle.records import Action
from aisle.sim.scenario import Actions, Catalogue, Scales, Scenario
from aisle.sim.simulation import Simulation, simulate
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec
from aisle.store.types import Store

if TYPE_CHECKING:
    from aisle.sim.cameras import FrameArrival  # loads what draws

Rng = np.random.Generator
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Sample:
    """One training window and its right answer."""

    arrays: Arrays
    label: Label
    unweighed: Label | None = None
    """The right answer if the shelf had no scales; None where the window must keep them."""


def training_spec(rng: Rng) -> StoreSpec:
    """A small store, of any make: the model must not know one store."""
    plates = int(rng.integers(3, 17)) if rng.random() < 0.5 else int(rng.choice([9, 12]))
    width = float(rng.uniform(0.07, 0.3)) if rng.random() < 0.5 else 0.1
    tail = rng.random() < 0.3
    return StoreSpec(
        name="training",
        gondolas=int(rng.integers(1, 3)),
        shelves=(int(rng.integers(1, 4)),),
        plates=(plates,),
        plate_width_m=(width, width),
        span=((1, rng.uniform(0, 0.6)), (2, 0.5), (3, 0.35), (4, 0.08), (6, 0.03)),
        shared_plates=float(rng.choice([0, 0, 0.3])),
        median_weight_kg=float(np.exp(rng.uniform(np.log(0.07), np.log(0.4)))),
        weight_kg=(0.006, 2.5) if tail else (0.024, 1.572),
        similar_neighbours=float(rng.uniform(0.1, 0.5)),
        empty_plates=float(rng.choice([0.02, 0.15])),
        frameless=float(rng.choice([0.0, 0.3])),
        unplaced_products=int(rng.integers(0, 40)),
    )


def training_scenario(rng: Rng) -> Scenario:
    """Many actions in little time, and everything that can go wrong with scales."""
    together = int(rng.choice([1, 1, 1, 2, 3]))
    stay = float(rng.uniform(25, 50))
    return Scenario(
        name="training",
        shoppers=together * 2,
        together=together,
        stay_s=(stay, stay + 5),
        lead_s=float(rng.uniform(0, 6)),
        action_s=float(rng.uniform(2.0, 6.0)) * together**0.5,
        overlap=float(rng.choice([0.05, 0.15, 0.4])),
        actions=Actions(
            take=0.45, take_several=0.1, put_back=0.1,
            put_back_elsewhere=float(rng.uniform(0.08, 0.25)),
            look_and_put_back=float(rng.uniform(0.02, 0.12)),
            touch=float(rng.uniform(0.05, 0.25)),
        ),
        max_several=int(rng.choice([2, 3, 4])),
        same_fixture=float(rng.uniform(0.4, 0.95)),
        slop_m=float(rng.uniform(0.0, 0.03)),
        scales=Scales(
            noise=float(np.exp(rng.normal(0, 0.35))),
            bursts_per_minute=float(rng.choice([0, 2, 8])),
            sways_per_minute=float(rng.choice([0, 1, 4])),
            stuck_plates=float(rng.choice([0, 0.04])),
            dead_plates=float(rng.choice([0, 0.03])),
            overload=float(rng.choice([0, 0, 0.02])),
            dropped_messages=float(rng.choice([0, 0.003])),
        ),
        catalogue=Catalogue(
            relative_error=float(rng.uniform(0.003, 0.02)),
            tail_share=float(rng.uniform(0.02, 0.2)),
            unit_spread=float(rng.uniform(0.002, 0.01)),
        ),
        carried_at_start=int(rng.choice([0, 4, 8])),
    )  # fmt: skip


class Teacher:
    """A runtime that answers from the truth: late, and sometimes wrong, as a model would."""

    def __init__(self, effects: tuple[Effect, ...], rng: Rng) -> None:
        self.effects, self.rng = effects, rng
        self.manifest: dict[str, Any] = {}
        self.sight = True
        self._plans: dict[int, tuple[float, str]] = {}
        self._patience: dict[str, float] = {}

    def run(self, windows: list[Window]) -> Arrays:
        """Outputs as the model's, sharply on one choice."""
        count = len(windows)
        candidates, commits, sessions, plates = (
            max(1, *(len(part) for part in parts))
            for parts in zip(
                *((w.candidates, w.commits, w.sessions, w.plates) for w in windows), strict=True
            )
        )
        outputs: Arrays = {
            "none_logit": np.zeros((count, 1), np.float32),
            "candidate_logits": np.full((count, candidates, CHOICES), -20, np.float32),
            "withdraw_logits": np.full((count, commits), -20, np.float32),
            "session_logits": np.zeros((count, candidates, sessions), np.float32),
            "event_logits": np.zeros((count, MARKS), np.float32),
            "log_mass": np.zeros(count, np.float32),
            "plate_delta": np.zeros((count, plates), np.float32),
        }
        for row, window in enumerate(windows):
            self._answer(window, outputs, row)
        return outputs

    def _answer(self, window: Window, outputs: Arrays, row: int) -> None:
        rng = self.rng
        missed, wrong = open_events(window, self.effects)
        sure = float(rng.uniform(0.5, 6.0))
        for k in wrong:
            commit = window.commits[k]
            patience = self._patience.setdefault(commit.change_id, float(rng.uniform(0.2, 4.5)))
            if window.tick_ns - commit.committed_ns >= patience * SECOND:
                outputs["withdraw_logits"][row, k] = 6.0
                return
        for effect in missed:
            delay, fate = self._plans.setdefault(id(effect), self._plan())
            if fate != "miss" and window.tick_ns - effect[0].stamp_ns >= delay * SECOND:
                self._say(window, effect, fate, outputs, row, sure)
                return
        if rng.random() < 0.002:
            candidate, choice = rng.choice(np.argwhere(possible(window.arrays)))
            outputs["candidate_logits"][row, candidate, choice] = sure
            outputs["event_logits"][row, int(rng.integers(8, MARKS))] = 9.0
            outputs["log_mass"][row] = np.log(0.1)

    def _plan(self) -> tuple[float, str]:
        fate = str(self.rng.choice(["right", "product", "quantity", "action", "miss"],
                                   p=[0.84, 0.06, 0.03, 0.02, 0.05]))  # fmt: skip
        return float(self.rng.uniform(0.1, 2.0)), fate

    def _say(
        self, window: Window, effect: Effect, fate: str, outputs: Arrays, row: int, sure: float
    ) -> None:
        right, rng = change_label(window, effect), self.rng
        candidate, choice = right.candidate, right.choice
        can = possible(window.arrays)
        if fate == "product":
            candidate = int(rng.choice(np.flatnonzero(can[:, choice])))
        elif fate == "quantity":
            choice = choice // MAX_QUANTITY * MAX_QUANTITY + int(rng.integers(MAX_QUANTITY))
        elif fate == "action":
            choice = (choice + MAX_QUANTITY) % CHOICES
        if not can[candidate, choice]:
            return
        outputs["candidate_logits"][row, candidate, choice] = sure
        outputs["session_logits"][row, :, right.session] = 6.0
        mark = int(np.clip(right.mark + rng.integers(-1, 2), 0, MARKS - 1))
        outputs["event_logits"][row, mark] = 9.0
        outputs["log_mass"][row] = np.log(effect[0].weight_kg * np.exp(rng.normal(0, 0.02)) + 1e-4)
        outputs["plate_delta"][row, : len(window.plates)] = effect[1]


def samples_of(
    simulation: Simulation, model: Runtime | None, keep: tuple[float, float],
    eyes: Eyes | None = None, frames: Iterable[FrameArrival] = (), seen: WhenSeen | None = None,
) -> Iterator[Sample]:  # fmt: skip
    """Windows of one simulation.

    Args:
        simulation: What arrives from scales and gates.
        model: Answers in place of the teacher when given.
        keep: Share of windows kept when nothing is to say, and when something is.
        eyes: Look at the frames; None without cameras.
        frames: What arrives from cameras.
        seen: When what happened is to be seen; None where all happens on scales.
    """
    rng = np.random.default_rng((simulation.seed, 11))
    effects = simulation.effects if seen is None else seen.effects
    found: list[Sample] = []

    def observe(windows: list[Window], _: Arrays) -> None:
        for window in windows:
            right = label(window, effects)
            if answerable(window, right) and rng.random() < keep[right.kind != "none"]:
                blind = None if seen is None else seen.unweighed(window, right)
                found.append(Sample(window.arrays, right, blind))

    # Drawn first: a recording ends when it ends, whoever answers.
    end_ns = _end_ns(simulation, rng)
    decode = DecodeConfig(commit=0.5) if model is None else _own_decode(rng)
    runtime = model or Teacher(effects, rng)
    fusion = Fusion(simulation.store, runtime, FusionConfig(decode=decode), observe, eyes)
    begun: set[str] = set()
    for arrival_ns, record in simulation.records(frames):
        if arrival_ns > end_ns:
            break
        fusion.push(record)
        for name in sorted(fusion.memory.sessions.keys() - begun):
            begun.add(name)
            _fill_hands(fusion, simulation, name, rng)
        yield from found
        found.clear()
    for event in simulation.gate_events:
        if event.stamp_ns > end_ns and event.session in fusion.memory.sessions:
            fusion.push(replace(event, stamp_ns=end_ns))
    fusion.finish()
    yield from found


def _end_ns(simulation: Simulation, rng: Rng) -> int:
    """Half of the recordings break off, and end the visits: nothing follows the last sample."""
    share = float(rng.choice([rng.uniform(0.3, 1.0), 2.0]))
    return simulation.start_ns + round(share * simulation.duration_s * SECOND)


def _own_decode(rng: Rng) -> DecodeConfig:
    """Sometimes hasty, so that mistakes and their withdrawal are met often enough."""
    return DecodeConfig(
        commit=float(rng.choice([0.5, 0.7, 0.85])),
        patience_s=float(rng.choice([0.3, 1.2])),
    )


def _fill_hands(fusion: Fusion, simulation: Simulation, name: str, rng: Rng) -> None:
    """Give a new session what it carries; some of it wrong, as after earlier mistakes."""
    session = fusion.memory.sessions[name]
    products = simulation.store.products
    for product in simulation.script.carried.get(name, ()):
        if rng.random() < 0.06:
            continue
        unit = products[product].weight_kg * float(np.exp(rng.normal(0, 0.01)))
        session.apply(Action.TAKE, product, 1, unit if rng.random() < 0.8 else 0.0)
    if rng.random() < 0.15 and products:
        extra = list(products)[int(rng.integers(len(products)))]
        session.carried.setdefault(extra, Carried(1, 0.0))


def _with_silence(scenario: Scenario, store: Store, rng: Rng) -> Scenario:
    """Now and then a controller says nothing for a while."""
    silent = tuple(
        (controller, at, at + float(np.exp(rng.uniform(np.log(0.2), np.log(6.0)))))
        for controller in store.controllers
        for at in rng.uniform(0, 60, rng.choice([0, 0, 1, 3])).tolist()
    )
    scales = scenario.scales.model_copy(update={"silent": silent})
    return scenario.model_copy(update={"scales": scales})


def endless_samples(seed: int, model: Runtime | None = None) -> Iterator[Sample]:
    """Samples from ever new stores and scenarios.

    Simulations have seeds below 2**30: benchmarks begin at 2**40, calibration at 2**41.
    """
    number = 0
    while True:
        rng = np.random.default_rng((seed, number))
        store = generate_store(rng, training_spec(rng))
        scenario = training_scenario(rng)
        scenario = _with_silence(scenario, store, rng)
        if any(slot.plates for slot in store.slots.values()):
            simulation = simulate(store, scenario, int(rng.integers(1 << 30)))
            yield from samples_of(simulation, model, (0.4, 0.9))
        number += 1
