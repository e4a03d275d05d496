"""A launched stack seen from a test: its arguments, its processes, what it published."""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from aisle_msgs.msg import ReceiptPrediction, ReceiptUpdate
from launch import LaunchDescription
from launch.actions import (
    IncludeLaunchDescription,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.event_handlers import OnProcessStart
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_testing.actions import ReadyToTest
from rosgraph_msgs.msg import Clock
from std_msgs.msg import String

from aisle.bags.convert import prediction_from_message, receipt_from_message
from aisle.records import ReceiptState
from aisle_nodes.interfaces import (
    PREDICTIONS,
    RECEIPT_QOS,
    TRUTH,
    TRUTH_QOS,
    UPDATES,
    WEIGHTS_IN,
)
from ros_graph import Graph
from samples import small_store
from toy_model import write_toy_model

LAUNCH = Path(__file__).parents[2] / "launch"


class Stack:
    """Files of one run, and a launch of it in a ROS domain of its own."""

    def __init__(self, domain, scenario=""):
        self.domain = 101 + (os.getpid() + domain) % 100
        self._folder = tempfile.TemporaryDirectory(prefix="aisle-system-")
        self.folder = Path(self._folder.name)
        self.state = self.folder / "state"
        self.bag = self.folder / "bag"
        self.store = small_store(self.folder / "store")
        self.model = write_toy_model(self.folder / "toy.onnx")
        self.scenario = self.folder / "scenario.yaml"
        self.scenario.write_text(scenario)
        self.ledger = f"sqlite:///{self.state / 'ledger.db'}"
        self.pids = {}

    def describe(self, launch_file, **arguments):
        """Return the description for launch_testing, with `stack` as a test argument."""
        own = {"model": str(self.model), "state_dir": str(self.state), **arguments}
        included = IncludeLaunchDescription(
            PythonLaunchDescriptionSource(str(LAUNCH / launch_file)),
            launch_arguments=[(name, str(value)) for name, value in own.items()],
        )
        started = RegisterEventHandler(OnProcessStart(on_start=self._started))
        domain = SetEnvironmentVariable("ROS_DOMAIN_ID", str(self.domain))
        return LaunchDescription([domain, started, included, ReadyToTest()]), {"stack": self}

    def _started(self, event, _context):
        self.pids[event.process_name.rpartition("-")[0]] = event.pid

    def close(self):
        self._folder.cleanup()


START_S = 120
"""Limit for a start on a busy machine."""


class Watcher(Graph):
    """Takes down everything that the stack says."""

    def __init__(self, stack):
        super().__init__(stack.domain)
        self.now_ns = 0
        self.predictions, self.updates, self.truth = [], [], []
        self.states = {}
        subscribe = self.node.create_subscription
        subscribe(Clock, "/clock", self._clock, WEIGHTS_IN)
        subscribe(ReceiptPrediction, PREDICTIONS, self._prediction, RECEIPT_QOS)
        subscribe(ReceiptUpdate, UPDATES, self._update, RECEIPT_QOS)
        subscribe(String, TRUTH, lambda message: self.truth.append(message.data), TRUTH_QOS)

    def _clock(self, message):
        self.now_ns = message.clock.sec * 1_000_000_000 + message.clock.nanosec

    def _prediction(self, message):
        self.predictions.append(prediction_from_message(message))

    def _update(self, message):
        receipt = receipt_from_message(message)
        self.updates.append(receipt)
        self.states[receipt.session] = receipt.state

    def let_pass(self, seconds):
        """Let simulated time go on."""
        until_ns = self.now_ns + round(seconds * 1e9)
        self.until(lambda: self.now_ns >= until_ns, START_S)

    def all_closed(self, sessions):
        closed = [state for state in self.states.values() if state is not ReceiptState.OPEN]
        return len(closed) >= sessions
