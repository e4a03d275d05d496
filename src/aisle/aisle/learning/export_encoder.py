"""From the trained networks for strips, fronts and meetings to the ONNX files that the stack runs.

The follower has its own: `aisle.learning.follow_export`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aisle.fusion.runtime import open_session
from aisle.learning.onnx_file import save_onnx
from aisle.receipt_model.change import StripChange
from aisle.receipt_model.encoder import StripEncoder
from aisle.receipt_model.meeting import MeetingNet
from aisle.receipt_model.reach import FrontReach
from aisle.vision.fronts import GRAIN
from aisle.vision.fronts import ROWS as FRONT_ROWS
from aisle.vision.meetings import CLOSE, MOST_VIEWS, SPAN, WIDE
from aisle.vision.networks import CATALOGUE, CHANGE, REACH, SAY, SEE, STRIPS
from aisle.vision.strips import COLUMN_PX, ROWS

TOLERANCE = 1e-3
"""Largest difference between torch and ONNX Runtime in any number."""


class _Catalogue(nn.Module):
    def __init__(self, encoder: StripEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, pictures: Tensor) -> Tensor:
        return self.encoder.catalogue(pictures)


def export_encoder(encoder: StripEncoder, directory: Path) -> None:
    """Write `STRIPS` and `CATALOGUE`.

    The first takes `strips` [B, 3, ROWS, W] uint8 and `slope` [B, W / COLUMN_PX, 2], and gives
    `features`, `shows` and `room`; the second
    takes `pictures` [B, images, 3, ROWS, ROWS] uint8 and gives `features`.

    Raises:
        ValueError: torch and ONNX Runtime differ by more than `TOLERANCE`.
    """
    encoder = encoder.eval()
    batch = torch.export.Dim("batch", min=1, max=4096)
    columns = torch.export.Dim("columns", min=1, max=4096)
    images = torch.export.Dim("images", min=1, max=64)
    _write(
        encoder, directory / STRIPS, (_noise(2, 3, ROWS, 5 * COLUMN_PX), _slopes(2, 5)),
        {"strips": {0: batch, 3: COLUMN_PX * columns}, "slope": {0: batch, 1: columns}},
        ["features", "shows", "room"],
    )  # fmt: skip
    _write(
        _Catalogue(encoder).eval(), directory / CATALOGUE, (_noise(2, 3, 3, ROWS, ROWS),),
        {"pictures": {0: batch, 1: images}}, ["features"],
    )  # fmt: skip
    check_equal(encoder, directory)


def check_equal(encoder: StripEncoder, directory: Path) -> float:
    """The largest difference between torch and ONNX Runtime over several shapes.

    Raises:
        ValueError: It exceeds `TOLERANCE`.
    """
    worst = 0.0
    strips, catalogue = (open_session(directory / name) for name in (STRIPS, CATALOGUE))
    with torch.no_grad():
        for count, columns in ((1, 1), (2, 5), (3, 19)):
            given = _noise(count, 3, ROWS, columns * COLUMN_PX)
            slope = _slopes(count, columns)
            got = strips.run(None, {"strips": given.numpy(), "slope": slope.numpy()})
            said = encoder(given, slope)
            worst = max(worst, *(_apart(a, b) for a, b in zip(said, got, strict=True)))
        for count, images in ((1, 1), (3, 4)):
            given = _noise(count, images, 3, ROWS, ROWS)
            got = catalogue.run(None, {"pictures": given.numpy()})
            worst = max(worst, _apart(encoder.catalogue(given), got[0]))
    if worst > TOLERANCE:
        raise ValueError(f"torch and ONNX Runtime differ by {worst:.2g}")
    return worst


def export_change(network: StripChange, directory: Path) -> None:
    """Write `CHANGE`.

    It takes `before` and `after` [B, 3, ROWS, W] uint8 and `slope` [B, W / COLUMN_PX, 2], and gives
    `gain` and `off` [B, W / COLUMN_PX].

    Raises:
        ValueError: torch and ONNX Runtime differ by more than `TOLERANCE`.
    """
    network = network.eval()
    batch = torch.export.Dim("batch", min=1, max=4096)
    columns = torch.export.Dim("columns", min=1, max=4096)
    strips = {0: batch, 3: COLUMN_PX * columns}
    _write(
        network, directory / CHANGE, _pair(2, 5),
        {"before": strips, "after": strips, "slope": {0: batch, 1: columns}}, ["gain", "off"],
    )  # fmt: skip
    _compare(network, directory / CHANGE, _pair(1, 1), _pair(2, 5), _pair(3, 19))


def export_reach(network: FrontReach, directory: Path) -> None:
    """Write `REACH`.

    It takes `now` and `empty` [B, 3, H, W] uint8, and gives `heat` [B, h, w], `hand` [B, h, w, 2]
    and `head` [B, h, w, 3].

    Raises:
        ValueError: torch and ONNX Runtime differ by more than `TOLERANCE`.
    """
    network = network.eval()
    batch = torch.export.Dim("batch", min=1, max=4096)
    grains = torch.export.Dim("grains", min=2, max=1024)
    fronts = {0: batch, 3: GRAIN * grains}
    _write(
        network, directory / REACH, _fronts(2, 5), {"now": fronts, "empty": fronts},
        ["heat", "hand", "head"],
    )  # fmt: skip
    _compare(network, directory / REACH, _fronts(1, 2), _fronts(2, 5), _fronts(3, 12))


class _See(nn.Module):
    def __init__(self, network: MeetingNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, wide: Tensor, close: Tensor, shown: Tensor) -> Tensor:
        return self.network.see(wide, close, shown)


class _Say(nn.Module):
    def __init__(self, network: MeetingNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, seen: Tensor) -> Tensor:
        return self.network.say(seen).softmax(1)


def export_meeting(network: MeetingNet, directory: Path) -> None:
    """Write `SEE` and `SAY`.

    The first takes `wide` [B, MOST_VIEWS, 3, *WIDE] and `close` [B, MOST_VIEWS, 3, *CLOSE] uint8
    and `shown` [B, MOST_VIEWS], and gives `seen` [B, D]; the second takes `SPAN` ticks of these,
    `seen` [B, SPAN, D], and gives `odds` [B, GIVES].

    Raises:
        ValueError: torch and ONNX Runtime differ by more than `TOLERANCE`.
    """
    see, say = _See(network).eval(), _Say(network).eval()
    batch = {0: torch.export.Dim("batch", min=1, max=4096)}
    shapes = dict.fromkeys(("wide", "close", "shown"), batch)
    _write(see, directory / SEE, _views(2), shapes, ["seen"])
    _compare(see, directory / SEE, _views(1), _views(2), _views(5))
    _write(say, directory / SAY, _sights(see, 2), {"seen": batch}, ["odds"])
    _compare(say, directory / SAY, _sights(see, 1), _sights(see, 2), _sights(see, 5))


def _views(count: int) -> tuple[Tensor, Tensor, Tensor]:
    shown = torch.from_numpy(np.random.default_rng(count).random((count, MOST_VIEWS)) < 0.7)
    wide, close = (_noise(count, MOST_VIEWS, 3, *size) for size in (WIDE, CLOSE))
    return wide, close, shown.float()


def _sights(see: _See, count: int) -> tuple[Tensor]:
    with torch.no_grad():
        return (see(*_views(count * SPAN)).view(count, SPAN, -1),)


def _fronts(count: int, grains: int) -> tuple[Tensor, Tensor]:
    now = _noise(count, 3, FRONT_ROWS, grains * GRAIN)
    return now, 255 - now


def _pair(count: int, columns: int) -> tuple[Tensor, Tensor, Tensor]:
    before = _noise(count, 3, ROWS, columns * COLUMN_PX)
    return before, 255 - before, _slopes(count, columns)


def _compare(network: nn.Module, path: Path, *examples: tuple[Tensor, ...]) -> None:
    """Refuse a file that differs from its network by more than `TOLERANCE`."""
    session, worst = open_session(path), 0.0
    names = [node.name for node in session.get_inputs()]
    with torch.no_grad():
        for given in examples:
            got = session.run(None, {n: t.numpy() for n, t in zip(names, given, strict=True)})
            said = network(*given)
            said = (said,) if isinstance(said, Tensor) else said
            worst = max(worst, *(_apart(a, b) for a, b in zip(said, got, strict=True)))
    if worst > TOLERANCE:
        raise ValueError(f"torch and ONNX Runtime differ by {worst:.2g}")


def _apart(tensor: Tensor, array: Any) -> float:
    return float(np.abs(tensor.numpy() - array).max())


def _write(
    module: nn.Module,
    path: Path,
    given: tuple[Tensor, ...],
    shapes: dict[str, Any],
    outputs: list[str],
) -> None:
    program = torch.onnx.export(
        module, given, dynamic_shapes=shapes, input_names=list(shapes), output_names=outputs,
        dynamo=True, verbose=False,
    )  # fmt: skip
    save_onnx(program, path)


def _noise(*shape: int) -> Tensor:
    rng = np.random.default_rng(sum(shape))
    return torch.from_numpy(rng.integers(0, 256, shape, np.uint8))


def _slopes(*shape: int) -> Tensor:
    rng = np.random.default_rng(sum(shape))
    return torch.from_numpy(rng.normal(0, 1, (*shape, 2)).astype(np.float32))
