"""Substitutions that find packages and executables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ament_index_python.packages import get_package_prefix, get_package_share_directory
from launch._left_out import refuse
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.substitutions import SubstitutionFailure
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

__all__ = ["ExecutableInPackage", "FindPackage", "FindPackagePrefix", "FindPackageShare"]


class FindPackage(Substitution):
    """A folder of a package."""

    def __init__(self, package: SomeSubstitutionsType) -> None:
        self.__package = normalize_to_list_of_substitutions(package)

    @property
    def package(self) -> list[Substitution]:
        """The package, as substitutions."""
        return self.__package

    def describe(self) -> str:
        """Return the package for people."""
        names = " + ".join(sub.describe() for sub in self.__package)
        return f"{type(self).__name__}(pkg={names})"

    def find(self, package_name: str) -> str:
        """Return the folder."""
        raise NotImplementedError(f"{type(self).__name__}.find")

    def perform(self, context: LaunchContext) -> str:
        """Return the folder.

        Raises:
            ament_index_python.packages.PackageNotFoundError: There is no such package.
        """
        return self.find(perform_substitutions(context, self.__package))


class FindPackagePrefix(FindPackage):
    """The prefix under which a package is installed."""

    def find(self, package_name: str) -> str:
        """Return the prefix."""
        return str(get_package_prefix(package_name))


class FindPackageShare(FindPackage):
    """The ``share`` folder of a package."""

    def find(self, package_name: str) -> str:
        """Return the folder."""
        return str(get_package_share_directory(package_name))


class ExecutableInPackage(FindPackagePrefix):
    """An executable in ``lib/<package>`` of a package's prefix."""

    def __init__(self, executable: SomeSubstitutionsType, package: SomeSubstitutionsType) -> None:
        super().__init__(package)
        self.__executable = normalize_to_list_of_substitutions(executable)

    def perform(self, context: LaunchContext) -> str:
        """Return the path.

        Raises:
            SubstitutionFailure: There is no such executable file.
        """
        executable = perform_substitutions(context, self.__executable)
        package = perform_substitutions(context, self.package)
        folder = Path(super().perform(context)) / "lib" / package
        path = folder / executable
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise SubstitutionFailure(
                f"executable '{executable}' not found on the libexec directory '{folder}'"
            )
        return str(path)


__getattr__ = refuse(["Parameter"], __name__)
