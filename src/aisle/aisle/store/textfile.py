"""Reading text and CSV that strangers wrote: no crash, and a line for every mistake."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass
from pathlib import Path

from aisle.store.problems import Report

MAX_BYTES = 16 * 1024 * 1024
FILE_RULES = frozenset(
    ("missing-file", "unreadable", "not-utf8", "control-character", "malformed-csv",
     "missing-column", "repeated-column", "wrong-columns")
)  # fmt: skip
"""Rules that leave rows of a table unread."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def read_text(path: Path, name: str, report: Report) -> str | None:
    """Text of a UTF-8 file (with or without byte order mark), or None after a reported error.

    Args:
        path: File to read.
        name: How to call it in the report.
        report: Gets `missing-file`, `unreadable`, `not-utf8` or `control-character`.
    """
    try:
        if not path.is_file():
            report.error(name, 0, "missing-file", "there is no such file")
            return None
        if path.stat().st_size > MAX_BYTES:
            report.error(name, 0, "unreadable", f"larger than {MAX_BYTES // 2**20} MiB")
            return None
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        report.error(name, 0, "unreadable", f"cannot be read: {error}")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        report.error(name, line, "not-utf8", "not UTF-8: save the file as UTF-8 text")
        return None
    found = _CONTROL.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        message = f"control character {ord(found.group()):#04x} in the text"
        report.error(name, line, "control-character", message)
        return None
    return text


@dataclass(frozen=True)
class Row:
    """One row of a CSV file: its line and its cells by column, without surrounding blanks."""

    file: str
    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        """The cell, empty where the column is absent."""
        return self.cells.get(column, "")

    def number(
        self, column: str, report: Report, low: float = -math.inf, high: float = math.inf
    ) -> float | None:
        """The cell as a number from low to high, or None after a reported `bad-number`."""
        text = self[column]
        value = parse_number(text)
        if value is None:
            message = f"{column} '{shorten(text)}' is not a number"
        elif not low <= value <= high:
            message = f"{column} {shorten(text)} is not from {low:g} to {high:g}"
        else:
            return value
        self.error(report, "bad-number", message)
        return None

    def error(self, report: Report, rule: str, message: str) -> None:
        """Reports an error at this row."""
        report.error(self.file, self.line, rule, message)

    def warn(self, report: Report, rule: str, message: str) -> None:
        """Reports a warning at this row."""
        report.warn(self.file, self.line, rule, message)


def parse_number(text: str) -> float | None:
    """A plain finite decimal number; None for anything else (`nan`, `1_000`, `1,5`, ``)."""
    if len(text) > 40 or _NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def shorten(text: str, limit: int = 40) -> str:
    """Text for a message: one line, no longer than limit."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


def read_table(
    path: Path, name: str, required: tuple[str, ...], optional: tuple[str, ...], report: Report
) -> list[Row]:
    """Rows of a CSV file with a header, in file order; bad rows are reported and left out.

    Args:
        path: File to read.
        name: How to call it in the report.
        required: Columns that must be there, in any order.
        optional: Columns that may be there.
        report: Gets all mistakes.
    """
    text = read_text(path, name, report)
    if text is None:
        return []
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    rows = []
    try:
        line = 1
        for cells in lines:
            at, line = line, lines.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                if not _check_header(header, name, at, (required, optional), report):
                    return []
            elif len(cells) != len(header):
                message = f"{len(cells)} cells where the header has {len(header)}"
                report.error(name, at, "wrong-columns", message)
            else:
                stripped = (cell.strip() for cell in cells)
                rows.append(Row(name, at, dict(zip(header, stripped, strict=True))))
    except csv.Error as error:
        report.error(name, lines.line_num, "malformed-csv", f"broken CSV: {error}")
    if header is None:
        report.error(name, 1, "missing-column", f"no header; expected {','.join(required)}")
    return rows


def _check_header(
    header: list[str],
    name: str,
    line: int,
    columns: tuple[tuple[str, ...], tuple[str, ...]],
    report: Report,
) -> bool:
    required, optional = columns
    missing = [column for column in required if column not in header]
    repeated = sorted({column for column in header if header.count(column) > 1})
    for column in missing:
        report.error(name, line, "missing-column", f"there is no column '{column}'")
    for column in repeated:
        report.error(name, line, "repeated-column", f"column '{shorten(column)}' comes twice")
    for column in header:
        if column not in required and column not in optional:
            message = f"column '{shorten(column)}' is not known and not read"
            report.warn(name, line, "unknown-column", message)
    return not missing and not repeated
