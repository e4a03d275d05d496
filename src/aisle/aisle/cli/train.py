"""`aisle train`: from nothing to a model file."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from aisle.learning.train import Trainer

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
        bool, typer.Option(help="Put the model where the stack finds it by default.")
    ] = False,
) -> None:
    """Train the receipt transformer in simulation, export it to ONNX and calibrate it.

    Can be stopped at any time and started again with the same --out. The log is OUT/log.jsonl.
    """
    from aisle.fusion.runtime import SHIPPED_MODEL
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
        export(trainer.average, model, manifest | _calibrated(trainer, model, calibration))
    typer.echo(f"{model}: {trainer.step} steps in {trainer.seconds:.0f} s")
    if install:
        place = Path(str(files("aisle.receipt_model")))
        for path in (model, model.with_suffix(".json")):
            shutil.copy(path, place / path.name)
        typer.echo(f"installed to {place}")


def _calibrated(trainer: Trainer, model: Path, sessions: int) -> dict[str, Any]:
    """The manifest's part that says how sure the model may be: development sessions decide."""
    from aisle.learning.calibrate import development_cases, fit, fit_temperature, session_choices

    workers, several = trainer.config.workers, sessions // 6
    cases = development_cases(
        model, sessions, workers,
        lambda done: trainer.log(event="calibrating", done=done, of=sessions),
    )  # fmt: skip
    choices = session_choices(
        model, several, workers,
        lambda done: trainer.log(event="calibrating sessions", done=done, of=several),
    )  # fmt: skip
    return {
        "calibration": fit(cases), "calibration_changes": len(cases),
        "session_temperature": fit_temperature(choices), "session_choices": len(choices),
    }  # fmt: skip


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
