"""TensorRT engines: built from the ONNX model, kept in a cache, never taken for another one.

Works with `tensorrt` and `tensorrt_rtx`, whichever is installed. `tensorrt_rtx` also builds on a
machine without a GPU, for the compute capabilities in `TARGETS`; `tensorrt` builds for the GPU
that is there.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from aisle.fusion.candidates import MAX_CANDIDATES
from aisle.fusion.windows import ALL_SHAPES, MAX_COMMITS, MAX_SESSIONS

Precision = Literal["fp32", "tf32"]
LIBRARIES = ("tensorrt", "tensorrt_rtx")
TARGETS = ("sm75", "sm80", "sm86", "sm89", "sm120", "sm121")
"""Compute capabilities that `tensorrt_rtx` builds for without such a GPU."""


class EngineError(RuntimeError):
    """An engine that cannot be built, found or run; the message says why and what to do."""


@dataclass(frozen=True)
class Limits:
    """Least, usual and greatest length of each dynamic axis. An engine takes nothing beyond."""

    batch: tuple[int, int, int] = (1, 4, 32)
    plates: tuple[int, int, int] = (1, 12, 32)
    candidates: tuple[int, int, int] = (1, 16, MAX_CANDIDATES)
    commits: tuple[int, int, int] = (1, 2, MAX_COMMITS)
    sessions: tuple[int, int, int] = (1, 2, MAX_SESSIONS)
    columns: tuple[int, int, int] = (1, 20, 64)

    def shapes(self, name: str) -> tuple[tuple[int, ...], ...]:
        """Least, usual and greatest shape of one input, with the batch axis."""
        axes = ("batch", *ALL_SHAPES[name])
        return tuple(
            tuple(getattr(self, axis)[which] if isinstance(axis, str) else axis for axis in axes)
            for which in range(3)
        )


@dataclass(frozen=True)
class EngineKey:
    """All that an engine depends on; engines with different keys are different files."""

    model_sha256: str
    library: str
    version: str
    target: str
    """`sm89`, say, for an engine built ahead of time; else the GPU's name and capability."""
    precision: Precision = "tf32"
    limits: Limits = field(default_factory=Limits)

    @property
    def name(self) -> str:
        """File name without extension."""
        text = json.dumps(asdict(self), sort_keys=True)
        return f"{self.target.replace(' ', '_')}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def library(name: str | None = None) -> ModuleType:
    """`tensorrt` or `tensorrt_rtx`: the one asked for, or the first that is installed.

    Raises:
        EngineError: It is not installed.
    """
    if name is not None and name not in LIBRARIES:
        raise EngineError(f"{name}: not one of {', '.join(LIBRARIES)}")
    for candidate in (name,) if name else LIBRARIES:
        try:
            return importlib.import_module(candidate)
        except ImportError:
            continue
    absent = f"{name} is not" if name else "neither tensorrt nor tensorrt_rtx is"
    raise EngineError(
        f"{absent} installed: `pip install tensorrt-rtx-cu12` or `pip install tensorrt`"
    )


