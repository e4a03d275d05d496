"""Stand-in for the package ``launch_testing`` of ROS 2: the part that this project uses."""

from launch._left_out import refuse

from . import actions, asserts, markers, util
from .decorators import post_shutdown_test
from .io_handler import ActiveIoHandler, IoHandler
from .parametrize import parametrize
from .proc_info_handler import ActiveProcInfoHandler, ProcInfoHandler
from .util import KeepAliveProc

__all__ = [
    "ActiveIoHandler",
    "ActiveProcInfoHandler",
    "IoHandler",
    "KeepAliveProc",
    "ProcInfoHandler",
    "actions",
    "asserts",
    "markers",
    "parametrize",
    "post_shutdown_test",
    "util",
]

__getattr__ = refuse(
    ["LaunchTestService", "ReadyAggregator", "StdoutReadyListener", "frontend", "tools"], __name__
)
