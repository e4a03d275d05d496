"""The environment's folder: paths, what each step was made from, running commands inside it."""

from __future__ import annotations

import fcntl
import hashlib
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from system_packages import SetupError

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BUILD = ROOT / "build"
PYTHON = f"python3.{sys.version_info.minor}"
SITE = VENV / "lib" / PYTHON / "site-packages"

ENVIRONMENT = """\
# Written by scripts/setup_workspace.py; enter with: . .venv/env.sh
export VIRTUAL_ENV={venv}
export PATH={venv}/bin:"$PATH"
export AMENT_PREFIX_PATH={venv}
export CMAKE_PREFIX_PATH={venv}
export LD_LIBRARY_PATH={libraries}
# Without it, each interpreter would start itself a second time to set LD_LIBRARY_PATH.
export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1
export ROS_DISTRO=jazzy ROS_VERSION=2 ROS_PYTHON_VERSION=3
export RMW_IMPLEMENTATION=rmw_fastrtps_cpp
export ROS_AUTOMATIC_DISCOVERY_RANGE="${{ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}}"
export FASTRTPS_DEFAULT_PROFILES_FILE={root}/config/dds/fastdds.xml
# Several processes share few cores: idle worker threads of one take time from the others.
export OMP_NUM_THREADS="${{OMP_NUM_THREADS:-1}}"
unset PYTHONHOME PYTHONPATH
"""

SHELL = """\
[ -f ~/.bashrc ] && . ~/.bashrc
. {venv}/env.sh
PS1="(aisle) $PS1"
"""


def digest(paths: Iterable[Path], *more: str) -> str:
    """Digest of names and contents of files (folders: everything under them) and of texts."""
    total = hashlib.sha256("\0".join(more).encode())
    for path in paths:
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in found:
            made = any(p == "__pycache__" or p.endswith(".egg-info") for p in file.parts)
            if file.is_file() and not made:
                total.update(f"\0{file.relative_to(ROOT)}\0".encode())
                total.update(file.read_bytes())
    return total.hexdigest()


def step(name: str, stamp: str, action: Callable[[], None]) -> None:
    """Run `action` unless it already ran to its end for the same stamp."""
    file = VENV / ".stamps" / name
    if file.is_file() and file.read_text() == stamp:
        return
    print(f"setup: {name}", flush=True)
    file.unlink(missing_ok=True)
    action()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(stamp)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the lock that keeps two setups of one clone apart."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(name: str, *command: str | Path) -> None:
    """Run a command in the environment; its output goes to build/<name>.log.

    Raises:
        SetupError: the command failed; the text holds the end of its output.
    """
    line = shlex.join(map(str, command))
    inside = f". {shlex.quote(str(VENV / 'env.sh'))} && exec {line}"
    log = BUILD / f"{name}.log"
    with log.open("wb") as out:
        done = subprocess.run(
            ["/bin/sh", "-c", inside], stdout=out, stderr=out, cwd=ROOT, check=False
        )
    if done.returncode:
        last = log.read_text(errors="replace").splitlines()[-30:]
        raise SetupError("\n".join([*last, f"{line}: exit code {done.returncode}; all in {log}"]))


def write_environment() -> None:
    """Write env.sh, and shellrc for `make shell`."""
    venv = shlex.quote(str(VENV))
    libraries = ":".join(map(str, [VENV / "lib", *sorted(SITE.glob("ros_*.libs"))]))
    text = ENVIRONMENT.format(
        venv=venv, root=shlex.quote(str(ROOT)), libraries=shlex.quote(libraries)
    )
    (VENV / "env.sh").write_text(text)
    (VENV / "shellrc").write_text(SHELL.format(venv=venv))
