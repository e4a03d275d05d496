"""A model for tests of the plumbing: an ONNX file that answers as a plain step detector does.

Where the plates of a shelf together change by more than 20 g within a window, it says that one
unit of the first product there was taken or returned, and nothing more while that lies in the
window. It is no good at its trade, but quick and always the same: tests of nodes and crashes do
not depend on what was learned.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from aisle.fusion.runtime import OUTPUTS
from aisle.fusion.windows import ALL_SHAPES, BINS, CHOICES, MARKS, SHAPES

THRESHOLD_KG = 0.02
EDGE = 8
"""Bins at both ends of the window whose means are compared."""

OUTPUT_SHAPES = {
    "none_logit": [1],
    "candidate_logits": ["candidates", CHOICES],
    "withdraw_logits": ["commits"],
    "session_logits": ["candidates", "sessions"],
    "event_logits": [MARKS],
    "log_mass": [],
    "plate_delta": ["plates"],
}


class Graph:
    """Nodes and constants of a graph, named as they are made."""

    def __init__(self):
        self.nodes, self.constants = [], {}

    def constant(self, value, kind=np.float32):
        name = f"constant_{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(np.asarray(value, kind), name)
        return name

    def add(self, operator, *inputs, name="", **attributes):
        name = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name


def _choice(at):
    row = np.full((1, 1, CHOICES), -40.0)
    row[0, 0, at] = 0.0
    return row


def _answers(graph):
    first, second = graph.constant([1], np.int64), graph.constant([2], np.int64)
    edges = np.zeros((BINS, 1))
    edges[:EDGE], edges[-EDGE:] = -1 / EDGE, 1 / EDGE
    steps = graph.add("Squeeze", graph.add("MatMul", "plate_signal", graph.constant(edges)), second)
    graph.add("Mul", steps, "plate_mask", name="plate_delta")
    total = graph.add("ReduceSum", "plate_delta", first, keepdims=1)
    size = graph.add("Abs", total)
    said = graph.add("ReduceSum", "commit_mask", first, keepdims=1)
    excess = graph.add("Sub", size, graph.constant([THRESHOLD_KG]))
    scaled = graph.add("Mul", excess, graph.constant([2000.0]))
    score = graph.add("Sub", scaled, graph.add("Mul", said, graph.constant([1000.0])))
    score = graph.add("Clip", score, graph.constant(-20.0), graph.constant(20.0))
    graph.add("Neg", score, name="none_logit")

    less = graph.add("Unsqueeze", graph.add("Less", total, graph.constant([0.0])), second)
    take, back = graph.constant(_choice(0)), graph.constant(_choice(CHOICES // 2))
    choice = graph.add("Where", less, take, back)
    number = graph.add("CumSum", "candidate_mask", graph.constant(1, np.int64))
    far = graph.add("Abs", graph.add("Sub", number, graph.constant([2.0])))
    far = graph.add("Unsqueeze", graph.add("Mul", far, graph.constant([-10.0])), second)
    graph.add("Add", far, choice, name="candidate_logits")

    never = graph.add("Mul", "commit_mask", graph.constant([-50.0]))
    graph.add("Sub", never, graph.constant([50.0]), name="withdraw_logits")
    pairs = graph.add(
        "Mul",
        graph.add("Unsqueeze", "candidate_mask", second),
        graph.add("Unsqueeze", "session_mask", first),
    )
    graph.add("Mul", pairs, graph.constant([0.0]), name="session_logits")
    marks = np.eye(1, MARKS, MARKS // 2)
    nothing = graph.add("Mul", total, graph.constant([0.0]))
    graph.add("Add", nothing, graph.constant(marks), name="event_logits")
    mass = graph.add("Log", graph.add("Max", size, graph.constant([0.001])))
    graph.add("Squeeze", mass, first, name="log_mass")


def write_toy_model(path: Path, *, sight: bool = False) -> Path:
    """Write the model to `path` and return it; with sight it also takes, and ignores, views."""
    graph = Graph()
    _answers(graph)

    def tensor(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])

    whole = helper.make_graph(
        graph.nodes,
        "toy",
        [tensor(name, shape) for name, shape in (ALL_SHAPES if sight else SHAPES).items()],
        [tensor(name, OUTPUT_SHAPES[name]) for name in OUTPUTS],
        list(graph.constants.values()),
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(whole, opset_imports=opset, ir_version=9), path)
    return path
