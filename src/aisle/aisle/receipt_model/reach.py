"""Hands that reach into a fixture, and the head that belongs to each, in a picture of its front.

B fronts, H x W pixels (H is `fronts.ROWS`, W a multiple of `STRIDE`), h x w cells of `CELL_M`. The
network sees the front as it is and as it is without people (`aisle.vision.fronts`), and knows no
store and no person.
Lengths are metres on the front's plane: along from the picture's left edge, up from the floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from aisle.receipt_model.encoder import Halve
from aisle.vision.fronts import HIGH_M, PX_PER_M

STRIDE = 4
CELL_M = STRIDE / PX_PER_M
_LEAST_M = 0.02
_RARE = -4.0
"""Logit of a hand in any cell, to begin with."""


@dataclass(frozen=True)
class ReachConfig:
    """Size of the network."""

    channels: tuple[int, int] = (24, 48)
    """After each halving of the resolution."""
    spread: tuple[int, ...] = (1, 2, 4, 1, 2)
    """How far apart the places are that each layer compares: an arm is up to ten cells long."""


class FrontReach(nn.Module):
    """See the module's text."""

    def __init__(self, config: ReachConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ReachConfig()
        sizes = (9, *config.channels)
        self.trunk = nn.Sequential(*(Halve(a, b) for a, b in pairwise(sizes)))
        wide = sizes[-1]
        self.along = nn.ModuleList(
            nn.Conv2d(wide, wide, 3, padding=apart, dilation=apart) for apart in config.spread
        )
        self.strength = nn.Parameter(torch.ones(len(config.spread), wide, 1, 1))
        self.said = nn.Conv2d(wide, 6, 1)
        assert self.said.bias is not None
        nn.init.constant_(self.said.bias[:1], _RARE)

    def forward(self, now: Tensor, empty: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Look at fronts.

        Args:
            now: [B, 3, H, W] uint8 RGB.
            empty: The same without people.

        Returns:
            Of each cell: the logit that a hand is in it that reaches in [B, h, w]; where that hand
            is [B, h, w, 2], along and up; and where its person's head is, along and up, and how far
            off that is on average [B, h, w, 3].
        """
        one, other = (front.float() / 64 - 2 for front in (now, empty))
        x = self.trunk(torch.cat([one, other, 2 * (one - other)], 1))
        for layer, strength in zip(self.along, self.strength, strict=True):
            more = layer(x)
            more = more * torch.rsqrt((more * more).mean(1, keepdim=True) + 1e-4)
            x = x + F.relu(more * strength)
        said = self.said(x).permute(0, 2, 3, 1)
        cells = _cells(said)
        off = F.softplus(said[..., 5:]) + _LEAST_M
        where, head = cells + CELL_M * said[..., 1:3], cells + said[..., 3:5]
        return said[..., 0], where, torch.cat([head, off], -1)


def _cells(like: Tensor) -> Tensor:
    """Middles of all cells, [h, w, 2]."""
    height, width = like.shape[1:3]
    along = (torch.arange(width, device=like.device) + 0.5) * CELL_M
    up = HIGH_M - (torch.arange(height, device=like.device) + 0.5) * CELL_M
    return torch.stack([along.expand(height, width), up[:, None].expand(height, width)], -1)
