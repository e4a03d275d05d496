"""The service that runs a launch."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import traceback
from collections.abc import Iterable, Iterator
from typing import Any

from .event import Event
from .event_handlers import OnIncludeLaunchDescription, OnShutdown
from .events import IncludeLaunchDescription, Shutdown
from .launch_context import LaunchContext
from .launch_description import LaunchDescription
from .launch_description_entity import LaunchDescriptionEntity
from .logging import get_logger, launch_config, log_launch_config
from .utilities import normalize_to_list_of_entities, visit_all_entities


class LaunchService:
    """Visits launch descriptions and handles events until nothing is left or it is stopped.

    Exit code: 0, also when processes died; 1 when an exception ended the launch.
    """

    def __init__(
        self,
        *,
        argv: Iterable[str] | None = None,
        noninteractive: bool = False,
        debug: bool = False,
    ) -> None:
        if debug:
            import logging

            launch_config.set_level(logging.DEBUG)
        self.__logger = get_logger()
        self.__debug = debug
        self.__context = LaunchContext(argv=argv, noninteractive=noninteractive)
        self.__context.register_event_handler(OnIncludeLaunchDescription())
        self.__context.register_event_handler(OnShutdown(on_shutdown=self._on_shutdown))
        self.__pairs: list[tuple[LaunchDescriptionEntity, asyncio.Future[None]]] = []
        self.__lock = threading.RLock()
        self.__loop: asyncio.AbstractEventLoop | None = None
        self.__task: asyncio.Task[int] | None = None
        self.__shutting_down = False
        self.__shutdown_when_idle = True
        self.__return_code = 0

    @property
    def context(self) -> LaunchContext:
        """The state of the launch."""
        return self.__context

    @property
    def event_loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop while the service runs, else ``None``."""
        return self.__loop

    @property
    def task(self) -> asyncio.Task[int] | None:
        """The task of :meth:`run_async` while it runs, else ``None``."""
        return self.__task

    def emit_event(self, event: Event) -> None:
        """Queue an event, from any thread; before the service runs, it is kept."""
        with self.__lock:
            if self.__loop is None:
                self.__context.emit_event_sync(event)
            else:
                self.__loop.call_soon_threadsafe(self.__context.emit_event_sync, event)

    def include_launch_description(self, launch_description: LaunchDescription) -> None:
        """Visit a description as soon as the service runs; from any thread."""
        self.emit_event(IncludeLaunchDescription(launch_description))

    def shutdown(self, force_sync: bool = False) -> None:
        """Stop what runs, then end :meth:`run`; from any thread."""
        with self.__lock:
            if self.__loop is not None:
                self._shutdown("LaunchService.shutdown() called", due_to_sigint=False)

    def run(self, *, shutdown_when_idle: bool = True) -> int:
        """Run until all is done and return the exit code.

        Args:
            shutdown_when_idle: Stop when nothing is left to wait for; otherwise run until
                :meth:`shutdown` or a signal.
        """
        return asyncio.run(
            self.run_async(shutdown_when_idle=shutdown_when_idle), debug=self.__debug
        )

    async def run_async(self, *, shutdown_when_idle: bool = True) -> int:
        """Run in the current loop; see :meth:`run`.

        Raises:
            RuntimeError: The service runs already.
        """
        with self.__lock:
            if self.__loop is not None:
                raise RuntimeError("LaunchService.run() called while the service runs")
            self.__loop = asyncio.get_running_loop()
            self.__task = asyncio.current_task()
        self.__context._set_asyncio_loop(self.__loop)
        self.__shutdown_when_idle = shutdown_when_idle
        self.__return_code = 0
        log_launch_config(logger=self.__logger)
        try:
            with self._signals(self.__loop):
                await self._run_until_done()
        finally:
            with self.__lock:
                self.__loop = None
                self.__task = None
                self.__shutting_down = False
                self.__context._set_asyncio_loop(None)
        return self.__return_code

    async def _run_until_done(self) -> None:
        while True:
            try:
                await self._run_loop()
                return
            except asyncio.CancelledError:
                self.__logger.error("asyncio run loop was canceled")
                self.__return_code = 1
                self._shutdown("the run loop was canceled", due_to_sigint=False)
            except Exception as error:
                message = f"Caught exception in launch (see debug for traceback): {error}"
                self.__logger.debug(traceback.format_exc())
                self.__logger.error(message)
                self.__return_code = 1
                self._shutdown(message, due_to_sigint=False)

    async def _run_loop(self) -> None:
        """Handle events until the launch is idle and stopped."""
        queue = self.__context._event_queue
        while True:
            futures = self._unfinished()
            if not futures and queue.empty():
                if self.__shutting_down:
                    return
                if self.__shutdown_when_idle:
                    self._shutdown("idle", due_to_sigint=False)
            if queue.empty():
                await self._wait_for_news(futures)
            while not queue.empty():
                self._process_event(queue.get_nowait())
                # Let the processes' output and ends in, in the order in which they come.
                await asyncio.sleep(0)

    async def _wait_for_news(self, futures: list[asyncio.Future[None]]) -> None:
        event = asyncio.ensure_future(self.__context._event_queue.get())
        try:
            waited: list[asyncio.Future[Any]] = [event, *futures]
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if event.done() and not event.cancelled():
                self._process_event(event.result())
            else:
                event.cancel()

    def _unfinished(self) -> list[asyncio.Future[None]]:
        self.__pairs = [pair for pair in self.__pairs if not pair[1].done()]
        waiting = self.__context._completion_futures
        waiting[:] = [future for future in waiting if not future.done()]
        return [future for _, future in self.__pairs] + waiting

    def _process_event(self, event: Event) -> None:
        for handler in tuple(self.__context._event_handlers):
            if not handler.matches(event):
                continue
            self.__context._push_locals()
            try:
                for entity in normalize_to_list_of_entities(handler.handle(event, self.__context)):
                    # One by one: when a later entity fails, the earlier ones are still awaited.
                    self.__pairs.extend(visit_all_entities(entity, self.__context))
            finally:
                self.__context._pop_locals()

    def _on_shutdown(self, event: Event, context: LaunchContext) -> None:
        self.__shutting_down = True
        context._set_is_shutdown(True)

    def _shutdown(self, reason: str, *, due_to_sigint: bool) -> None:
        with self.__lock:
            if self.__shutting_down:
                return
            self.__shutting_down = True
            self.__context._set_is_shutdown(True)
        self.emit_event_soon(Shutdown(reason=reason, due_to_sigint=due_to_sigint))

    def emit_event_soon(self, event: Event) -> None:
        """Queue an event at once when called in the service's own thread."""
        try:
            own = asyncio.get_running_loop() is self.__loop
        except RuntimeError:
            own = False
        if own:
            self.__context.emit_event_sync(event)
        else:
            self.emit_event(event)

    @contextlib.contextmanager
    def _signals(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Take SIGINT, SIGTERM and SIGQUIT while the service runs in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
        before = {number: signal.getsignal(number) for number in numbers}
        for number in numbers:
            loop.add_signal_handler(number, self._on_signal, number)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)
                if before[number] is not None:
                    signal.signal(number, before[number])

    def _on_signal(self, number: signal.Signals) -> None:
        is_sigint = number is signal.SIGINT
        words = "ctrl-c (SIGINT)" if is_sigint else f"ctrl-\\ ({number.name})"
        if self.__shutting_down:
            self.__logger.warning("user interrupted with %s again, ignoring...", words)
            return
        if is_sigint:
            self.__logger.warning("user interrupted with %s", words)
        else:
            self.__logger.error("user interrupted with %s, terminating...", words)
            self.__return_code = 1
        self._shutdown(words, due_to_sigint=is_sigint)
