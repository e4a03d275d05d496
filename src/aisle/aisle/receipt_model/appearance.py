"""What people look like on floor maps: tells them apart wherever they stand.

It is learnt by itself (`aisle.learning.appear`), on many more people than the follower can follow
in the same time, and does not change while the follower learns.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from aisle.vision.floor_map import PLANES_M

PLANES = len(PLANES_M)
LOOKED = 7 * PLANES
"""Channels that are looked at: see `looked`."""


class Appearance(nn.Module):
    """A vector for each place of 4 x 4 cells, of what it shows within 0.9 m.

    Args:
        size: Of the vectors.
        channels: Inside.
    """

    def __init__(self, size: int = 24, channels: int = 48) -> None:
        super().__init__()
        self.size = size
        self.first = nn.Conv2d(LOOKED, 32, 6, stride=2, padding=2)
        self.second = nn.Conv2d(32, channels, 4, stride=2, padding=1)
        self.near = nn.Conv2d(channels, channels, 3, padding=1)
        self.wide = nn.Conv2d(channels, channels, 3, padding=2, dilation=2)
        self.last = nn.Conv2d(channels, size, 1)

    def forward(self, looked: Tensor) -> Tensor:
        """[B, N, size] unit vectors, near each other for one person.

        Args:
            looked: [B, LOOKED, H, W] as the function of this name gives it; H and W are multiples
                of 4, and N is H W / 16.
        """
        x = F.gelu(self.first(looked), approximate="tanh")
        x = F.gelu(self.second(x), approximate="tanh")
        x = x + F.gelu(self.near(x), approximate="tanh")
        x = x + F.gelu(self.wide(x), approximate="tanh")
        return F.normalize(self.last(x).flatten(2).transpose(1, 2), dim=-1)


def floats(picture: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """A floor map's colours [B, 3 planes, H, W], 0 where unseen, and where it is seen.

    The latter is [B, planes, H, W]; both are 0 to 1.

    Args:
        picture: [B, planes, H, W, 3] uint8.
        seen: [B, planes, H, W] uint8, 0 where no camera sees.
    """
    visible = (seen > 0).to(torch.float32)
    colours = picture.to(torch.float32).permute(0, 1, 4, 2, 3).flatten(1, 2) / 255
    return colours * visible.repeat_interleave(3, 1), visible


def looked(
    colours: Tensor, visible: Tensor, ground: Tensor, known: Tensor
) -> tuple[Tensor, Tensor]:
    """[B, LOOKED, H, W] of colours, what is other than in the empty store, and what is visible.

    The second is the empty store, which is what is seen now wherever it was not known.

    Args:
        colours: As `floats` gives them.
        visible: Likewise.
        ground: [B, 3 planes, H, W] colours of the empty store.
        known: [B, planes, H, W] 1 where `ground` holds something.
    """
    shown = visible.repeat_interleave(3, 1)
    unknown = (shown > 0) & (known.repeat_interleave(3, 1) == 0)
    empty = torch.where(unknown, colours, ground)
    other = (colours - empty) * shown
    return torch.cat([colours - 0.5 * shown, 2 * other, visible], 1), empty
