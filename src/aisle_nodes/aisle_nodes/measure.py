"""Measures what the readings cost: `python -m aisle_nodes.measure [STORE]`.

It lets weight_node play simulated readings of a store without shoppers, which fusion_node
converts, synchronizes and bins, and reads from /proc how much processor time the two processes
take. The readings are simulated before and come from a bag, so that making them does not count.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.utilities import try_shutdown

from aisle.bags.simulated import write_simulation
from aisle.sim.scenario import Scenario
from aisle.sim.simulation import simulate
from aisle.store.load import load_store

MEASURED_S = 30.0
WARM_UP_S = 60.0
TICKS = os.sysconf("SC_CLK_TCK")


def processor_s(pid: int) -> float:
    """Return the processor time that a process and its threads have used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def running(node: str, **parameters: str) -> Iterator[int]:
    """Run a node as a process of its own; gives its process id."""
    words = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
    script = f"from aisle_nodes.{node} import main; main()"
    command = [sys.executable, "-c", script, "--ros-args", *words]
    process = subprocess.Popen(command)  # noqa: S603 (our own nodes)
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


class Rates:
    """Rates and counters of the fusion, from its diagnostics."""

    def __init__(self) -> None:
        self.node: Any = rclpy.create_node("measure")
        self.values: dict[str, str] = {}
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._take, 10)

    def _take(self, message: Any) -> None:
        status = message.status[0]
        if status.name == "fusion_node":
            self.values = {value.key: value.value for value in status.values}

    def spin(self, seconds: float) -> None:
        """Take in diagnostics for some time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            rclpy.spin_once(self.node, timeout_sec=0.5)

    def messages(self) -> float:
        """Return the weight messages a second that reach the fusion."""
        return sum(
            float(value)
            for name, value in self.values.items()
            if name.startswith("weights/") and name.endswith("/rate_hz")
        )

    def wait(self, rate: float) -> None:
        """Wait until the readings flow.

        Raises:
            TimeoutError: they do not.
        """
        deadline = time.monotonic() + WARM_UP_S
        while self.messages() < 0.9 * rate:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.messages():.1f} of {rate:.1f} messages/s arrive")
            self.spin(1.0)


def measure(store_dir: Path) -> dict[str, float]:
    """Return the cores that each node uses, and the messages a second that arrive."""
    store, _ = load_store(store_dir)
    rate = sum(c.rate_hz / c.samples_per_message for c in store.controllers.values())
    with tempfile.TemporaryDirectory(prefix="aisle-measure-") as folder:
        bag = Path(folder) / "bag"
        quiet = Scenario(shoppers=0, lead_s=MEASURED_S + WARM_UP_S)
        write_simulation(bag, simulate(store, quiet, seed=1))
        rates = Rates()
        where = str(store_dir)
        with (
            running("store_model_node", store=where),
            running("fusion_node", state_dir=folder) as fusion,
            running("weight_node", store=where, source="file", file=str(bag)) as weight,
        ):
            rates.wait(rate)
            pids = {"weight_node": weight, "fusion_node": fusion}
            before = {name: processor_s(pid) for name, pid in pids.items()}
            began = time.monotonic()
            rates.spin(MEASURED_S)
            elapsed = time.monotonic() - began
            used = {n: (processor_s(pid) - before[n]) / elapsed for n, pid in pids.items()}
            return {**used, "sum": sum(used.values()), "messages/s": rates.messages()}


def main() -> None:
    """Measure the store named on the command line, or `full_rack`."""
    store_dir = Path(sys.argv[1] if len(sys.argv) > 1 else "config/stores/full_rack")
    rclpy.init()
    plates = len(load_store(store_dir)[0].plates)
    print(f"{plates} plates, {MEASURED_S:.0f} s:")
    for name, value in measure(store_dir).items():
        print(f"  {name:12} {value:.3f}" + ("" if name == "messages/s" else " cores"))
    try_shutdown()


if __name__ == "__main__":
    main()
