"""A device that sends lines of text: a serial port or a pipe that may come and go."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Protocol

import serial

from aisle.sensing.serial_lines import LineBuffer

READ_SIZE = 65536


class Port(Protocol):
    """The part of a serial port that is used."""

    def read(self, size: int) -> bytes:
        """Return what is there, at most `size` bytes, without waiting."""

    def write(self, data: bytes) -> object:
        """Send bytes."""

    def close(self) -> None:
        """Close."""


class _Pipe:
    """A named pipe, read without waiting; it stays open when its writer goes."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def read(self, size: int) -> bytes:
        try:
            return os.read(self._fd, size)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> object:
        raise OSError(f"a pipe takes no commands, {data!r} is not sent")

    def close(self) -> None:
        os.close(self._fd)


def open_port(path: str, baud: int) -> Port:
    """Open a serial port or a named pipe, never waiting on reads.

    Raises:
        OSError: it is absent or cannot be opened.
    """
    if stat.S_ISFIFO(os.stat(path).st_mode):  # noqa: PTH116 (by-id paths are links, followed here)
        return _Pipe(path)
    port: Port = serial.Serial(path, baud, timeout=0, write_timeout=0.5, exclusive=True)
    return port


class LineDevice:
    """Reads lines and opens the device again by itself after it was lost.

    Args:
        path: The device, by a path that stays the same for the same device.
        baud: Serial speed.
        reconnect_s: Time between two attempts.
        greeting: Sent each time the device was opened.
        opener: `open_port`, or a stand-in in tests.
    """

    def __init__(
        self,
        path: str,
        baud: int = 115200,
        reconnect_s: float = 1.0,
        greeting: bytes = b"",
        opener: Callable[[str, int], Port] = open_port,
    ) -> None:
        self._path, self._baud, self._reconnect_s = path, baud, reconnect_s
        self._greeting, self._opener = greeting, opener
        self._buffer = LineBuffer()
        self._port: Port | None = None
        self._next_try_s = float("-inf")
        self.opened = 0
        """Times that the device was opened: one more than it was lost."""
        self.error = "not opened yet"
        """Why it is not open; empty while it is."""

    @property
    def overlong(self) -> int:
        """Lines thrown away because they had no end."""
        return self._buffer.overlong

    def read(self, now_s: float) -> list[bytes]:
        """Return the complete lines that came; never waits, never raises `OSError`.

        Args:
            now_s: A steady clock.
        """
        if self._port is None and not self._open(now_s):
            return []
        assert self._port is not None
        try:
            return self._buffer.feed(self._port.read(READ_SIZE))
        except OSError as error:
            self._lose(error, now_s)
            return []

    def write(self, data: bytes, now_s: float) -> None:
        """Send bytes if the device is open."""
        if self._port is None:
            return
        try:
            self._port.write(data)
        except OSError as error:
            self._lose(error, now_s)

    def close(self) -> None:
        """Close the device; it opens again at the next read."""
        if self._port is not None:
            port, self._port = self._port, None
            self._buffer.clear()
            port.close()

    def _open(self, now_s: float) -> bool:
        if now_s < self._next_try_s:
            return False
        self._next_try_s = now_s + self._reconnect_s
        try:
            self._port = self._opener(self._path, self._baud)
        except (OSError, ValueError) as error:
            self.error = f"{self._path} cannot be opened: {error}"
            return False
        self.opened += 1
        self.error = ""
        if self._greeting:
            self.write(self._greeting, now_s)
        return self._port is not None

    def _lose(self, error: OSError, now_s: float) -> None:
        self.error = f"{self._path} was lost: {error}"
        self._next_try_s = now_s + self._reconnect_s
        try:
            self.close()
        except OSError:
            self._port = None
