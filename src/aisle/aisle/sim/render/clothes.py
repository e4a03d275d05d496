"""What a person wears, drawn from their seed: colours, cuts, patterns, hair."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]

SKIN: tuple[Colour, ...] = (
    (0.95, 0.80, 0.70), (0.90, 0.72, 0.58), (0.80, 0.60, 0.45), (0.65, 0.45, 0.32),
    (0.50, 0.33, 0.23), (0.36, 0.23, 0.16),
)  # fmt: skip
HAIR: tuple[Colour, ...] = (
    (0.06, 0.05, 0.05), (0.16, 0.10, 0.07), (0.30, 0.19, 0.11), (0.48, 0.32, 0.17),
    (0.72, 0.58, 0.36), (0.60, 0.60, 0.60), (0.82, 0.82, 0.80), (0.42, 0.16, 0.09),
)  # fmt: skip
WAIST_M, COLLAR_M, CHIN_M = 1.02, 1.44, 1.46
"""Heights on the first baked body."""


@dataclass(frozen=True)
class Clothes:
    """Colours are linear in 0..1; lengths are places on the first baked body."""

    skin: Colour
    hair: Colour
    top: Colour
    accent: Colour
    """Second colour of the top's pattern."""
    bottom: Colour
    shoes: Colour
    sleeve: float
    """How far along the arm the sleeve ends: 0 shoulder, 1 elbow, 2 wrist."""
    hem_m: float
    """Height at which trousers, shorts or a skirt end."""
    top_hem_m: float
    """Height at which the top ends."""
    pattern: int
    """0 plain, 1 rings, 2 stripes, 3 checks, 4 a bright chest, 5 an open jacket."""
    hairline_m: float
    """Height of the hair's edge at the back of the head; higher is shorter hair."""
    bald: bool


def clothes_for(seed: int) -> Clothes:
    """The clothes of a seed; the same seed gives the same clothes."""
    rng = np.random.default_rng([seed, 2])

    def vivid(low: float, high: float) -> Colour:
        return colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.15, 0.85), rng.uniform(low, high))

    dull = rng.random() < 0.35
    grey = float(rng.uniform(0.08, 0.9))
    top = (grey, grey, grey) if dull else vivid(0.35, 0.9)
    trousers = (
        (0.10, 0.13, 0.25), (0.22, 0.30, 0.45), (0.09, 0.09, 0.10), (0.45, 0.40, 0.32),
        (0.30, 0.30, 0.31), (0.20, 0.24, 0.18),
    )  # fmt: skip
    plain = vivid(0.3, 0.7) if rng.random() < 0.25 else trousers[int(rng.integers(len(trousers)))]
    return Clothes(
        skin=SKIN[int(rng.integers(len(SKIN)))],
        hair=HAIR[int(rng.integers(len(HAIR)))],
        top=top,
        accent=vivid(0.2, 0.95),
        bottom=plain,
        shoes=vivid(0.05, 0.9) if rng.random() < 0.4 else (0.1, 0.1, 0.1),
        sleeve=float(rng.choice([0.55, 0.75, 1.0, 1.6, 1.92, 1.92, 1.92])),
        hem_m=float(rng.choice([0.09, 0.09, 0.09, 0.45, 0.55])),
        top_hem_m=WAIST_M - float(rng.choice([0.05, 0.1, 0.15, 0.25])),
        pattern=int(rng.choice([0, 0, 0, 1, 2, 3, 4, 5])),
        hairline_m=float(rng.choice([1.42, 1.48, 1.54, 1.56])),
        bald=bool(rng.random() < 0.08),
    )


def thickness(clothes: Clothes, places: NDArray[np.float32]) -> NDArray[np.float32]:
    """[V] metres by which clothes and hair stand off the skin at `places` ([V, 4])."""
    x, height, along = places[:, 0], places[:, 2], places[:, 3]
    out = np.zeros(len(places), np.float32)
    loose = 0.018 if clothes.pattern == 5 else 0.010
    torso = (along < 0.1) & (height > clothes.top_hem_m) & (height < COLLAR_M)
    out[torso] = loose
    out[(along >= 0.1) & (along < clothes.sleeve)] = 0.8 * loose
    out[(along < 0) & (height <= clothes.top_hem_m) & (height > clothes.hem_m)] = 0.011
    out[(along < 0) & (height < 0.07)] = 0.008
    if not clothes.bald:
        hair = (height > CHIN_M) & (x < hair_edge(height, clothes.hairline_m))
        out[hair] = 0.016 if clothes.hairline_m > 1.5 else 0.026
    return out


def hair_edge(height: NDArray[np.float32], hairline_m: float) -> NDArray[np.float32]:
    """[V] how far forward hair reaches at a height of the head; the fragment shader says it too."""
    low = np.where(height > hairline_m, 0.045, -1.0)
    return np.asarray(np.where(height > 1.635, 0.145, low), np.float32)
