"""TensorRT engines: build-checked on a machine without a GPU, and never mistaken in the cache."""

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from aisle.cli.main import main
from aisle.fusion import engines, tensorrt_runtime
from aisle.fusion.engines import EngineError, EngineKey, Limits
from aisle.fusion.runtime import OUTPUTS, SHIPPED_MODEL, OnnxRuntime, open_runtime
from aisle.fusion.tensorrt_runtime import TensorRtRuntime
from aisle.fusion.windows import SHAPES

MODEL = Path(str(files("aisle.receipt_model") / SHIPPED_MODEL))
KEY = EngineKey("0" * 64, "tensorrt_rtx", "1.0", "sm89")


@pytest.fixture(scope="module")
def trt():
    return pytest.importorskip("tensorrt_rtx", reason="tensorrt_rtx is not installed")


@pytest.mark.parametrize("target", ["sm80", "sm120"])
def test_the_shipped_model_builds_for_a_gpu_that_is_not_here(trt, target, tmp_path):
    key = engines.key_of(MODEL, trt, target, "tf32")
    engine, built = engines.obtain(MODEL, key, trt, tmp_path)
    assert built
    assert len(engine) > 100_000
    assert engines.obtain(MODEL, key, trt, tmp_path) == (engine, False)


def test_a_graph_that_cannot_be_read_names_its_operator(trt, tmp_path):
    onnx = pytest.importorskip("onnx")
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Unique", ["x"], ["y"])], "g",
        [info("x", onnx.TensorProto.FLOAT, [None])], [info("y", onnx.TensorProto.FLOAT, [None])],
    )  # fmt: skip
    path = tmp_path / "unique.onnx"
    onnx.save(onnx.helper.make_model(graph), path)
    with pytest.raises(EngineError, match="Unique"):
        engines.build(path, engines.key_of(path, trt, "sm89", "tf32"), trt)


def test_an_engine_is_not_reused_when_anything_that_it_depends_on_differs(tmp_path):
    variants = [
        KEY,
        replace(KEY, model_sha256="1" * 64),
        replace(KEY, version="1.1"),
        replace(KEY, library="tensorrt"),
        replace(KEY, target="sm80"),
        replace(KEY, precision="fp32"),
        replace(KEY, limits=Limits(plates=(1, 12, 64))),
    ]
    assert len({key.name for key in variants}) == len(variants)


def test_a_damaged_or_renamed_engine_counts_as_none(tmp_path, monkeypatch):
    built = []
    monkeypatch.setattr(engines, "build", lambda *_: built.append(1) or b"engine")
    engines.obtain(MODEL, KEY, None, tmp_path)
    path = tmp_path / f"{KEY.name}.engine"
    assert engines.stored(KEY, tmp_path) == b"engine"
    other = replace(KEY, version="2.0")
    for suffix in (".engine", ".json"):
        (tmp_path / f"{other.name}{suffix}").write_bytes(path.with_suffix(suffix).read_bytes())
    assert engines.stored(other, tmp_path) is None
    path.write_bytes(b"engin")
    assert engines.stored(KEY, tmp_path) is None
    assert [entry["whole"] for entry in engines.listed(tmp_path)].count(False) == 1
    assert engines.obtain(MODEL, KEY, None, tmp_path) == (b"engine", True)
    assert len(built) == 2


def test_limits_cover_every_dynamic_axis():
    for name in SHAPES:
        least, usual, most = Limits().shapes(name)
        assert all(a <= b <= c for a, b, c in zip(least, usual, most, strict=True))
        assert min(least) >= 1


def test_engines_are_built_and_listed_from_the_command_line(trt, tmp_path, capsys):
    words = ["engine", "build", "--target", "sm89", "--cache", str(tmp_path), "--json"]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert not ended.value.code
    found = json.loads(capsys.readouterr().out)
    assert found["built"]
    with pytest.raises(SystemExit):
        main(["engine", "info", "--cache", str(tmp_path), "--json"])
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["file"] == found["file"]
    assert entry["whole"]


def test_without_a_library_or_a_gpu_it_says_what_to_do(monkeypatch, capsys, tmp_path):
    def absent(name):
        raise ImportError(name)

    with monkeypatch.context() as patch:
        patch.setattr(engines.importlib, "import_module", absent)
        with pytest.raises(EngineError, match="pip install"):
            engines.library()
    with pytest.raises(SystemExit) as ended:
        main(["engine", "build", "--target", "sm10"])
    assert ended.value.code == 2


def without(monkeypatch, *missing):
    """As if packages were not installed; all others are empty."""

    def found(name):
        if name.split(".")[0] in missing:
            raise ImportError(name)
        return ModuleType(name)

    monkeypatch.setattr(engines, "importlib", SimpleNamespace(import_module=found))
    monkeypatch.setattr(tensorrt_runtime, "importlib", SimpleNamespace(import_module=found))


@pytest.mark.parametrize(
    ("missing", "told"), [(engines.LIBRARIES, "tensorrt-rtx-cu12"), (("cuda",), "cuda-bindings")]
)
def test_tensorrt_that_is_not_there_is_told_and_nothing_takes_its_place(monkeypatch, missing, told):
    without(monkeypatch, *missing)
    with pytest.raises(EngineError, match=told):
        open_runtime("tensorrt")


