"""Opens the graphics device: a GPU, or the processor through Mesa, both without a display."""

from __future__ import annotations

import os
from typing import Any

import moderngl

from aisle.sim.render import shaders

PACKAGES = "libegl1 libgl1 libegl-mesa0 libgl1-mesa-dri"

_PROGRAMS = {
    "thing": (shaders.THING_VERTEX, shaders.THING_FRAGMENT),
    "store": (shaders.STORE_VERTEX, shaders.STORE_FRAGMENT),
    "glass": (shaders.GLASS_VERTEX, shaders.GLASS_FRAGMENT),
    "shadow": (shaders.SHADOW_VERTEX, shaders.SHADOW_FRAGMENT),
    "body": (shaders.BODY_VERTEX, shaders.BODY_FRAGMENT),
}


class RenderingError(Exception):
    """Nothing can be drawn here; the message says what a person should do."""


def open_device(index: int | None = None) -> moderngl.Context:
    """An OpenGL context without a window.

    Args:
        index: Which EGL device, as the system counts them; None takes the system's first choice.
            Without a GPU, Mesa draws on the processor, in the thread that asks; the variable
            `LP_NUM_THREADS` gives it more.

    Raises:
        RenderingError: EGL or a driver is missing, or the device has no OpenGL 4.3.
    """
    # Mesa's own threads would take time from the processes that share few cores.
    os.environ.setdefault("LP_NUM_THREADS", "0")
    options: dict[str, Any] = {"backend": "egl"}
    if index is not None:
        options["device_index"] = index
    try:
        return moderngl.create_context(standalone=True, require=430, **options)
    except Exception as error:  # The library raises bare Exception.
        raise RenderingError(
            f"Cannot draw without a display ({error}). On Debian or Ubuntu, install the packages: "
            f"{PACKAGES}" + ("" if index is None else f"; or device {index} is not there")
        ) from error


Part = tuple[moderngl.Buffer, str, tuple[str, ...]]
"""A buffer, its formats (such as `3f 3f` or `4f /i`) and the attributes they are."""
Value = bytes | float | tuple[float, ...]


class Programs:
    """All programs in the variant that one kind of picture needs.

    A variant lacks the attributes and uniforms that it has no use for; they are passed over.
    """

    def __init__(self, context: moderngl.Context, *, truth: bool, over: bool) -> None:
        self._context = context
        self._arrays: dict[tuple[str, int], moderngl.VertexArray] = {}
        self._programs = {}
        for name, (vertex, fragment) in _PROGRAMS.items():
            sources = shaders.source(vertex, fragment, truth=truth, over=over)
            self._programs[name] = context.program(*sources)

    def has(self, name: str, uniform: str) -> bool:
        """Whether a program uses a uniform."""
        return uniform in self._programs[name]

    def set(self, name: str, uniform: str, value: Value) -> None:
        """Give a uniform to a program; bytes are a matrix by columns."""
        program = self._programs[name]
        found = program.get(uniform, None)
        if isinstance(found, moderngl.Uniform):
            if isinstance(value, bytes):
                found.write(value)
            else:
                found.value = value

    def set_all(self, uniform: str, value: Value) -> None:
        """Give a uniform to every program."""
        for name in self._programs:
            self.set(name, uniform, value)

    def array(self, name: str, parts: list[Part], faces: moderngl.Buffer) -> moderngl.VertexArray:
        """Buffers bound to a program; the first one names the array in the cache."""
        key = name, parts[0][0].glo
        if key not in self._arrays:
            program = self._programs[name]
            bound = [(buffer, *_used(program, layout, names)) for buffer, layout, names in parts]
            self._arrays[key] = self._context.vertex_array(program, bound, index_buffer=faces)
        return self._arrays[key]


def _used(program: moderngl.Program, layout: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """A buffer's layout and attributes in which what the program lacks is padding."""
    vectors, slash, per = layout.partition("/")
    sizes = {"2f": "8x", "3f": "12x", "4f": "16x"}
    formats = [
        form if name in program else sizes[form]
        for form, name in zip(vectors.split(), names, strict=True)
    ]
    kept = [name for name in names if name in program]
    return (" ".join(formats) + (f" {slash}{per}" if slash else ""), *kept)
