"""The `aisle` command: puts the subcommands together, and tells errors in a sentence.

Only the module of the subcommand that is called gets imported, so that help is quick and a part
that needs ROS or torch does not stand in the way of one that does not.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, NoReturn

import typer
from typer.models import CommandInfo

FAILURE = 1
INTERRUPTED = 130


@dataclass(frozen=True)
class Subcommand:
    """A module with a `typer` application `app`; one with a single command is that command."""

    module: str
    help: str


SUBCOMMANDS = {
    "store": Subcommand("aisle.cli.store", "Check, draw and generate stores."),
    "sim": Subcommand("aisle.cli.sim", "Simulate a store into a bag with its truth."),
    "demo": Subcommand("aisle.cli.demo", "Run a simulated store for two minutes, live."),
    "watch": Subcommand("aisle.cli.watch", "Show receipts of a running stack as they change."),
    "record": Subcommand("aisle.cli.record", "Record the topics of a running stack into a bag."),
    "replay": Subcommand("aisle.cli.replay", "Make receipts from a bag, without ROS."),
    "evaluate": Subcommand("aisle.cli.evaluate", "Compare receipts from bags with the truth."),
    "report": Subcommand("aisle.cli.report", "Explain the receipts of a bag in one HTML page."),
    "import": Subcommand("aisle.cli.importing", "Turn recordings of other systems into bags."),
    "receipts": Subcommand("aisle.cli.receipts", "Read receipts from a ledger."),
    "misplaced": Subcommand("aisle.cli.misplaced", "See and clear products on wrong shelves."),
    "train": Subcommand("aisle.cli.train", "Train the receipt transformer in simulation."),
    "engine": Subcommand("aisle.cli.engine", "Build TensorRT engines, and list them."),
    "bench": Subcommand("aisle.cli.bench", "Measure accuracy and speed on unseen sessions."),
}

MISSING = {
    "rclpy": "this command needs ROS 2: run it in `make shell`, or source a ROS 2 installation",
    "ament_index_python": "this command needs ROS 2: run it in `make shell`, or source ROS 2",
    "aisle_msgs": "the message package aisle_msgs is not built: `make setup` or `colcon build`",
    "torch": "this command needs torch, which only training uses: `make setup-train`",
    "onnx": "this command needs onnx, which only training uses: `make setup-train`",
}
"""What to do about a Python package that is not there."""


def _print_version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(f"aisle {version('aisle')}")
        except PackageNotFoundError:
            typer.echo("aisle (not installed)")
        raise typer.Exit


def _top(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Checkout-free stores: from scales and cameras to receipts."""


def build(called: str | None) -> typer.Typer:
    """Return the application, in which only the subcommand `called` is more than its help."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_top)
    for name, subcommand in SUBCOMMANDS.items():
        if name == called:
            _add(app, name, subcommand)
        else:
            app.command(name, help=subcommand.help)(lambda: None)
    return app


def _add(app: typer.Typer, name: str, subcommand: Subcommand) -> None:
    part: typer.Typer = importlib.import_module(subcommand.module).app
    commands = part.registered_commands
    if len(commands) == 1 and not part.registered_groups and part.registered_callback is None:
        settings = {**vars(commands[0]), "name": name}
        app.registered_commands.append(CommandInfo(**settings))
    else:
        app.add_typer(part, name=name, help=subcommand.help)


def _fail(message: str) -> NoReturn:
    typer.echo(f"aisle: {message}", err=True)
    sys.exit(FAILURE)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run `aisle`; ends the process: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    called = next((word for word in words if not word.startswith("-")), None)
    try:
        build(called)(args=words, prog_name="aisle")
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in MISSING:
            raise
        _fail(MISSING[package])
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except Exception as error:
        # The stack's own errors are sentences for people; anything else is a defect.
        if not type(error).__module__.startswith("aisle."):
            raise
        _fail(str(error))
    sys.exit(0)
