"""From torch to the ONNX file that the stack runs, checked on the way."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from aisle.fusion.runtime import OUTPUTS, load_runtime
from aisle.fusion.windows import ALL_SHAPES, SHAPES, Arrays
from aisle.learning.onnx_file import save_onnx
from aisle.receipt_model.network import ReceiptTransformer

TOLERANCE = 1e-3
"""Largest difference between torch and ONNX Runtime in any logit that is not masked."""
_AXES = ("plates", "candidates", "commits", "sessions", "columns")
_CASES = ((3, 11, 13, 3, 2, 7), (1, 1, 1, 1, 1, 1), (5, 16, 30, 8, 4, 20))
"""Windows in a batch, and lengths of the axes, for which torch and ONNX Runtime are compared."""


def shapes_of(network: ReceiptTransformer) -> dict[str, tuple[str | int, ...]]:
    """Its inputs."""
    return ALL_SHAPES if network.config.sight else SHAPES


def example(shapes: dict[str, tuple[str | int, ...]], case: int) -> Arrays:
    """Random inputs of the model's shapes."""
    rng = np.random.default_rng(case)
    batch, *lengths = _CASES[case]
    sizes = dict(zip(_AXES, lengths, strict=True))
    found: Arrays = {}
    for name, shape in shapes.items():
        full = (batch, *(sizes[s] if isinstance(s, str) else s for s in shape))
        found[name] = rng.random(full, dtype=np.float32) * 0.5 + 0.25
        if name.endswith("_mask"):
            found[name] = np.ones(full, dtype=np.float32)
    return found


def export(network: ReceiptTransformer, path: Path, manifest: dict[str, Any]) -> Path:
    """Write `<path>` and the manifest beside it.

    Raises:
        ValueError: torch and ONNX Runtime differ by more than `TOLERANCE`.
    """
    network = network.eval()
    shapes = shapes_of(network)
    inputs = example(shapes, 0)
    dims = {name: torch.export.Dim(name, min=1, max=4096) for name in ("batch", *_AXES)}
    dynamic = {
        name: {0: dims["batch"], **{i + 1: dims[s] for i, s in enumerate(shape) if s in dims}}
        for name, shape in shapes.items()
    }
    program = torch.onnx.export(
        _Tupled(network),
        kwargs={"inputs": {name: torch.from_numpy(a) for name, a in inputs.items()}},
        dynamic_shapes={"inputs": dynamic},
        input_names=list(shapes),
        output_names=list(OUTPUTS),
        dynamo=True,
        verbose=False,
    )
    save_onnx(program, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(
        json.dumps({**manifest, "sha256": digest}, indent=1, sort_keys=True) + "\n"
    )
    check_equal(network, path)
    return path


class _Tupled(nn.Module):
    """Takes the inputs as one dictionary, so that their names and dynamic axes stay together."""

    def __init__(self, network: ReceiptTransformer) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """As the network."""
        found: tuple[torch.Tensor, ...] = self.network(**inputs)
        return found


def check_equal(network: ReceiptTransformer, path: Path) -> float:
    """The largest difference between torch and ONNX Runtime over several shapes.

    Raises:
        ValueError: It exceeds `TOLERANCE`.
    """
    runtime = load_runtime(path)
    worst = 0.0
    for case in range(len(_CASES)):
        inputs = example(shapes_of(network), case)
        with torch.no_grad():
            expected = network(**{name: torch.from_numpy(a) for name, a in inputs.items()})
        got = runtime.run_arrays(inputs)
        for name, tensor in zip(OUTPUTS, expected, strict=True):
            worst = max(worst, float(np.abs(got[name] - tensor.numpy()).max()))
    if worst > TOLERANCE:
        raise ValueError(f"torch and ONNX Runtime differ by {worst:.2g}")
    return worst
