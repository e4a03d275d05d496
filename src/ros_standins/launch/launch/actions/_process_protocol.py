"""The asyncio side of a started process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# A grandchild may keep the pipes open for ever; output of the process itself is there at once.
_PIPE_GRACE_S = 0.5


class ProcessProtocol(asyncio.SubprocessProtocol):
    """Hands output on and is complete when the process has ended and its output is read."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_start: Callable[[int], None],
        on_output: Callable[[int, bytes], None],
    ) -> None:
        self._loop = loop
        self._on_start = on_start
        self._on_output = on_output
        self._transport: asyncio.SubprocessTransport | None = None
        self._open_pipes = {1, 2}
        self.complete: asyncio.Future[int] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport and tell the process id, before any output comes."""
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport
        self._on_start(transport.get_pid())

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Hand a piece of output on."""
        self._on_output(fd, data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Note that a pipe is at its end."""
        self._open_pipes.discard(fd)
        if not self._open_pipes:
            self._finish_if_exited()

    def process_exited(self) -> None:
        """Note that the process ended, and wait a little for its last output."""
        if self._open_pipes:
            self._loop.call_later(_PIPE_GRACE_S, self._finish_if_exited)
        else:
            self._finish_if_exited()

    def _finish_if_exited(self) -> None:
        assert self._transport is not None
        returncode = self._transport.get_returncode()
        if returncode is not None and not self.complete.done():
            self.complete.set_result(returncode)
