"""`aisle sim`: a simulated store's messages as a bag, with the truth beside them."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from aisle.sim.cameras import SimulatedCameras
    from aisle.sim.simulation import Simulation

app = typer.Typer()


@app.command()
def sim(
    store: Annotated[Path, typer.Argument(help="Directory of a store.")],
    out: Annotated[Path, typer.Option(help="Bag to write; must not exist.")],
    scenario: Annotated[
        Path | None, typer.Option(help="Scenario file; calm shopping when left out.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Every random draw comes from it.")] = 0,
    cameras: Annotated[
        bool,
        typer.Option(
            "--cameras/--no-cameras",
            help="Pictures of the store's cameras, where the scenario has bodies (walk: true).",
        ),
    ] = True,
    jpeg_quality: Annotated[
        int, typer.Option(min=1, max=100, help="Of the pictures; size and sharpness.")
    ] = 85,
    force: Annotated[bool, typer.Option(help="Replace an existing bag.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")] = False,
) -> None:
    """Simulate a store's scales, cameras and shoppers into a rosbag2 bag (MCAP).

    The truth (who took or returned what, when and where) is written to truth.json in the bag's
    directory. The same store, scenario and seed give the same bytes; pictures do on the same
    machine. A minute of `corner` takes 260 MB with its five cameras, about 1 MB without; a lower
    --jpeg-quality takes less.
    """
    from aisle.bags.simulated import write_simulation
    from aisle.sim.scenario import Scenario, load_scenario
    from aisle.sim.simulation import simulate
    from aisle.store.load import load_store

    chosen = load_scenario(scenario) if scenario else Scenario()
    loaded, problems = load_store(store)
    for problem in problems:
        typer.echo(str(problem), err=True)
    if force and out.exists():
        if not (out / "metadata.yaml").is_file():
            raise typer.BadParameter(f"{out} is no bag: it is not replaced", param_hint="--force")
        shutil.rmtree(out)
    began = time.perf_counter()
    simulation = simulate(loaded, chosen, seed)
    drawn = _cameras(simulation) if cameras and chosen.walk and loaded.cameras else None
    with _progress(simulation.duration_s, shown=drawn is not None and not as_json) as progress:
        write_simulation(out, simulation, drawn, jpeg_quality=jpeg_quality, progress=progress)
    spent = time.perf_counter() - began
    summary = {
        "bag": str(out),
        "sessions": len(simulation.script.visits),
        "events": len(simulation.truth),
        "cameras": len(loaded.cameras) if drawn else 0,
        "store_s": round(simulation.duration_s, 1),
        "wall_s": round(spent, 2),
        "times_real_time": round(simulation.duration_s / spent, 1),
    }
    typer.echo(json.dumps(summary) if as_json else _told(summary))


def _told(summary: dict[str, Any]) -> str:
    return (
        f"{summary['bag']}: {summary['sessions']} sessions, {summary['events']} takes and returns, "
        f"{summary['store_s']} s of store time in {summary['wall_s']} s "
        f"({summary['times_real_time']} times real time)"
    )


def _cameras(simulation: Simulation) -> SimulatedCameras:
    from aisle.sim.cameras import SimulatedCameras  # loads the renderer

    return SimulatedCameras(simulation)


@contextmanager
def _progress(total_s: float, *, shown: bool) -> Iterator[Callable[[float], None]]:
    """Give what takes the simulated seconds so far, and shows them where somebody looks."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not shown) as bar:
        task = bar.add_task("pictures", total=total_s)
        yield lambda done_s: bar.update(task, completed=done_s)
