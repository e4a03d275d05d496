"""Clips of two people near each other for training the network that sees things handed over.

    python -m aisle.learning.meetings --out meetings --stores 120 --seed 1

Stores and cameras are those of `aisle.learning.sightings`; people hand things over more often.
Where heads are is as wrong as a follower may have them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.synchronizer import SECOND, TICK_NS
from aisle.learning.array_files import save
from aisle.learning.sight_plans import sight_scenario, sight_spec
from aisle.sim.choreography.performance import Performance
from aisle.sim.products.look import look_of
from aisle.sim.render.renderer import Renderer
from aisle.sim.render.sensor import CameraModel
from aisle.sim.scenario import Actions, ScenarioError
from aisle.sim.script import Gesture, GestureKind
from aisle.sim.shoppers import write_script
from aisle.store.generate import generate_store
from aisle.store.types import Store
from aisle.vision.meetings import CLOSE, MOST_VIEWS, WIDE, Meetings, pairs

Rng = np.random.Generator
Array = NDArray[np.float64]
Key = tuple[str, int]

AROUND = 6
"""Ticks of a clip before its middle and after it."""
TICKS = 2 * AROUND + 1
_LONGEST_S = 70.0
_OTHERS = 1.5
"""Clips in which nothing is handed over, for each in which something is."""
_BUSY = 0.7
"""Share of these that are filmed while others hand something over."""
_OFF_M, _FAR_OFF_M, _SHAKES_M = 0.06, 0.2, 0.03
"""How far off a head is for a whole clip, mostly and now and then; and from tick to tick."""
_FAR_OFF = 0.12
_ACTIONS = Actions(
    take=0.36, take_several=0.04, put_back=0.04, look_and_put_back=0.06, hand_over=0.35,
    swap_places=0.05, two_at_slot=0.06, crowd=0.04,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Clips:
    """One store's clips, `TICKS` each."""

    wide: NDArray[np.uint8]
    """[N, TICKS, MOST_VIEWS, *WIDE, 3] as `aisle.vision.meetings.Meeting` has them; black where
    there are fewer."""
    close: NDArray[np.uint8]
    """[N, TICKS, MOST_VIEWS, *CLOSE, 3]"""
    shown: NDArray[np.bool_]
    """[N, TICKS, MOST_VIEWS] which there are."""
    gives: NDArray[np.int8]
    """[N] in the middle of the clip: 0 nobody, 1 who is on the left, 2 who is on the right."""


@dataclass(frozen=True)
class _Plan:
    """One clip to come."""

    middle: int
    left: Key
    right: Key
    gives: int


def look_at_meetings(seed: int, number: int, most: int | None = None) -> Clips | None:
    """Render one random store; None where nobody can shop in it, or nothing is handed over.

    Args:
        seed: Of the whole collection.
        number: Of the store in it; the same pair gives the same clips.
        most: Clips, of either kind; all when None.

    Raises:
        RenderingError: Nothing can be drawn on this machine.
    """
    rng = np.random.default_rng((seed, number, 83))
    store = generate_store(rng, sight_spec(rng))
    together = int(rng.integers(3, 6))
    changed = {
        "actions": _ACTIONS, "action_s": 2.0, "together": together, "shoppers": together + 2,
        "stay_s": (50.0, 70.0), "between_s": (0.5, 1.5),
    }  # fmt: skip
    scenario = sight_scenario(rng, store).model_copy(update=changed)
    try:
        script = write_script(store, scenario, rng)
    except ScenarioError:
        return None
    performance = Performance(store, script, int(rng.integers(1 << 31)))
    plans = _plans(performance, min(script.duration_s, _LONGEST_S), rng)
    plans = [*plans[:most], *(plans[-most:] if most else ())]
    if not any(plan.gives for plan in plans):
        return None
    wide, close, shown = _shot(store, performance, plans, rng)
    return Clips(wide, close, shown, np.array([plan.gives for plan in plans], np.int8))


