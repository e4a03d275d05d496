"""Runs launch files as a user would: through the command line."""

import os
import signal
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

LIMIT_S = 120

HEADER = """
import os, sys
from launch import LaunchDescription
from launch.actions import *
from launch.conditions import IfCondition, UnlessCondition
from launch.event_handlers import OnProcessExit, OnProcessIO, OnProcessStart, OnShutdown
from launch.events import Shutdown as ShutdownEvent
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import *

def python(program, **kwargs):
    kwargs.setdefault("name", "worker")
    kwargs.setdefault("output", "screen")
    return ExecuteProcess(cmd=[sys.executable, "-u", "-c", program], **kwargs)

def say(*message, **kwargs):
    return LogInfo(msg=list(message), **kwargs)

def generate_launch_description():
    return LaunchDescription(entities())
"""


@dataclass
class Result:
    code: int
    output: str
    log: str

    @property
    def said(self):
        """What ``LogInfo`` wrote, in order."""
        mark = "[launch.user]: "
        return [line.split(mark)[1] for line in self.output.splitlines() if mark in line]

    def lines(self, start):
        return [line for line in self.output.splitlines() if line.startswith(start)]


class Launcher:
    """Writes launch files and runs them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.environment = {
            **os.environ,
            "ROS_LOG_DIR": str(folder / "log"),
            "ROS_DOMAIN_ID": str(20 + os.getpid() % 80),
        }

    def write(self, body, name="test.launch.py"):
        path = self.folder / name
        path.write_text(HEADER + textwrap.dedent(body))
        return path

    def start(self, *words):
        return subprocess.Popen(
            [*words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
            cwd=self.folder,
            start_new_session=True,
        )

    def finish(self, process):
        try:
            output, _ = process.communicate(timeout=LIMIT_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        logs = (self.folder / "log").rglob("launch.log")
        return Result(process.returncode, output, "".join(path.read_text() for path in logs))

    def run(self, body, *arguments):
        return self.finish(self.start("ros2", "launch", str(self.write(body)), *arguments))

    def command(self, *words):
        return self.finish(self.start(*words))


@pytest.fixture
def launcher(tmp_path):
    return Launcher(tmp_path)
