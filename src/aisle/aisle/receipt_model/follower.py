"""The follower: keeps people apart on floor maps, tick by tick.

B stores, S tracks, H x W cells of the floor map (multiples of 4), h x w places of 4 x 4 cells,
N = h w.
A track is one person: a session has as many as its gate event said (`group_size`), so that a
group that splits up stays followed; whoever asks where a session was takes the nearest of its
tracks. A track is born at the gate, with nothing but its place. Lengths are metres in the floor
map's own frame: x along a picture's columns, y along its rows, from the corner of its first cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from aisle.receipt_model.appearance import LOOKED, PLANES, Appearance, floats, looked
from aisle.vision.floor_map import CELL_M, HANDS, PLANES_M

STRIDE = 4
PLACE_M = CELL_M * STRIDE
TICK_S = 0.25
SPREAD_M = 0.15
"""Standard deviation of where a head is around the place that was chosen."""
LOST_M = 0.3
"""The same around where a track was expected, when nothing was chosen."""
_COLOURS = 3 * PLANES
_GROUND_RATE = 2 / 255
"""How fast the empty store is learnt: a tick changes it by this much where nobody stands."""
_ANYWAY = 0.1
"""Share of that rate where somebody seems to stand: a wrong belief fades."""
_FASTEST = 2.0
"""Metres a second."""
_LONGEST = 40.0
"""Ticks over which a person's appearance is averaged: somebody else's takes long to replace it."""
_CLAIM = 0.05
_ROUNDS = 2
_MORE_ROUNDS, _SHARPER = 2, 2.0
"""Rounds that are added, and how much harder tracks compete, when nothing is learnt any more.

Trained like this, tracks learn less of what tells people apart, and more of them get lost.
"""


@dataclass(frozen=True)
class FollowerConfig:
    """Size of the network."""

    channels: int = 32
    key: int = 24
    value: int = 40
    memory: int = 64
    appearance: int = 24


class State(NamedTuple):
    """What outlives a tick. All zeros is a state, too: that of an unknown store."""

    ground: Tensor
    """[B, 3 planes, H, W] colours of the empty store so far, 0 to 1."""
    known: Tensor
    """[B, planes, H, W] 1 where `ground` holds something."""
    memory: Tensor
    """[B, S, memory]"""
    look: Tensor
    """[B, S, key] what the person looks like now."""
    appearance: Tensor
    """[B, S, appearance + 1] what the person has looked like on the whole, a mean, and
    of how many ticks."""
    place: Tensor
    """[B, S, 2] of the head, metres."""
    pace: Tensor
    """[B, S, 2] metres a second."""


class Tracks(NamedTuple):
    """What a tick says of each track."""

    head: Tensor
    """[B, S, 2] metres."""
    hands: Tensor
    """[B, S, 2, 3] left and right; metres, z over the floor."""
    sure: Tensor
    """[B, S] logit that the head is within half a metre of one of the session's people."""
    share: Tensor
    """[B, S, N] probability of each place."""
    lost: Tensor
    """[B, S] probability of none, as the person is not seen; with `share` adds up to 1."""
    points: Tensor
    """[B, N, 2] where a head at each place would be, metres."""
    expected: Tensor
    """[B, S, 2] where the track was expected, metres."""
    person: Tensor
    """[B, N] logit that anybody's head is at a place."""


