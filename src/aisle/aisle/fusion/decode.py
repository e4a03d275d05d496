"""From the model's answer to commits: when it is sure enough to speak, and when to take it back.

Nothing here looks at weights. What happened is the model's to say; this decides how long a
doubtful answer may wait for more evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.grid import BIN_NS
from aisle.fusion.windows import MAX_QUANTITY, WINDOW_NS, Arrays, Window
from aisle.records import Action

SECOND = 1_000_000_000
_LOG_MASS_LIMIT = 20.0
"""Beyond, to both sides, it is no weight of anything, and its exponential soon no number."""


@dataclass(frozen=True)
class DecodeConfig:
    """Thresholds on probabilities, and how long doubt may last (seconds)."""

    commit: float = 0.85
    """An answer this likely is said as soon as enough ticks agree on it."""
    agree: int = 2
    """Ticks in a row that must give the same answer."""
    patience_s: float = 1.2
    """An answer that stays less sure is said, with its doubt, after this time."""
    something: float = 0.5
    """Probability that anything happened at all, for doubt to count."""
    withdraw: float = 0.6
    settle_s: float = 2.0
    """A commit that is this old and was not withdrawn is confirmed."""
    session_temperature: float = 1.0
    """Divides the logits of whose a change is; the model's manifest says how much."""


@dataclass(frozen=True)
class Answer:
    """The model's most likely answer for one window."""

    nothing: float
    """Probability that nothing is left to say."""
    action: Action
    candidate: int
    quantity: int
    probability: float
    session: int
    session_probability: float
    stamp_ns: int
    mass_kg: float
    plate_share: NDArray[np.float32]
    """[plates] share of the change on each plate."""
    withdraw: int | None
    """The commit most likely to be wrong."""
    withdraw_probability: float
    """That one or another commit is wrong."""
    finite: bool = True
    """False where the model gave something that is no number: taken as *nothing*."""


def answer(window: Window, outputs: Arrays, row: int, session_temperature: float) -> Answer:
    """Read row `row` of the model's outputs for `window`."""
    if not _finite(window, outputs, row):
        share = np.zeros(len(window.plates), dtype=np.float32)
        return Answer(
            1.0, Action.TAKE, 0, 1, 0.0, 0, 0.0, window.tick_ns, 0.0, share, None, 0.0, False
        )
    count = len(window.candidates)
    choices = outputs["candidate_logits"][row, :count].astype(np.float64)
    none = float(outputs["none_logit"][row, 0])
    withdraws = outputs["withdraw_logits"][row, : len(window.commits)].astype(np.float64)
    top = max(none, float(choices.max()), float(withdraws.max(initial=-np.inf)))
    mass = np.exp(choices - top)
    nothing, wrong = np.exp(none - top), np.exp(withdraws - top)
    total = float(mass.sum() + nothing + wrong.sum())
    best = int(mass.argmax())
    candidate, choice = divmod(best, choices.shape[1])
    session_logits = outputs["session_logits"][row, candidate, : len(window.sessions)]
    whose = session_logits.astype(np.float64) / session_temperature
    sessions = np.exp(whose - whose.max())
    sessions /= sessions.sum()
    session = int(sessions.argmax())
    delta = np.abs(outputs["plate_delta"][row, : len(window.plates)])
    worst = int(wrong.argmax()) if len(wrong) else None
    return Answer(
        nothing=float(nothing) / total,
        action=Action.TAKE if choice < MAX_QUANTITY else Action.RETURN,
        candidate=candidate,
        quantity=choice % MAX_QUANTITY + 1,
        probability=float(mass.flat[best]) / total,
        session=session,
        session_probability=float(sessions[session]),
        stamp_ns=_stamp(window.tick_ns, outputs["event_logits"][row]),
        mass_kg=float(np.exp(outputs["log_mass"][row])),
        plate_share=(delta / max(float(delta.sum()), 1e-9)).astype(np.float32),
        withdraw=worst,
        withdraw_probability=float(wrong.sum()) / total,
    )


def _finite(window: Window, outputs: Arrays, row: int) -> bool:
    """Whether all outputs that belong to a window are numbers, and the mass is one of kilograms."""
    candidates, sessions = len(window.candidates), len(window.sessions)
    parts = (
        outputs["none_logit"][row],
        outputs["candidate_logits"][row, :candidates],
        outputs["withdraw_logits"][row, : len(window.commits)],
        outputs["session_logits"][row, :candidates, :sessions],
        outputs["event_logits"][row],
        outputs["plate_delta"][row, : len(window.plates)],
    )
    mass = np.abs(outputs["log_mass"][row]) < _LOG_MASS_LIMIT
    return bool(mass) and all(bool(np.isfinite(part).all()) for part in parts)


def _stamp(tick_ns: int, event_logits: NDArray[np.float32]) -> int:
    """Time of the event: the middle of the likeliest mark; no stamp is below 0."""
    mark = int(event_logits.argmax())
    return max(tick_ns - WINDOW_NS + (2 * mark + 1) * BIN_NS, 0)
