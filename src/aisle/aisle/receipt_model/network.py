"""The receipt transformer: plate, candidate, commit and session tokens in, receipt changes out.

B windows, P plates, C candidates, K commits, S sessions, T bins, M marks, H looks, D width.
A window asks one question: what is the earliest thing that happened on this shelf and has not
been said yet? The answer is one softmax over nothing, each (candidate, action, quantity), and the
withdrawal of each commit. What is answered becomes a commit, and the question is asked again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from aisle.fusion.grid import BINS
from aisle.fusion.windows import CHOICES, MARKS, MAX_QUANTITY
from aisle.receipt_model.sight import Sight, View

_RATIO_FEATURES = 11


@dataclass(frozen=True)
class NetworkConfig:
    """Size of the network."""

    width: int = 64
    layers: int = 3
    heads: int = 4
    channels: int = 24
    looks: int = 3
    """Pairs of (before, after) that the timeline may choose; the first is supervised."""
    sight: bool = False
    """Whether the network takes what cameras see: `aisle.fusion.windows.SIGHT_SHAPES`."""


class Block(nn.Module):
    """Pre-norm transformer layer, written out so that every runtime can take it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """X [B, N, D], bias [B, 1, 1, N] (0 where a token may be seen, very negative elsewhere)."""
        batch, count, width = x.shape
        size = width // self.heads
        qkv = self.qkv(self.norm1(x)).reshape(batch, count, 3, self.heads, size)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        score = query @ key.transpose(-1, -2) / math.sqrt(size) + bias
        mixed = (score.softmax(-1) @ value).transpose(1, 2).reshape(batch, count, width)
        x = x + self.out(mixed)
        widened = F.gelu(self.up(self.norm2(x)), approximate="tanh")
        wide: Tensor = self.down(widened)
        return x + wide


def ratio_features(ratio: Tensor) -> Tensor:
    """How many units a change would be: [...] -> [..., 11]. Fourier features find whole numbers."""
    r = ratio.clamp(-6, 6)
    size = r.abs()
    return torch.stack(
        [
            r / 3,
            torch.tanh(2 * r),
            torch.sin(math.pi * r),
            torch.cos(math.pi * r),
            torch.sin(2 * math.pi * r),
            torch.cos(2 * math.pi * r),
            torch.exp(-(((size - 1) / 0.012) ** 2)),
            torch.exp(-(((size - 1) / 0.04) ** 2)),
            torch.exp(-(((size - 1) / 0.15) ** 2)),
            torch.exp(-(((size - 2) / 0.2) ** 2)),
            torch.exp(-((size / 0.2) ** 2)),
        ],
        dim=-1,
    )


def scale_features(kilograms: Tensor) -> Tensor:
    """A change at several scales: [...] -> [..., 4]."""
    return torch.stack(
        [
            torch.tanh(kilograms / 0.006),
            torch.tanh(kilograms / 0.05),
            torch.tanh(kilograms / 0.4),
            torch.asinh(kilograms / 0.003) / 6,
        ],
        dim=-1,
    )


def _patches(x: Tensor, size: int) -> Tensor:
    """Overlapping pieces of `size` steps, every second step: [N, T, F] -> [N, T / 2, size * F].

    As slices, since a matrix product of them is faster than a narrow convolution.
    """
    pad = (size - 2) // 2
    count = x.shape[1] // 2
    x = F.pad(x, (0, 0, pad, pad))
    return torch.cat([x[:, i : i + 2 * count - 1 : 2] for i in range(size)], -1)


def _impossible(static: Tensor, mask: Tensor) -> Tensor:
    """1 for what cannot have happened, [B, C, CHOICES]: see `aisle.fusion.windows.possible`."""
    take = (static[..., 2] + static[..., 7]).clamp(max=1)
    back = (static[..., 5] + static[..., 7]).clamp(max=1)
    can = torch.stack([take, back], -1) * mask[..., None]
    return 1 - can.repeat_interleave(MAX_QUANTITY, dim=-1)


def _said(pointer: Tensor, static: Tensor) -> Tensor:
    """Units of each candidate that commits took, less those that they returned: [B, C]."""
    units = (static[..., 0] - static[..., 1]) * static[..., 2] * 2
    return (units[:, None] @ pointer)[:, 0]


