"""One HTML page of benchmark results; it needs no other file, no script and no network."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from aisle.bags.metrics import poisson
from aisle.learning import plots
from aisle.learning.results import Figures, Result, Seconds, Share


def render(results: Sequence[Result]) -> str:
    """Return the page; everything that comes from outside is escaped."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"share": _share, "seconds": _seconds, "interval": _interval}
    text = (files("aisle.learning") / "templates" / "bench.html.j2").read_text("utf-8")
    return environment.from_string(text).render(
        results=results, plots=plots, at_once=_at_once, errors=_errors
    )


def _interval(interval: tuple[float, float], digits: int = 3) -> str:
    low, high = interval
    return f"{low:.{digits}f} to {high:.{digits}f}"


def _share(share: Share) -> str:
    if share.share is None:
        return "none"
    return f"{share.share:.3f} ({_interval(share.interval)}; {share.right} of {share.of})"


def _seconds(seconds: Seconds | None, name: str) -> str:
    if seconds is None:
        return "none"
    value: float = getattr(seconds, name)
    interval: tuple[float, float] = getattr(seconds, f"{name}_interval")
    return f"{value:.2f} s ({_interval(interval, 2)})"


def _at_once(result: Result) -> str:
    """How many were in the store when something was done."""
    total = max(sum(result.happened.at_once.values()), 1)
    shares = sorted((int(count), n / total) for count, n in result.happened.at_once.items())
    return ", ".join(f"{count} in the store at {share:.0%}" for count, share in shares)


def _errors(figures: Figures) -> list[tuple[str, int, str]]:
    """Kind, units, and the interval of units in 100 true events."""
    scale = 100 / max(figures.events.of, 1)
    found = []
    for kind, count in sorted(figures.errors.items(), key=lambda item: -item[1]):
        low, high = poisson(count)
        found.append(
            (kind, count, f"{scale * count:.2f} ({scale * low:.2f} to {scale * high:.2f})")
        )
    return found
