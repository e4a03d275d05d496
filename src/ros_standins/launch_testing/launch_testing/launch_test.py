"""The command ``launch_test``."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from launch._left_out import left_out

from .loader import LoadTestsFromPythonModule
from .test_runner import LaunchTestRunner, explain


def load_module(path: Path) -> ModuleType:
    """Import a test file under its own name.

    Raises:
        OSError: It cannot be read.
    """
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise OSError(f"'{path}' is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


def main(argv: list[str] | None = None) -> int:
    """Run the launch test of a file.

    Args:
        argv: Words behind ``launch_test``; those of the process by default.

    Returns:
        0 when all tests passed, else 1.
    """
    parser = argparse.ArgumentParser(prog="launch_test", description="Launch and test.")
    parser.add_argument("-v", "--verbose", action="store_true", help="log more")
    parser.add_argument(
        "-s", "--show-args", "--show-arguments", action="store_true", help="show the arguments"
    )
    parser.add_argument("--package-name", help="name for the report")
    parser.add_argument("--junit-xml", help="left out")
    parser.add_argument("test_file", type=Path)
    parser.add_argument("launch_arguments", nargs="*", help="'<name>:=<value>'")
    args = parser.parse_args(argv)
    if args.junit_xml is not None:
        raise left_out("launch_test --junit-xml")
    if not args.test_file.is_file():
        parser.error(f"Test file '{args.test_file}' does not exist")
    runs = LoadTestsFromPythonModule(
        load_module(args.test_file.absolute()), name=args.package_name or args.test_file.stem
    )
    if args.show_args:
        for argument in runs[0].describe(lambda: None)[0].get_launch_arguments():
            print(f"'{argument.name}': {argument.description}")
        return 0
    runner = LaunchTestRunner(runs, args.launch_arguments, args.verbose)
    runner.validate()
    results = runner.run()
    failed = False
    for run, pair in results.items():
        failed = failed or not all(result.wasSuccessful() for result in pair)
        for text in explain(pair):
            print(f"[{run}] {text}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
