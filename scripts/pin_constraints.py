#!/usr/bin/env python3
"""Writes constraints.txt: the versions of all that the pinned requirements pull in.

Run it in the environment after a change of a requirements file; pip resolves, nothing is installed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ("", "-ros", "-dev", "-train")
HEADER = "# What the pinned requirements pull in, at the versions that were tested together.\n"


def normal(name: str) -> str:
    """A distribution's name as package indices compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def resolve() -> list[tuple[str, str]]:
    """Name and version of what pip would install beside the requirements themselves."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    command += ["--disable-pip-version-check", "--report", "-"]
    for kind in REQUIREMENTS:
        command += ["-r", str(ROOT / f"requirements{kind}.txt")]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    pulled = [
        item["metadata"] for item in json.loads(done.stdout)["install"] if not item["requested"]
    ]
    return sorted((normal(each["name"]), each["version"]) for each in pulled)


if __name__ == "__main__":
    pins = "".join(f"{name}=={version}\n" for name, version in resolve())
    (ROOT / "constraints.txt").write_text(HEADER + pins)
