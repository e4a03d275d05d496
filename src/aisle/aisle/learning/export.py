"""From torch to the ONNX file that the stack runs, checked on the way."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from aisle.fusion.runtime import OUTPUTS, load_runtime
from aisle.fusion.windows import SHAPES, Arrays
from aisle.receipt_model.network import ReceiptTransformer

TOLERANCE = 1e-3
"""Largest difference between torch and ONNX Runtime in any logit that is not masked."""
_SIZES = {"plates": 11, "candidates": 13, "commits": 3, "sessions": 2}


def example(sizes: dict[str, int], batch: int, seed: int = 0) -> Arrays:
    """Random inputs of the model's shapes."""
    rng = np.random.default_rng(seed)
    found: Arrays = {}
    for name, shape in SHAPES.items():
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
    inputs = example(_SIZES, 3)
    dims = {name: torch.export.Dim(name, min=1, max=4096) for name in ("batch", *_SIZES)}
    shapes = {
        name: {0: dims["batch"], **{i + 1: dims[s] for i, s in enumerate(shape) if s in dims}}
        for name, shape in SHAPES.items()
    }
    program = torch.onnx.export(
        _Tupled(network),
        kwargs={"inputs": {name: torch.from_numpy(a) for name, a in inputs.items()}},
        dynamic_shapes={"inputs": shapes},
        input_names=list(SHAPES),
        output_names=list(OUTPUTS),
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    part = path.with_suffix(".part")
    program.save(str(part), external_data=False)
    onnx.checker.check_model(str(part), full_check=True)
    digest = hashlib.sha256(part.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(
        json.dumps({**manifest, "sha256": digest}, indent=1, sort_keys=True) + "\n"
    )
    part.replace(path)
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
    for seed, (plates, candidates, commits, sessions, batch) in enumerate(
        [(11, 13, 3, 2, 3), (1, 1, 1, 1, 1), (16, 30, 8, 4, 5)]
    ):
        sizes = {
            "plates": plates, "candidates": candidates, "commits": commits, "sessions": sessions,
        }  # fmt: skip
        inputs = example(sizes, batch, seed)
        with torch.no_grad():
            expected = network(**{name: torch.from_numpy(a) for name, a in inputs.items()})
        got = runtime.run_arrays(inputs)
        for name, tensor in zip(OUTPUTS, expected, strict=True):
            worst = max(worst, float(np.abs(got[name] - tensor.numpy()).max()))
    if worst > TOLERANCE:
        raise ValueError(f"torch and ONNX Runtime differ by {worst:.2g}")
    return worst
