"""How right the receipts of bags are: one table of figures from replays and truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from aisle.bags.matching import Matching, hand_overs, match
from aisle.bags.metrics import (
    Counts,
    bootstrap_f1,
    calibration,
    calibration_interval,
    compare,
    review_curve,
    spread,
    wilson,
)
from aisle.bags.replay import ReplayResult
from aisle.bags.truth import TrueSession, Truth
from aisle.records import Action, Change, ChangeState, Receipt, ReceiptState

SECOND = 1e9
SAME_CLOCK_S = 3600.0
"""Stamps and times of arrival further apart than this are of different clocks."""


@dataclass(frozen=True)
class SessionScore:
    """One session's receipt against its truth."""

    bag: str
    session: str
    counts: Counts
    exact: bool
    """Every product and quantity is right, and a receipt was given."""
    confidence: float
    """Of its weakest line; 1 for an empty receipt, 0 for none."""
    state: str
    truth: dict[str, int]
    ours: dict[str, int]


@dataclass
class Evaluation:
    """Everything that a table of figures is made from; evaluations of bags add up."""

    sessions: list[SessionScore] = field(default_factory=list)
    lines: list[tuple[float, bool]] = field(default_factory=list)
    """Confidence of each receipt line, and whether its quantity is the true one."""
    changes: list[tuple[float, bool]] = field(default_factory=list)
    """Probability of each change, and whether it is right."""
    errors: Counter[str] = field(default_factory=Counter)
    events: int = 0
    events_right: int = 0
    foreign: int = 0
    """Returns to shelves where the product does not belong."""
    foreign_right: int = 0
    hand_overs: int = 0
    hand_overs_right: int = 0
    """Those that both receipts have."""
    shown_s: list[float] = field(default_factory=list)
    """From a true event to the first update that shows it."""
    confirmed_s: list[float] = field(default_factory=list)
    """From a true event to the prediction that confirms it."""
    counters: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    wall_s: float = 0.0
    store_s: float = 0.0

    def add(self, other: Evaluation) -> None:
        """Take in another bag's evaluation."""
        for name in ("sessions", "lines", "changes", "shown_s", "confirmed_s", "warnings"):
            getattr(self, name).extend(getattr(other, name))
        self.errors.update(other.errors)
        self.counters.update(other.counters)
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))


_SUMS = (
    "events", "events_right", "foreign", "foreign_right", "hand_overs", "hand_overs_right",
    "wall_s", "store_s",
)  # fmt: skip


def units(receipt: Receipt | None) -> dict[str, int]:
    """Return units by product of a receipt."""
    found: Counter[str] = Counter()
    for line in receipt.lines if receipt else ():
        found[line.product] += line.quantity
    return {product: count for product, count in found.items() if count}


def score_session(bag: str, truth: TrueSession | None, receipt: Receipt | None) -> SessionScore:
    """Compare one receipt with its truth; either may be missing."""
    true, ours = dict(truth.receipt) if truth else {}, units(receipt)
    name = truth.session if truth else receipt.session if receipt else ""
    sure = min((line.confidence for line in receipt.lines), default=1.0) if receipt else 0.0
    return SessionScore(
        bag,
        name,
        compare(true, ours),
        true == ours and truth is not None and receipt is not None,
        sure,
        receipt.state.name if receipt else "NONE",
        true,
        ours,
    )


def final_changes(result: ReplayResult) -> dict[str, list[Change]]:
    """Return the last version of each change by session."""
    last: dict[str, dict[str, Change]] = {}
    for _, prediction in result.predictions:
        known = last.setdefault(prediction.session, {})
        for change in prediction.changes:
            known[change.id] = change
    return {session: list(changes.values()) for session, changes in last.items()}


def evaluate(bag: str, truth: Truth, result: ReplayResult) -> Evaluation:
    """Compare what came out of one bag with its truth.

    A session that is not in the truth counts unless it is open: then nobody knows yet.

    Args:
        bag: Name for the tables.
        truth: What really happened.
        result: From `replay` or `recorded`.
    """
    judged = [r.session for r in result.receipts.values() if r.state != ReceiptState.OPEN]
    names = dict.fromkeys([*truth, *judged])
    found = Evaluation(counters=Counter(result.counters), warnings=list(result.warnings))
    found.wall_s, found.store_s = result.wall_s, result.store_s
    for name in names:
        receipt = result.receipts.get(name)
        score = score_session(bag, truth.get(name), receipt)
        found.sessions.append(score)
        found.lines += [
            (line.confidence, score.truth.get(line.product) == line.quantity)
            for line in (receipt.lines if receipt else ())
        ]
    matching = match(truth, final_changes(result))
    found.errors = matching.errors
    found.events = len(matching.events)
    found.events_right = len(matching.right)
    elsewhere = {
        i
        for i, (_, event) in enumerate(matching.events)
        if event.foreign and event.action is Action.RETURN
    }
    found.foreign, found.foreign_right = len(elsewhere), len(elsewhere & matching.right.keys())
    given = hand_overs(matching)
    found.hand_overs, found.hand_overs_right = len(given), sum(given)
    found.changes = [
        (change.probability, hit)
        for (_, change), hit in zip(matching.changes, matching.change_right, strict=True)
    ]
    shown, confirmed = latencies(matching, result)
    if all(abs(delay) < SAME_CLOCK_S for delay in (*shown, *confirmed)):
        found.shown_s, found.confirmed_s = shown, confirmed
    else:
        found.warnings.append(f"{bag}: no latencies, its times of arrival are of another clock")
    return found


