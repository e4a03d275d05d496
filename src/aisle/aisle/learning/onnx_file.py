"""ONNX files as they are written: whole, checked, and silent about the machine that made them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import torch


def save_onnx(program: torch.onnx.ONNXProgram | None, path: Path) -> None:
    """Write an exported program, whole or not at all.

    The same weights give the same bytes wherever they are written: torch notes beside each node
    the source file and line that it comes from, which only tells where somebody's folders are.

    Raises:
        onnx.checker.ValidationError: It is no sound model.
    """
    assert program is not None
    model = program.model_proto
    forget_sources(model)
    onnx.checker.check_model(model, full_check=True)
    part = path.with_suffix(".part")
    part.write_bytes(model.SerializeToString(deterministic=True))
    part.replace(path)


def forget_sources(model: onnx.ModelProto) -> None:
    """Drop what a model's file says of where it was made."""
    _forget(model)
    for part in (model.graph, *model.functions):
        _forget_graph(part)


def _forget_graph(graph: onnx.GraphProto | onnx.FunctionProto) -> None:
    _forget(graph)
    for value in graph.value_info:
        _forget(value)
    if isinstance(graph, onnx.GraphProto):
        for part in (*graph.input, *graph.output, *graph.initializer):
            _forget(part)
    for node in graph.node:
        _forget(node)
        for attribute in node.attribute:
            inner = [attribute.g] if attribute.HasField("g") else []
            for within in (*inner, *attribute.graphs):
                _forget_graph(within)


def _forget(part: Any) -> None:
    del part.metadata_props[:]
    part.doc_string = ""
