"""The receipt transformer on an NVIDIA GPU, behind the same interface as ONNX Runtime.

It is selected by name (`aisle.fusion.runtime.open_runtime`) and has not been run on a GPU: its
engines are build-checked, its own code is tested against stand-ins for TensorRT and CUDA.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from aisle.fusion.engines import (
    EngineError,
    Limits,
    Precision,
    ahead_of_time,
    cache_directory,
    key_of,
    library,
    obtain,
    stored,
)
from aisle.fusion.runtime import OUTPUTS
from aisle.fusion.windows import ALL_SHAPES, SHAPES, Arrays, Window, collate


def cuda_runtime() -> ModuleType:
    """The CUDA runtime's bindings.

    Raises:
        EngineError: They are not installed.
    """
    try:
        return importlib.import_module("cuda.bindings.runtime")
    except ImportError as error:
        raise EngineError("CUDA is not reachable: `pip install cuda-bindings`") from error


def gpu(cuda: ModuleType) -> str:
    """Name and compute capability of the first GPU.

    Raises:
        EngineError: There is none, or its driver cannot be used.
    """
    error, count = cuda.cudaGetDeviceCount()
    if int(error) != 0 or count == 0:
        raise EngineError(
            f"no NVIDIA GPU can be used here ({error.name}); "
            "ONNX Runtime needs none, `aisle engine build --target` only builds"
        )
    properties = _checked(cuda.cudaGetDeviceProperties(0))
    return f"{properties.name.decode()} sm{properties.major}{properties.minor}"


class TensorRtRuntime:
    """See `aisle.fusion.runtime.Runtime`. Loads or builds its engine and warms it up."""

    def __init__(
        self, model: Path, manifest: dict[str, Any], precision: Precision = "tf32",
        limits: Limits | None = None, cache: Path | None = None,
    ) -> None:  # fmt: skip
        """Get ready to run, with the engine that was built ahead of time if the cache holds one.

        Else it is built for this GPU, which takes seconds, once for each GPU and version.

        Raises:
            EngineError: No library, no GPU, or no engine can be had.
        """
        trt = library()
        cuda = cuda_runtime()
        self.manifest, self._cuda = manifest, cuda
        self._limits = limits or Limits()
        key = key_of(model, trt, gpu(cuda), precision, self._limits)
        directory = cache or cache_directory()
        ahead = ahead_of_time(key)
        engine = stored(ahead, directory) if ahead else None
        self.built = False
        if engine is None:
            engine, self.built = obtain(model, key, trt, directory)
        self._trt_runtime = trt.Runtime(trt.Logger(trt.Logger.ERROR))
        self._engine = self._trt_runtime.deserialize_cuda_engine(engine)
        if self._engine is None:
            raise EngineError(f"{model}: the engine for {key.target} cannot be loaded")
        names = {self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)}
        self.sight = names >= set(ALL_SHAPES)
        self._shapes = ALL_SHAPES if self.sight else SHAPES
        self._context = self._engine.create_execution_context()
        self._stream = _checked(cuda.cudaStreamCreate())
        self._buffers: dict[str, tuple[int, int]] = {}
        self._warm_up()

    def run(self, windows: list[Window]) -> Arrays:
        """See `Runtime.run`."""
        return self.run_arrays(collate([w.arrays for w in windows], sight=self.sight))

    def run_arrays(self, batch: Arrays) -> Arrays:
        """Outputs for a batch that is already collated; a long batch runs in parts.

        Raises:
            EngineError: An axis is longer than the engine's limits.
        """
        self._check(batch)
        most = self._limits.batch[2]
        count = len(batch["plate_mask"])
        parts = [
            self._run({name: np.ascontiguousarray(a[at : at + most]) for name, a in batch.items()})
            for at in range(0, count, most)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in OUTPUTS}

    def _check(self, batch: Arrays) -> None:
        for name, shape in self._shapes.items():
            for axis, label in enumerate(shape):
                if isinstance(label, str) and batch[name].shape[axis + 1] > (
                    most := getattr(self._limits, label)[2]
                ):
                    raise EngineError(f"{name}: more than {most} {label} in a window")

    def _run(self, batch: Arrays) -> Arrays:
        cuda, context = self._cuda, self._context
        for name, array in batch.items():
            context.set_input_shape(name, array.shape)
            address = self._buffer(name, array.nbytes)
            context.set_tensor_address(name, address)
            _checked(
                cuda.cudaMemcpyAsync(
                    address, array.ctypes.data, array.nbytes,
                    cuda.cudaMemcpyKind.cudaMemcpyHostToDevice, self._stream,
                )
            )  # fmt: skip
        found: Arrays = {}
        for name in OUTPUTS:
            found[name] = np.empty(tuple(context.get_tensor_shape(name)), np.float32)
            context.set_tensor_address(name, self._buffer(name, found[name].nbytes))
        if not context.execute_async_v3(int(self._stream)):
            raise EngineError("the engine did not run")
        for name, array in found.items():
            _checked(
                cuda.cudaMemcpyAsync(
                    array.ctypes.data, self._buffers[name][0], array.nbytes,
                    cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost, self._stream,
                )
            )  # fmt: skip
        _checked(cuda.cudaStreamSynchronize(self._stream))
        return found

    def _buffer(self, name: str, size: int) -> int:
        """Device memory for one tensor, kept and grown."""
        address, held = self._buffers.get(name, (0, 0))
        if held < size:
            if address:
                _checked(self._cuda.cudaFree(address))
            address = int(_checked(self._cuda.cudaMalloc(size)))
            self._buffers[name] = address, size
        return address

    def _warm_up(self) -> None:
        """Run the smallest and the usual shapes, so that the first window does not wait."""
        for which in (0, 1):
            self._run(
                {
                    name: np.ones(self._limits.shapes(name)[which], np.float32)
                    for name in self._shapes
                }
            )


def _checked(answer: Any) -> Any:
    """The value of a CUDA call.

    Raises:
        EngineError: The call failed.
    """
    error, *values = answer
    if int(error) != 0:
        raise EngineError(f"CUDA: {error.name}")
    return values[0] if values else None
