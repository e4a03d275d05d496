"""Installs the Python stand-ins whose originals are absent into the running environment.

Run ``python src/ros_standins/install.py``; ``--list`` only prints what would be installed.
``tf2_msgs`` is an interface package: it is built with CMake like any other.
"""

from __future__ import annotations

import argparse
import importlib.machinery
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

_HERE = Path(__file__).resolve().parent
# Folder, which is also the distribution, and the modules that it brings.
STANDINS = {
    "launch": ("launch",),
    "launch_ros": ("launch_ros",),
    "launch_testing": ("launch_testing",),
    "ros2cli": ("ros2cli",),
    "tf2_ros": ("tf2_ros", "tf2_py"),
    "cv_bridge": ("cv_bridge",),
}
_MARK = "+standin"


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _is_importable(module: str) -> bool:
    """Tell whether a regular package can be imported; folders beside this file do not count."""
    here = {_HERE, Path.cwd()}
    path = [entry for entry in sys.path if entry and Path(entry).resolve() not in here]
    spec = importlib.machinery.PathFinder.find_spec(module, path)
    return spec is not None and spec.origin is not None


def missing() -> list[str]:
    """Return the stand-ins to install: those whose originals are absent.

    An installed stand-in counts as missing, so that a newer one replaces it.
    """
    wanted = []
    for name, modules in STANDINS.items():
        version = _version(name)
        is_original = version is not None and _MARK not in version
        is_foreign = version is None and any(_is_importable(module) for module in modules)
        if not is_original and not is_foreign and (_HERE / name / "pyproject.toml").is_file():
            wanted.append(name)
    return wanted


def main() -> int:
    """Install what is missing and return the exit code of pip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="only print what is missing")
    wanted = missing()
    if parser.parse_args().list or not wanted:
        print("\n".join(wanted))
        return 0
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--force-reinstall", "--no-warn-script-location"]
    with tempfile.TemporaryDirectory() as folder:
        # A copy, because building leaves files behind in the source folder.
        copies = [shutil.copytree(_HERE / name, Path(folder) / name) for name in wanted]
        return subprocess.run(  # noqa: S603  pip of this environment
            [*command, *map(str, copies)], check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
