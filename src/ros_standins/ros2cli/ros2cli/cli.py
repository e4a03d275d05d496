"""The command ``ros2``."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from . import launch_command, run_command

# Commands of the original, so that the message for them is not that of a typing error.
_LEFT_OUT = [
    "action",
    "bag",
    "component",
    "control",
    "daemon",
    "doctor",
    "extension_points",
    "extensions",
    "interface",
    "lifecycle",
    "multicast",
    "node",
    "param",
    "pkg",
    "security",
    "service",
    "test",
    "topic",
    "wtf",
]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Refuse a command that is left out by its name, else explain the mistake."""
        for name in _LEFT_OUT:
            if f"invalid choice: '{name}'" in message:
                sys.exit(f"NotImplementedError: ros2 {name} is left out of this stand-in")
        super().error(message)


def main(argv: Sequence[str] | None = None) -> int | str:
    """Run ``ros2 launch`` or ``ros2 run``.

    Args:
        argv: Words behind ``ros2``; those of the process by default.

    Returns:
        The exit code, or a message for an error.
    """
    parser = _Parser(prog="ros2", description="ros2 is an extensible command-line tool for ROS 2.")
    commands = parser.add_subparsers(dest="command", metavar="{launch,run}", required=True)
    launch_command.add_parser(commands)
    run_command.add_parser(commands)
    args = parser.parse_args(argv)
    try:
        code: int | str = args.main(args)
    except KeyboardInterrupt:
        return int(signal.SIGINT)
    except RuntimeError as error:
        return str(error)
    return code


if __name__ == "__main__":
    sys.exit(main())