class Follower(nn.Module):
    """See the module's text."""

    def __init__(self, config: FollowerConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or FollowerConfig()
        c, d = config.channels, config.memory
        self.embed = nn.Conv2d(LOOKED, c, STRIDE + 2, stride=STRIDE, padding=1)
        self.near = nn.Conv2d(c, c, 3, padding=1)
        self.wide = nn.Conv2d(c, c, 3, padding=2, dilation=2)
        self.last = nn.Conv2d(c, c, 3, padding=1)
        self.key = nn.Conv2d(c, config.key, 1)
        self.value = nn.Conv2d(c, config.value, 1)
        self.person = nn.Conv2d(c, 3, 1)
        self.appear = Appearance(config.appearance)
        self.alike = nn.Parameter(torch.tensor(4.0))
        self.wish = nn.Linear(d, config.key)
        self.motion = nn.Linear(d, 7)
        self.claim = nn.Parameter(torch.full((_ROUNDS,), 1.0))
        seen = config.value + 9
        self.gates = nn.Linear(seen + d, 2 * d)
        self.fresh = nn.Linear(seen + d, d)
        self.learn = nn.Linear(d, 1)
        self.hands1 = nn.Linear(d + seen, d)
        self.hands2 = nn.Linear(d, 6)
        self.sure1 = nn.Linear(d + seen, 32)
        self.sure2 = nn.Linear(32, 1)

    def begin(self, batch: int, tracks: int, height: int, width: int) -> State:
        """An unknown store in which nobody has been born."""
        cells, each = (height, width), (batch, tracks)
        widths = self.config.memory, self.config.key, self.config.appearance + 1, 2, 2
        grids = [torch.zeros(batch, channels, *cells) for channels in (_COLOURS, PLANES)]
        return State(*grids, *(torch.zeros(*each, width) for width in widths))

    def step(
        self, state: State, picture: Tensor, seen: Tensor, open_: Tensor, seat: Tensor
    ) -> tuple[State, Tracks]:
        """One tick.

        Args:
            state: After the tick before; tracks born since are in it (`born`).
            picture: [B, planes, H, W, 3] uint8 floor map.
            seen: [B, planes, H, W] uint8, 0 where no camera sees.
            open_: [B, S] 1 for tracks of open sessions; others neither move nor claim anything.
            seat: [B, S, 2] who of the group (0 first) and how many, both over 4.

        Returns:
            The new state and what it says.
        """
        colours, visible = floats(picture, seen)
        shown, ground = looked(colours, visible, state.ground, state.known)
        known = torch.maximum(state.known, visible)
        features = self._features(shown)
        keys, values, person, points = self._places(features)
        appearance = self.appear(shown)
        ground = _aged(ground, colours, visible, person, features.shape[-2:])
        expected, prior, lost = self._expectation(state, points)
        wish = state.look + self.wish(state.memory)
        match = wish @ keys.transpose(1, 2) / math.sqrt(keys.shape[-1])
        alike = state.appearance[..., :-1] @ appearance.transpose(1, 2)
        logit = match + F.softplus(self.alike) * alike + person[:, None] + prior
        share, lost = self._shared(logit, lost, open_, features.shape[-2:])
        weight = _around_best(share, points)
        found = weight @ points
        place = found + lost[..., None] * (expected - found)
        pace = ((place - state.place) / TICK_S).clamp(-_FASTEST, _FASTEST)
        pace = state.pace + 0.5 * (pace - state.pace)
        looks = torch.cat(
            [
                weight @ values, place - expected, pace, lost[..., None],
                share.amax(-1, keepdim=True), weight @ torch.tanh(person)[..., None], seat,
            ], -1,
        )  # fmt: skip
        memory = self._remember(state.memory, looks)
        learn = self.learn(memory).sigmoid() * (1 - lost[..., None])
        look = state.look + learn * (weight @ keys - state.look)
        clear = (1 - lost[..., None]) * share.amax(-1, keepdim=True)
        known_as = averaged(state.appearance, weight @ appearance, clear)
        both = torch.cat([memory, looks], -1)
        hands = self.hands2(F.gelu(self.hands1(both), approximate="tanh"))
        hands = hands.reshape(*hands.shape[:2], 2, 3)
        base = F.pad(place, (0, 1), value=PLANES_M[HANDS])[:, :, None]
        sure = self.sure2(F.gelu(self.sure1(both), approximate="tanh"))[..., 0]
        now = State(ground, known, memory, look, known_as, place, pace)
        return _kept(state, now, open_), Tracks(
            place, base + hands, sure, share, lost, points, expected, person
        )

    def _features(self, shown: Tensor) -> Tensor:
        """Of what is shown, [B, C, h, w]."""
        x = F.gelu(self.embed(shown), approximate="tanh")
        x = x + F.gelu(self.near(x), approximate="tanh")
        x = x + F.gelu(self.wide(x), approximate="tanh")
        return x + F.gelu(self.last(x), approximate="tanh")

    def _places(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Keys [B, N, K], values [B, N, V], logit of a head [B, N], its point [B, N, 2]."""
        grid = centres(*features.shape[-2:]).flatten(0, 1)
        about = self.person(features).flatten(2).transpose(1, 2)
        points = grid + 1.5 * PLACE_M * torch.tanh(about[..., 1:])
        keys = self.key(features).flatten(2).transpose(1, 2)
        values = self.value(features).flatten(2).transpose(1, 2)
        return keys, values, about[..., 0], points

    def _expectation(self, state: State, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the memory says: place, fit of each place, logit of not being seen.

        [B, S, 2], [B, S, N] and [B, S].
        """
        move = self.motion(state.memory)
        expected = state.place + TICK_S * (state.pace + torch.tanh(move[..., :2]))
        away = ((points[:, None] - expected[:, :, None]) ** 2).sum(-1)
        # A track either goes on where it is expected, or has lost its person, who may be far and
        # is found again by the look. One curve with long tails would be too flat for the first.
        near = 0.1 + 0.35 * F.softplus(move[..., 5:6])
        goes_on = -away / (2 * near**2)
        reach = 0.2 + 0.4 * F.softplus(move[..., 2:3])
        anywhere = -(1 + F.softplus(move[..., 3:4])) * torch.log1p(away / reach**2)
        anywhere = anywhere - F.softplus(move[..., 6:7])
        return expected, anywhere + F.softplus(goes_on - anywhere), move[..., 4]

    def _shared(
        self, logit: Tensor, lost: Tensor, open_: Tensor, shape: torch.Size
    ) -> tuple[Tensor, Tensor]:
        """Probabilities of places [B, S, N] and of none [B, S]: a place belongs to one track."""
        batch, tracks, count = logit.shape
        pressed = logit
        for claim in self._claims():
            share = torch.cat([pressed, lost[..., None]], -1).softmax(-1)[..., :-1]
            share = share * open_[..., None]
            around = F.avg_pool2d(share.reshape(batch, tracks, *shape), 3, 1, 1) * 9
            around = around.reshape(batch, tracks, count)
            mine = (around + _CLAIM) / (around.sum(1, keepdim=True) + _CLAIM)
            pressed = logit + claim * mine.log()
        both = torch.cat([pressed, lost[..., None]], -1).softmax(-1)
        return both[..., :-1], both[..., -1]

    def _claims(self) -> Sequence[Tensor]:
        """How hard tracks compete, round by round."""
        claims = F.softplus(self.claim).unbind()
        return (
            claims
            if self.training
            else [_SHARPER * c for c in (*claims, *claims[-1:] * _MORE_ROUNDS)]
        )

    def _remember(self, memory: Tensor, looks: Tensor) -> Tensor:
        """A gated recurrent unit."""
        keep, use = self.gates(torch.cat([looks, memory], -1)).sigmoid().chunk(2, -1)
        fresh = torch.tanh(self.fresh(torch.cat([looks, use * memory], -1)))
        found: Tensor = fresh + keep * (memory - fresh)
        return found

    def forward(
        self, picture: Tensor, seen: Tensor, open_: Tensor, seat: Tensor, ground: Tensor,
        known: Tensor, memory: Tensor, look: Tensor, appearance: Tensor, place: Tensor,
        pace: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """`step` for export: in the order of `INPUTS` and `OUTPUTS`."""
        state = State(ground, known, memory, look, appearance, place, pace)
        state, tracks = self.step(state, picture, seen, open_, seat)
        said = tracks.head, tracks.hands, tracks.sure.sigmoid()
        return (*said, tracks.person.sigmoid(), tracks.points, *state)


INPUTS = ("picture", "seen", "open", "seat", *State._fields)
SAID = ("head", "hands", "sure", "person", "points")
OUTPUTS = (*SAID, *(f"next_{name}" for name in State._fields))


def centres(height: int, width: int) -> Tensor:
    """[h, w, 2] the middles of places, metres."""
    y = ((torch.arange(height, dtype=torch.float32) + 0.5) * PLACE_M)[:, None]
    x = ((torch.arange(width, dtype=torch.float32) + 0.5) * PLACE_M)[None, :]
    return torch.stack([x.expand(height, width), y.expand(height, width)], -1)


def born(state: State, which: Tensor, place: Tensor) -> State:
    """A state in which some tracks begin anew.

    Args:
        state: Before.
        which: [B, S] bool, the tracks that begin.
        place: [B, S, 2] where, metres: the gate.
    """
    mask = which[..., None]
    return state._replace(
        memory=state.memory.masked_fill(mask, 0.0),
        look=state.look.masked_fill(mask, 0.0),
        appearance=state.appearance.masked_fill(mask, 0.0),
        place=torch.where(mask, place, state.place),
        pace=state.pace.masked_fill(mask, 0.0),
    )


def _aged(
    ground: Tensor, colours: Tensor, visible: Tensor, person: Tensor, shape: torch.Size
) -> Tensor:
    """The empty store, a little more like the picture wherever nobody seems to stand."""
    free = 1 - person.detach().sigmoid().reshape(-1, 1, *shape)
    free = 1 - F.max_pool2d(1 - free, 3, 1, 1)
    free = F.interpolate(free, scale_factor=float(STRIDE), mode="nearest")
    rate = _GROUND_RATE * (_ANYWAY + (1 - _ANYWAY) * free)
    move = (colours - ground).clamp(-_GROUND_RATE, _GROUND_RATE) / _GROUND_RATE
    return ground + move * rate * visible.repeat_interleave(3, 1)


def _around_best(share: Tensor, points: Tensor) -> Tensor:
    """Weights [B, S, N] of the places around each track's likeliest one; they add up to 1.

    A mean over all places would lie between two people where either may be meant.
    """
    index = share.argmax(-1, keepdim=True)
    best = torch.gather(points, 1, index.expand(-1, -1, 2))
    away = ((points[:, None] - best[:, :, None]) ** 2).sum(-1)
    weight = share * torch.exp(-away / (2 * (1.5 * PLACE_M) ** 2))
    return weight / weight.sum(-1, keepdim=True).clamp(min=1e-9)


def averaged(before: Tensor, now: Tensor, clear: Tensor) -> Tensor:
    """A mean of appearances and of how many ticks it is, with one more that counts by `clear`."""
    ticks = (before[..., -1:] + clear).clamp(max=_LONGEST)
    mean = before[..., :-1] + clear / ticks.clamp(min=1.0) * (now - before[..., :-1])
    return torch.cat([mean, ticks], -1)


def _kept(before: State, now: State, open_: Tensor) -> State:
    """Only open tracks change."""
    mask = open_[..., None] > 0
    tracks = zip(now[2:], before[2:], strict=True)
    return State(*now[:2], *(torch.where(mask, new, old) for new, old in tracks))
