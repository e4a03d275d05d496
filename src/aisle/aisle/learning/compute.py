"""Where a network learns, and how exactly it computes there."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import torch

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    B = TypeVar("B", bound=DataclassInstance)

Precision = Literal["float32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")


@dataclass(frozen=True)
class Compute:
    """A device and a precision.

    `bfloat16` is mixed precision: weights, their averages and the losses stay in float32. It is for
    networks that look at pictures. The receipt transformer tells 6 g from 7 g on a plate that
    carries kilograms, and learns in float32 everywhere.

    Raises:
        ValueError: The device is not there.
    """

    device: str = "cpu"
    """As torch names it: `cpu`, `cuda`, `cuda:1`."""
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        try:
            torch.zeros(1, device=self.device)
        except (RuntimeError, AssertionError) as error:  # torch raises either, by how it was built
            reason = str(error).splitlines()[0]
            raise ValueError(f"{self.device}: torch cannot use it here: {reason}") from None

    def cast(self) -> AbstractContextManager[Any]:
        """For the forward pass."""
        kind = torch.device(self.device).type
        return torch.autocast(kind, torch.bfloat16, enabled=self.precision == "bfloat16")

    def moved(self, batch: B) -> B:
        """A batch of tensors, and of dictionaries of them, on the device."""
        return replace(
            batch, **{f.name: self._moved(getattr(batch, f.name)) for f in fields(batch)}
        )

    def _moved(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._moved(part) for name, part in value.items()}
        return value.to(self.device, non_blocking=True) if torch.is_tensor(value) else value
