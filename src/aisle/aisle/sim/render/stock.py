"""Units of products (and what people carry things in) as instances of few meshes."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from aisle.sim.render.bags import bag_looks
from aisle.sim.render.device import Programs
from aisle.sim.scene import Look, Matrix
from aisle.store.types import Product

ROW = 16
"""Floats of an instance: pose 12, texture layer, light, light at its foot, id."""


class Looks:
    """All meshes in one buffer, all textures in one array.

    Attributes:
        kinds: Mesh number by product id; bags are `basket` and `tote`.
        corners: [kinds, 8, 3] of each mesh's box, in its own frame.
    """

    def __init__(
        self,
        context: moderngl.Context,
        products: dict[str, Product],
        look_for: Callable[[Product], Look],
        texture_px: int,
    ) -> None:
        looks = {name: look_for(product) for name, product in products.items()}
        looks.update(bag_looks())
        self.kinds = {name: i for i, name in enumerate(looks)}
        vertices, faces = [], []
        self._commands: list[tuple[int, int, int]] = []
        first_face = first_vertex = 0
        corners = []
        for look in looks.values():
            mesh = look.mesh
            vertices.append(np.hstack([mesh.vertices, mesh.normals, mesh.uv]).astype("f4"))
            faces.append(mesh.faces.astype("i4"))
            self._commands.append((mesh.faces.size, first_face, first_vertex))
            first_face += mesh.faces.size
            first_vertex += len(mesh.vertices)
            low, high = mesh.vertices.min(0), mesh.vertices.max(0)
            corners.append([[(low, high)[i >> k & 1][k] for k in range(3)] for i in range(8)])
        self.corners: NDArray[np.float64] = np.array(corners, np.float64)
        self._vertices = context.buffer(np.concatenate(vertices).tobytes())
        self._faces = context.buffer(np.concatenate(faces).tobytes())
        self._rows = context.buffer(reserve=4 * ROW * 4096, dynamic=True)
        self._draws = context.buffer(reserve=20 * len(looks), dynamic=True)
        self.labels = _texture_array(context, list(looks.values()), texture_px)

    def draw(self, programs: Programs, rows: NDArray[np.float32], kinds: NDArray[np.int64]) -> None:
        """Draw instances into the framebuffer in use.

        Args:
            programs: The variant.
            rows: [N, 16].
            kinds: [N] mesh numbers.
        """
        if not len(rows):
            return
        order = np.argsort(kinds, kind="stable")
        data = np.ascontiguousarray(rows[order], np.float32)
        if data.nbytes > self._rows.size:
            self._rows.orphan(2 * data.nbytes)
        else:
            self._rows.orphan()
        self._rows.write(data.tobytes())
        used, first, count = np.unique(kinds[order], return_index=True, return_counts=True)
        commands = np.array(
            [
                (self._commands[kind][0], n, self._commands[kind][1], self._commands[kind][2], at)
                for kind, n, at in zip(used.tolist(), count.tolist(), first.tolist(), strict=True)
            ],
            np.uint32,
        )
        self._draws.orphan()
        self._draws.write(commands.tobytes())
        self.labels.use(0)
        vertex = (self._vertices, "3f 3f 2f", ("in_position", "in_normal", "in_uv"))
        rows_of = ("in_row_x", "in_row_y", "in_row_z", "in_extra")
        array = programs.array(
            "thing", [vertex, (self._rows, "4f 4f 4f 4f /i", rows_of)], self._faces
        )
        array.render_indirect(self._draws, mode=moderngl.TRIANGLES, count=len(commands))


def instance(
    pose: Matrix, layer: int, light: float, foot: float, number: float
) -> NDArray[np.float32]:
    """[16] one instance."""
    out = np.empty(ROW, np.float32)
    out[:12] = pose[:3].ravel()
    out[12:] = layer, light, foot, number
    return out


def _texture_array(
    context: moderngl.Context, looks: list[Look], size: int
) -> moderngl.TextureArray:
    """All textures, brought to one size, with mipmaps."""
    layers = np.empty((len(looks), size, size, 4), np.uint8)
    layers[..., 3] = 255
    for layer, look in zip(layers, looks, strict=True):
        shrinks = look.texture.shape[0] >= size
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        layer[..., :3] = cv2.resize(look.texture, (size, size), interpolation=how)
    texture = context.texture_array((size, size, len(looks)), 4, layers.tobytes())
    texture.build_mipmaps()
    texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
    texture.repeat_x = texture.repeat_y = False
    return texture
