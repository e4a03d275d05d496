"""Lines out of the pieces that a process writes."""

from __future__ import annotations

import logging
from collections.abc import Callable


class LineWriter:
    """Collects the pieces of one stream and logs each whole line."""

    def __init__(self, logger: logging.Logger, layout: Callable[[str], str], cached: bool) -> None:
        self._logger = logger
        self._layout = layout
        self._rest = b""
        self._cached = cached
        self._cache: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Take a piece and log the lines that it completes."""
        if self._cached:
            self._cache.append(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._write(line)

    def flush(self) -> None:
        """Log what stands behind the last line break, if anything."""
        rest, self._rest = self._rest, b""
        if rest:
            self._write(rest)

    def text(self) -> str:
        """Return all that came, when it is cached."""
        return b"".join(self._cache).decode(errors="replace")

    def _write(self, line: bytes) -> None:
        self._logger.info("%s", self._layout(line.decode(errors="replace")))
