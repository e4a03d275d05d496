"""Accuracy and speed on unseen simulated sessions, of the model and of the classical yardstick."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from aisle.bags.evaluate import Evaluation, evaluate
from aisle.bags.replay import ReplayResult
from aisle.bags.truth import truth_of
from aisle.fusion.eyes import Eyes, places
from aisle.fusion.fusion import Fusion
from aisle.fusion.runtime import OnnxRuntime, Runtime, load_runtime
from aisle.learning.ablation import Ablated
from aisle.learning.happenings import Happenings, happenings
from aisle.learning.suites import CAMERAS, MODALITIES, SCALES, Suite
from aisle.learning.yardstick import Yardstick
from aisle.receipts import Ledger, LedgerConfig
from aisle.records import CameraFrame, GateEvent, Prediction, WeightBatch
from aisle.sim.simulation import Simulation, simulate
from aisle.store.types import Product, Store
from aisle.vision.networks import Vision, load_vision

if TYPE_CHECKING:
    from aisle.sim.cameras import FrameArrival

Floats = NDArray[np.float32]


class Method(Protocol):
    """What turns records into predictions."""

    def push(self, record: WeightBatch | GateEvent | CameraFrame) -> list[Prediction]:
        """Take one record."""

    def finish(self) -> list[Prediction]:
        """Nothing more comes."""


OpenEyes: TypeAlias = Callable[[Vision, Store, Mapping[str, Floats]], Eyes]


def seeing(vision: Vision, store: Store, looks: Mapping[str, Floats]) -> Eyes:
    """Eyes that look at what cameras deliver."""
    return vision.eyes(store, looks)


@dataclass(frozen=True)
class MakeMethod:
    """How to make a method in any process."""

    kind: str
    """`model` or `yardstick`."""
    model: Path | None = None
    """ONNX file; the shipped one for None."""
    without: str = ""
    """What the model is not given: see `aisle.learning.ablation.PARTS`."""

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.kind} without {self.without}" if self.without else self.kind

    def __call__(
        self, store: Store, modalities: frozenset[str] = MODALITIES, open_eyes: OpenEyes = seeing
    ) -> Method:
        """A fresh method for a store."""
        if self.kind == "yardstick":
            return Yardstick(store)
        runtime: Runtime = _loaded(self.model)
        if self.without:
            runtime = Ablated(runtime, self.without)
        eyes = None
        if runtime.sight and store.cameras and CAMERAS in modalities:
            looks = {p.id: _look(self.model, p) for p in store.products.values()}
            eyes = open_eyes(_seeing(self.model), store, looks)
        return Fusion(store, runtime, eyes=eyes)

    @property
    def look_digest(self) -> str:
        """See `Vision.look_digest`."""
        return _seeing(self.model).look_digest

    @property
    def modalities(self) -> frozenset[str]:
        """What the method can use."""
        sight = self.kind == "model" and _loaded(self.model).sight
        return (MODALITIES if sight else frozenset({SCALES})) - {self.without}


@cache
def _loaded(model: Path | None) -> OnnxRuntime:
    return load_runtime(model)


@cache
def _seeing(model: Path | None) -> Vision:
    """The networks beside a model."""
    folder = None if model is None else model.parent
    return load_vision(folder, _loaded(model).manifest.get("vision"))


@cache
def _look(model: Path | None, product: Product) -> NDArray[np.float32]:
    """What a product looks like to the encoder, by its catalogue pictures as they are drawn."""
    from aisle.learning.looks import catalogue_of

    return _seeing(model).encoder.product(list(catalogue_of(product)))


Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Results in the items' order, computed in as many processes; `work` can be pickled."""
    if workers == 1:
        yield from map(work, items)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, items)


def run(
    method: Method, simulation: Simulation, modalities: frozenset[str] = MODALITIES,
    frames: Iterable[FrameArrival] | None = None,
) -> ReplayResult:  # fmt: skip
    """Feed a simulation to a method and a ledger; as a replay of its bag would.

    Args:
        method: Fresh.
        simulation: What arrives.
        modalities: The method gets records of these, and the gates'.
        frames: What cameras deliver; drawn when None.

    Raises:
        RenderingError: The store has cameras, and nothing can be drawn on this machine.
    """
    result, arrival_ns = ReplayResult(), simulation.start_ns
    began = time.perf_counter()
    spent_simulating = 0.0
    with (
        tempfile.TemporaryDirectory(prefix="aisle-bench-") as folder,
        _frames(simulation, modalities, frames) as frames,
    ):
        config = LedgerConfig(synchronous="NORMAL")
        ledger = Ledger(f"sqlite:///{Path(folder) / 'ledger.db'}", config=config)
        ledger.set_catalogue(simulation.store, simulation.start_ns)
        arrivals = simulation.records(frames)
        while True:
            mark = time.perf_counter()
            arrival = next(arrivals, None)
            spent_simulating += time.perf_counter() - mark
            if arrival is None:
                break
            arrival_ns, record = arrival
            if isinstance(record, GateEvent):
                result.add(arrival_ns, [], ledger.gate(record))
            elif isinstance(record, WeightBatch) and SCALES not in modalities:
                continue
            _bill(ledger, method.push(record), arrival_ns, result)
        _bill(ledger, method.finish(), arrival_ns, result)
        ledger.close()
    result.wall_s = time.perf_counter() - began - spent_simulating
    result.store_s = simulation.duration_s
    return result


