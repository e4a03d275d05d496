"""`aisle bench`: accuracy and speed on unseen simulated sessions."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress

if TYPE_CHECKING:
    from aisle.learning.benchmark import MakeMethod
    from aisle.learning.suites import Suite
    from aisle.store.types import Store

app = typer.Typer()


@dataclass(frozen=True)
class _Wanted:
    """What all suites of a call have in common."""

    store: Path | None
    store_seed: int
    sessions: int
    seed: int
    workers: int
    methods: tuple[MakeMethod, ...]
    kept: Path | None
    quiet: bool


@app.command()
def bench(
    wanted: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SUITE|RESULT.json]...",
            help="Suites to run (calm if none), and files of --out that the page shows too.",
            show_default=False,
        ),
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="Directory of a store; one that training never saw, if not.")
    ] = None,
    sessions: Annotated[int, typer.Option(min=1, help="Sessions of each suite, at least.")] = 300,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    store_seed: Annotated[int, typer.Option(min=0, help="Of the store without --store.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = os.cpu_count() or 1,
    model: Annotated[Path | None, typer.Option(help="ONNX file; the shipped one if not.")] = None,
    yardstick: Annotated[bool, typer.Option(help="Also run the classical yardstick.")] = True,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART",
            help="Also run the model without something it is given: scales, cameras, catalogue, "
            "tracks, places or sessions. May be given several times.",
            show_default=False,
        ),
    ] = None,
    kept: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep what cameras showed, and look no second time: runs that were stopped, other "
            "models and most of --without take about a fifth of the time then.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file with all figures.")] = None,
    html: Annotated[Path | None, typer.Option(help="One page with tables and plots.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Run unseen sessions through the model and the classical yardstick, and score both.

    Sessions are simulated from seeds that training never uses. Without --store a store is
    generated that training never saw. docs/benchmarks.md explains suites and measures.
    """
    from aisle.learning.results import document

    suites, results = _sort_out(wanted or ["calm"], store)
    if suites:
        methods = _methods(model, yardstick, without or [])
        _check(suites, methods[0])
        common = _Wanted(store, store_seed, sessions, seed, workers, methods, kept, as_json)
        results += [_run(suite, common) for suite in suites]
    if out is not None:
        _write(out, json.dumps(document(results), indent=1) + "\n")
    if html is not None:
        from aisle.learning.page import render
        from aisle.learning.results import parsed

        _write(html, render(parsed(results)))
    if as_json:
        typer.echo(json.dumps(document(results)))


def _sort_out(words: Sequence[str], store: Path | None) -> tuple[list[Suite], list[dict[str, Any]]]:
    """Suites that can be run, and the results of files."""
    from aisle.learning.results import read_results
    from aisle.learning.suites import SUITES

    suites: list[Suite] = []
    results: list[dict[str, Any]] = []
    for word in words:
        suite = SUITES.get(word)
        if suite is not None:
            if suite.new_products and store is not None:
                raise typer.BadParameter(f"suite {word} makes its own store: leave --store out")
            suites.append(suite)
        elif word.endswith(".json"):
            results += read_results(Path(word))
        else:
            raise typer.BadParameter(f"no suite {word}; there are {', '.join(SUITES)}")
    return suites, results


def _methods(model: Path | None, yardstick: bool, without: Sequence[str]) -> tuple[MakeMethod, ...]:
    from aisle.fusion.runtime import ModelError, load_runtime
    from aisle.learning.ablation import PARTS, SIGHT_PARTS
    from aisle.learning.benchmark import MakeMethod

    for part in without:
        if part not in PARTS:
            every = "; ".join(f"{name}: {about}" for name, about in PARTS.items())
            raise typer.BadParameter(f"no part {part}; there are {every}", param_hint="--without")
    try:
        runtime = load_runtime(model)
    except ModelError as error:
        raise typer.BadParameter(str(error), param_hint="--model") from error
    unused = sorted(SIGHT_PARTS & set(without))
    if unused and not runtime.sight:
        parts = " and ".join(unused)
        told = f"this model takes nothing from cameras: {parts} would change nothing"
        raise typer.BadParameter(told, param_hint="--without")
    less = [MakeMethod("model", model, part) for part in dict.fromkeys(without)]
    return (MakeMethod("model", model), *less, *([MakeMethod("yardstick")] if yardstick else []))


def _check(suites: Sequence[Suite], model: MakeMethod) -> None:
    """Refuse what would measure nothing, before anything has been run."""
    for suite in suites:
        if not suite.modalities & model.modalities:
            left = " and ".join(sorted(suite.modalities))
            raise typer.BadParameter(
                f"suite {suite.name} leaves only {left}, which this model does not use: there is "
                f"nothing to measure"
            )


def _run(suite: Suite, wanted: _Wanted) -> dict[str, Any]:
    """Run a suite with all methods, and return its result as it stands in a file."""
    from aisle.bags.evaluate import summary
    from aisle.learning.benchmark import benchmark

    store = _store(suite, wanted)
    count = suite.simulations(wanted.sessions)
    happened: dict[str, Any] = {}
    figures: dict[str, Any] = {}
    for make in (make for make in wanted.methods if suite.modalities & make.modalities):
        with Progress(disable=wanted.quiet, transient=True) as progress:
            task = progress.add_task(f"{suite.name}, {make.name}", total=count)
            scored = benchmark(
                store, suite, count, wanted.seed, make, wanted.workers,
                lambda done: progress.update(task, completed=done),  # noqa: B023
                wanted.kept,
            )  # fmt: skip
        figures[make.name] = summary(scored.evaluation)
        happened = scored.happenings.summary()
        if not wanted.quiet:
            typer.echo(_line(f"{suite.name}, {make.name}", figures[make.name]))
    return {
        "suite": suite.name,
        "about": suite.about,
        "store": store.name,
        "seed": wanted.seed,
        "modalities": sorted(suite.modalities),
        "happened": happened,
        "methods": figures,
    }


def _store(suite: Suite, wanted: _Wanted) -> Store:
    if wanted.store is None:
        return suite.store(wanted.store_seed)
    from aisle.store.load import load_store

    return load_store(wanted.store)[0]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _line(name: str, figures: dict[str, Any]) -> str:
    """The most important figures in a few lines."""
    shown = figures["latency_shown_s"] or {"median": float("nan"), "p95": float("nan")}
    low, high = figures["items"]["f1_interval"]
    return (
        f"{name}: item F1 {figures['items']['f1']:.4f} [{low:.4f}, {high:.4f}], "
        f"exact receipts {_share(figures['exact'])}, events right {_share(figures['events'])}, "
        f"put back elsewhere {_share(figures['put_back_elsewhere'])}, "
        f"hand-overs {_share(figures['hand_overs'])}, "
        f"shown after {shown['median']:.2f} s (95 %: {shown['p95']:.2f} s), "
        f"{figures['store_s'] / figures['wall_s']:.0f} times real time; errors {figures['errors']}"
    )


def _share(share: dict[str, Any]) -> str:
    if not share["of"]:
        return "none"
    low, high = share["interval"]
    return f"{share['right']}/{share['of']} [{low:.3f}, {high:.3f}]"
