"""Every interface says what its fields mean, and numbers say their unit or range."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "src/aisle_msgs").glob("*/*.[ms][sr][gv]"))
UNIT = re.compile(
    r"\b(kilograms|metres|seconds|samples a second|pictures a second|pixels|without unit|time|minor units|frame|0 to 1|probability)\b",
    re.I,
)
PHYSICAL = ("float32", "float64", "geometry_msgs/", "builtin_interfaces/")


@dataclass(frozen=True)
class Field:
    type: str
    name: str
    comment: str


def fields(text: str) -> list[Field]:
    """Fields with the comment above them; one comment serves the fields right below it."""
    found, comment, used = [], [], False
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("#"):
            comment = [line] if used else [*comment, line]
            used = False
        elif not line or line == "---":
            comment = [] if used or not line else comment
            used = False
        elif "=" not in line:
            kind, name = line.split()
            found.append(Field(kind, name, " ".join(comment)))
            used = True
    return found


def test_there_are_interfaces() -> None:
    assert len(FILES) >= 17


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_begins_with_what_it_is(file: Path) -> None:
    assert re.match(r"# [A-Z].{10,}\.", file.read_text())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_physical_values_say_their_unit_frame_or_range(file: Path) -> None:
    silent = [
        field.name
        for field in fields(file.read_text())
        if field.type.startswith(PHYSICAL) and not UNIT.search(field.comment)
    ]
    assert silent == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_states_are_named_after_their_field(file: Path) -> None:
    for kind, name in re.findall(r"^(\S+) (\w+)=", file.read_text(), re.MULTILINE):
        assert kind == "uint8"
        assert name.split("_")[0].lower() in {field.name for field in fields(file.read_text())}
