"""The follower as an ONNX file, checked on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from aisle.fusion.runtime import open_session
from aisle.learning.onnx_file import save_onnx
from aisle.receipt_model.appearance import PLANES
from aisle.receipt_model.follower import INPUTS, OUTPUTS, SAID, STRIDE, Follower, State

TOLERANCE = 1e-3
"""Largest difference between torch and ONNX Runtime in any output, over several ticks."""
_TICKS = 3


def export_follower(follower: Follower, path: Path) -> Path:
    """Write a follower as ONNX; batch, tracks, height and width stay free.

    Inputs and outputs are `INPUTS` and `OUTPUTS`: each `next_` output is the next tick's input.
    Height and width are multiples of `STRIDE`.

    Raises:
        ValueError: torch and ONNX Runtime differ by more than `TOLERANCE`.
    """
    follower = follower.eval()
    batch, tracks = torch.export.Dim("batch", max=64), torch.export.Dim("tracks", max=256)
    height, width = (STRIDE * torch.export.Dim(name, min=4, max=1024) for name in ("h", "w"))
    grid, each = {0: batch, 2: height, 3: width}, {0: batch, 1: tracks}
    shapes = (grid, grid, each, each, grid, grid, *[each] * (len(State._fields) - 2))
    program = torch.onnx.export(
        follower, _example(follower, 2, 3, 24, 32, 0), dynamic_shapes=shapes, dynamo=True,
        input_names=list(INPUTS), output_names=list(OUTPUTS), verbose=False,
    )  # fmt: skip
    save_onnx(program, path)
    worst = difference(follower, path)
    if worst > TOLERANCE:
        raise ValueError(f"torch and ONNX Runtime differ by {worst:.2g}")
    return path


def difference(follower: Follower, path: Path) -> float:
    """The largest difference of any output, over several shapes and ticks of each."""
    session = open_session(path)
    worst = 0.0
    for seed, shape in enumerate([(2, 3, 24, 32), (1, 1, 48, 16), (1, 6, 32, 64)]):
        inputs = list(_example(follower, *shape, seed))
        arrays = {name: value.numpy() for name, value in zip(INPUTS, inputs, strict=True)}
        for _ in range(_TICKS):
            with torch.no_grad():
                left = follower(*inputs)
            right = session.run(list(OUTPUTS), arrays)
            for a, b in zip(left, right, strict=True):
                worst = max(worst, float(np.abs(a.numpy() - b).max()))
            inputs[4:] = left[len(SAID) :]
            arrays.update(zip(State._fields, right[len(SAID) :], strict=True))
    return worst


def _example(
    follower: Follower, batch: int, tracks: int, height: int, width: int, seed: int
) -> tuple[torch.Tensor, ...]:
    """Random inputs of a tick, in the order of `INPUTS`."""
    rng = torch.Generator().manual_seed(seed)
    size = batch, PLANES, height, width
    picture = torch.randint(0, 256, (*size, 3), generator=rng, dtype=torch.uint8)
    seen = torch.randint(0, 3, size, generator=rng, dtype=torch.uint8)
    open_ = (torch.rand(batch, tracks, generator=rng) < 0.8).float()
    seat = torch.rand(batch, tracks, 2, generator=rng)
    state = follower.begin(batch, tracks, height, width)
    place = torch.rand(batch, tracks, 2, generator=rng) * 1.5
    return (picture, seen, open_, seat, *state._replace(place=place))
