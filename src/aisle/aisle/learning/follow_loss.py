"""What the follower is taught: where heads and hands are, who is whose, and how sure it may be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from aisle.receipt_model.follower import LOST_M, PLACE_M, SPREAD_M, STRIDE, Tracks, centres
from aisle.vision.floor_map import HEADS

RIGHT_M = 0.5
"""A head within this of one of the session's people is right."""
_HEAD_M = 0.15
_FAR = 1e6


@dataclass(frozen=True)
class Tick:
    """One tick of B clips with S tracks and as many people, padded."""

    picture: Tensor
    """[B, planes, H, W, 3] uint8"""
    seen: Tensor
    """[B, planes, H, W] uint8"""
    open: Tensor
    """[B, S] 1 while the session is open."""
    begins: Tensor
    """[B, S] bool, the tracks that are born before this tick."""
    gate: Tensor
    """[B, S, 2] where they are born."""
    session: NDArray[np.int32]
    """[B, S], -1 where there is nobody."""
    head: Tensor
    """[B, S, 2] of the people, NaN where there is none."""
    hands: Tensor
    """[B, S, 2, 3]"""


def nearest_own(tracks: Tensor, head: Tensor, session: NDArray[np.int32]) -> Tensor:
    """[B, S] metres from each track to the nearest of its session's people; inf without."""
    same = torch.from_numpy((session[:, :, None] == session[:, None, :]) & (session >= 0)[:, None])
    far = (tracks[:, :, None] - head[:, None]).norm(dim=-1)
    nearest: Tensor = far.masked_fill(~same | far.isnan(), torch.inf).amin(-1)
    return nearest


def assigned(tracks: Tensor, tick: Tick) -> Tensor:
    """[B, S] index of the person that each track is held to.

    The people of a group are one session: whichever fit of tracks and people is best is right.
    """
    index = torch.arange(tracks.shape[1]).repeat(len(tracks), 1)
    for b, names in enumerate(tick.session):
        values, counts = np.unique(names[names >= 0], return_counts=True)
        for session in values[counts > 1]:
            group = np.flatnonzero(names == session)
            far = (tracks[b, group][:, None] - tick.head[b, group][None]).norm(dim=-1)
            cost = np.nan_to_num(far.detach().numpy(), nan=_FAR, posinf=_FAR)
            rows, columns = linear_sum_assignment(cost)
            index[b, torch.from_numpy(group[rows])] = torch.from_numpy(group[columns])
    return index


def losses(tracks: Tracks, tick: Tick) -> dict[str, Tensor]:
    """The parts of one tick's loss; `total` is their weighted sum."""
    index = assigned(tracks.head, tick)
    head = tick.head.gather(1, index[..., None].expand(-1, -1, 2))
    there = (tick.open > 0) & ~head.isnan().any(-1)
    count = there.sum().clamp(min=1)
    head = torch.where(there[..., None], head, tracks.head.detach())
    parts = {"head": (-_likelihood(tracks, head) * there).sum() / count}
    hands = tick.hands.gather(1, index[..., None, None].expand(-1, -1, 2, 3))
    off = F.smooth_l1_loss(tracks.hands, hands.nan_to_num(), reduction="none", beta=0.1)
    parts["hands"] = (off.sum((-1, -2)) * there).sum() / count
    near = nearest_own(tracks.head.detach(), tick.head, tick.session) < RIGHT_M
    doubt = F.binary_cross_entropy_with_logits(tracks.sure, near.float(), reduction="none")
    parts["sure"] = (doubt * tick.open).sum() / tick.open.sum().clamp(min=1)
    parts["person"], parts["point"] = _people(tracks, tick)
    parts["total"] = (
        parts["head"] + 0.5 * parts["hands"] + 0.3 * parts["sure"]
        + 2.0 * parts["person"] + 2.0 * parts["point"]
    )  # fmt: skip
    return parts


def _likelihood(tracks: Tracks, head: Tensor) -> Tensor:
    """[B, S] logarithm of the density that the tracks give the true places.

    A Gaussian around each place, as likely as the place, and one where the track was expected.
    """
    away = ((tracks.points[:, None] - head[:, :, None]) ** 2).sum(-1)
    found = tracks.share.clamp(min=1e-9).log() - away / (2 * SPREAD_M**2)
    found = found - math.log(2 * math.pi * SPREAD_M**2)
    away = ((tracks.expected - head) ** 2).sum(-1, keepdim=True)
    lost = tracks.lost.clamp(min=1e-9).log()[..., None] - away / (2 * LOST_M**2)
    lost = lost - math.log(2 * math.pi * LOST_M**2)
    return torch.cat([found, lost], -1).logsumexp(-1)


def _people(tracks: Tracks, tick: Tick) -> tuple[Tensor, Tensor]:
    """How well heads are found at all, whosever they are, and how exactly."""
    shape = tick.seen.shape[2] // STRIDE, tick.seen.shape[3] // STRIDE
    places = centres(*shape).flatten(0, 1)
    away = (places[None, :, None] - tick.head[:, None]).norm(dim=-1).nan_to_num(nan=_FAR)
    far, who = away.min(-1)
    target = torch.exp(-(far**2) / (2 * _HEAD_M**2))
    cover = F.adaptive_avg_pool2d(
        tick.seen[:, HEADS : HEADS + 1].clamp(max=1).float(), shape
    ).flatten(1)
    weight = cover * (1 + 10 * target)
    doubt = F.binary_cross_entropy_with_logits(tracks.person, target, reduction="none")
    person = (doubt * weight).sum() / weight.sum().clamp(min=1)
    head = tick.head.nan_to_num().gather(1, who[..., None].expand(-1, -1, 2))
    near = (far < 1.3 * PLACE_M).float() * cover
    off = F.smooth_l1_loss(tracks.points, head, reduction="none", beta=0.05).sum(-1)
    return person, (off * near).sum() / near.sum().clamp(min=1)
