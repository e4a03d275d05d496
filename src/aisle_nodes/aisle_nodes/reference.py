"""Writes what follows from the parameter schemas: `python -m aisle_nodes.reference`.

It brings `config/params/aisle.yaml` and the table in `docs/nodes.md` up to date; a test fails
while they are not.
"""

from __future__ import annotations

import sys
from pathlib import Path

from aisle_nodes.parameters import markdown_table, yaml_text
from aisle_nodes.schemas import SCHEMAS

BEGIN = "<!-- parameters: written by `python -m aisle_nodes.reference` -->\n"
END = "<!-- end of parameters -->\n"
YAML = Path("config/params/aisle.yaml")
DOCS = Path("docs/nodes.md")


def parameter_file() -> str:
    """Return the parameter file with the defaults of all nodes."""
    head = "# Defaults of all nodes; copy, change, and name the copy as params_file.\n"
    return head + "\n".join(yaml_text(node, schema) for node, schema in SCHEMAS.items())


def documented(page: str) -> str:
    """Return the page with the tables between its markers brought up to date.

    Raises:
        ValueError: the page has no markers.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{DOCS} has no markers around its parameters")
    sections = []
    for node, schema in SCHEMAS.items():
        meaning = (schema.__doc__ or "").partition(": ")[2]
        sections.append(f"### {node}\n\n{meaning[:1].upper()}{meaning[1:]}\n")
        sections.append(markdown_table(schema))
    return before + BEGIN + "\n" + "\n".join(sections) + "\n" + END + after


def main(root: Path) -> None:
    """Write both files below the root of the workspace."""
    (root / YAML).write_text(parameter_file(), encoding="utf-8")
    page = (root / DOCS).read_text(encoding="utf-8")
    (root / DOCS).write_text(documented(page), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
