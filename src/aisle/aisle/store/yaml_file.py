"""YAML that strangers wrote: plain data with the line of every field, no anchors, no surprises."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from aisle.store.problems import Report
from aisle.store.textfile import read_text, shorten

_MAX_DEPTH = 20
FieldPath = tuple[str | int, ...]


@dataclass(frozen=True)
class YamlFile:
    """What a file says, and where."""

    name: str
    data: Any
    lines: dict[FieldPath, int]

    def line(self, *path: str | int) -> int:
        """Line of a field, or of the nearest field around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)

    def report(self, error: ValidationError, rule: str, report: Report) -> None:
        """Reports every mistake that pydantic found in the data, with its line."""
        for detail in error.errors(include_url=False, include_input=False, include_context=False):
            path = detail["loc"]
            field = ".".join(str(part) for part in path) or "the file"
            message = f"{shorten(field, 80)}: {detail['msg'].lower()}"
            report.error(self.name, self.line(*path), rule, message)


def read_yaml(path: Path, name: str, rule: str, report: Report) -> YamlFile | None:
    """A YAML file, or None after reported errors.

    Args:
        path: File to read.
        name: How to call it in the report.
        rule: For a key that comes twice.
        report: Gets that rule, `malformed-yaml` and what `read_text` reports.
    """
    text = read_text(path, name, report)
    if text is None:
        return None
    try:
        for event in yaml.parse(text, yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                # Aliases can blow a small file up to gigabytes, and nothing here needs them.
                line = event.start_mark.line + 1 if event.start_mark else 0
                report.error(name, line, "malformed-yaml", "anchors and aliases are not allowed")
                return None
        node = yaml.compose(text, yaml.SafeLoader)
        lines = _lines(node, name, rule, report)
        return YamlFile(name, yaml.safe_load(text), lines)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        message = getattr(error, "problem", None) or shorten(str(error) or "too deep", 200)
        report.error(
            name, mark.line + 1 if mark else 0, "malformed-yaml", f"broken YAML: {message}"
        )
        return None


def _lines(node: yaml.Node | None, name: str, rule: str, report: Report) -> dict[FieldPath, int]:
    """Line of each field by its path; reports keys that come twice."""
    lines: dict[FieldPath, int] = {}

    def visit(node: yaml.Node, path: FieldPath) -> None:
        lines.setdefault(path, node.start_mark.line + 1)
        if len(path) > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = (*path, str(key.value))
                if inner in lines:
                    message = f"key '{shorten(str(key.value))}' comes twice"
                    report.error(name, key.start_mark.line + 1, rule, message)
                lines[inner] = key.start_mark.line + 1
                visit(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for i, value in enumerate(node.value):
                visit(value, (*path, i))

    if node is not None:
        visit(node, ())
    return lines
