"""Whether one of two people hands the other something.

B meetings, V views of each, D numbers of a tick. `see` looks at one tick of a meeting as
`aisle.vision.meetings` draws it, `say` at `SPAN` ticks in a row: so each picture is looked at once.
What it is that is handed over the encoder of strips says.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from aisle.receipt_model.encoder import Halve, StripEncoder
from aisle.vision.meetings import CLOSE, GIVES, SPAN, WIDE

_NOT_SHOWN = -30.0


@dataclass(frozen=True)
class MeetingConfig:
    """Size of the network."""

    channels: tuple[int, ...] = (12, 32, 64, 96)
    """After each halving of the resolution, as the encoder of strips has them."""
    told: int = 16
    """Channels of a close picture's last map that say where hands are."""
    width: int = 64


class MeetingNet(nn.Module):
    """See the module's text."""

    def __init__(self, config: MeetingConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or MeetingConfig()
        width, last, sizes = config.width, config.channels[-1], (3, *config.channels)
        self.wide = nn.Sequential(*(Halve(a, b) for a, b in pairwise(sizes)))
        self.close = nn.Sequential(*(Halve(a, b) for a, b in pairwise(sizes)))
        self.around = nn.Conv2d(last, last, 3, padding=1)
        self.told = nn.Conv2d(last, config.told, 1)
        cells = [_cells(size, len(config.channels)) for size in (WIDE, CLOSE)]
        self.of_wide = nn.Linear(last * cells[0], width)
        self.of_close = nn.Linear(config.told * cells[1], width)
        self.view = nn.Linear(2 * width, width)
        self.trust = nn.Linear(width, 1)
        self.steps = nn.ModuleList(nn.Conv1d(width, width, 3) for _ in range(SPAN // 2))
        self.said = nn.Linear(width, GIVES)

    def begin_with(self, encoder: StripEncoder) -> None:
        """See products and people from the beginning as a trained encoder of strips does."""
        for trunk in (self.wide, self.close):
            trunk.load_state_dict(encoder.trunk.state_dict())

    def see(self, wide: Tensor, close: Tensor, shown: Tensor) -> Tensor:
        """Look at one tick of meetings.

        Args:
            wide: [B, V, 3, *WIDE] uint8 RGB.
            close: [B, V, 3, *CLOSE] likewise.
            shown: [B, V] 1 where there is a view.

        Returns:
            What is seen [B, D]; zeros where there is no view.
        """
        batch, views = wide.shape[:2]
        far = self.wide(wide.flatten(0, 1).float() / 64 - 2)
        near = self.close(close.flatten(0, 1).float() / 64 - 2)
        near = near + F.relu(self.around(near))
        hands = F.relu(self.of_close(F.relu(self.told(near)).flatten(1)))
        body = F.relu(self.of_wide(far.flatten(1)))
        seen = F.relu(self.view(torch.cat([body, hands], 1)))
        hidden = _NOT_SHOWN * (1 - shown)
        trust = (self.trust(seen).view(batch, views) + hidden).softmax(1)
        known = shown.amax(1, keepdim=True)
        found: Tensor = known * (seen.view(batch, views, -1) * trust[..., None]).sum(1)
        return found

    def say(self, seen: Tensor) -> Tensor:
        """Judge the tick in the middle.

        Args:
            seen: [B, SPAN, D] as `see` gives it.

        Returns:
            Logits [B, GIVES]: nothing is handed over, the left one gives, the right one gives.
        """
        x = seen.transpose(1, 2)
        for step in self.steps:
            x = x[..., 1:-1] + F.relu(step(x))
        logits: Tensor = self.said(x[..., 0])
        return logits


def _cells(size: tuple[int, int], halvings: int) -> int:
    """How many cells are left of a picture; each halving rounds up."""
    rows, columns = (-(-n // (1 << halvings)) for n in size)
    return rows * columns
