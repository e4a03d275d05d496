"""A sheet of what several cameras see at one moment, for people to look at."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from aisle.sim.render.renderer import Renderer
from aisle.sim.render.sensor import CameraModel
from aisle.sim.scene import Look, Scene
from aisle.store.types import Camera, Product, Store


def picture(
    store: Store,
    scene: Scene,
    look_for: Callable[[Product], Look],
    cameras: Sequence[Camera] | None = None,
    *,
    seed: int = 0,
) -> NDArray[np.uint8]:
    """Views side by side, two a row for four, as real cameras would deliver them.

    Args:
        store: What the scene is in.
        scene: One moment.
        look_for: What a product looks like.
        cameras: None takes the store's; views of other sizes are scaled to the first one's.
        seed: Of the store's looks and the cameras' faults.

    Returns:
        [rows H, columns W, 3] RGB; places without a view are black.

    Raises:
        ValueError: there is no camera.
        RenderingError: nothing can be drawn on this machine.
    """
    chosen = list(store.cameras.values()) if cameras is None else list(cameras)
    if not chosen:
        raise ValueError(f"store {store.name} has no cameras")
    models = [CameraModel(camera, seed=seed + i) for i, camera in enumerate(chosen)]
    renderer = Renderer(store, look_for, {m.camera.id: m.ideal for m in models}, seed=seed)
    columns = math.ceil(math.sqrt(len(chosen)))
    rows = math.ceil(len(chosen) / columns)
    width, height = chosen[0].width, chosen[0].height
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for i, model in enumerate(models):
        view = model.apply(renderer.render(model.camera.id, scene).rgb, 0)
        y, x = i // columns * height, i % columns * width
        sheet[y : y + height, x : x + width] = cv2.resize(view, (width, height))
    return sheet