class ReceiptTransformer(nn.Module):
    """See the module's text. Inputs and their shapes: `aisle.fusion.windows.SHAPES`."""

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NetworkConfig()
        c, d, h = config.channels, config.width, config.looks
        self.fine1, self.fine2 = nn.Linear(5 * 6, 32), nn.Linear(32, c)
        self.coarse = nn.Linear(c * 4, c)
        self.plate_in = nn.Linear(c * (BINS // 4), d)
        self.gate = nn.Linear(4 * h + d, h)
        self.plate_static = nn.Linear(4, d)
        self.plate_delta = nn.Linear(4 * h, d)
        self.time1 = nn.Conv1d(2 * c + 2, 48, 5, padding=2)
        self.time2 = nn.Conv1d(48, 48, 5, padding=4, dilation=2)
        self.time3 = nn.Conv1d(48, 48, 5, padding=8, dilation=4)
        self.look = nn.Conv1d(48, 2 * h, 1)
        self.event = nn.Conv1d(48, 1, 1)
        self.query = nn.Linear(48 * 2, d)
        features = 8 + 3 * h * _RATIO_FEATURES + 3 * h + 2 * MARKS
        self.candidate1 = nn.Linear(features, 2 * d)
        self.candidate2 = nn.Linear(2 * d, d)
        self.commit_static = nn.Linear(6, d)
        self.commit_candidate = nn.Linear(d, d)
        self.session_static = nn.Linear(5, d)
        self.session_carries = nn.Linear(d, d)
        self.kind = nn.Parameter(torch.randn(5, d) * 0.02)
        self.blocks = nn.ModuleList(Block(d, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(d)
        self.none = nn.Linear(d, 1)
        self.candidate_head = nn.Sequential(nn.Linear(2 * d, d), nn.GELU(), nn.Linear(d, CHOICES))
        self.withdraw_head = nn.Linear(2 * d, 1)
        self.session_candidate, self.session_head = nn.Linear(d, d), nn.Linear(d, d)
        self.session_bias = nn.Linear(d, 1)
        self.session_held = nn.Parameter(torch.tensor(1.0))
        self.sight = Sight(d, c, h) if config.sight else None

    def forward(
        self,
        plate_signal: Tensor,
        plate_valid: Tensor,
        plate_static: Tensor,
        plate_mask: Tensor,
        candidate_static: Tensor,
        candidate_weight: Tensor,
        candidate_measured: Tensor,
        candidate_plates: Tensor,
        candidate_mask: Tensor,
        commit_candidate: Tensor,
        commit_static: Tensor,
        commit_marks: Tensor,
        commit_mask: Tensor,
        session_static: Tensor,
        session_carries: Tensor,
        session_mask: Tensor,
        **sight: Tensor,
    ) -> tuple[Tensor, ...]:
        """Answers in the order of `aisle.fusion.runtime.OUTPUTS`.

        none_logit [B, 1], candidate_logits [B, C, CHOICES], withdraw_logits [B, K] (one softmax
        over all three), session_logits [B, C, S], event_logits [B, M], log_mass [B] (kilograms),
        plate_delta [B, P] (kilograms). Masked entries are very negative.
        """
        mask = plate_mask[:, :, None]
        plates, seen = self._plates(plate_signal * mask, plate_valid * mask)
        plates = plates + self.plate_static(plate_static)
        view = None if self.sight is None else View(self.sight, sight)
        added = None if view is None else view.over_time
        timeline = self._timeline(seen, plate_mask, commit_marks, added)
        look = self.look(timeline).reshape(mask.shape[0], -1, 2, MARKS).softmax(-1)
        delta = self._deltas(look, plate_signal * mask)
        tokens = [self.query(torch.cat([timeline.mean(-1), timeline.amax(-1)], -1))[:, None]]
        changed = scale_features(delta).permute(0, 2, 1, 3).flatten(2)
        gate = self.gate(torch.cat([changed, plates], -1)).sigmoid().transpose(1, 2)
        total = (delta * gate).sum(-1)
        tokens.append(plates + self.plate_delta(changed))
        candidates = self._candidates(
            delta, total, plate_signal * mask, plate_static, candidate_static, candidate_weight,
            candidate_measured, candidate_plates,
        )  # fmt: skip
        if view is not None:
            said = _said(commit_candidate, commit_static)
            candidates = candidates + view.candidates(look, candidate_mask, said)
        tokens.append(candidates)
        named = self.commit_candidate(commit_candidate @ candidates)
        tokens.append(self.commit_static(commit_static) + named)
        held = self.session_carries(session_carries @ candidates)
        tokens.append(self.session_static(session_static) + held)
        masks = [torch.ones_like(plate_mask[:, :1]), plate_mask, candidate_mask]
        masks += [commit_mask, session_mask]
        if view is not None:
            tokens[-1] = tokens[-1] + view.sessions()
        x = torch.cat([t + self.kind[i] for i, t in enumerate(tokens)], 1)
        if view is not None:
            x, masks = torch.cat([x, view.tokens], 1), [*masks, view.mask]
        visible = torch.cat(masks, 1)
        bias = (visible - 1)[:, None, None, :] * 1e4
        for block in self.blocks:
            x = block(x, bias)
        x = self.norm(x)
        sizes = [t.shape[1] for t in tokens]
        impossible = _impossible(candidate_static, candidate_mask)
        event = self.event(timeline)[:, 0]
        answers = self._answers(x[:, : sum(sizes)].split(sizes, 1), impossible, commit_mask,
                                session_mask, session_carries)  # fmt: skip
        if view is not None:
            whose = view.whose(event, candidate_plates, plate_static, plate_mask, delta)
            answers[-1] = answers[-1] + whose
        return (*answers, event, (total[:, 0].abs() + 1e-3).log(), delta[:, 0])

    def _plates(self, signal: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens [B, P, D] and what each plate shows over time [B, P, channels, M]."""
        batch, count, bins = signal.shape
        channels = torch.cat([scale_features(signal), valid[..., None]], -1)
        x = channels.reshape(batch * count, bins, 5)
        x = F.gelu(self.fine1(_patches(x, 6)), approximate="tanh")
        x = F.gelu(self.fine2(x), approximate="tanh")
        seen = x.reshape(batch, count, MARKS, -1).transpose(2, 3)
        flat = F.gelu(self.coarse(_patches(x, 4)), approximate="tanh").flatten(1)
        return self.plate_in(flat).reshape(batch, count, -1), seen

    def _timeline(
        self, seen: Tensor, plate_mask: Tensor, marks: Tensor, added: Tensor | None
    ) -> Tensor:
        """The shelf as a whole over time, with what has been said: [B, 48, M]."""
        weight = plate_mask[:, :, None, None]
        mean = (seen * weight).sum(1) / plate_mask.sum(1).clamp(min=1)[:, None, None]
        peak = (seen + (weight - 1) * 1e4).amax(1) * plate_mask.amax(1)[:, None, None]
        x = self.time1(torch.cat([mean, peak, marks], 1))
        x = F.gelu(x if added is None else x + added, approximate="tanh")
        x = x + F.gelu(self.time2(x), approximate="tanh")
        return x + F.gelu(self.time3(x), approximate="tanh")

    def _deltas(self, look: Tensor, signal: Tensor) -> Tensor:
        """Weighted mean after minus weighted mean before, [B, H, P] kilograms."""
        batch, count, _ = signal.shape
        weight = look[:, :, 1] - look[:, :, 0]
        halved = signal.reshape(batch, count, MARKS, 2).mean(-1)
        found: Tensor = weight @ halved.transpose(1, 2)
        return found

    def _candidates(
        self, delta: Tensor, changed: Tensor, signal: Tensor, plate_static: Tensor,
        static: Tensor, weight: Tensor, measured: Tensor, on: Tensor,
    ) -> Tensor:  # fmt: skip
        """Tokens [B, C, D]: changes in units of each product's own weight, and where they are."""
        own = on @ delta.transpose(1, 2)
        total = changed[:, None, :].expand_as(own)
        units = [own / weight[..., None], total / weight[..., None], total / measured[..., None]]
        ratios = ratio_features(torch.stack(units, 2)).flatten(2)
        size = delta.abs() + 1e-6
        inside = (on @ size.transpose(1, 2)) / size.sum(-1)[:, None, :]
        x = plate_static[..., 0]
        centre = (size * x[:, None, :]).sum(-1) / size.sum(-1)
        home = (on * x[:, None, :]).sum(-1) / on.sum(-1).clamp(min=1)
        away = torch.tanh((centre[:, None, :] - home[..., None]) / 0.15) * (on.sum(-1, True) > 0)
        outside = torch.tanh((total - own) / weight[..., None])
        halved = signal.reshape(*signal.shape[:2], MARKS, 2).mean(-1)
        series = (on @ halved) / weight[..., None]
        shape = torch.cat([torch.tanh(series), torch.sin(math.pi * series.clamp(-3, 3))], -1)
        x = torch.cat([static, ratios, inside, away, outside, shape], -1)
        tokens: Tensor = self.candidate2(F.gelu(self.candidate1(x), approximate="tanh"))
        return tokens

    def _answers(
        self, parts: tuple[Tensor, ...], impossible: Tensor, commit_mask: Tensor,
        session_mask: Tensor, session_carries: Tensor,
    ) -> list[Tensor]:  # fmt: skip
        """The first four answers."""
        query, _, candidates, commits, sessions = parts
        none = self.none(query[:, 0])
        asked = query.expand(-1, candidates.shape[1], -1)
        chosen = self.candidate_head(torch.cat([candidates, asked], -1))
        chosen = chosen - impossible * 1e4
        doubted = query.expand(-1, commits.shape[1], -1)
        withdraw = self.withdraw_head(torch.cat([commits, doubted], -1))[..., 0]
        withdraw = withdraw + (commit_mask - 1) * 1e4
        pair = self.session_candidate(candidates) @ self.session_head(sessions).transpose(1, 2)
        pair = pair / math.sqrt(sessions.shape[-1]) + self.session_bias(sessions).transpose(1, 2)
        held = self.session_held * session_carries.transpose(1, 2)
        session = pair + held + (session_mask - 1)[:, None, :] * 1e4
        return [none, chosen, withdraw, session]
