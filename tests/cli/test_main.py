import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from aisle.cli import main as cli

sys.path.insert(0, str(Path(__file__).parents[1] / "bags"))
from bag_samples import write_bag, write_live_bag


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    return ended.value.code or 0


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Path:
    return write_live_bag(tmp_path_factory.mktemp("cli") / "live")


def test_help_names_every_command(capsys):
    assert run("--help") == 0
    out = capsys.readouterr().out
    assert all(name in out for name in cli.SUBCOMMANDS)


def test_help_imports_no_command():
    code = (
        "import sys; from aisle.cli.main import build; build(None);"
        "assert not [m for m in sys.modules if m.startswith('aisle.bags') or m == 'numpy']"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["replay", "evaluate", "report", "import", "record", "watch"])
def test_every_command_has_help(name, capsys):
    assert run(name, "--help") == 0
    assert "Usage: aisle " + name in capsys.readouterr().out


def test_the_version_is_told(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith("aisle ")


def test_wrong_usage_is_code_2(capsys):
    assert run("stor") == 2
    assert "Did you mean 'store'" in capsys.readouterr().err
    assert run("replay") == 2
    assert run("replay", "x", "--speed", "fast") == 2
    assert "must be 'max' or a number above 0" in capsys.readouterr().err
    assert run("record", "--max-size", "huge") == 2


@pytest.mark.parametrize("words", [("replay",), ("evaluate",), ("report",)])
def test_a_missing_bag_is_one_sentence(words, tmp_path, capsys):
    assert run(*words, str(tmp_path / "none")) == 1
    err = capsys.readouterr().err
    assert err == f"aisle: {tmp_path / 'none'} does not exist\n"


@pytest.mark.parametrize("package", ["rclpy", "torch"])
def test_a_missing_package_is_explained(package, monkeypatch, capsys):
    def lacking(called):
        raise ModuleNotFoundError(f"No module named {package!r}", name=f"{package}.node")

    monkeypatch.setattr(cli, "build", lacking)
    assert run("record") == 1
    assert cli.MISSING[package] in capsys.readouterr().err


def test_a_defect_keeps_its_traceback(monkeypatch):
    def broken(called):
        raise RuntimeError("a defect")

    monkeypatch.setattr(cli, "build", broken)
    with pytest.raises(RuntimeError, match="a defect"):
        cli.main(["replay"])


def test_an_interrupt_is_code_130(monkeypatch):
    def interrupted(called):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "build", interrupted)
    assert run("replay") == 130


def test_recorded_receipts_are_evaluated(live, capsys):
    assert run("evaluate", "--recorded", "--json", str(live)) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["items"]["right"] == 1
    assert found["items"]["missing"] == 1
    assert found["errors"] == {"missed take": 1}
    assert found["latency_shown_s"]["median"] == pytest.approx(1.0)
    assert run("evaluate", "--recorded", str(live)) == 0
    assert "Receipts against the truth" in capsys.readouterr().out


def test_a_bag_without_truth_cannot_be_evaluated(tmp_path, capsys):
    write_bag(tmp_path / "b", 2)
    assert run("evaluate", str(tmp_path / "b")) == 1
    assert "has no truth.json" in capsys.readouterr().err


def test_a_report_is_written(live, tmp_path, capsys):
    out = tmp_path / "new" / "page.html"
    assert run("report", "--recorded", str(live), "--out", str(out)) == 0
    assert out.read_text().startswith("<!DOCTYPE html>")


def test_an_application_with_one_command_is_that_command():
    app = cli.build("replay")
    group = typer.main.get_command(app)
    assert type(group.commands["replay"]).__name__ == "TyperCommand"
    assert type(typer.main.get_command(cli.build("import")).commands["import"]).__name__ == (
        "TyperGroup"
    )
