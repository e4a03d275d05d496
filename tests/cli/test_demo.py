import time
from contextlib import suppress
from pathlib import Path

import pytest

from aisle.bags.replay import ReplayResult
from aisle.bags.truth import TrueSession
from aisle.cli import demo
from aisle.cli.demo import DemoError, first_death, unfinished
from aisle.records import Receipt, ReceiptState

LOG = """\
[INFO] [sim_node-1]: process started with pid [11]
[sim_node-1] [INFO] [17.5] [sim_node]: time begins, 3 sessions will come
[fusion_node-5] Traceback (most recent call last):
[fusion_node-5]   File "x.py", line 1
[fusion_node-5] ModelError: no such model
[ERROR] [fusion_node-5]: process has died [pid 12, exit code 1, cmd 'fusion_node --ros-args'].
[ERROR] [gate_node-3]: process has died [pid 13, exit code -9, cmd 'gate_node'].
[INFO] [sim_node-1]: process has finished cleanly [pid 11]
"""


def test_the_first_node_that_died_is_named_with_its_last_words(tmp_path):
    log = tmp_path / "launch.log"
    log.write_text(LOG)
    assert first_death(log) == "fusion_node-5 died with exit code 1: ModelError: no such model"


def test_a_log_without_deaths_is_fine(tmp_path):
    log = tmp_path / "launch.log"
    log.write_text("\n".join(line for line in LOG.splitlines() if "died" not in line))
    assert first_death(log) == ""


def test_every_shopper_who_left_needs_a_closed_receipt():
    result = ReplayResult()
    for name, state in (("a", ReceiptState.REVIEW), ("b", ReceiptState.OPEN)):
        result.add(1, [], [Receipt(name, 1, state, 1, "EUR", (), "enter")])
    truth = {name: TrueSession(name, {}) for name in ("a", "b", "c")}
    assert unfinished(truth, result) == "no closed receipt for b, c"
    assert unfinished({"a": truth["a"]}, result) == ""
    assert unfinished({}, result) == "no shopper has left"


def test_only_the_folder_of_an_earlier_demo_is_cleared(tmp_path):
    out = tmp_path / "demo"
    demo._clear(out)
    (out / "bag").mkdir()
    demo._clear(out)
    assert [file.name for file in out.iterdir()] == [demo.MARK]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(DemoError, match="holds something else"):
        demo._clear(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def alive(group: int) -> list[str]:
    """Processes of a group that are not merely waiting to be reaped."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            _, _, rest = stat.read_text().rpartition(")")
            state, _, pgrp, *_ = rest.split()
            if int(pgrp) == group and state != "Z":
                found.append(stat.parent.name)
    return found


@pytest.mark.parametrize("polite", [True, False])
def test_a_launch_is_gone_afterwards_whatever_it_does(polite, tmp_path, monkeypatch):
    trap = "" if polite else "trap '' INT TERM; "
    monkeypatch.setattr(demo, "PATIENCE_S", 5.0 if polite else 0.2)
    script = tmp_path / "ros2"
    script.write_text(f"#!/bin/bash\n{trap}echo ready\nsleep 60 & wait $!; wait\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(demo, "_shipped", lambda *parts: tmp_path.joinpath(*parts))
    log_file = tmp_path / "launch.log"
    with log_file.open("w") as log, demo._launched({}, log) as child:
        while "ready" not in log_file.read_text():
            assert child.poll() is None
    assert child.poll() is not None
    end = time.monotonic() + 20
    while alive(child.pid):
        assert time.monotonic() < end, "processes are left"


def test_without_ros_the_demo_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(demo, "_shipped", lambda *parts: tmp_path.joinpath(*parts))
    with (
        (tmp_path / "log").open("w") as log,
        pytest.raises(DemoError, match="make demo"),
        demo._launched({}, log),
    ):
        pass
