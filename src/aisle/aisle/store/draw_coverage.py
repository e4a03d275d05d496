"""What cameras see, for the picture of a store: colours, a heat map of the floor, views."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from numpy.typing import NDArray

from aisle.store.camera import rays
from aisle.store.coverage import ENOUGH_PX, Coverage, visible_px
from aisle.store.floor import FloorPlan
from aisle.store.geometry3d import StoreGeometry
from aisle.store.types import Camera, Store

HAND_M = 1.0
"""Height of the map: where hands move."""
MAP = matplotlib.colormaps["viridis"]
SCALE = Normalize(0.0, 2 * ENOUGH_PX)
UNSEEN = "#8d8d8d"
POOR = "#d02020"
_STEP_M = 0.05
_OUTLINE = 12


@dataclass(frozen=True)
class Seen:
    """A store's coverage with what is needed to draw it."""

    coverage: Coverage
    geometry: StoreGeometry
    threshold: float = ENOUGH_PX

    def colour(self, slot: str) -> tuple[float, float, float]:
        """Colour of a slot; grey where no camera sees it."""
        px = self.coverage.best_px[self.coverage.slots.index(slot)]
        red, green, blue = colours_of(np.array([px]))[0].tolist()
        return red, green, blue

    def is_poor(self, slot: str) -> bool:
        """True where no camera sees a slot well enough."""
        return slot in self.coverage.poor(self.threshold)

    def label(self, slot: str) -> str:
        """Pixels for 10 cm and the best camera, in a few letters."""
        view = self.coverage.best(slot)
        return f"{view.px_per_dm:.0f} px {view.camera}" if view else "unseen"


def colours_of(px_per_dm: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N, 3] red, green, blue from 0 to 1; grey for 0, where no camera looks."""
    colours = np.asarray(MAP(SCALE(px_per_dm)))[:, :3]
    colours[px_per_dm <= 0.0] = to_rgb(UNSEEN)
    return colours


def letters_on(colour: tuple[float, float, float]) -> str:
    """Black or white, whichever is read more easily on a colour."""
    red, green, blue = colour
    return "black" if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else "white"


def scale_bar(axes: Axes) -> None:
    """Draws the bar of colours beside a picture."""
    # An inset stays beside the map, which keeps its own shape.
    inset = axes.inset_axes((1.06, 0.1, 0.04, 0.8))
    axes.figure.colorbar(
        ScalarMappable(SCALE, MAP), cax=inset,
        label="pixels for 10 cm in the best view\nfloor plan: 1 m above the floor",
    )  # fmt: skip


def draw_views(axes: Axes, store: Store, plan: FloorPlan, seen: Seen) -> None:
    """Draws the heat map of the floor and the outline of each camera's view at hand height."""
    low, high = _extent(store, plan)
    xs, ys = (np.arange(low[i], high[i] + _STEP_M, _STEP_M) for i in (0, 1))
    x, y = np.meshgrid((xs[1:] + xs[:-1]) / 2, (ys[1:] + ys[:-1]) / 2)
    points = np.stack([x.ravel(), y.ravel(), np.full(x.size, HAND_M)], axis=1)
    upwards = np.tile([0.0, 0.0, 1.0], (len(points), 1))
    px = visible_px(store, seen.geometry, points, upwards).reshape(x.shape)
    heat = np.ma.masked_less_equal(px, 0.0)
    axes.pcolormesh(xs, ys, heat, cmap=MAP, norm=SCALE, alpha=0.75, zorder=1, rasterized=True)
    for camera in store.cameras.values():
        outline = _outline(camera)
        if outline is not None:
            axes.plot(*outline.T, color="#b03060", linewidth=0.8, linestyle=":", zorder=3)
    axes.set_xlim(low[0] - 0.1, high[0] + 0.1)
    axes.set_ylim(low[1] - 0.1, high[1] + 0.1)


def _outline(camera: Camera) -> NDArray[np.float64] | None:
    """[N, 2] the edge of a camera's image on the plane of the map; None where it looks over it."""
    share = np.linspace(0.0, 1.0, _OUTLINE)
    right, bottom = camera.width - 1.0, camera.height - 1.0
    edge = np.concatenate(
        [
            np.stack([share * right, 0 * share], axis=1),
            np.stack([0 * share + right, share * bottom], axis=1),
            np.stack([(1 - share) * right, 0 * share + bottom], axis=1),
            np.stack([0 * share, (1 - share) * bottom], axis=1),
        ]
    )
    origin, ways = rays(camera, edge)
    if not (ways[:, 2] < -0.02).all() or origin[2] <= HAND_M:
        return None
    points = origin + ways * ((HAND_M - origin[2]) / ways[:, 2])[:, None]
    flat: NDArray[np.float64] = points[:, :2]
    return flat


def _extent(store: Store, plan: FloorPlan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    corners = [feature.outline for feature in plan.features]
    for fixture in store.fixtures.values():
        width, depth, _ = fixture.size_m
        flat = np.array([[0, 0, 0, 1], [width, depth, 0, 1], [width, 0, 0, 1], [0, depth, 0, 1]])
        corners.append((fixture.pose @ flat.T).T[:, :2])
    together = np.concatenate(corners) if corners else np.array([[0.0, 0.0], [1.0, 1.0]])
    return together.min(axis=0), together.max(axis=0)