def test_a_missing_gpu_is_told(monkeypatch):
    class NoDevice(int):
        name = "cudaErrorNoDevice"

    cuda = SimpleNamespace(cudaGetDeviceCount=lambda: (NoDevice(100), 0))
    monkeypatch.setattr(tensorrt_runtime, "library", SimpleNamespace)
    monkeypatch.setattr(tensorrt_runtime, "cuda_runtime", lambda: cuda)
    with pytest.raises(EngineError, match="no NVIDIA GPU can be used here"):
        open_runtime("tensorrt")


def test_the_runtime_that_is_asked_for_runs_the_same_model(monkeypatch, tmp_path):
    monkeypatch.setenv("AISLE_ENGINE_CACHE", str(tmp_path))
    Gpu(monkeypatch)
    on_gpu, on_cpu = open_runtime("tensorrt"), open_runtime("onnx")
    assert isinstance(on_gpu, TensorRtRuntime)
    assert isinstance(on_cpu, OnnxRuntime)
    assert on_gpu.manifest == on_cpu.manifest


class Gpu:
    """Stands in for TensorRT and CUDA with one GPU; says which engine was loaded."""

    def __init__(self, monkeypatch, library="tensorrt_rtx", capability=(8, 9)):
        device = SimpleNamespace(name=b"NVIDIA L4", major=capability[0], minor=capability[1])
        context = SimpleNamespace(
            set_input_shape=lambda *_: True, set_tensor_address=lambda *_: True,
            get_tensor_shape=lambda _: (1, 2), execute_async_v3=lambda _: True,
        )  # fmt: skip
        cuda = SimpleNamespace(
            cudaGetDeviceCount=lambda: (0, 1), cudaGetDeviceProperties=lambda _: (0, device),
            cudaStreamCreate=lambda: (0, 1), cudaStreamSynchronize=lambda _: (0,),
            cudaMalloc=lambda _: (0, 4096), cudaFree=lambda _: (0,),
            cudaMemcpyAsync=lambda *_: (0,),
            cudaMemcpyKind=SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2),
        )  # fmt: skip
        logger = type("Logger", (), {"ERROR": 1, "__init__": lambda *_: None})
        self.trt = SimpleNamespace(
            __name__=library, __version__="1.0", Logger=logger, Runtime=self.load
        )
        self._loaded = SimpleNamespace(
            create_execution_context=lambda: context,
            num_io_tensors=len(SHAPES), get_tensor_name=list(SHAPES).__getitem__,
        )  # fmt: skip
        self.engine = b""
        monkeypatch.setattr(tensorrt_runtime, "library", lambda: self.trt)
        monkeypatch.setattr(tensorrt_runtime, "cuda_runtime", lambda: cuda)
        monkeypatch.setattr(engines, "build", lambda _, key, trt: key.target.encode())

    def load(self, _):
        def deserialize(engine):
            self.engine = engine
            return self._loaded

        return SimpleNamespace(deserialize_cuda_engine=deserialize)

    def build_ahead(self, target, directory, limits=None):
        key = engines.key_of(MODEL, self.trt, target, "tf32", limits)
        engines.obtain(MODEL, key, self.trt, directory)


def test_the_runtime_takes_the_engine_that_was_built_ahead_of_time(tmp_path, monkeypatch):
    gpu = Gpu(monkeypatch)
    gpu.build_ahead("sm89", tmp_path)
    assert not TensorRtRuntime(MODEL, {}, cache=tmp_path).built
    assert gpu.engine == b"sm89"


@pytest.mark.parametrize(
    ("machine", "target", "limits"),
    [
        ({}, "sm80", None),
        ({}, "sm89", Limits(batch=(1, 1, 2))),
        ({"capability": (9, 0)}, "sm90", None),
        ({"library": "tensorrt"}, "sm89", None),
    ],
)
def test_without_an_engine_that_fits_the_runtime_builds_for_its_gpu_once(
    machine, target, limits, tmp_path, monkeypatch
):
    gpu = Gpu(monkeypatch, **machine)
    gpu.build_ahead(target, tmp_path, limits)
    assert TensorRtRuntime(MODEL, {}, cache=tmp_path).built
    assert gpu.engine.startswith(b"NVIDIA L4 sm")
    assert not TensorRtRuntime(MODEL, {}, cache=tmp_path).built


def test_a_window_beyond_the_limits_is_refused(tmp_path, monkeypatch):
    Gpu(monkeypatch)
    runtime = TensorRtRuntime(MODEL, {}, cache=tmp_path)
    batch = {name: np.ones(runtime._limits.shapes(name)[1], np.float32) for name in SHAPES}
    assert set(runtime.run_arrays(batch)) == set(OUTPUTS)
    most = Limits().plates[2]
    batch["plate_mask"] = np.ones((1, most + 1), np.float32)
    with pytest.raises(EngineError, match=f"plate_mask: more than {most} plates in a window"):
        runtime.run_arrays(batch)
