"""`aisle demo`: a simulated store through the whole stack, live, then against the truth."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.console import Console

from aisle.bags.evaluate import evaluate, summary
from aisle.bags.replay import ReplayResult, recorded
from aisle.bags.truth import Truth
from aisle.bags.truth_topic import find_truth
from aisle.cli.evaluate import show
from aisle.cli.tables import receipts_table
from aisle.records import ReceiptState

app = typer.Typer()

LIMIT_S = 190.0
"""The demo is stopped after this long, whatever happens."""
PATIENCE_S = 20.0
"""How long the nodes may take to end."""
MARK = ".aisle-demo"


class DemoError(Exception):
    """The demo did not work; the text says what and where to look."""


@app.command()
def command(
    out: Annotated[Path, typer.Option(help="Folder for bag, log and report.")] = Path("out/demo"),
    scenario: Annotated[
        str, typer.Option(help="Scenario: a file, or the name of a shipped one.")
    ] = "seen",
    store: Annotated[
        str | None,
        typer.Option(help="Store: a folder.", show_default="corner, the shipped one"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds, other shoppers.")] = 24,
    speed: Annotated[float, typer.Option(help="Simulated seconds in a real second.")] = 1.0,
    plain: Annotated[
        bool, typer.Option("--plain", help="One line for each change, as without a terminal.")
    ] = False,
) -> None:
    """Run a simulated store for two minutes: receipts live, then against the truth, then a report.

    Exit code 0 when every shopper got a closed receipt and every node ended cleanly.
    """
    console = Console()
    _clear(out)
    # A domain of its own, so that a stack that runs already is not disturbed.
    domain = os.environ.setdefault("ROS_DOMAIN_ID", str(random.randint(60, 99)))
    bag = (out / "bag").absolute()
    console.print(
        f"Two minutes in a simulated store (ROS_DOMAIN_ID={domain}); nodes log to "
        f"{out / 'launch.log'}",
        highlight=False,
        soft_wrap=True,
    )
    arguments = {
        "record": str(bag),
        "state_dir": str((out / "state").absolute()),
        "seed": str(seed),
        "speed": str(speed),
        "scenario": _scenario(scenario),
        "store": str(Path(store).absolute() if store else _shipped("config", "stores", "corner")),
    }
    code = _run(arguments, out / "launch.log", console, plain=plain)
    _conclude(out, bag, code, console)


def _clear(out: Path) -> None:
    """Make an empty folder; one that exists must be of an earlier demo.

    Raises:
        DemoError: It holds something else.
    """
    if out.exists():
        if any(out.iterdir()) and not (out / MARK).exists():
            raise DemoError(f"{out} holds something else; name another folder with --out")
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / MARK).touch()


def _shipped(*parts: str) -> Path:
    """Return the path of a file that comes with the launch files."""
    from ament_index_python.packages import get_package_share_directory

    return Path(get_package_share_directory("aisle_bringup"), *parts)


def _scenario(name: str) -> str:
    """Return the path of a scenario file, or of a shipped scenario."""
    given = Path(name)
    return str(
        given.absolute() if given.suffix else _shipped("config", "scenarios", f"{name}.yaml")
    )


@contextmanager
def _launched(arguments: dict[str, str], log: IO[str]) -> Iterator[subprocess.Popen[str]]:
    """Run `ros2 launch` as a child that is gone afterwards, with all its nodes."""
    words = ["ros2", "launch", str(_shipped("launch", "store.launch.py"))]
    words += [f"{name}:={value}" for name, value in arguments.items()]
    try:
        child = subprocess.Popen(  # noqa: S603 (the user's own words, no shell)
            words, stdout=log, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
    except FileNotFoundError as error:
        raise DemoError("there is no ros2 command: run the demo with `make demo`") from error
    try:
        yield child
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            if child.poll() is None:
                child.send_signal(number)
                _wait(child)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _wait(child: subprocess.Popen[str]) -> None:
    try:
        child.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        return


def _run(arguments: dict[str, str], log_file: Path, console: Console, *, plain: bool) -> int:
    """Launch the stack and show its receipts until it ends by itself; return its exit code.

    Raises:
        DemoError: It did not end in time, a node died, or somebody stopped it.
    """
    from aisle.cli.ros import connect
    from aisle.cli.watch import watch

    began, died = time.monotonic(), ""
    with log_file.open("w", encoding="utf-8") as log, _launched(arguments, log) as child:
        with connect("aisle_demo") as connection:

            def look() -> None:
                nonlocal died
                died = first_death(log_file)
                connection.stopped |= bool(died) or child.poll() is not None

            watch(connection, console, plain=plain, duration=LIMIT_S, each=look)
        if died:
            raise DemoError(f"{died}; the nodes' log is {log_file}")
        if child.poll() is None:
            late = time.monotonic() - began >= LIMIT_S
            why = f"did not end within {LIMIT_S:.0f} s" if late else "was stopped"
            raise DemoError(f"the demo {why}; the nodes' log is {log_file}")
        return child.returncode


def first_death(log_file: Path) -> str:
    """Return which process died first, with its last words, from a launch's log; or nothing."""
    said: dict[str, str] = {}
    for line in log_file.read_text(encoding="utf-8", errors="replace").splitlines():
        found = re.match(r"\[ERROR\] \[([^\]]+)\]: process has died .*exit code (-?\d+)", line)
        if found:
            last = said.get(found[1])
            return f"{found[1]} died with exit code {found[2]}" + (f": {last}" if last else "")
        spoken = re.match(r"\[([^\]]+-\d+)\] (.*\S.*)", line)
        if spoken:
            said[spoken[1]] = spoken[2]
    return ""


def _conclude(out: Path, bag: Path, code: int, console: Console) -> None:
    """Compare receipts with the truth, write the report, and say whether all went well.

    Raises:
        DemoError: It did not.
    """
    log = out / "launch.log"
    if not bag.exists():
        raise DemoError(f"nothing was recorded; the nodes' log is {log}")
    result, truth = recorded(bag), find_truth(bag) or {}
    console.print(receipts_table(result.receipts.values()))
    show(console, summary(evaluate("demo", truth, result)))
    from aisle.bags.report import write_report

    report = out / "report.html"
    write_report(bag, report, recorded_only=True)
    console.print(f"Report: {report.absolute()}", highlight=False, soft_wrap=True)
    problems = [text for text in (first_death(log), unfinished(truth, result)) if text]
    if code != 0:
        problems.append(f"the launch ended with exit code {code}")
    if problems:
        raise DemoError(f"{'; '.join(problems)}; the nodes' log is {log}")


def unfinished(truth: Truth, result: ReplayResult) -> str:
    """Return what is missing for a run that went well, or nothing."""
    if not truth:
        return "no shopper has left"
    waiting = [
        name
        for name in truth
        if name not in result.receipts or result.receipts[name].state == ReceiptState.OPEN
    ]
    return f"no closed receipt for {', '.join(waiting)}" if waiting else ""