def cache_directory() -> Path:
    """`$AISLE_ENGINE_CACHE`, else `aisle/engines` in the user's cache directory."""
    given = os.environ.get("AISLE_ENGINE_CACHE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "aisle" / "engines"


def key_of(
    model: Path, trt: ModuleType, target: str, precision: Precision, limits: Limits | None = None
) -> EngineKey:
    """The key of a model's engine.

    Raises:
        EngineError: The model cannot be read.
    """
    try:
        digest = hashlib.sha256(model.read_bytes()).hexdigest()
    except OSError as error:
        raise EngineError(f"{model}: cannot be read: {error.strerror}") from error
    limits = limits or Limits()
    return EngineKey(digest, trt.__name__, str(trt.__version__), target, precision, limits)


def build(model: Path, key: EngineKey, trt: ModuleType) -> bytes:
    """Build an engine, for `key.target` if that is one of `TARGETS`, else for this machine's GPU.

    Raises:
        EngineError: The library cannot read the model, or not build it.
    """
    logger = _logger(trt)
    builder = trt.Builder(logger)
    network = builder.create_network(_network_flags(trt))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(model.read_bytes()):
        raise EngineError(f"{model}: {trt.__name__} cannot read it: {_reasons(parser, logger)}")
    config = builder.create_builder_config()
    if key.precision == "fp32":
        config.clear_flag(trt.BuilderFlag.TF32)
    else:
        config.set_flag(trt.BuilderFlag.TF32)
    if key.target in TARGETS:
        if not hasattr(trt, "ComputeCapability"):
            raise EngineError(f"{trt.__name__} builds only for the GPU of this machine")
        config.num_compute_capabilities = 1
        config.set_compute_capability(trt.ComputeCapability.__members__[key.target.upper()], 0)
    profile = builder.create_optimization_profile()
    for index in range(network.num_inputs):
        name = network.get_input(index).name
        if name not in ALL_SHAPES:
            raise EngineError(f"{model}: input {name} is not one of this version")
        profile.set_shape(name, *key.limits.shapes(name))
    config.add_optimization_profile(profile)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise EngineError(f"{model}: cannot be built for {key.target}: {_said(logger)}")
    return bytes(engine)


def ahead_of_time(key: EngineKey) -> EngineKey | None:
    """The key under which an engine for a GPU's key lies that was built where that GPU is not.

    None where there can be no such engine: `tensorrt` builds none, nor does `tensorrt_rtx` for
    capabilities that are not among `TARGETS`.
    """
    capability = key.target.split(" ")[-1]
    if key.library != "tensorrt_rtx" or capability not in TARGETS:
        return None
    return replace(key, target=capability)


def stored(key: EngineKey, directory: Path) -> bytes | None:
    """The engine of this very key, whole; None when there is none.

    A file that is damaged, or whose note beside it names another key, counts as none.
    """
    path = directory / f"{key.name}.engine"
    try:
        note = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        engine = path.read_bytes()
    except (OSError, ValueError):
        return None
    whole = isinstance(note, Mapping) and note.get("sha256") == hashlib.sha256(engine).hexdigest()
    same = whole and note.get("key") == json.loads(json.dumps(asdict(key)))
    return engine if same else None


def obtain(model: Path, key: EngineKey, trt: ModuleType, directory: Path) -> tuple[bytes, bool]:
    """The engine, from the cache or built and put there; and whether it was built now.

    Raises:
        EngineError: See `build`; or the cache cannot be written.
    """
    found = stored(key, directory)
    if found is not None:
        return found, False
    engine = build(model, key, trt)
    note = {"key": asdict(key), "sha256": hashlib.sha256(engine).hexdigest(), "bytes": len(engine)}
    path = directory / f"{key.name}.engine"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for target, data in (
            (path.with_suffix(".json"), (json.dumps(note, indent=1) + "\n").encode()),
            (path, engine),
        ):
            part = target.with_name(f"{target.name}.{os.getpid()}.part")
            part.write_bytes(data)
            part.replace(target)
    except OSError as error:
        raise EngineError(f"{directory}: cannot keep the engine: {error.strerror}") from error
    return engine, True


def listed(directory: Path) -> list[dict[str, Any]]:
    """What the cache holds: the note of each engine, and whether the engine is whole."""
    found = []
    for path in sorted(directory.glob("*.engine")):
        try:
            note = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            whole = note["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        except (OSError, ValueError, KeyError, TypeError):
            note, whole = {}, False
        found.append({"file": str(path), "whole": whole, **note})
    return found


def _network_flags(trt: ModuleType) -> int:
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


def _logger(trt: ModuleType) -> Any:
    """A logger that keeps the errors, for the exception's text."""

    class Logger(trt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.errors.append(message)

    return Logger()


def _reasons(parser: Any, logger: Any) -> str:
    nodes = {parser.get_error(i).node_operator() for i in range(parser.num_errors)} - {""}
    return f"operators {', '.join(sorted(nodes))}; {_said(logger)}" if nodes else _said(logger)


def _said(logger: Any) -> str:
    return "; ".join(logger.errors[:3]) or "no reason given"
