"""`aisle engine`: TensorRT engines of the receipt transformer."""

from __future__ import annotations

import json
import time
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from aisle.fusion.engines import TARGETS

app = typer.Typer(no_args_is_help=True)

Model = Annotated[Path | None, typer.Option(help="ONNX file; the shipped one if not.")]
Cache = Annotated[
    Path | None, typer.Option(help="Directory of the engines; $AISLE_ENGINE_CACHE if not.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def build(
    model: Model = None,
    target: Annotated[
        str, typer.Option(help=f"{', '.join(TARGETS)}, or `gpu`: the one of this machine.")
    ] = "gpu",
    precision: Annotated[str, typer.Option(help="tf32 or fp32.")] = "tf32",
    library: Annotated[
        str | None, typer.Option(help="tensorrt or tensorrt_rtx; what is installed if not.")
    ] = None,
    cache: Cache = None,
    as_json: AsJson = False,
) -> None:
    """Build the engine for a GPU ahead of time, or take it from the cache.

    With tensorrt_rtx and a --target no GPU is needed. An engine that was built is not thereby run.
    """
    from aisle.fusion import engines
    from aisle.fusion.runtime import SHIPPED_MODEL

    if target not in (*TARGETS, "gpu"):
        raise typer.BadParameter(f"one of {', '.join(TARGETS)}, gpu", param_hint="--target")
    if precision not in ("tf32", "fp32"):
        raise typer.BadParameter("tf32 or fp32", param_hint="--precision")
    path = model or Path(str(files("aisle.receipt_model") / SHIPPED_MODEL))
    trt = engines.library(library)
    if target == "gpu":
        from aisle.fusion.tensorrt_runtime import cuda_runtime, gpu

        target = gpu(cuda_runtime())
    key = engines.key_of(path, trt, target, "fp32" if precision == "fp32" else "tf32")
    directory = cache or engines.cache_directory()
    began = time.perf_counter()
    engine, built = engines.obtain(path, key, trt, directory)
    found = {
        "file": str(directory / f"{key.name}.engine"), "target": target, "bytes": len(engine),
        "library": f"{key.library} {key.version}", "precision": key.precision, "built": built,
        "seconds": round(time.perf_counter() - began, 2),
    }  # fmt: skip
    if as_json:
        typer.echo(json.dumps(found))
        return
    how = f"built in {found['seconds']} s" if built else "was in the cache"
    typer.echo(f"{found['file']}: {len(engine) / 1e6:.1f} MB, {found['library']}, {target}, {how}")


@app.command()
def info(cache: Cache = None, as_json: AsJson = False) -> None:
    """List the engines in the cache, and what each was built from."""
    from aisle.fusion import engines

    directory = cache or engines.cache_directory()
    found = engines.listed(directory)
    if as_json:
        typer.echo(json.dumps(found))
        return
    if not found:
        typer.echo(f"{directory}: no engines")
    for entry in found:
        if not entry["whole"]:
            typer.echo(f"{entry['file']}: damaged; it will be built again")
            continue
        key = entry["key"]
        typer.echo(
            f"{entry['file']}: {key['target']}, {key['precision']}, {key['library']} "
            f"{key['version']}, model {key['model_sha256'][:12]}, {entry['bytes'] / 1e6:.1f} MB"
        )
