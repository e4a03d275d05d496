"""What clips of walks are made of: random stores, scenarios and failures of cameras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from aisle.sim.scenario import Actions, Scenario
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec
from aisle.store.types import Store

Rng = np.random.Generator
Image = NDArray[np.uint8]

WIDTH_PX = 320
"""Pictures are drawn this wide: a cell of the floor map is still several pixels."""


def walk_store(rng: Rng) -> Store:
    """A small store with cameras, of any make, each camera's picture `WIDTH_PX` wide."""
    high, wide = float(rng.uniform(2.4, 3.0)), bool(rng.random() < 0.9)
    bent = float(rng.uniform(-0.16, 0.0))
    spec = StoreSpec(
        name="walks",
        gondolas=int(rng.integers(2, 4)),
        fridges=int(rng.integers(0, 2)),
        shelves=(4,),
        plates=(int(rng.integers(5, 8)),),
        plate_width_m=(0.2, 0.2),
        bare_shelves=0.5,
        first_board_m=0.3,
        head_room_m=(0.3, 0.34),
        span=((1, 0.3), (2, 0.5), (3, 0.2)),
        assortment=40,
        aisle_m=(1.5, 2.2),
        cameras=int(rng.integers(3, 5)),
        camera_height_m=high,
        camera_pixels=(800, 600),
        camera_fov_rad=float(rng.uniform(0.9, 1.5)),
        camera_distortion=(bent, 0.02, 0.0005, -0.0005, 0.0),
        overviews=int(wide),
        overview_fov_rad=float(rng.uniform(1.8, 2.2)),
    )
    if rng.random() < 0.8:
        room = float(rng.uniform(3.6, 5.2)), float(rng.uniform(4.0, 6.0))
        spec = replace(spec, room_m=room)
    try:
        store = generate_store(rng, spec)
    except ValueError:  # The fixtures do not fit into that room.
        store = generate_store(rng, replace(spec, room_m=None))
    small = {
        name: replace(c, width=WIDTH_PX, height=WIDTH_PX * c.height // c.width)
        for name, c in store.cameras.items()
    }
    return replace(store, cameras=small)


def walk_scenario(rng: Rng) -> Scenario:
    """One to six sessions at once who get in each other's way."""
    together = int(rng.choice([1, 2, 3, 4, 5, 6], p=[0.05, 0.1, 0.2, 0.25, 0.2, 0.2]))
    return Scenario(
        name="walks",
        walk=True,
        shoppers=2 * together + 1,
        together=together,
        stay_s=(25.0, 50.0),
        between_s=(1.0, 4.0),
        lead_s=float(rng.uniform(0.5, 6.0)),
        action_s=float(rng.uniform(2.5, 6.0)),
        same_fixture=float(rng.uniform(0.2, 0.8)),
        group_size=(1, 2) if rng.random() < 0.5 else (1, 1),
        actions=Actions(
            take=0.3, two_hands=0.05, hand_over=0.1, swap_places=0.25, two_at_slot=0.15, crowd=0.1
        ),
    )


class Outages:
    """Which cameras' pictures come: some are missing for a tick, some for long."""

    def __init__(self, cameras: tuple[str, ...], ticks: int, rng: Rng) -> None:
        """Draw all failures of a clip."""
        self._here: dict[str, NDArray[np.bool_]] = {}
        for name in cameras:
            here = rng.random(ticks) >= float(rng.choice([0.0, 0.02, 0.1]))
            if rng.random() < 0.15:
                first = int(rng.integers(-ticks // 2, ticks))
                here[max(first, 0) : max(first + ticks // 2, 0)] = False
            self._here[name] = here

    def views(
        self, tick: int, fresh: Mapping[str, Image], last: Mapping[str, Image]
    ) -> dict[str, Image]:
        """What counts at a tick: the newest picture that is not older than one tick."""
        found = {}
        for name, here in self._here.items():
            if here[tick]:
                found[name] = fresh[name]
            elif tick > 0 and here[tick - 1] and name in last:
                found[name] = last[name]
        return found
