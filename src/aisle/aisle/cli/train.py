"""`aisle train`: from nothing to a model file."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def train(
    out: Annotated[
        Path, typer.Option(help="Run directory: checkpoints, log, model. Resumes what it holds.")
    ] = Path("out/train"),
    steps: Annotated[int, typer.Option(min=1, help="Steps in all.")] = 16_000,
    batch: Annotated[int, typer.Option(min=1, help="Windows a step.")] = 128,
    seed: Annotated[int, typer.Option(min=0, max=1000)] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes that simulate.")] = 2,
    calibration: Annotated[
        int, typer.Option(min=0, help="Development sessions to calibrate on.")
    ] = 240,
    install: Annotated[
        bool,
        typer.Option(
            help="Put the model where the stack finds it by default, for the one that also sees."
        ),
    ] = False,
) -> None:
    """Train the receipt transformer in simulation, export it to ONNX and calibrate it.

    Can be stopped at any time and started again with the same --out. The log is OUT/log.jsonl.
    """
    from aisle.fusion.runtime import SHIPPED_MODEL
    from aisle.learning.calibrate import calibrated
    from aisle.learning.export import export
    from aisle.learning.train import TrainConfig
    from aisle.learning.train import train as run

    config = TrainConfig(seed=seed, steps=steps, batch=batch, workers=workers)
    trainer = run(out, config)
    model = out / SHIPPED_MODEL
    manifest = {
        "network": asdict(trainer.network.config),
        "training": asdict(config),
        "data": "aisle.learning.collect, simulated as it is learned; no recordings",
        "seconds": round(trainer.seconds),
        "code": _revision(),
        "check": trainer.last_check,
    }
    export(trainer.average, model, manifest)
    if calibration:
        found = calibrated(model, calibration, trainer.config.workers, trainer.log)
        export(trainer.average, model, manifest | found)
    typer.echo(f"{model}: {trainer.step} steps in {trainer.seconds:.0f} s")
    if install:
        place = Path(str(files("aisle.receipt_model")))
        for path in (model, model.with_suffix(".json")):
            shutil.copy(path, place / path.name)
        typer.echo(f"installed to {place}")


def _revision() -> str:
    """The code's revision, or `unknown` outside a git checkout."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
