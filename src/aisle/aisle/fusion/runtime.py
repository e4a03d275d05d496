"""One interface for every way to run the receipt transformer."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.windows import ALL_SHAPES, SHAPES, Arrays, Window, collate

OUTPUTS = (
    "none_logit",
    "candidate_logits",
    "withdraw_logits",
    "session_logits",
    "event_logits",
    "log_mass",
    "plate_delta",
)
"""Names of the model's outputs, in order; shapes are in `aisle.receipt_model.network`."""

RuntimeKind = Literal["onnx", "tensorrt"]
"""What can run the model: ONNX Runtime on the CPU, or TensorRT on an NVIDIA GPU."""

SHIPPED_MODEL = "receipt_transformer.onnx"


class ModelError(RuntimeError):
    """A model that cannot be loaded or run; the message says why."""


class Runtime(Protocol):
    """Answers a batch of windows."""

    @property
    def manifest(self) -> dict[str, Any]:
        """What is known of the model: hash, calibration, training."""

    @property
    def sight(self) -> bool:
        """Whether the model takes what cameras see; without cameras it then sees nothing."""

    def run(self, windows: list[Window]) -> Arrays:
        """Outputs by name with a leading batch axis, padded as `collate` pads."""


class OnnxRuntime:
    """ONNX Runtime on the CPU, one thread: the work is small, and nodes share the cores."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        """Load a model.

        Raises:
            ModelError: The file is missing, is no model, or is not of this version's shape.
        """
        self._session = open_session(path)
        last = {node.name: node.shape[-1] for node in self._session.get_inputs()}
        outputs = [node.name for node in self._session.get_outputs()]
        self.sight = last.keys() == ALL_SHAPES.keys()
        shapes = ALL_SHAPES if self.sight else SHAPES
        fixed = {name: shape[-1] for name, shape in shapes.items() if isinstance(shape[-1], int)}
        fits = last.keys() == shapes.keys() and fixed.items() <= last.items()
        if not fits or outputs != list(OUTPUTS):
            raise ModelError(f"{path}: inputs or outputs are not those of this version")
        self.manifest = manifest

    def run(self, windows: list[Window]) -> Arrays:
        """See `Runtime.run`."""
        return self.run_arrays(collate([w.arrays for w in windows], sight=self.sight))

    def run_arrays(self, batch: Arrays) -> Arrays:
        """Outputs for a batch that is already collated."""
        values: list[NDArray[np.float32]] = self._session.run(list(OUTPUTS), batch)
        return dict(zip(OUTPUTS, values, strict=True))


def open_session(path: Path, data: bytes | None = None) -> Any:
    """An ONNX Runtime session on the CPU with one thread; of `data` when that has been read.

    Raises:
        ModelError: The file is missing, or is no model.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            data or str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises its own, unrelated types
        raise ModelError(f"{path}: not a model that can be loaded: {error}") from error


def open_runtime(kind: RuntimeKind, path: Path | None = None) -> Runtime:
    """Load a model into the runtime that was asked for, never into another one.

    Raises:
        ModelError: See `load_runtime`.
        EngineError: TensorRT was asked for, and its library, CUDA or a GPU is missing, or no
            engine can be had; the message says which.
    """
    if kind == "onnx":
        return load_runtime(path)
    from aisle.fusion.tensorrt_runtime import TensorRtRuntime

    return TensorRtRuntime(*_found(path))


def load_runtime(path: Path | None = None) -> OnnxRuntime:
    """Load an ONNX model and the manifest beside it (`<name>.json`); the shipped one for None.

    Raises:
        ModelError: See `OnnxRuntime`.
    """
    return OnnxRuntime(*_found(path))


def _found(path: Path | None) -> tuple[Path, dict[str, Any]]:
    """A model's file and its manifest, which must fit together."""
    if path is None:
        path = Path(str(files("aisle.receipt_model") / SHIPPED_MODEL))
    if not path.is_file():
        raise ModelError(f"{path}: no such model; `make train` makes one")
    beside = path.with_suffix(".json")
    try:
        manifest = json.loads(beside.read_text()) if beside.is_file() else {}
    except (ValueError, OSError) as error:
        raise ModelError(f"{beside}: not a manifest: {error}") from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if manifest.get("sha256", digest) != digest:
        raise ModelError(f"{path}: does not match the hash in {beside.name}")
    return path, {**manifest, "sha256": digest}
