"""A whole simulated store: receipts close, survive a full disk, and a replay says the same."""

import json
import resource
import unittest
from functools import partial

import launch_testing.asserts
import pytest
from aisle_msgs.srv import GetReceipt
from stack import START_S, Stack, Watcher

from aisle.bags.replay import replay
from aisle.receipts import LedgerReader, receipt_json
from aisle.records import ReceiptState
from aisle_nodes.interfaces import GET_RECEIPT

SESSIONS = 3
SCENARIO = f"""
shoppers: {SESSIONS}
together: 2
stay_s: [12, 16]
action_s: 4.0
between_s: [1.0, 2.0]
lead_s: 3.0
"""
NODES = {"sim_node", "weight_node", "gate_node", "store_model_node", "fusion_node", "receipt_node"}


@pytest.mark.launch_test
def generate_test_description():
    stack = Stack(1, SCENARIO)
    return stack.describe(
        "store.launch.py",
        store=stack.store,
        scenario=stack.scenario,
        seed=3,
        speed=2.0,
        duration=100_000.0,
        record=stack.bag,
    )


def set_disk_full(pid, full):
    """Make every file of a process as large as it may become, as on a full disk."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0 if full else hard, hard))


def is_in_error(watcher, name):
    return watcher.diagnostics[name][0] == 2


class TestStore(unittest.TestCase):
    def test_receipts_close_although_a_disk_was_full(self, stack):
        watcher = Watcher(stack)
        self.addCleanup(watcher.close)
        watcher.until(lambda: watcher.updates, START_S)
        for name in ("receipt_node", "fusion_node"):
            set_disk_full(stack.pids[name], full=True)
            watcher.until(partial(is_in_error, watcher, name), 60)
            set_disk_full(stack.pids[name], full=False)
        watcher.until(lambda: watcher.all_closed(SESSIONS), 60)
        watcher.until(lambda: len(watcher.truth) == SESSIONS)
        watcher.until(lambda: watcher.diagnostics.keys() >= NODES)

        truth = {json.loads(text)["session"] for text in watcher.truth}
        assert truth == set(watcher.states)
        for session in truth:
            revisions = [u.revision for u in watcher.updates if u.session == session]
            assert revisions == list(range(1, len(revisions) + 1))
            answer = watcher.call(GetReceipt, GET_RECEIPT, session=session)
            assert answer.found
            assert answer.receipt.revision == revisions[-1]
        assert any(update.lines for update in watcher.updates)


@launch_testing.post_shutdown_test()
class TestAfterShutdown(unittest.TestCase):
    def test_every_process_ended_cleanly(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)

    def test_replay_gives_the_same_receipts_byte_for_byte(self, stack):
        reader = LedgerReader.open(stack.ledger)
        live = {receipt.session: receipt_json(receipt) for receipt in reader.receipts()}
        assert len(live) == SESSIONS
        assert all(r.state is not ReceiptState.OPEN for r in reader.receipts())
        reader.close()
        for _ in range(2):
            result = replay(stack.bag, model=stack.model)
            replayed = {s: receipt_json(r) for s, r in result.receipts.items()}
            for session, receipt in live.items():
                assert replayed.pop(session) == receipt
            assert replayed == {}
