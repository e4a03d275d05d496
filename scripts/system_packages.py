"""What the machine itself must have before the environment can be made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys


class SetupError(Exception):
    """Setup cannot go on; the message says what a person should do."""


def missing_packages(listing: str) -> list[str]:
    """Packages of a list (`package: probe` lines, `#` comments) whose probe fails.

    A probe is a shell command; `$PYTHON` in it is the running interpreter.
    """
    environment = {**os.environ, "PYTHON": sys.executable}
    missing = []
    for line in listing.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        package, _, probe = line.partition(":")
        found = subprocess.run(
            ["/bin/sh", "-c", probe], env=environment, capture_output=True, check=False
        )
        if found.returncode:
            missing.append(package.strip())
    return missing


def install_command(packages: list[str]) -> str:
    """The one shell command that installs Debian packages, to be run as root."""
    names = " ".join(packages)
    return f"apt-get update && apt-get install -y --no-install-recommends {names}"


def become_root() -> list[str] | None:
    """Prefix that runs a command as root without asking; None where there is no such way."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)  # noqa: S607
        if asked.returncode == 0:
            return ["sudo"]
    return None


def install_missing(listing: str) -> None:
    """Install what the machine lacks where that may be done, otherwise say how.

    Raises:
        SetupError: something is missing and could not be installed; the text has the command.
    """
    missing = missing_packages(listing)
    if not missing:
        return
    command = install_command(missing)
    by_hand = f"The machine lacks {', '.join(missing)}. Run:\n  sudo sh -c '{command}'"
    prefix = become_root()
    if prefix is None or not shutil.which("apt-get"):
        raise SetupError(by_hand)
    print(f"setup: system packages: {', '.join(missing)}", flush=True)
    if subprocess.run([*prefix, "/bin/sh", "-c", command], check=False).returncode:
        raise SetupError(by_hand)
    if still := missing_packages(listing):
        raise SetupError(f"Still missing after installation: {', '.join(still)}.")