@contextmanager
def _frames(
    simulation: Simulation, modalities: frozenset[str], known: Iterable[FrameArrival] | None
) -> Iterator[Iterable[FrameArrival]]:
    """What cameras deliver, where there are any and they may be used."""
    if known is not None or not _watched(simulation, modalities):
        yield known or ()
        return
    from aisle.sim.cameras import SimulatedCameras  # loads what draws

    cameras = SimulatedCameras(simulation)
    try:
        yield cameras.frames()
    finally:
        cameras.close()


def _watched(simulation: Simulation, modalities: frozenset[str]) -> bool:
    """Whether there are cameras that may be used, and anybody to see."""
    walk = simulation.scenario.walk
    return CAMERAS in modalities and bool(simulation.store.cameras) and walk


def run_kept(
    make: MakeMethod, simulation: Simulation, modalities: frozenset[str], folder: Path
) -> ReplayResult:
    """`run`, but what cameras show is drawn and looked at only once: a folder keeps it.

    Whoever comes later, with the same networks that look, gives the same answers in a third of the
    time. Only pictures of people near each other are drawn again, since whom it is worth to look at
    rests on the follower. What it took to look counts each time.

    Raises:
        RenderingError: As for `run`.
        ValueError: A file of the folder is damaged.
    """
    if not _watched(simulation, modalities):
        return run(make(simulation.store, modalities), simulation, modalities)
    from aisle.learning import sightings as kept
    from aisle.sim.cameras import SimulatedCameras

    path = folder / f"{_shown(simulation, modalities, make.look_digest)}.npz"
    if path.is_file():
        (seen,) = kept.read(path, make.look_digest)

        recalled: list[kept.RecalledEyes] = []
        cameras = SimulatedCameras(simulation)

        def again(vision: Vision, store: Store, looks: Mapping[str, Floats]) -> Eyes:
            recalled.append(kept.RecalledEyes(store, vision.follower, looks, seen, vision, cameras))
            return recalled[0]

        try:
            method = make(simulation.store, modalities, again)
            result = run(method, simulation, modalities, kept.unseen_frames(simulation))
        finally:
            cameras.close()
        result.wall_s += seen.seconds - recalled[0].drawing_s
        return result
    keeping: list[kept.KeepingEyes] = []

    def keep(vision: Vision, store: Store, looks: Mapping[str, Floats]) -> Eyes:
        eyes = kept.KeepingEyes(store, vision.encoder, vision.follower, looks, vision.witness)
        keeping.append(eyes)
        return keeping[0]

    result = run(make(simulation.store, modalities, keep), simulation, modalities)
    folder.mkdir(parents=True, exist_ok=True)
    kept.write(path, make.look_digest, [keeping[0].sightings(simulation)])
    return result


def _shown(simulation: Simulation, modalities: frozenset[str], look_digest: str) -> str:
    """A digest of all that decides what cameras show and who looks at it when.

    Scales do, too: they say when a tick's pictures have come.
    """
    from aisle.learning.sightings import fingerprint

    products = sorted((p.id, p.name, p.size_m) for p in simulation.store.products.values())
    told = (
        fingerprint(simulation), simulation.seed, sorted(modalities), look_digest, products,
        places(simulation.store),
    )  # fmt: skip
    return sha256(repr(told).encode()).hexdigest()[:24]


def _bill(ledger: Ledger, found: list[Prediction], at: int, result: ReplayResult) -> None:
    for prediction in found:
        result.add(at, [prediction], ledger.apply(prediction))


@dataclass
class Scored:
    """How a method did, and on what."""

    evaluation: Evaluation
    happenings: Happenings

    def add(self, other: Scored) -> None:
        """Take in other simulations."""
        self.evaluation.add(other.evaluation)
        self.happenings.add(other.happenings)


def benchmark(
    store: Store, suite: Suite, count: int, seed: int, make: MakeMethod, workers: int = 1,
    progress: Callable[[int], None] = lambda done: None, kept: Path | None = None,
) -> Scored:  # fmt: skip
    """Evaluate a method on `count` simulations, with seeds that training (below 2**30) never uses.

    Args:
        store: Where.
        suite: What happens, and what the method may use.
        count: Simulations.
        seed: Of the whole benchmark.
        make: The method.
        workers: Processes; more of them change nothing but the time.
        progress: Called with the number of simulations done.
        kept: Folder for what cameras showed: see `run_kept`.
    """
    total = Scored(Evaluation(), Happenings())
    first = (1 << 40) + seed * 1_000_003
    used = suite.modalities & make.modalities
    work = partial(_case, store, suite, used, make, first, kept)
    for number, found in enumerate(spread(work, range(count), workers)):
        total.add(found)
        progress(number + 1)
    return total


def _case(
    store: Store, suite: Suite, modalities: frozenset[str], make: MakeMethod, first: int,
    kept: Path | None, number: int,
) -> Scored:  # fmt: skip
    simulation = simulate(store, suite.scenario(number), first + number)
    if not simulation.scenario.walk:  # Nobody has a body that could be seen.
        modalities -= {CAMERAS}
    if kept is None:
        result = run(make(simulation.store, modalities), simulation, modalities)
    else:
        result = run_kept(make, simulation, modalities, kept)
    evaluation = evaluate(f"{suite.name}-{number}", truth_of(simulation), result)
    return Scored(evaluation, happenings(simulation.script))
