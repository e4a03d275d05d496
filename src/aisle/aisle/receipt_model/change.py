"""What came to or went from each column of a shelf between two pictures of one camera.

B pairs of strips, W pixels along the shelf, N columns of `COLUMN_PX` pixels. A camera stands still,
so the two strips lie exactly on each other: what differs is what moved. That is seen far better
than how full either picture is. The network knows no products.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from aisle.receipt_model.encoder import Halve

_ROWS = 4
"""Of the last maps."""
_UNIT_M = 0.1
_LEAST_M = 0.002


@dataclass(frozen=True)
class ChangeConfig:
    """Size of the network."""

    channels: tuple[int, int, int, int] = (16, 32, 64, 96)
    """After each halving of the resolution."""
    width: int = 96
    layers: int = 3


class StripChange(nn.Module):
    """See the module's text."""

    def __init__(self, config: ChangeConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ChangeConfig()
        sizes = (9, *config.channels)
        self.trunk = nn.Sequential(*(Halve(a, b) for a, b in pairwise(sizes)))
        self.columns = nn.Conv1d(sizes[-1] * _ROWS + 2, config.width, 1)
        # What stands far back appears beside where it is, seen from the side.
        self.beside = nn.ModuleList(
            nn.Conv1d(config.width, config.width, 5, padding=2) for _ in range(config.layers)
        )
        self.said = nn.Conv1d(config.width + 2, 2, 1)

    def forward(self, before: Tensor, after: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """Compare strips.

        Args:
            before: [B, 3, ROWS, W] uint8 RGB, W a multiple of `COLUMN_PX`.
            after: The same shelf from the same camera.
            slope: [B, W / COLUMN_PX, 2] from where they are seen: `StripView.slope`.

        Returns:
            Metres of goods, front to back, that came to each column (negative: that went)
            [B, W / COLUMN_PX], and how far off that is on average, metres.
        """
        one, other = (strip.float() / 64 - 2 for strip in (before, after))
        maps = self.trunk(torch.cat([one, other, 2 * (other - one)], 1)).flatten(1, 2)
        lines = slope.transpose(1, 2)
        x = F.relu(self.columns(torch.cat([maps, lines], 1)))
        for layer in self.beside:
            x = x + F.relu(layer(x))
        gain, off = self.said(torch.cat([x, lines], 1)).unbind(1)
        return _UNIT_M * gain, _UNIT_M * F.softplus(off - 2) + _LEAST_M
