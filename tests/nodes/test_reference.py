"""What is generated from the parameter schemas is up to date."""

from pathlib import Path

from aisle_nodes.reference import DOCS, YAML, documented, parameter_file

ROOT = Path(__file__).parents[2]
HINT = "run `python -m aisle_nodes.reference`"


def test_parameter_file_is_fresh():
    assert (ROOT / YAML).read_text() == parameter_file(), HINT


def test_documentation_is_fresh():
    page = (ROOT / DOCS).read_text()
    assert page == documented(page), HINT
