"""A simulated store: what its scales and gates report, and the truth.

>>> simulation = simulate(store, scenario, seed=1)   # doctest: +SKIP
>>> for batch in simulation.batches(): ...           # doctest: +SKIP
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aisle.records import Action, CameraFrame, GateEvent, GateKind, PlateStatus, WeightBatch
from aisle.sim.scales import NOISE, FixtureScales, Wave, sway, waves_of
from aisle.sim.scenario import Scenario
from aisle.sim.script import Deed, DeedKind, GestureKind, Script
from aisle.sim.shoppers import write_script
from aisle.store.layout import shelf_layout
from aisle.store.types import Controller, Store

if TYPE_CHECKING:
    from aisle.sim.cameras import FrameArrival  # loads what draws

SECOND = 1_000_000_000
BLOCK_S = 10.0


@dataclass(frozen=True)
class TruthEvent:
    """What really happened, when its effect was complete."""

    stamp_ns: int
    session: str
    action: Action
    product: str
    quantity: int
    shelf: str
    plates: tuple[str, ...]
    foreign: bool
    weight_kg: float
    counterpart: str = ""
    """The other session of a hand-over: a return for who gives, a take for who gets."""


@dataclass(frozen=True)
class Arrival:
    """A record and when it reaches the reader."""

    arrival_ns: int
    record: WeightBatch | GateEvent


@dataclass(frozen=True)
class _Wire:
    """The plates of one shelf that one controller reads; a shelf may hang on several."""

    controller: str
    columns: NDArray[np.int64]
    """In the controller's messages."""
    places: NDArray[np.int64]
    """Along the shelf, from the left."""


