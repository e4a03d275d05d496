"""Plots of benchmark results, as SVG that stands by itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from aisle.bags.metrics import poisson
from aisle.learning.results import Calibration, Figures, Result, Review, Seconds, Share

_COLOURS = ("#2563c9", "#d1610c", "#2a8a4a", "#a3309b", "#0d8a93", "#8a6d1b")
_SOFT = "#9aa0a6"
_STYLE: dict[Any, Any] = {
    "font.size": 9, "axes.titlesize": 10, "axes.titlelocation": "left", "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "#e4e4de", "axes.axisbelow": True,
    "legend.frameon": False, "svg.hashsalt": "aisle", "figure.constrained_layout.use": True,
}  # fmt: skip
_MOST_ERRORS = 12

Point = tuple[float, tuple[float, float]]
"""A value and its interval."""


def overview(results: Sequence[Result]) -> str:
    """All suites and methods side by side: F1, exact receipts, delay."""
    methods = _methods(results)
    with matplotlib.rc_context(_STYLE):
        height = 1.1 + 0.26 * len(results) * (len(methods) + 0.6)
        figure = Figure(figsize=(10.5, height))
        axes = figure.subplots(1, 3, sharey=True)
        for axis, title in zip(
            axes,
            ("Item F1", "Exactly right receipts", "Shown after: median and 95th percentile (s)"),
            strict=True,
        ):
            axis.set_title(title)
            axis.grid(axis="y", visible=False)
        for row, result in enumerate(results):
            for name, figures in result.methods.items():
                y = row + (methods.index(name) + 1) / (len(methods) + 1) - 0.5
                colour = _COLOURS[methods.index(name) % len(_COLOURS)]
                items = figures.items
                _range(axes[0], y, (items.f1, items.f1_interval), colour)
                _range(axes[1], y, _point(figures.exact), colour)
                _delays(axes[2], y, figures.latency_shown_s, colour)
        axes[0].set_yticks(range(len(results)), [f"{r.suite}\n{r.store}" for r in results])
        axes[0].set_ylim(len(results) - 0.4, -0.6)
        axes[0].tick_params(axis="y", length=0)
        axes[2].set_xlim(left=0)
        for number, name in enumerate(methods):
            axes[1].plot([], [], "o", color=_COLOURS[number % len(_COLOURS)], label=name)
        figure.legend(loc="outside lower center", ncols=max(len(methods), 1))
        return _svg(figure)


def suite(result: Result) -> str:
    """One suite: what review leaves, whether doubt is true, which errors there are."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(10.5, 3.7))
        review, doubt, errors = figure.subplots(1, 3, width_ratios=(1, 0.9, 1.1))
        name, figures = next(iter(result.methods.items()))
        _review(review, figures, name)
        _reliability(doubt, figures, name)
        _errors(errors, result)
        return _svg(figure)


def _methods(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(name for result in results for name in result.methods))


def _point(share: Share) -> Point | None:
    return None if share.share is None else (share.share, share.interval)


def _range(axis: Axes, y: float, point: Point | None, colour: str) -> None:
    """A value with its interval, lying."""
    if point is not None:
        value, interval = point
        axis.plot(interval, (y, y), color=colour, linewidth=1.6, solid_capstyle="butt")
        axis.plot([value], [y], "o", color=colour, markersize=4.5)


def _delays(axis: Axes, y: float, seconds: Seconds | None, colour: str) -> None:
    if seconds is None:
        return
    _range(axis, y, (seconds.median, seconds.median_interval), colour)
    _range(axis, y, (seconds.p95, seconds.p95_interval), colour)
    axis.plot((seconds.median, seconds.p95), (y, y), color=colour, linewidth=0.7, linestyle=":")


