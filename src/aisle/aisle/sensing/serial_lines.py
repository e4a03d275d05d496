"""Lines of text from scales on a serial port, as pure functions.

Two protocols:

`lines`, for microcontrollers: one line for each sampling instant,
`<sequence>,<value>,<value>,...[*<checksum>]`, one value for each plate in order of channel. The
sequence counts up by one with each instant (modulo 2**32), so that lost lines are known. A value
is a decimal number of kilograms, or `nan` or nothing (missed), `ovl` (overload), `unl`
(underload), `err` (fault). The checksum, where present, is two hexadecimal digits: the exclusive
or of all bytes before the `*`.

`sics`, for scales that speak MT-SICS level 0: `S S 0.512 kg` (stable), `S D 0.512 kg` (in
motion), `S I` (not executable), `S +` (overload), `S -` (underload). `SIR` makes the scale send
by itself, `SI` asks once.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import reduce

from aisle.records import PlateStatus

MAX_LINE = 16384
"""Bytes; a longer line is thrown away whole."""
SICS_STREAM = b"SIR\r\n"
SICS_POLL = b"SI\r\n"

_NUMBER = re.compile(r"[+-]?\d{1,9}(\.\d{0,9})?([eE][+-]?\d{1,2})?")
_WORDS = {
    "": PlateStatus.MISSING,
    "nan": PlateStatus.MISSING,
    "ovl": PlateStatus.OVERLOAD,
    "unl": PlateStatus.UNDERLOAD,
    "err": PlateStatus.FAULT,
}
_SICS_WORDS = {
    "I": PlateStatus.MISSING,
    "+": PlateStatus.OVERLOAD,
    "-": PlateStatus.UNDERLOAD,
}
_KILOGRAMS = {"kg": 1.0, "g": 1e-3, "mg": 1e-6, "t": 1e3, "lb": 0.45359237, "oz": 0.028349523125}


class LineError(ValueError):
    """A line is not in the protocol; the text says why."""


@dataclass(frozen=True)
class Sample:
    """One sampling instant of one device."""

    kilograms: tuple[float, ...]
    """One for each plate; NaN where there is no number."""
    status: tuple[PlateStatus, ...]
    sequence: int | None = None
    """Counter of the device, modulo 2**32, where the protocol has one."""


class LineBuffer:
    """Cuts a stream of bytes into lines, whatever the pieces in which it comes.

    Lines end with CR, LF or both; empty lines are left out. A line longer than `MAX_LINE` bytes
    is thrown away up to its end and counted in `overlong`.
    """

    def __init__(self) -> None:
        self.overlong = 0
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes, without their ends."""
        *done, self._rest = re.split(rb"[\r\n]", self._rest + data)
        if self._skipping and done:
            done, self._skipping = done[1:], False
        if len(self._rest) > MAX_LINE:
            self.overlong += not self._skipping
            self._rest, self._skipping = b"", True
        elif self._skipping:
            self._rest = b""
        self.overlong += sum(len(line) > MAX_LINE for line in done)
        return [line for line in done if 0 < len(line) <= MAX_LINE]

    def clear(self) -> None:
        """Forget a begun line, after the device was lost."""
        self._rest, self._skipping = b"", False


def checksum(data: bytes) -> int:
    """Return the exclusive or of all bytes."""
    return reduce(lambda total, byte: total ^ byte, data, 0)


def parse_line(line: bytes, plates: int) -> Sample:
    """Read one line of the protocol `lines`.

    Args:
        line: The line without its end.
        plates: Number of values that it must have.

    Raises:
        LineError: the line is damaged, or has another number of values.
    """
    body, star, tail = line.partition(b"*")
    if star and tail.strip().upper() != b"%02X" % checksum(body):
        raise LineError(f"checksum {_shown(tail)} is not {checksum(body):02X}")
    first, *values = _text(body).split(",")
    if not re.fullmatch(r"\d{1,10}", first.strip()):
        raise LineError(f"sequence {first.strip()[:20]!r} is not a number")
    if len(values) != plates:
        raise LineError(f"{len(values)} values where the controller has {plates} plates")
    read = [_value(value.strip().lower()) for value in values]
    return Sample(
        kilograms=tuple(kilograms for kilograms, _ in read),
        status=tuple(status for _, status in read),
        sequence=int(first) % 2**32,
    )


def parse_sics(line: bytes) -> Sample | None:
    """Read one reply of an MT-SICS scale; None for a reply that is not a weight.

    Raises:
        LineError: the reply is damaged, an error report, or in an unknown unit.
    """
    words = _text(line).split()
    if words in (["ES"], ["ET"], ["EL"]):
        raise LineError(f"the scale did not understand the last command ({words[0]})")
    if not words or words[0] not in ("S", "SI", "SIR") or len(words) < 2:
        return None
    if words[1] in _SICS_WORDS and len(words) == 2:
        return Sample((math.nan,), (_SICS_WORDS[words[1]],))
    if words[1] not in ("S", "D") or len(words) != 4:
        raise LineError(f"not a weight: {_shown(line)}")
    number, unit = words[2], words[3]
    if not _NUMBER.fullmatch(number):
        raise LineError(f"not a number: {number[:20]!r}")
    if unit not in _KILOGRAMS:
        raise LineError(f"unit {unit[:10]!r} is not one of {', '.join(_KILOGRAMS)}")
    return Sample((float(number) * _KILOGRAMS[unit],), (PlateStatus.OK,))


def _text(line: bytes) -> str:
    try:
        return line.decode("ascii")
    except UnicodeDecodeError:
        raise LineError(f"bytes that are not ASCII: {_shown(line)}") from None


def _shown(line: bytes) -> str:
    return repr(line[:40])[1:]


def _value(text: str) -> tuple[float, PlateStatus]:
    if text in _WORDS:
        return math.nan, _WORDS[text]
    if not _NUMBER.fullmatch(text):
        raise LineError(f"{text[:20]!r} is neither a number nor nan, ovl, unl, err")
    return float(text), PlateStatus.OK