class Simulation:
    """One run of a scenario; the same store, scenario and seed give the same bytes."""

    def __init__(
        self, store: Store, scenario: Scenario, seed: int, start_ns: int, script: Script
    ) -> None:
        self.store, self.scenario, self.seed = store, scenario, seed
        self.start_ns, self.script = start_ns, script
        self.duration_s = script.duration_s
        self.shares: dict[Deed, NDArray[np.float64]] = {}
        self._scales = self._build()

    def _build(self) -> dict[str, FixtureScales]:
        store = self.store
        rng = np.random.default_rng((self.seed, 2))
        built: dict[str, FixtureScales] = {}
        wires: dict[str, list[_Wire]] = {shelf: [] for shelf in store.shelves}
        for number, controller in enumerate(store.controllers.values()):
            wired = _wires(store, controller)
            count = rng.poisson(self.scenario.scales.bursts_per_minute * self.duration_s / 60)
            bursts = sorted(rng.uniform(0, self.duration_s, count).tolist())
            built[controller.id] = FixtureScales(
                [wire.columns for wire in wired.values()], len(controller.plates),
                controller.rate_hz, self.scenario.scales, (self.seed, 3, number), bursts,
            )  # fmt: skip
            for shelf, wire in wired.items():
                wires[shelf].append(wire)
        for deed in self.script.deeds:
            if not store.shelves[deed.shelf].plates:
                continue
            for wave in waves_of(deed, shelf_layout(store, deed.shelf), rng):
                if wave.shape == "step" and deed not in self.shares:
                    self.shares[deed] = wave.gain_kg
                _play(wave, wires[deed.shelf], built)
        self._sway(wires, built)
        for scales in built.values():
            scales.sort()
        return built

    def _sway(self, wires: dict[str, list[_Wire]], built: dict[str, FixtureScales]) -> None:
        """Slow shifts, drawn by themselves: without them everything else stays the same."""
        rng = np.random.default_rng((self.seed, 6))
        expected = self.scenario.scales.sways_per_minute * self.duration_s / 60
        for shelf in (shelf for shelf, found in wires.items() if found):
            layout = shelf_layout(self.store, shelf)
            for at in rng.uniform(0, self.duration_s, rng.poisson(expected)):
                _play(sway(float(at), layout, rng), wires[shelf], built)

    def signal(self, controller: str, first: int, count: int) -> NDArray[np.float32]:
        """Samples of a controller, [count, plates] kilograms; NaN where a plate is dead."""
        size = round(BLOCK_S * self.store.controllers[controller].rate_hz)
        parts, at = [], first
        while at < first + count:
            block, offset = divmod(at, size)
            take = min(size - offset, first + count - at)
            whole = self._scales[controller].block(block * size, size)
            parts.append(whole[offset : offset + take])
            at += take
        return np.concatenate(parts)

    @cached_property
    def gate_events(self) -> tuple[GateEvent, ...]:
        """Entries and exits in order of time."""
        entry = next((g.id for g in self.store.gates.values() if g.kind != "exit"), "entry")
        leave = next((g.id for g in self.store.gates.values() if g.kind != "entry"), "exit")
        events = []
        for v in self.script.visits:
            enter, gone = self._ns(v.enter_s), self._ns(v.exit_s)
            events.append(GateEvent(enter, entry, GateKind.ENTER, v.session, v.group_size))
            events.append(GateEvent(gone, leave, GateKind.EXIT, v.session, v.group_size))
        return tuple(sorted(events, key=lambda event: event.stamp_ns))

    @cached_property
    def effects(self) -> tuple[tuple[TruthEvent, NDArray[np.float64]], ...]:
        """Takes and returns in order of time with what they add to each plate of their shelf.

        The gains are kilograms, [plates of the shelf from left to right], none where it has no
        plates. Touches and hand-overs are no events.
        """
        found = []
        for deed in self.script.deeds:
            bare = not self.store.shelves[deed.shelf].plates
            if deed.kind is DeedKind.TOUCH or (deed not in self.shares and not bare):
                continue
            gain = np.zeros(0) if bare else self.shares[deed]
            size = np.abs(gain)
            plates = shelf_layout(self.store, deed.shelf).plates
            used = tuple(p for p, g in zip(plates, size, strict=True) if g > 0.05 * size.sum())
            found.append((self._event(deed, used), gain))
        return tuple(sorted(found, key=lambda pair: pair[0].stamp_ns))

    @cached_property
    def truth(self) -> tuple[TruthEvent, ...]:
        """Takes and returns in order of time, and hand-overs between sessions as both."""
        found = [event for event, _ in self.effects]
        found += [
            self._event(deed, ())
            for deed in self.script.deeds
            if deed.kind is not DeedKind.TOUCH
            and self.store.shelves[deed.shelf].plates
            and deed not in self.shares
        ]
        for gesture in self.script.gestures:
            between = gesture.session, gesture.counterpart
            if gesture.kind is GestureKind.HAND_OVER and between[0] != between[1]:
                sides = zip(between, between[::-1], (Action.RETURN, Action.TAKE), strict=True)
                for session, other, action in sides:
                    found.append(
                        TruthEvent(
                            self._ns(gesture.end_s), session, action, gesture.product,
                            len(gesture.units), "", (), False, gesture.weight_kg, other,
                        )
                    )  # fmt: skip
        return tuple(sorted(found, key=lambda event: event.stamp_ns))

    def _event(self, deed: Deed, plates: tuple[str, ...]) -> TruthEvent:
        action = Action.TAKE if deed.kind is DeedKind.TAKE else Action.RETURN
        return TruthEvent(
            self._ns(deed.end_s), deed.session, action, deed.product, deed.quantity,
            deed.shelf, plates, deed.foreign, deed.weight_kg,
        )  # fmt: skip

    def receipts(self) -> dict[str, dict[str, int]]:
        """What each session truly carries out: quantities by product, zeros left out."""
        held: dict[str, dict[str, int]] = {
            v.session: _counted(self.script.carried.get(v.session, ())) for v in self.script.visits
        }
        for event in self.truth:
            sign = 1 if event.action is Action.TAKE else -1
            lines = held[event.session]
            lines[event.product] = lines.get(event.product, 0) + sign * event.quantity
        return {s: {p: n for p, n in lines.items() if n} for s, lines in held.items()}

    def batches(self, controller: str | None = None, from_s: float = 0.0) -> Iterator[Arrival]:
        """Messages of all controllers (or one) in order of arrival, from a time on."""
        chosen = [c for c in self.store.controllers.values() if controller in (None, c.id)]
        pending: list[Arrival] = []
        block = int(from_s // BLOCK_S)
        while block * BLOCK_S < self.duration_s:
            for c in chosen:
                pending += self._block(c, block)
            pending.sort(key=lambda a: a.arrival_ns)
            horizon = self._ns((block + 1) * BLOCK_S)
            ready = [a for a in pending if a.arrival_ns < horizon]
            pending = pending[len(ready) :]
            yield from (a for a in ready if a.arrival_ns >= self._ns(from_s))
            block += 1
        yield from pending

    def arrivals(self) -> Iterator[Arrival]:
        """Weights and gate events together in order of arrival."""
        gates = iter(Arrival(event.stamp_ns + SECOND // 100, event) for event in self.gate_events)
        gate = next(gates, None)
        for weights in self.batches():
            while gate is not None and gate.arrival_ns <= weights.arrival_ns:
                yield gate
                gate = next(gates, None)
            yield weights
        while gate is not None:
            yield gate
            gate = next(gates, None)

    def records(
        self, frames: Iterable[FrameArrival] = ()
    ) -> Iterator[tuple[int, WeightBatch | GateEvent | CameraFrame]]:
        """All that arrives, pictures too, in order: nanoseconds and records."""
        others = ((arrival.arrival_ns, arrival.record) for arrival in self.arrivals())
        pictures = ((arrival.arrival_ns, arrival.frame) for arrival in frames)
        return heapq.merge(others, pictures, key=itemgetter(0))

    def _ns(self, seconds: float) -> int:
        return self.start_ns + round(seconds * SECOND)

    def _block(self, controller: Controller, block: int) -> list[Arrival]:
        """Messages whose first sample lies in one block of `BLOCK_S` seconds."""
        scales, rate = self.scenario.scales, controller.rate_hz
        size, step = round(BLOCK_S * rate), controller.samples_per_message
        number = list(self.store.controllers).index(controller.id)
        rng = np.random.default_rng((self.seed, 5, number, block))
        signal = self._scales[controller.id].block(block * size, size)
        period = round(SECOND / rate)
        found = []
        for first in range(0, size, step):
            at_s = block * BLOCK_S + first / rate
            jitter = float(np.clip(rng.normal(0, NOISE["stamp_jitter_s"]), -0.004, 0.004))
            delay = float(rng.uniform(0.004, 0.02))
            if rng.random() < scales.late_messages:
                delay += float(rng.uniform(0.1, 0.4))
            dropped = rng.random() < scales.dropped_messages
            silent = any(c == controller.id and a <= at_s < b for c, a, b in scales.silent)
            if dropped or silent or at_s >= self.duration_s:
                continue
            samples = signal[first : first + step]
            status = np.full(samples.shape[1], PlateStatus.OK, dtype=np.uint8)
            capacity = np.array([self.store.plates[p].capacity_kg for p in controller.plates])
            status[np.isnan(samples).all(axis=0)] = PlateStatus.MISSING
            over = (samples > capacity).any(axis=0)
            status[over] = PlateStatus.OVERLOAD
            samples = np.minimum(samples, capacity).astype(np.float32)
            stamp = self._ns(at_s + jitter)
            batch = WeightBatch(controller.id, stamp, period, controller.plates, samples, status)
            found.append(Arrival(batch.end_ns + round(delay * SECOND), batch))
        return found


def _play(wave: Wave, wires: list[_Wire], built: dict[str, FixtureScales]) -> None:
    """Add a wave of a shelf to the controllers that read the shelf."""
    for wire in wires:
        scales = built[wire.controller]
        gain = np.zeros(scales.plates)
        gain[wire.columns] = wave.gain_kg[wire.places]
        scales.waves.append(replace(wave, gain_kg=gain))


def _wires(store: Store, controller: Controller) -> dict[str, _Wire]:
    """What one controller reads, by shelf."""
    column = {plate: i for i, plate in enumerate(controller.plates)}
    wires = {}
    for shelf in dict.fromkeys(store.plates[plate].shelf for plate in controller.plates):
        plates = store.shelves[shelf].plates
        places = np.array([i for i, plate in enumerate(plates) if plate in column])
        columns = np.array([column[plates[i]] for i in places])
        wires[shelf] = _Wire(controller.id, columns, places)
    return wires


def _counted(products: tuple[str, ...]) -> dict[str, int]:
    return {product: products.count(product) for product in products}


def simulate(
    store: Store, scenario: Scenario, seed: int, start_ns: int = 1_700_000_000 * SECOND
) -> Simulation:
    """Run a scenario in a store.

    Args:
        store: What stands where.
        scenario: What happens.
        seed: Every random draw comes from it.
        start_ns: Stamp of the first sample.
    """
    script = write_script(store, scenario, np.random.default_rng((seed, 1)))
    return Simulation(store, scenario, seed, start_ns, script)