def _plans(performance: Performance, seconds: float, rng: Rng) -> list[_Plan]:
    """What to film: all that is handed over, and people who are near each other otherwise."""
    last = int(seconds * SECOND // TICK_NS) - AROUND
    given: dict[tuple[int, frozenset[Key]], Gesture] = {}
    for gesture in performance.script.gestures:
        if gesture.kind is GestureKind.HAND_OVER:
            tick = round((gesture.start_s + gesture.duration_s / 2) * SECOND / TICK_NS)
            given[tick, frozenset(_keys(gesture))] = gesture
    plans = []
    for (tick, _), gesture in given.items():
        if AROUND <= tick < last:
            giver, taker = _keys(gesture)
            first = bool(rng.random() < 0.5)
            left, right = (giver, taker) if first else (taker, giver)
            plans.append(_Plan(tick, left, right, 1 if first else 2))
    others = []
    for tick in range(AROUND, last):
        people = performance.truth(performance.start_ns + tick * TICK_NS).people
        keys = [(p.session, p.number) for p in people]
        for i, j in pairs(np.array([p.head[:2] for p in people]).reshape(-1, 2)):
            between = frozenset((keys[i], keys[j]))
            # What is said of a tick rests on those beside it too, and these are not judged.
            if not any(other == between and abs(at - tick) <= 3 for at, other in given):
                a, b = (i, j) if rng.random() < 0.5 else (j, i)
                others.append(_Plan(tick, keys[a], keys[b], 0))
    # Most of them while something is handed over somewhere: arms of others are in sight, and what
    # is drawn serves several clips.
    busy = [p for p in others if any(abs(at - p.middle) <= 6 for at, _ in given)]
    count = int(_OTHERS * len(plans))
    chosen = [busy[i] for i in rng.permutation(len(busy))[: round(_BUSY * count)]]
    chosen += [others[i] for i in rng.permutation(len(others))[: count - len(chosen)]]
    return plans + chosen


def _keys(gesture: Gesture) -> tuple[Key, Key]:
    giver = gesture.session, gesture.number
    return giver, (gesture.counterpart, gesture.counterpart_number)


def _shot(
    store: Store, performance: Performance, plans: Sequence[_Plan], rng: Rng
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_]]:
    """`wide`, `close` and `shown` of `Clips`."""
    seed = int(rng.integers(1 << 31))
    models = {n: CameraModel(c, seed=seed + i) for i, (n, c) in enumerate(store.cameras.items())}
    ideal = {name: model.ideal for name, model in models.items()}
    renderer = Renderer(store, look_of, ideal, seed=seed, texture_px=64)
    meetings = Meetings(store)
    wide = np.zeros((len(plans), TICKS, MOST_VIEWS, *WIDE, 3), np.uint8)
    close = np.zeros((len(plans), TICKS, MOST_VIEWS, *CLOSE, 3), np.uint8)
    shown = np.zeros(wide.shape[:3], bool)
    sizes = np.where(rng.random((len(plans), 2)) < _FAR_OFF, _FAR_OFF_M, _OFF_M)
    off = rng.normal(0, 1, (len(plans), 2, 2)) * sizes[..., None]
    ticks = sorted({t for p in plans for t in range(p.middle - AROUND, p.middle + AROUND + 1)})
    try:
        for tick in ticks:
            stamp_ns = performance.start_ns + tick * TICK_NS
            people = performance.truth(stamp_ns).people
            heads = {(p.session, p.number): np.array(p.head[:2]) for p in people}
            scene = performance.scene(stamp_ns)
            pictures: dict[str, NDArray[np.uint8]] = {}
            for i, plan in enumerate(plans):
                at = tick - plan.middle + AROUND
                if not 0 <= at < TICKS or plan.left not in heads or plan.right not in heads:
                    continue
                shaken = off[i] + rng.normal(0, _SHAKES_M, (2, 2))
                left, right = heads[plan.left] + shaken[0], heads[plan.right] + shaken[1]
                for name in meetings.views(left, right):
                    if name not in pictures:
                        drawn = renderer.render(name, scene).rgb
                        pictures[name] = models[name].apply(drawn, tick)
                found = meetings.look(left, right, pictures)
                count = len(found.wide)
                wide[i, at, :count], close[i, at, :count] = found.wide, found.close
                shown[i, at, :count] = True
    finally:
        renderer.close()
    return wide, close, shown


def main() -> None:
    """Render stores; goes on where it was stopped."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--stores", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for number in range(args.stores):
        path = args.out / f"meetings-{args.seed}-{number:05d}.npz"
        if path.is_file():
            continue
        begun = time.process_time()
        found = look_at_meetings(args.seed, number)
        if found is not None:
            save(found, path)
            told = {
                "store": number, "clips": len(found.gives), "given": int((found.gives > 0).sum()),
                "cpu_s": round(time.process_time() - begun, 1),
            }  # fmt: skip
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
