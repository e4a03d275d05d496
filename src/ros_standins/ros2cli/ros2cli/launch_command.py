"""``ros2 launch``: run a launch file."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import launch
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from launch.launch_description_sources import (
    AnyLaunchDescriptionSource,
    get_launch_description_from_any_launch_file,
)


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser of ``ros2``."""
    parser = commands.add_parser("launch", help="Run a launch file")
    parser.add_argument(
        "-n",
        "--noninteractive",
        action="store_true",
        default=not sys.stdin.isatty(),
        help="run without a terminal: ctrl-c is handed on to the processes",
    )
    parser.add_argument("-d", "--debug", action="store_true", help="log more")
    parser.add_argument(
        "-s",
        "--show-args",
        "--show-arguments",
        action="store_true",
        help="show the arguments of the launch file",
    )
    parser.add_argument(
        "-a",
        "--show-all-subprocesses-output",
        action="store_true",
        help="show all that the processes write",
    )
    parser.add_argument("--launch-prefix", help="command to put before each executable")
    parser.add_argument(
        "--launch-prefix-filter", help="pattern of the executables that get the prefix"
    )
    parser.add_argument("package_name", help="package with the launch file, or path of the file")
    parser.add_argument("launch_file_name", nargs="?", help="name of the launch file")
    parser.add_argument("launch_arguments", nargs="*", help="'<name>:=<value>'; the last one wins")
    parser.set_defaults(main=_main)


def _main(args: argparse.Namespace) -> int:
    words = list(args.launch_arguments)
    if Path(args.package_name).is_file():
        path = Path(args.package_name)
        if args.launch_file_name is not None:
            words.insert(0, args.launch_file_name)
    else:
        path = _in_package(args.package_name, args.launch_file_name)
    if args.launch_prefix is None and args.launch_prefix_filter is not None:
        raise RuntimeError("--launch-prefix must be given when --launch-prefix-filter is")
    if args.show_all_subprocesses_output:
        os.environ["OVERRIDE_LAUNCH_PROCESS_OUTPUT"] = "both"
    if args.show_args:
        _print_arguments(get_launch_description_from_any_launch_file(str(path)))
        return 0
    return _launch(path, words, args)


def _in_package(package: str, file_name: str | None) -> Path:
    try:
        share = Path(get_package_share_directory(package))
    except PackageNotFoundError as error:
        raise RuntimeError(f"Package '{package}' not found: {error}") from error
    except ValueError as error:
        raise RuntimeError(f"'{package}' is neither a file nor a package") from error
    paths = [path for path in _files(share) if path.name == file_name]
    if not paths:
        raise RuntimeError(
            f"file '{file_name}' was not found in the share directory of package '{package}' "
            f"which is at '{share}'"
        )
    if len(paths) > 1:
        found = ", ".join(f"'{path}'" for path in paths)
        raise RuntimeError(
            f"file '{file_name}' was found more than once in the share directory of package "
            f"'{package}': [{found}]"
        )
    return paths[0]


def _files(folder: Path) -> list[Path]:
    """Return all files below a folder, also behind links; each real folder is entered once."""
    files = []
    seen = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(root))
        folders[:] = [
            name for name in sorted(folders) if os.path.realpath(Path(root) / name) not in seen
        ]
        files += [Path(root) / name for name in sorted(names)]
    return files


def parse_launch_arguments(words: Iterable[str]) -> dict[str, str]:
    """Split words such as ``name:=value``; of a name given twice the last value counts.

    Raises:
        RuntimeError: A word has another form, or an empty name or value.
    """
    arguments = {}
    for word in words:
        name, separator, value = word.partition(":=")
        if not separator or not name or not value:
            raise RuntimeError(
                f"malformed launch argument '{word}', expected format '<name>:=<value>'"
            )
        arguments[name] = value
    return arguments


def _launch(path: Path, words: list[str], args: argparse.Namespace) -> int:
    arguments = parse_launch_arguments(words)
    if args.launch_prefix is not None:
        arguments["launch-prefix"] = args.launch_prefix
    if args.launch_prefix_filter is not None:
        arguments["launch-prefix-filter"] = args.launch_prefix_filter
    service = launch.LaunchService(argv=words, noninteractive=args.noninteractive, debug=args.debug)
    service.include_launch_description(
        launch.LaunchDescription(
            [
                launch.actions.IncludeLaunchDescription(
                    AnyLaunchDescriptionSource(path), launch_arguments=arguments.items()
                )
            ]
        )
    )
    return service.run()


def _print_arguments(description: launch.LaunchDescription) -> None:
    print("Arguments (pass arguments as '<name>:=<value>'):")
    arguments = description.get_launch_arguments()
    for argument in arguments:
        mark = "*" if argument._conditionally_included else ""
        print(f"\n    '{argument.name}':{mark}\n        {argument.description}")
        if argument.default_value is not None:
            default = " + ".join(part.describe() for part in argument.default_value)
            print(f"        (default: {default})")
    if not arguments:
        print("\n  No arguments.")
    elif any(argument._conditionally_included for argument in arguments):
        print("\n* argument(s) which are only used if specific conditions occur")
