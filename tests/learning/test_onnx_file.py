"""ONNX files: the same bytes from the same weights, and no word of who made them."""

from importlib.resources import files

import onnx
import pytest
import torch
from onnx import TensorProto, helper

from aisle.fusion.runtime import OUTPUTS, ModelError, OnnxRuntime, open_session
from aisle.fusion.windows import ALL_SHAPES
from aisle.learning.onnx_file import save_onnx


class Twice(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(3, 2)

    def forward(self, x):
        return self.inner(x) * 2


def test_a_file_says_nothing_of_where_it_was_made_and_still_computes(tmp_path):
    torch.manual_seed(3)
    module, given = Twice().eval(), torch.ones(1, 3)
    written = []
    for name in ("a.onnx", "b.onnx"):
        program = torch.onnx.export(module, (given,), dynamo=True, verbose=False)
        assert b".py" in program.model_proto.SerializeToString()
        save_onnx(program, tmp_path / name)
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]
    assert b".py" not in written[0]
    (found,) = open_session(tmp_path / "a.onnx").run(None, {"x": given.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), module(given).detach())


def test_shipped_models_say_nothing_of_where_they_were_made():
    shipped = [f for f in files("aisle.receipt_model").iterdir() if f.name.endswith(".onnx")]
    assert shipped
    for file in shipped:
        assert b".py" not in file.read_bytes(), file.name
        onnx.checker.check_model(onnx.load_from_string(file.read_bytes()))


def test_a_receipt_model_that_takes_other_numbers_of_tracks_is_refused(tmp_path):
    def model(**widths):
        inputs = [
            helper.make_tensor_value_info(
                name, TensorProto.FLOAT, ["batch", *shape[:-1], widths.get(name, shape[-1])]
            )
            for name, shape in ALL_SHAPES.items()
        ]
        outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in OUTPUTS]
        nodes = [helper.make_node("Identity", ["plate_mask"], [name]) for name in OUTPUTS]
        graph = helper.make_graph(nodes, "toy", inputs, outputs)
        path = tmp_path / f"{len(widths)}.onnx"
        opset = [helper.make_opsetid("", 18)]
        path.write_bytes(
            helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
        )
        return path

    assert OnnxRuntime(model(), {}).sight
    with pytest.raises(ModelError, match="not those of this version"):
        OnnxRuntime(model(session_track=6), {})
