"""What cameras add to the receipt transformer: columns of a shelf, looks of products, tracks.

B windows, Q columns along the shelf, C candidates, S sessions, V views (ticks), M marks (two to a
view), H looks (pairs of before and after), F numbers of an image feature, D width. Without
cameras every mask is 0, and all that this module adds is constant.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from aisle.fusion.windows import (
    BLOCKED,
    CLEAR,
    COLUMN_M,
    DEEPEST_M,
    FEATURES,
    GAIN,
    ROOM,
    SEEN,
    STATES,
    TRACK,
    VIEWS,
)

_ALONG_M, _OUT_M = (0.3, 0.15, 0.15), (0.6, 0.2, 0.1)
"""How far along a shelf, and out from it (the last: above or below), body, hand, and a hand that
reaches in may be to count as before a place."""
_FARTHEST = 36.0
_WEIGHED_KG = 1e-4
"""Scales that changed by less say nothing of where."""
_ANYWHERE = 0.01
"""What each place of a product counts where the shelf did not change there."""
_PROXIMITIES = 6
_THERE = _PROXIMITIES + 6
_PAIR = 3 * _THERE + _PROXIMITIES
_KINDS = 6
"""Ways to say how many units of a candidate have come: see `Sight._units`."""
UNITS = 6
"""Numbers of `unit_features`."""
_DROPOUT = 0.1
"""Of what is made of pictures, in training: there are few events in many windows."""
_TRACK_DROPOUT = 0.5
"""The same of what is made of tracks for the transformer: they are easily learnt by heart, and
`whose` has them."""
_STEPS = 4


def unit_features(units: Tensor) -> Tensor:
    """How many units that is: [...] -> [..., UNITS]; coarser than with weights."""
    r = units.clamp(-6, 6)
    size = r.abs()
    return torch.stack(
        [
            r / 3,
            torch.tanh(2 * r),
            torch.exp(-(((size - 1) / 0.3) ** 2)),
            torch.exp(-(((size - 2) / 0.4) ** 2)),
            torch.exp(-(((size - 3) / 0.5) ** 2)),
            torch.exp(-((size / 0.3) ** 2)),
        ],
        dim=-1,
    )


def clear_views(state: Tensor) -> Tensor:
    """How well each view shows each column, 0 to 1: [B, Q, V, STATES] -> [B, Q, V].

    Beside a person a column is only partly seen, and its free room is wrong.
    """
    blocked = F.pad(state[..., BLOCKED], (0, 0, 1, 1))
    worst = torch.maximum(blocked[:, 1:-1], torch.maximum(blocked[:, :-2], blocked[:, 2:]))
    clear: Tensor = (1 - worst) ** 4 * state[..., SEEN]
    return clear


class Sight(nn.Module):
    """Column tokens, and what they say of candidates and sessions."""

    def __init__(self, width: int, channels: int, looks: int) -> None:
        super().__init__()
        self.each = nn.Linear(FEATURES + STATES + _STEPS, channels)
        fading = 0.5 ** torch.arange(VIEWS)
        self.register_buffer("fading", torch.stack([fading, fading.flip(0)]), persistent=False)
        self.kind = nn.Parameter(torch.randn(width) * 0.02)
        self.time = nn.Conv1d(2 * channels, 48, 5, padding=2)
        self.column_in = nn.Linear(channels * VIEWS + 3, width)
        pairs = looks + 1
        self.changed = nn.Linear(3 * pairs, width)
        self.shown = nn.Parameter(torch.tensor([10.0, 0.3, 3.0]))
        """Of what a column shows: sharpness of likeness, what none is like, what a place counts."""
        self.candidate1 = nn.Linear((6 + _KINDS * UNITS) * pairs + 2 + 2 * VIEWS, width)
        self.candidate2 = nn.Linear(width, width)
        self.track1 = nn.Linear(TRACK * VIEWS, width)
        self.track2 = nn.Linear(width, width)
        self.dropout, self.track_dropout = nn.Dropout(_DROPOUT), nn.Dropout(_TRACK_DROPOUT)
        self.pair1 = nn.Linear(_PAIR, 48)
        self.pair2 = nn.Linear(48, 1)

    def columns(
        self, feature: Tensor, state: Tensor, static: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Tokens [B, Q, D], and what is added to the shelf's timeline [B, 48, M]."""
        steps = self._steps(feature, state)
        x = F.gelu(self.each(torch.cat([feature, state, steps], -1)), approximate="tanh")
        x = self.dropout(x) * mask[:, :, None, None]
        tokens = self.column_in(torch.cat([x.flatten(2), static], -1)) + self.kind
        mean = x.sum(1) / mask.sum(1).clamp(min=1)[:, None, None]
        peak = x.amax(1).clamp(min=0)
        over_time = torch.cat([mean, peak], -1).transpose(1, 2)
        return tokens, self.time(over_time.repeat_interleave(2, dim=-1))

    def _steps(self, feature: Tensor, state: Tensor) -> Tensor:
        """How far each view of a column is from its earliest and its latest clear view.

        [B, Q, V, _STEPS]. All columns are looked at together after this, and one that changed
        would be lost among those that are merely different.
        """
        clear, (ends, known) = clear_views(state), self._ends(feature, state)
        gain = 10 * state[..., GAIN : GAIN + 1]
        alike = feature @ ends[..., :-1].transpose(2, 3)
        step = 10 * (ends[:, :, 1, -1] - ends[:, :, 0, -1])[:, :, None, None]
        found = torch.cat([gain, alike, step.expand_as(gain)], -1)
        return found * known * clear[..., None]

    def _ends(self, feature: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The earliest and the latest clear sight of each column, and whether there was any.

        Features and gain [B, Q, 2, F + 1], and [B, Q, 1, 1].
        """
        clear = clear_views(state)
        clear = clear * (clear > CLEAR)
        weight = clear[:, :, None] * self.get_buffer("fading")
        weight = weight / weight.sum(-1, keepdim=True).clamp(min=1e-9)
        both = torch.cat([feature, state[..., GAIN : GAIN + 1]], -1)
        known = (clear.amax(-1) > CLEAR).float()[..., None, None]
        return weight @ both * known, known

    def before_after(self, look: Tensor, feature: Tensor, state: Tensor) -> Tensor:
        """Mean features and gain before and after, where nothing blocks.

        [B, H + 1, 2, Q, F + 1], as the timeline looks and, last, from end to end of the window.

        Args:
            look: Softmax over marks, [B, H, 2, M].
            feature: [B, Q, V, F].
            state: [B, Q, V, STATES].
        """
        weight = look.reshape(*look.shape[:3], VIEWS, 2).sum(-1)
        clear = clear_views(state) + 1e-3
        weight = weight[:, :, :, None, :] * clear[:, None, None]
        weight = weight / weight.sum(-1, keepdim=True)
        both = torch.cat([feature, state[..., GAIN : GAIN + 1]], -1)
        found = torch.einsum("bhkqv,bqvf->bhkqf", weight, both)
        ends = self._ends(feature, state)[0].transpose(1, 2)
        return torch.cat([found, ends[:, None]], 1)

    def candidates(
        self, seen: Tensor, feature: Tensor, state: Tensor, look: Tensor, area: Tensor, on: Tensor,
        mask: Tensor, candidate_mask: Tensor, said: Tensor,
    ) -> Tensor:  # fmt: skip
        """What is added to candidate tokens, [B, C, D]: like which product columns look, and when.

        Args:
            seen: From `before_after`.
            feature: [B, Q, V, F].
            state: [B, Q, V, STATES].
            look: Features of the candidates' catalogue images [B, C, F], 0 where there are none.
            area: What one unit of a candidate stands on, square metres [B, C].
            on: Share of each column that is a candidate's place, [B, C, Q].
            mask: [B, Q].
            candidate_mask: [B, C].
            said: Units of each candidate that were said to have gone, less those to have come.
        """
        alike = torch.einsum("bhkqf,bcf->bhkcq", seen[..., :-1], look) * mask[:, None, None, None]
        home = on / on.sum(-1, keepdim=True).clamp(min=1e-3)
        own = torch.einsum("bhkcq,bcq->bchk", alike, home).flatten(2)
        gain = alike[:, :, 1] - alike[:, :, 0]
        # Against 0, so that columns which are only padding change nothing.
        most = [gain.amax(-1).clamp(min=0), gain.amin(-1).clamp(max=0)]
        most += [gain.sum(-1), alike.amax(-1)[:, :, 1].clamp(min=0)]
        known = (look.square().sum(-1, keepdim=True) > 0).float()
        share = self._shares(alike, known, on, candidate_mask)
        came = (seen[:, :, 1, :, -1] - seen[:, :, 0, :, -1]) * mask[:, None] * COLUMN_M
        units = self._units(came, share, on, area, said)
        flat = [own, *(part.transpose(1, 2) for part in most), units]
        every = torch.einsum("bqvf,bcf->bcqv", feature * state[..., SEEN, None], look)
        series = torch.einsum("bcqv,bcq->bcv", every, home)
        free = torch.einsum("bqv,bcq->bcv", state[..., ROOM] * state[..., SEEN] / DEEPEST_M, home)
        placed = (on.sum(-1, keepdim=True) > 0).float()
        x = torch.cat([*flat, known, placed, series, free], -1)
        x = self.dropout(F.gelu(self.candidate1(x), approximate="tanh"))
        tokens: Tensor = self.candidate2(x)
        return tokens

    def _shares(self, alike: Tensor, known: Tensor, on: Tensor, candidate_mask: Tensor) -> Tensor:
        """What each column shows, as shares of all candidates: [B, H + 1, 2, C, Q]."""
        sharp, none, place = self.shown.unbind()
        logit = sharp * (alike - none) * known[:, None, None] + place * on[:, None, None]
        return (logit + (candidate_mask[:, None, None, :, None] - 1) * 1e4).softmax(3)

    def _units(
        self, came: Tensor, share: Tensor, on: Tensor, area: Tensor, said: Tensor
    ) -> Tensor:  # fmt: skip
        """How many units of a candidate have come, by the goods that are there more or less.

        [B, C, _KINDS (H + 1) UNITS], as ratios of what one unit stands on, as scales have it with
        weights. In its place; where what went looked like it before, or what came looks like it
        now; both again without what was said of it; where anything went, and where anything came.

        Args:
            came: Square metres of goods on each column, [B, H + 1, Q].
            share: From `_shares`.
            on: As `candidates` takes it, like the rest.
            area: [B, C].
            said: [B, C].
        """
        out, back = came.clamp(max=0), came.clamp(min=0)
        own = torch.einsum("bhq,bcq->bch", came, on) / area[..., None]
        alike = torch.einsum("bhq,bhcq->bch", out, share[:, :, 0])
        alike = (alike + torch.einsum("bhq,bhcq->bch", back, share[:, :, 1])) / area[..., None]
        every = [own, alike, own + said[..., None], alike + said[..., None]]
        every += [part.sum(-1)[:, None] / area[..., None] for part in (out, back)]
        return unit_features(torch.stack(every, -1)).flatten(2)

    def change(self, seen: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """What is added to column tokens [B, Q, D], and how much each column changed [B, Q]."""
        before, after = seen.unbind(2)
        size = (after - before)[..., :-1].square().sum(-1)
        both = (after * before)[..., :-1].sum(-1)
        came = 10 * (after - before)[..., -1]
        tokens = self.changed(torch.cat([size, both, came], 1).transpose(1, 2))
        return tokens, (came[:, -1].abs() + 0.1 * size[:, 0]) * mask

    def sessions(self, track: Tensor) -> Tensor:
        """What is added to session tokens, [B, S, D]; track [B, S, V, TRACK]."""
        x = F.gelu(self.track1(track.flatten(2)), approximate="tanh")
        tokens: Tensor = self.track2(self.track_dropout(x))
        return tokens

    def whose(self, track: Tensor, event: Tensor, centre: Tensor) -> Tensor:
        """What is added to session logits, [B, C, S]: who stood and reached there, then.

        Args:
            track: [B, S, V, TRACK]: see `aisle.fusion.windows.TRACK`.
            event: Logits of when it happened, [B, M].
            centre: Where on the shelf each candidate's change is, metres from the middle, [B, C].
        """
        then = event.softmax(-1).reshape(-1, VIEWS, 2).sum(-1)
        # A shelf shows a change when the hand has left it, and that only roughly where it shows
        # after its taker has gone: so what was shortly before counts, and the whole window.
        before = (F.pad(then[:, 1:], (0, 1)) + F.pad(then[:, 2:], (0, 2))) / 2
        weight = torch.stack([then, before, torch.full_like(then, 1 / VIEWS)], 1)
        there = self._there(track, centre)
        means = torch.einsum("bkv,bcsvf->bcskf", weight, there).flatten(3)
        around = (then + 2 * before).clamp(max=1)[:, None, None, :, None]
        near = torch.cat([means, (there[..., :_PROXIMITIES] * around).amax(3)], -1)
        found: Tensor = self.pair2(F.gelu(self.pair1(near), approximate="tanh"))
        return found[..., 0] * 4

    def _there(self, track: Tensor, centre: Tensor) -> Tensor:
        """How near each session's body and hands were to each candidate's place, view by view.

        [B, C, S, V, _THERE], each 0 (far, or not seen) to 1.
        """
        along = track[:, None, ..., 0::3] - centre[:, :, None, None, None]
        out, sure = track[:, None, ..., 1::3].clamp(min=0), track[:, None, ..., 2::3]
        width, depth = along.new_tensor(_ALONG_M), along.new_tensor(_OUT_M)
        off = (along / width).square() + (out / depth).square()
        graded = 1 - off.clamp(max=_FARTHEST) / _FARTHEST
        known = (sure > 0).float()
        parts = [torch.exp(-off) * sure, torch.exp(-off / 4) * sure, graded * known]
        return torch.cat([*parts, sure.expand_as(along)], -1)


class View:
    """What one batch's cameras saw, for `ReceiptTransformer.forward`."""

    def __init__(self, sight: Sight, inputs: dict[str, Tensor]) -> None:
        """Inputs as in `aisle.fusion.windows.SIGHT_SHAPES`."""
        self._sight, self._inputs = sight, inputs
        self.mask = inputs["column_mask"]
        self._feature = inputs["column_feature"] * self.mask[:, :, None, None]
        self._state = inputs["column_state"] * self.mask[:, :, None, None]
        static = inputs["column_static"]
        self.tokens, self.over_time = sight.columns(self._feature, self._state, static, self.mask)
        self._changed = torch.zeros_like(self.mask)

    def candidates(self, look: Tensor, candidate_mask: Tensor, said: Tensor) -> Tensor:
        """What is added to candidate tokens; from then on the column tokens know the change.

        Args:
            look: Softmax over marks, [B, H, 2, M].
            candidate_mask: [B, C].
            said: As `Sight.candidates` takes it.
        """
        seen = self._sight.before_after(look, self._feature, self._state)
        added, self._changed = self._sight.change(seen, self.mask)
        self.tokens = self.tokens + added
        return self._sight.candidates(
            seen, self._feature, self._state, self._inputs["candidate_look"],
            self._inputs["candidate_area"], self._inputs["candidate_columns"], self.mask,
            candidate_mask, said,
        )  # fmt: skip

    def sessions(self) -> Tensor:
        """What is added to session tokens."""
        return self._sight.sessions(self._inputs["session_track"])

    def whose(
        self, event: Tensor, on_plates: Tensor, plate_static: Tensor, plate_mask: Tensor,
        delta: Tensor,
    ) -> Tensor:  # fmt: skip
        """What is added to session logits, [B, C, S].

        A product that has places here is looked for there, and most where the shelf changed; any
        other where the shelf changed.
        """
        on_columns, x = self._inputs["candidate_columns"], self._inputs["column_static"][..., 0]
        plates, weighed = plate_static[..., 0], delta[:, 0].abs() * plate_mask
        looked = (self._changed + 1e-6) * self.mask
        looked = looked / looked.sum(-1, keepdim=True).clamp(min=1e-9)
        # Half and half where both say something; all of the one where the other says nothing.
        sum_ = weighed.sum(-1, keepdim=True)
        weighed = weighed / sum_.clamp(min=1e-9) * (sum_ > _WEIGHED_KG)
        share = looked.sum(-1, keepdim=True) * (1 - weighed.sum(-1, keepdim=True) / 2)
        weighed, looked = (1 - share) * weighed, share * looked
        there = (weighed * plates).sum(-1) + (looked * x).sum(-1)
        by_plates = on_plates * (weighed + _ANYWHERE)[:, None]
        by_columns = on_columns * (looked + _ANYWHERE)[:, None]
        places = by_plates.sum(-1) + by_columns.sum(-1)
        home = (by_plates @ plates[..., None] + by_columns @ x[..., None])[..., 0]
        home = home / places.clamp(min=1e-6)
        placed = (on_plates.sum(-1) + on_columns.sum(-1) > 0).float()
        centre = placed * home + (1 - placed) * there[:, None]
        return self._sight.whose(self._inputs["session_track"], event, centre)
