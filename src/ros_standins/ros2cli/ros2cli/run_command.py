"""``ros2 run``: run an executable of a package."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from ament_index_python.packages import PackageNotFoundError, get_package_prefix


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser of ``ros2``."""
    parser = commands.add_parser("run", help="Run a package specific executable")
    parser.add_argument("--prefix", help="command to put before the executable")
    parser.add_argument("package_name", help="name of the package")
    parser.add_argument("executable_name", help="name of the executable")
    parser.add_argument("argv", nargs=argparse.REMAINDER, help="arguments for the executable")
    parser.set_defaults(main=_main)


def _main(args: argparse.Namespace) -> int:
    try:
        folder = Path(get_package_prefix(args.package_name)) / "lib" / args.package_name
    except (PackageNotFoundError, ValueError):
        raise RuntimeError(f"Package '{args.package_name}' not found") from None
    path = folder / args.executable_name
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise RuntimeError("No executable found")
    words = [str(path), *args.argv]
    if args.prefix is not None:
        words = [*args.prefix.split(), *words]
    process = subprocess.Popen(words)  # noqa: S603  that is what the user asks for
    # A terminal's ctrl-c reaches the executable too: wait for what it makes of it. What only
    # this process gets is handed on.
    signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
