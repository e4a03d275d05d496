"""ONNX files: the same bytes from the same weights, and no word of who made them."""

from importlib.resources import files

import onnx
import torch

from aisle.fusion.runtime import open_session
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
