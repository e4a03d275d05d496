"""A real store's launch file, with terminals and a pipe in place of scales and gate."""

import json
import os
import pty
import threading
import time
import tty
import unittest

import launch_testing.asserts
import pytest
import yaml
from stack import START_S, Stack, Watcher

from aisle.receipts import LedgerReader
from aisle.records import ReceiptState
from aisle.store.load import load_store

RATE_HZ = 60.0
WINDOW_S = 6.0
"""More than the model looks back: only then does it know a quiet shelf."""
FULL_KG, TAKEN_KG = 5.0, 0.3
ABSENT = "g2"
"""A controller that nobody has plugged in yet."""


class Rig(Stack):
    """A store whose devices this process plays."""

    def __init__(self):
        super().__init__(4)
        self.taken_kg = 0.0
        self.controllers = load_store(self.store)[0].controllers
        self._hosts = {name: self._terminal(name) for name in self.controllers}
        file = self.store / "rig.yaml"
        rig = yaml.safe_load(file.read_text())
        for name, controller in rig["controllers"].items():
            controller["driver"] = {"port": str(self.folder / f"usb-Scale_{name}")}
        self._gates = {}
        for name, gate in rig["gates"].items():
            pipe = self.folder / f"gate_{name}"
            os.mkfifo(pipe)
            # Both ends, so that neither side waits for the other.
            self._gates[gate["kind"]] = os.open(pipe, os.O_RDWR)
            gate["driver"] = {"path": str(pipe)}
        file.write_text(yaml.safe_dump(rig))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._weigh, daemon=True)
        self._thread.start()

    def _terminal(self, name):
        host, device = pty.openpty()
        tty.setraw(host)
        os.set_blocking(host, False)
        if name != ABSENT:
            (self.folder / f"usb-Scale_{name}").symlink_to(os.ttyname(device))
        return host

    def _weigh(self):
        sequence = 0
        while not self._ended.wait(1 / RATE_HZ):
            for name, host in self._hosts.items():
                values = [FULL_KG + sequence % 5 * 1e-4 for _ in self.controllers[name].plates]
                if name == "g1":
                    values[0] -= self.taken_kg
                line = ",".join([str(sequence), *(f"{value:.4f}" for value in values)])
                try:
                    os.write(host, f"{line}\n".encode())
                except BlockingIOError:  # Nobody reads it yet.
                    continue
            sequence += 1

    def enter(self, session):
        """Somebody comes in."""
        self._pass("entry", {"kind": "enter", "session": session})

    def leave(self, session):
        """Somebody goes out."""
        self._pass("exit", {"kind": "exit", "session": session})

    def _pass(self, gate, passage):
        os.write(self._gates[gate], (json.dumps(passage) + "\n").encode())

    def close(self):
        self._ended.set()
        self._thread.join()
        for end in (*self._hosts.values(), *self._gates.values()):
            os.close(end)
        super().close()


@pytest.mark.launch_test
def generate_test_description():
    rig = Rig()
    return rig.describe("rig.launch.py", store=rig.store)


class TestRig(unittest.TestCase):
    def test_what_was_taken_is_on_the_receipt_and_a_missing_scale_is_named(self, stack):
        watcher = Watcher(stack)
        self.addCleanup(watcher.close)
        nodes = {f"weight_{name}" for name in stack.controllers} | {"gate_entry", "gate_exit"}
        watcher.until(lambda: watcher.diagnostics.keys() >= nodes, START_S)
        watcher.until(lambda: watcher.counter("weight_g1", "opened") == 1, START_S)
        absent = f"weight_{ABSENT}"
        watcher.until(lambda: f"usb-Scale_{ABSENT}" in watcher.diagnostics[absent][1])
        watcher.until(lambda: watcher.diagnostics["fusion_node"][2], START_S)
        time.sleep(WINDOW_S)
        stack.enter("visit")
        watcher.until(lambda: "visit" in watcher.states, START_S)
        time.sleep(2)
        stack.taken_kg = TAKEN_KG
        watcher.until(lambda: any(update.lines for update in watcher.updates), START_S)
        stack.leave("visit")
        watcher.until(lambda: watcher.all_closed(1), START_S)


@launch_testing.post_shutdown_test()
class TestAfterShutdown(unittest.TestCase):
    def test_every_process_ended_cleanly(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)

    def test_the_ledger_has_the_receipt_for_review_since_a_scale_was_missing(self, stack):
        reader = LedgerReader.open(stack.ledger)
        (receipt,) = reader.receipts()
        reader.close()
        assert len(receipt.lines) == 1
        assert receipt.state is ReceiptState.REVIEW
