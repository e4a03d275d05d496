"""Launch descriptions from files."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from .._left_out import left_out, refuse
from ..launch_description import LaunchDescription
from ..launch_description_source import LaunchDescriptionSource
from ..some_substitutions_type import SomeSubstitutionsType

__all__ = [
    "AnyLaunchDescriptionSource",
    "InvalidPythonLaunchFileError",
    "PythonLaunchDescriptionSource",
    "get_launch_description_from_any_launch_file",
    "get_launch_description_from_python_launch_file",
]


class InvalidPythonLaunchFileError(Exception):
    """A Python launch file lacks ``generate_launch_description()``."""


def load_python_launch_file_as_module(python_launch_file_path: str) -> ModuleType:
    """Execute a launch file as a module and return it; it is not added to ``sys.modules``."""
    loader = importlib.machinery.SourceFileLoader("python_launch_file", python_launch_file_path)
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    # Launch files lie in installed folders, where no compiled copy belongs.
    keep, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = keep
    return module


def get_launch_description_from_python_launch_file(
    python_launch_file_path: str,
) -> LaunchDescription:
    """Load the description that a Python launch file generates.

    Raises:
        InvalidPythonLaunchFileError: There is no ``generate_launch_description()``.
        FileNotFoundError: There is no such file.
    """
    module = load_python_launch_file_as_module(str(python_launch_file_path))
    if not hasattr(module, "generate_launch_description"):
        raise InvalidPythonLaunchFileError(
            f"launch file at '{python_launch_file_path}' does not contain the required function "
            "'generate_launch_description()'"
        )
    description: LaunchDescription = module.generate_launch_description()
    return description


def get_launch_description_from_any_launch_file(launch_file_path: str) -> LaunchDescription:
    """Load a Python launch file.

    Raises:
        NotImplementedError: It is an XML or YAML launch file.
    """
    if Path(launch_file_path).suffix in (".xml", ".yaml", ".yml"):
        raise left_out(f"the XML and YAML front ends ({launch_file_path})")
    return get_launch_description_from_python_launch_file(launch_file_path)


class PythonLaunchDescriptionSource(LaunchDescriptionSource):
    """A Python launch file."""

    def __init__(self, launch_file_path: SomeSubstitutionsType) -> None:
        super().__init__(None, launch_file_path, "interpreted python launch file")

    def _get_launch_description(self, location: str) -> LaunchDescription:
        return get_launch_description_from_python_launch_file(location)


class AnyLaunchDescriptionSource(LaunchDescriptionSource):
    """A launch file of any front end; only Python is here."""

    def __init__(self, launch_file_path: SomeSubstitutionsType) -> None:
        super().__init__(None, launch_file_path, "launch file")

    def _get_launch_description(self, location: str) -> LaunchDescription:
        return get_launch_description_from_any_launch_file(location)


__getattr__ = refuse(["FrontendLaunchDescriptionSource", "XMLLaunchDescriptionSource"], __name__)
