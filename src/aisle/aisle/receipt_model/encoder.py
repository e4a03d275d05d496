"""What stands in front of each column of a shelf's strip: one small network for strips and goods.

B strips, W pixels along the shelf, N columns of `COLUMN_PX` pixels, F features. The network does
not know products: it gives a column of a strip and a product of the catalogue numbers that are
close when the one shows the other, so a product that came into the catalogue today needs no
training. Two more answers say whether there is anything to name, and how deep the shelf is free
before it: when somebody takes the foremost unit the next one shows the same face, further back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from aisle.fusion.windows import DEEPEST_M

_ROWS = 4
"""Of the last maps."""


class Shows(IntEnum):
    """What a column shows, in the order of the class logits."""

    EMPTY = 0
    BLOCKED = 1
    """A person, a hand or a bag is in front."""
    PRODUCT = 2


@dataclass(frozen=True)
class EncoderConfig:
    """Size of the network."""

    channels: tuple[int, int, int, int] = (12, 32, 64, 96)
    """After each halving of the resolution."""
    features: int = 32
    room: int = 64


class Halve(nn.Module):
    """Half the resolution, then every place brought to the same strength."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, stride=2, padding=1)
        self.strength = nn.Parameter(torch.ones(after, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """[B, before, H, W] -> [B, after, H / 2, W / 2]."""
        # Over channels alone: what a column says must not depend on how long the strip is.
        x = self.conv(x)
        x = x * torch.rsqrt((x * x).mean(1, keepdim=True) + 1e-4)
        return F.relu(x * self.strength)


class StripEncoder(nn.Module):
    """See the module's text. `forward` looks at strips, `catalogue` at pictures of products."""

    def __init__(self, config: EncoderConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or EncoderConfig()
        width = config.channels[-1]
        sizes = (3, *config.channels)
        self.trunk = nn.Sequential(*(Halve(a, b) for a, b in pairwise(sizes)))
        self.look = nn.Conv2d(width, 1, 1)
        self.mix = nn.Conv1d(2 * width, width, 1)
        self.beside = nn.Conv1d(width, width, 3, padding=1)
        self.name = nn.Conv1d(width, config.features, 1)
        self.shows = nn.Conv1d(width, len(Shows), 1)
        # Rows stay apart here: how high a thing's foot appears says how far back it stands.
        self.room1 = nn.Conv1d(width * _ROWS + 2, config.room, 1)
        self.room2 = nn.Conv1d(config.room, config.room, 3, padding=1)
        self.room3 = nn.Conv1d(config.room + 2, 1, 1)
        self.product_name = nn.Conv1d(width, config.features, 1)
        self.product_look = nn.Conv1d(width, 1, 1)
        # What all columns have in common would make all of them alike; it is taken off.
        self.centre = nn.BatchNorm1d(config.features, affine=False)
        self.product_centre = nn.BatchNorm1d(config.features, affine=False)
        self.scale = nn.Parameter(torch.tensor(2.3))
        """Logarithm of how much a difference in likeness counts; only training uses it."""

    def forward(self, strips: Tensor, slope: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Name the columns of strips.

        Args:
            strips: [B, 3, ROWS, W] uint8 RGB, W a multiple of `COLUMN_PX`.
            slope: [B, W / COLUMN_PX, 2] from where they are seen: `StripView.slope`.

        Returns:
            Features [B, W / COLUMN_PX, F] of length one, logits [B, W / COLUMN_PX, Shows], and
            metres that are free before the first thing [B, W / COLUMN_PX].
        """
        maps = self._maps(strips)
        columns = self._columns(maps)
        features = F.normalize(self.centre(self.name(columns)), dim=1)
        room = self._room(maps, slope.transpose(1, 2))
        return features.transpose(1, 2), self.shows(columns).transpose(1, 2), room

    def _room(self, maps: Tensor, slope: Tensor) -> Tensor:
        """[B, channels, _ROWS, N] and [B, 2, N] -> [B, N]."""
        x = F.relu(self.room1(torch.cat([maps.flatten(1, 2), slope], 1)))
        x = x + F.relu(self.room2(x))
        room: Tensor = DEEPEST_M * self.room3(torch.cat([x, slope], 1))[:, 0].sigmoid()
        return room

    def catalogue(self, pictures: Tensor) -> Tensor:
        """Name products.

        Args:
            pictures: [B, images, 3, ROWS, ROWS] uint8 RGB, as `aisle.vision.catalogue` makes them.

        Returns:
            [B, F] of length one.
        """
        batch, images = pictures.shape[:2]
        columns = self._columns(self._maps(pictures.flatten(0, 1)))
        weight = self.product_look(columns).softmax(-1)
        named = self.product_centre((self.product_name(columns) * weight).sum(-1))
        return F.normalize(named.reshape(batch, images, -1).mean(1), dim=1)

    def likeness(self, columns: Tensor, products: Tensor) -> Tensor:
        """Logits [..., P] of columns [..., F] over products [P, F]."""
        return columns @ products.T * self.scale.exp()

    def _maps(self, pictures: Tensor) -> Tensor:
        """[B, 3, ROWS, W] -> [B, channels, _ROWS, W / COLUMN_PX]."""
        maps: Tensor = self.trunk(pictures.float() / 64 - 2)
        return maps

    def _columns(self, maps: Tensor) -> Tensor:
        """[B, channels, _ROWS, N] -> [B, channels, N]."""
        # A product may stand low or high: one row is looked at, wherever it is.
        chosen = (maps * self.look(maps).softmax(2)).sum(2)
        columns = F.relu(self.mix(torch.cat([chosen, maps.mean(2)], 1)))
        mixed: Tensor = columns + F.relu(self.beside(columns))
        return mixed
