"""Everything that setup installs is pinned, once."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*ROOT.glob("requirements*.txt"), ROOT / "constraints.txt"])
INSTALLED_TOGETHER = [file for file in FILES if file.stem != "requirements-colcon"]


def pins(file: Path) -> list[str]:
    lines = file.read_text().splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def normal(pin: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[=\[]", pin)[0]).lower()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_line_names_one_version(file: Path) -> None:
    assert pins(file)
    assert [p for p in pins(file) if not re.fullmatch(r"[\w.-]+(\[\w+\])?==\d[\w.]*", p)] == []


def test_no_package_is_pinned_twice() -> None:
    names = [normal(pin) for file in INSTALLED_TOGETHER for pin in pins(file)]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_running_needs_no_torch() -> None:
    runtime = [*pins(ROOT / "requirements.txt"), *pins(ROOT / "requirements-ros.txt")]
    assert not {"torch", "onnx", "onnxscript"} & {normal(pin) for pin in runtime}


def test_numpy_comes_with_ros() -> None:
    # ROS's extension modules work only with the generation of numpy that they were built for.
    assert "numpy" not in {normal(pin) for pin in pins(ROOT / "requirements.txt")}
    assert "numpy" in {normal(pin) for pin in pins(ROOT / "requirements-ros.txt")}
