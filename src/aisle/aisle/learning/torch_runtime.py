"""The model in torch behind the runtime interface: for training and for debugging."""

from __future__ import annotations

from typing import Any

import torch

from aisle.fusion.runtime import OUTPUTS
from aisle.fusion.windows import Arrays, Window, collate
from aisle.receipt_model.network import ReceiptTransformer


class TorchRuntime:
    """See `aisle.fusion.runtime.Runtime`."""

    def __init__(self, network: ReceiptTransformer) -> None:
        self.network = network.eval()
        self.manifest: dict[str, Any] = {}

    @torch.no_grad()
    def run(self, windows: list[Window]) -> Arrays:
        """Outputs by name."""
        return self.run_arrays(collate([window.arrays for window in windows]))

    @torch.no_grad()
    def run_arrays(self, batch: Arrays) -> Arrays:
        """Outputs for a batch that is already collated."""
        outputs = self.network(**{name: torch.from_numpy(a) for name, a in batch.items()})
        return {name: o.numpy() for name, o in zip(OUTPUTS, outputs, strict=True)}
