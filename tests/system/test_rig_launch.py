"""A real store's launch file, with terminals and a pipe in place of scales and gate."""

import json
import os
import pty
import threading
import time
import tty
import unittest
from contextlib import suppress

import launch_testing.asserts
import pytest
import yaml
from stack import START_S, Stack, Watcher

from aisle.receipts import LedgerReader
from aisle.records import ReceiptState
from aisle.store.load import load_store

RATE_HZ = 60.0
FULL_KG, TAKEN_KG = 5.0, 0.3
WINDOW_S = 6.0
"""More than the model looks back: only then does it know a quiet shelf."""
ABSENT = "g2"
"""A controller that nobody has plugged in yet."""


class Rig(Stack):
    """A store whose rig names devices that are not there yet."""

    def __init__(self):
        super().__init__(4)
        self.known = load_store(self.store)[0]
        file = self.store / "rig.yaml"
        rig = yaml.safe_load(file.read_text())
        for name, controller in rig["controllers"].items():
            controller["driver"] = {"port": str(self.port(name))}
        for gate in rig["gates"].values():
            gate["driver"] = {"path": str(self.pipe(gate["kind"]))}
            os.mkfifo(self.pipe(gate["kind"]))
        file.write_text(yaml.safe_dump(rig))

    def port(self, controller):
        return self.folder / f"usb-Scale_{controller}"

    def pipe(self, kind):
        return self.folder / f"gate-{kind}"


class Devices:
    """Scales on terminals and gates on pipes, as long as they are plugged in."""

    def __init__(self, rig):
        self.taken_kg = 0.0
        self._plates = {
            name: len(controller.plates)
            for name, controller in rig.known.controllers.items()
            if name != ABSENT
        }
        self._hosts, self._ends = {}, []
        for name in self._plates:
            host, device = pty.openpty()
            tty.setraw(host)
            os.set_blocking(host, False)
            rig.port(name).symlink_to(os.ttyname(device))
            self._hosts[name] = host
            self._ends += [host, device]
        # Both ends of a pipe, so that neither side waits for the other.
        self._gates = {kind: os.open(rig.pipe(kind), os.O_RDWR) for kind in ("entry", "exit")}
        self._ends += self._gates.values()
        self._unplugged = threading.Event()
        self._thread = threading.Thread(target=self._weigh)
        self._thread.start()

    def _weigh(self):
        sequence, due = 0, time.monotonic()
        while not self._unplugged.wait(max(due - time.monotonic(), 0.0)):
            for name, count in self._plates.items():
                values = [FULL_KG + sequence % 5 * 1e-4] * count
                values[0] -= self.taken_kg
                line = ",".join([str(sequence), *(f"{value:.4f}" for value in values)])
                with suppress(BlockingIOError):  # Nobody reads it yet.
                    os.write(self._hosts[name], f"{line}\n".encode())
            sequence += 1
            due += 1 / RATE_HZ

    def enter(self, session):
        """Somebody comes in."""
        self._pass("entry", {"kind": "enter", "session": session})

    def leave(self, session):
        """Somebody goes out."""
        self._pass("exit", {"kind": "exit", "session": session})

    def _pass(self, gate, passage):
        os.write(self._gates[gate], (json.dumps(passage) + "\n").encode())

    def unplug(self):
        self._unplugged.set()
        self._thread.join()
        for end in self._ends:
            os.close(end)


@pytest.mark.launch_test
def generate_test_description():
    rig = Rig()
    return rig.describe("rig.launch.py", store=rig.store)


class TestRig(unittest.TestCase):
    def test_what_is_taken_comes_onto_the_receipt_and_a_missing_scale_is_named(self, stack):
        watcher = Watcher(stack)
        self.addCleanup(watcher.close)
        nodes = {f"weight_{name}" for name in stack.known.controllers}
        nodes |= {"gate_entry", "gate_exit", "fusion_node", "receipt_node", "store_model_node"}
        watcher.until(lambda: watcher.diagnostics.keys() >= nodes, START_S)
        devices = Devices(stack)
        self.addCleanup(devices.unplug)
        watcher.until(lambda: watcher.counter("weight_g1", "opened") == 1, START_S)
        absent = f"weight_{ABSENT}"
        port = stack.port(ABSENT).name
        watcher.until(lambda: port in watcher.diagnostics[absent][1], START_S)
        watcher.until(lambda: watcher.counter("fusion_node", "weights/g1/messages"), START_S)
        time.sleep(WINDOW_S)
        devices.enter("visit")
        watcher.until(lambda: "visit" in watcher.states, START_S)
        time.sleep(2)
        devices.taken_kg = TAKEN_KG
        watcher.until(lambda: any(update.lines for update in watcher.updates), START_S)
        devices.leave("visit")
        watcher.until(lambda: watcher.all_closed(1), START_S)


@launch_testing.post_shutdown_test()
class TestAfterShutdown(unittest.TestCase):
    def test_every_process_ended_cleanly(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)

    def test_the_ledger_has_a_product_of_that_shelf_and_says_which_scale_was_missing(self, stack):
        reader = LedgerReader.open(stack.ledger)
        (receipt,) = reader.receipts()
        reader.close()
        (line,) = receipt.lines
        shelf = stack.known.controllers["g1"].plates[0].rpartition("/")[0]
        there = {slot.product for slot in stack.known.slots.values() if slot.shelf == shelf}
        assert line.product in there
        assert receipt.state is ReceiptState.REVIEW
        assert f"weights/{ABSENT}: silent on entry" in receipt.review_reasons
