"""A recording through the nodes, fast: the same receipts as from the library."""

import unittest

import launch_testing.asserts
import pytest
from stack import START_S, Stack, Watcher

from aisle.bags.replay import replay
from aisle.bags.store_io import BagWriter
from aisle.receipts import LedgerReader, receipt_json
from aisle.records import WeightBatch
from aisle.sim.scenario import Scenario
from aisle.sim.simulation import simulate
from aisle.store.load import load_store

SCENARIO = Scenario(shoppers=2, stay_s=(12, 16), action_s=4.0, lead_s=3.0)


@pytest.mark.launch_test
def generate_test_description():
    stack = Stack(3)
    simulation = simulate(load_store(stack.store)[0], SCENARIO, seed=5)
    with BagWriter(stack.bag) as bag:
        bag.store(simulation.store, 0, simulation.start_ns)
        for arrival in simulation.arrivals():
            write = bag.weights if isinstance(arrival.record, WeightBatch) else bag.gate
            write(arrival.record, arrival.arrival_ns)
    return stack.describe("replay.launch.py", bag=stack.bag, speed=5.0, settle=3600.0)


class TestReplay(unittest.TestCase):
    def test_receipts_close(self, stack):
        watcher = Watcher(stack)
        self.addCleanup(watcher.close)
        watcher.until(lambda: watcher.all_closed(SCENARIO.shoppers), START_S)


@launch_testing.post_shutdown_test()
class TestAfterShutdown(unittest.TestCase):
    def test_every_process_ended_cleanly(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)

    def test_receipts_are_those_of_the_library(self, stack):
        reader = LedgerReader.open(stack.ledger)
        live = {receipt.session: receipt_json(receipt) for receipt in reader.receipts()}
        reader.close()
        result = replay(stack.bag, model=stack.model)
        assert {s: receipt_json(r) for s, r in result.receipts.items()} == live
