"""A process that waits."""

import sys

from launch.actions import ExecuteProcess

_PROGRAM = """
import signal, threading
done = threading.Event()
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: done.set())
done.wait()
"""


class KeepAliveProc(ExecuteProcess):
    """Keeps a launch from being idle until it is stopped."""

    def __init__(self) -> None:
        super().__init__(cmd=[sys.executable, "-c", _PROGRAM])