def _review(axis: Axes, figures: Figures, name: str) -> None:
    """Errors that are left against work for people."""
    axis.set_title(f"Review ({name})")
    for points, label, colour in (
        (figures.review_curve, "receipts", _COLOURS[0]),
        (figures.review_curve_lines, "lines", _COLOURS[3]),
    ):
        kept = [point for point in points if point.kept]
        if kept:
            _stairs(axis, kept, label, colour)
    axis.set_xlabel("to a person")
    axis.set_ylabel("wrong among the rest")
    axis.set_xlim(-0.03, 1.03)
    axis.set_ylim(bottom=0)
    axis.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    if axis.lines:
        axis.legend(loc="best")


def _stairs(axis: Axes, points: Sequence[Review], label: str, colour: str) -> None:
    x = [point.reviewed for point in points]
    axis.plot(x, [1 - point.right for point in points], "o-", color=colour, ms=3.5, label=label)
    low = [1 - point.interval[1] for point in points]
    high = [1 - point.interval[0] for point in points]
    axis.fill_between(x, low, high, color=colour, alpha=0.12, linewidth=0)


def _reliability(axis: Axes, figures: Figures, name: str) -> None:
    """Shares that were right over what was stated."""
    axis.set_title(f"Doubt ({name})")
    axis.plot((0, 1), (0, 1), color=_SOFT, linewidth=0.8)
    for found, label, colour in (
        (figures.calibration_changes, "changes", _COLOURS[0]),
        (figures.calibration_lines, "lines", _COLOURS[3]),
    ):
        if found.bins:
            _bins(axis, found, f"{label}, ECE {found.error:.3f}", colour)
    axis.set_xlabel("stated probability")
    axis.set_ylabel("share right")
    axis.set_xlim(0, 1.03)
    axis.set_ylim(0, 1.03)
    axis.set_aspect("equal")
    if len(axis.lines) > 1:
        axis.legend(loc="lower right")


def _bins(axis: Axes, found: Calibration, label: str, colour: str) -> None:
    for entry in found.bins:
        axis.plot((entry.stated,) * 2, entry.interval, color=colour, linewidth=1, alpha=0.6)
    axis.plot(
        [entry.stated for entry in found.bins], [entry.right for entry in found.bins],
        "o", color=colour, ms=4, label=label,
    )  # fmt: skip


def _errors(axis: Axes, result: Result) -> None:
    """Wrong units by kind, for each hundred true events."""
    axis.set_title("Wrong units in 100 true events")
    axis.grid(axis="y", visible=False)
    total: dict[str, int] = {}
    for figures in result.methods.values():
        for kind, count in figures.errors.items():
            total[kind] = total.get(kind, 0) + count
    kinds = sorted(total, key=lambda kind: -total[kind])[:_MOST_ERRORS]
    size = 0.8 / len(result.methods) if result.methods else 0.8
    for number, (name, figures) in enumerate(result.methods.items()):
        scale = 100 / max(figures.events.of, 1)
        y = [row + (number + 0.5) * size - 0.4 for row in range(len(kinds))]
        counts = [figures.errors.get(kind, 0) for kind in kinds]
        colour = _COLOURS[number % len(_COLOURS)]
        axis.barh(y, [scale * count for count in counts], 0.85 * size, color=colour, label=name)
        for at, count in zip(y, counts, strict=True):
            low, high = poisson(count)
            axis.plot((scale * low, scale * high), (at, at), color="#1d2126", linewidth=0.8)
    axis.set_yticks(range(len(kinds)), kinds)
    axis.tick_params(axis="y", length=0, labelsize=8)
    axis.set_ylim(max(len(kinds), 1) - 0.4, -0.6)
    axis.set_xlim(left=0)
    if kinds:
        axis.legend(loc="lower right")


def _svg(figure: Figure) -> str:
    """A data URL: ids inside one picture cannot meet those of another."""
    found = io.BytesIO()
    nothing: dict[str, Any] = {"Date": None, "Creator": None}
    figure.savefig(found, format="svg", metadata=nothing)
    return "data:image/svg+xml;base64," + base64.b64encode(found.getvalue()).decode()