def latencies(matching: Matching, result: ReplayResult) -> tuple[list[float], list[float]]:
    """Return seconds from true events to the update that shows them, and to confirmation.

    Only events that the receipts got right count; one told as several changes counts from the
    last of them. An update shows a change when the change caused it and had by then its action,
    product and quantity.
    """
    first_right: dict[str, int] = {}
    confirmed: dict[str, int] = {}
    final = {change.id: change for _, change in matching.changes}
    for log_ns, prediction in result.predictions:
        for change in prediction.changes:
            last = final.get(change.id)
            if last is None or _said(change) != _said(last):
                first_right.pop(change.id, None)
                continue
            first_right.setdefault(change.id, log_ns)
            if change.state == ChangeState.CONFIRMED:
                confirmed.setdefault(change.id, log_ns)
    shown: dict[str, int] = {}
    for log_ns, receipt in result.updates:
        if log_ns >= first_right.get(receipt.cause, log_ns + 1):
            shown.setdefault(receipt.cause, log_ns)
    return _delays(matching, shown), _delays(matching, confirmed)


def _said(change: Change) -> tuple[object, ...]:
    return change.action, change.product, change.quantity


def _delays(matching: Matching, times: dict[str, int]) -> list[float]:
    found = []
    for event, indices in sorted(matching.right.items()):
        ids = [matching.changes[index][1].id for index in indices]
        if all(name in times for name in ids):
            last = max(times[name] for name in ids)
            found.append((last - matching.events[event][1].stamp_ns) / SECOND)
    return found


def summary(found: Evaluation) -> dict[str, Any]:
    """Return all figures as plain data, for JSON and for the tables."""
    scores = found.sessions
    total = sum((score.counts for score in scores), Counts())
    exact = sum(score.exact for score in scores)
    states = Counter(score.state for score in scores)
    accepted = [score for score in scores if score.state == ReceiptState.CLOSED.name]
    return {
        "sessions": len(scores),
        "items": {
            **asdict(total),
            "precision": total.precision,
            "recall": total.recall,
            "f1": total.f1,
            "f1_interval": bootstrap_f1(
                [score.counts for score in scores], [score.bag for score in scores]
            ),
        },
        "exact": _share(exact, len(scores)),
        "states": dict(sorted(states.items())),
        "exact_without_review": _share(sum(score.exact for score in accepted), len(accepted)),
        "events": _share(found.events_right, found.events),
        "put_back_elsewhere": _share(found.foreign_right, found.foreign),
        "hand_overs": _share(found.hand_overs_right, found.hand_overs),
        "errors": dict(found.errors.most_common()),
        "latency_shown_s": _spread(found.shown_s),
        "latency_confirmed_s": _spread(found.confirmed_s),
        "calibration_changes": _calibration(found.changes),
        "calibration_lines": _calibration(found.lines),
        "review_curve": _review((score.confidence, score.exact) for score in scores),
        "review_curve_lines": _review(found.lines),
        "wrong_receipts": [_wrong(score) for score in scores if not score.exact],
        "counters": dict(sorted(found.counters.items())),
        "warnings": found.warnings,
        "store_s": found.store_s,
        "wall_s": found.wall_s,
    }


def _share(hits: int, total: int) -> dict[str, Any]:
    share = hits / total if total else None
    return {"right": hits, "of": total, "share": share, "interval": wilson(hits, total)}


def _spread(seconds: Sequence[float]) -> dict[str, Any] | None:
    found = spread(seconds)
    return asdict(found) if found else None


def _calibration(cases: Iterable[tuple[float, bool]]) -> dict[str, Any]:
    stated, right = _columns(cases)
    bins, error = calibration(stated, right)
    return {
        "cases": len(stated),
        "error": error,
        "error_interval": calibration_interval(stated, right),
        "bins": [asdict(entry) for entry in bins],
    }


def _review(cases: Iterable[tuple[float, bool]]) -> list[dict[str, Any]]:
    return [asdict(point) for point in review_curve(*_columns(cases))]


def _columns(cases: Iterable[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    listed = list(cases)
    return [stated for stated, _ in listed], [right for _, right in listed]


def _wrong(score: SessionScore) -> dict[str, Any]:
    products = sorted({*score.truth, *score.ours})
    differences = {
        product: [score.truth.get(product, 0), score.ours.get(product, 0)]
        for product in products
        if score.truth.get(product, 0) != score.ours.get(product, 0)
    }
    return {
        "bag": score.bag,
        "session": score.session,
        "state": score.state,
        "confidence": score.confidence,
        "true_and_ours": differences,
    }
