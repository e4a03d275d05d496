"""The repository speaks of itself alone: no paths or hosts of a machine, nothing left undone."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Put together, so that this file does not find itself.
MACHINE = re.compile(
    "|".join(("/wo" + "rk/", "/fa" + "rm/", "/root" + "/", "/home/" + r"(?!\w*\$)\w+/"))
)
HOSTS = re.compile(r"https?://[^\s/]*(py" + "pi|deb" + "ian|np" + "mjs)", re.IGNORECASE)
UNDONE = re.compile(r"\b(TO" + "DO|FIX" + "ME|X" + "XX|HA" + r"CK)\b")


def text_files() -> list[tuple[str, str]]:
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    found = []
    for name in listed.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and path.stat().st_size < 1_000_000:
            try:
                found.append((name, path.read_text(encoding="utf-8")))
            except UnicodeDecodeError:
                continue
    return found


def hits(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in text_files()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_machine_paths_or_registry_hosts() -> None:
    assert hits(MACHINE) + hits(HOSTS) == []


def test_nothing_is_marked_as_left_undone() -> None:
    assert hits(UNDONE) == []


def test_no_file_is_too_large_for_git() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = [ROOT / name for name in listed.stdout.splitlines()]
    assert [f.name for f in files if f.is_file() and f.stat().st_size > 5_000_000] == []
