"""Loggers of the launch system: to the screen and into one file a launch."""

from __future__ import annotations

import datetime
import logging
import os
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from .._left_out import left_out

__all__ = ["get_logger", "get_output_loggers", "launch_config", "log_launch_config", "reset"]

OutputConfig = str | Mapping[str, str | Iterable[str]]

_PRESETS: dict[str, dict[str, set[str]]] = {
    "screen": {"both": {"screen"}},
    "log": {"both": {"log"}, "stderr": {"screen"}},
    "both": {"both": {"log", "screen"}},
}


if TYPE_CHECKING:
    _StreamHandler = logging.StreamHandler[TextIO]
else:
    # Python 3.10 knows no type argument here.
    _StreamHandler = logging.StreamHandler


class _ScreenHandler(_StreamHandler):
    """Writes to whatever is the standard output at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """The standard output."""
        return sys.stdout


class LaunchConfig:
    """The handlers, the level and the folder of the log files."""

    def __init__(self) -> None:
        self.level = logging.INFO
        self._log_dir: Path | None = None
        self._handlers: dict[str, logging.Handler] = {}
        self._loggers: dict[str, logging.Logger] = {}

    @property
    def log_dir(self) -> str:
        """The folder of this launch's log files, made at first use.

        Below ``ROS_LOG_DIR``, else ``ROS_HOME/log``, else ``~/.ros/log``.
        """
        if self._log_dir is None:
            home = os.environ.get("ROS_HOME") or str(Path.home() / ".ros")
            base = Path(os.environ.get("ROS_LOG_DIR") or Path(home) / "log").expanduser()
            now = datetime.datetime.now().strftime("%Y-%m-%d-%H-%M-%S-%f")
            self._log_dir = base / f"{now}-{socket.gethostname()}-{os.getpid()}"
            self._log_dir.mkdir(parents=True, exist_ok=True)
        return str(self._log_dir)

    @log_dir.setter
    def log_dir(self, new_log_dir: str) -> None:
        self._log_dir = Path(new_log_dir).absolute()
        self._log_dir.mkdir(parents=True, exist_ok=True)

    def get_log_file_path(self, file_name: str = "launch.log") -> str:
        """Return the path of a log file."""
        return str(Path(self.log_dir) / file_name)

    def handler(self, kind: str, layout: str) -> logging.Handler:
        """Return the one handler for ``screen`` or ``log`` that writes lines as ``layout``."""
        key = f"{kind}:{layout}"
        if key not in self._handlers:
            handler: logging.Handler = (
                _ScreenHandler()
                if kind == "screen"
                else logging.FileHandler(self.get_log_file_path(), encoding="utf-8")
            )
            handler.setFormatter(logging.Formatter(layout, style="{"))
            self._handlers[key] = handler
        return self._handlers[key]

    def logger(self, name: str, handlers: Iterable[logging.Handler]) -> logging.Logger:
        """Return a logger of that name that writes to these handlers and nowhere else."""
        logger = self._loggers.setdefault(name, logging.Logger(name, self.level))
        for handler in handlers:
            if handler not in logger.handlers:
                logger.addHandler(handler)
        return logger

    def set_level(self, level: int) -> None:
        """Set the level of all loggers."""
        self.level = level
        for logger in self._loggers.values():
            logger.setLevel(level)

    def close(self) -> None:
        """Close the log files."""
        for handler in self._handlers.values():
            handler.close()


launch_config = LaunchConfig()


def reset() -> None:
    """Forget loggers, handlers and log folder: the next launch starts with new ones."""
    global launch_config
    launch_config.close()
    launch_config = LaunchConfig()


def get_logger(name: str = "launch") -> logging.Logger:
    """Return the logger of a part or process: screen and log file, with level and name."""
    return launch_config.logger(
        name,
        [
            launch_config.handler("screen", "[{levelname}] [{name}]: {message}"),
            launch_config.handler("log", "{created:.7f} [{levelname}] [{name}]: {message}"),
        ],
    )


def log_launch_config(*, logger: logging.Logger) -> None:
    """Say where the log files are and how much is logged."""
    logger.info("All log files can be found below %s", launch_config.log_dir)
    logger.info("Default logging verbosity is set to %s", logging.getLevelName(logger.level))


def get_output_loggers(
    process_name: str, output_config: OutputConfig
) -> tuple[logging.Logger, logging.Logger]:
    """Return the loggers for a process's output and error output.

    Args:
        process_name: Name of the process, which starts the loggers' names.
        output_config: ``screen``, ``log`` (all to the file, errors also to the screen),
            ``both``, or a mapping of ``stdout``, ``stderr``, ``both`` to ``screen`` and ``log``.

    Raises:
        NotImplementedError: ``own_log`` or ``full``.
        ValueError: Not a known output.
    """
    sinks = _sinks(output_config)
    loggers = []
    for source in ("stdout", "stderr"):
        handlers = [
            launch_config.handler(
                kind, "{message}" if kind == "screen" else "{created:.7f} {message}"
            )
            for kind in sorted(sinks.get(source, set()) | sinks.get("both", set()))
        ]
        loggers.append(launch_config.logger(f"{process_name}-{source}", handlers))
    return loggers[0], loggers[1]


def _sinks(output_config: OutputConfig) -> dict[str, set[str]]:
    if isinstance(output_config, str):
        if output_config in ("own_log", "full"):
            raise left_out(f"output='{output_config}'")
        if output_config not in _PRESETS:
            raise ValueError(f"'{output_config}' is not a known process output")
        return _PRESETS[output_config]
    sinks: dict[str, set[str]] = {}
    for source, kinds in output_config.items():
        sinks[source] = {kinds} if isinstance(kinds, str) else set(kinds)
        if "own_log" in sinks[source]:
            raise left_out("output 'own_log'")
        if source not in ("stdout", "stderr", "both") or not sinks[source] <= {"screen", "log"}:
            raise ValueError(f"'{source}: {kinds}' is not a known process output")
    return sinks


def __getattr__(name: str) -> Any:
    if name in ("handlers", "LaunchLogger", "get_log_file_path"):
        raise left_out(f"launch.logging.{name}")
    raise AttributeError(name)
