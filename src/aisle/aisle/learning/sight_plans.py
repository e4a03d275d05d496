"""What sightings are made of: stores and scenarios of every make."""

from __future__ import annotations

import numpy as np

from aisle.sim.scenario import Actions, Cameras, Catalogue, Scales, Scenario
from aisle.store.spec import StoreSpec
from aisle.store.types import Store

Rng = np.random.Generator

RATE_HZ = 4.0
"""Pictures are drawn once a tick: of faster cameras the fusion takes no more."""
SCENARIOS_OF_STORE = 3
_PICTURE_WIDTHS = ((800, 600), (640, 480))


def sight_spec(rng: Rng) -> StoreSpec:
    """A small store with cameras; its shelves have plates or not."""
    wide = bool(rng.random() < 0.7)
    lens = (float(rng.uniform(-0.16, 0.0)), 0.02, 5e-4, -5e-4, 0.0)
    room = float(rng.uniform(3.8, 4.8)), float(rng.uniform(4.6, 5.8))
    return StoreSpec(
        name="sights",
        room_m=room if rng.random() < 0.8 else None,
        gondolas=int(rng.integers(2, 4)),
        fridges=int(rng.random() < 0.6),
        shelves=(int(rng.integers(3, 5)),),
        first_board_m=float(rng.uniform(0.25, 0.4)),
        head_room_m=(0.28, 0.36),
        plates=(6,) if wide else (9, 12),
        plate_width_m=(0.2, 0.2) if wide else (0.1, 0.1),
        span=((1, 0.4), (2, 0.6)) if wide else ((1, 0.2), (2, 0.5), (3, 0.3)),
        bare_shelves=float(rng.choice([0.0, 0.4, 0.7])),
        empty_plates=0.02,
        doubled=float(rng.choice([0.0, 0.08])),
        assortment=int(rng.integers(120, 320)),
        cameras=int(rng.integers(3, 5)),
        camera_height_m=float(rng.uniform(2.3, 2.8)),
        camera_pixels=_PICTURE_WIDTHS[int(rng.random() < 0.5)],
        camera_fov_rad=float(rng.uniform(0.85, 1.2)),
        camera_distortion=lens if rng.random() < 0.6 else (0.0,) * 5,
        camera_rate_hz=RATE_HZ,
        overviews=1,
        overview_fov_rad=float(rng.uniform(1.8, 2.2)),
    )


def sight_scenario(rng: Rng, store: Store) -> Scenario:
    """One to six people with bodies, alone, in pairs, and in each other's way."""
    together = int(rng.choice([1, 2, 3, 4, 6], p=[0.25, 0.2, 0.2, 0.2, 0.15]))
    meet = together > 1
    return Scenario(
        name="sights",
        walk=True,
        shoppers=together,
        together=together,
        stay_s=(35.0, 60.0),
        between_s=(0.5, 4.0),
        lead_s=float(rng.uniform(1.0, 4.0)),
        action_s=float(rng.uniform(3.0, 6.0)),
        overlap=float(rng.choice([0.05, 0.15])),
        same_fixture=float(rng.uniform(0.3, 0.8)),
        slop_m=float(rng.uniform(0.0, 0.02)),
        group_size=(1, 2) if meet and rng.random() < 0.3 else (1, 1),
        actions=Actions(
            take=0.45, take_several=0.08, put_back=0.12,
            put_back_elsewhere=float(rng.uniform(0.05, 0.2)),
            look_and_put_back=float(rng.uniform(0.05, 0.15)),
            touch=0.08,
            two_hands=0.03,
            hand_over=0.04 * meet, swap_places=0.05 * meet, two_at_slot=0.08 * meet,
            crowd=0.03 * meet,
        ),
        scales=Scales(
            noise=float(np.exp(rng.normal(0, 0.35))),
            bursts_per_minute=float(rng.choice([0, 2, 8])),
            sways_per_minute=float(rng.choice([0, 1, 4])),
            stuck_plates=float(rng.choice([0, 0.03])),
            dead_plates=float(rng.choice([0, 0.03])),
            dropped_messages=float(rng.choice([0, 0.003])),
        ),
        catalogue=Catalogue(
            relative_error=float(rng.uniform(0.003, 0.02)),
            tail_share=float(rng.uniform(0.02, 0.2)),
        ),
        cameras=Cameras(
            dropped_frames=float(rng.choice([0.0, 0.02, 0.1])), silent=_lost(rng, store)
        ),
    )  # fmt: skip


def _lost(rng: Rng, store: Store) -> tuple[tuple[str, float, float], ...]:
    """Now and then a camera gives nothing for a while, or for good."""
    found = []
    for name in store.cameras:
        if rng.random() < 0.08:
            begin = float(rng.uniform(-20, 60))
            found.append((name, begin, begin + float(rng.choice([5.0, 15.0, 1000.0]))))
    return tuple(found)
