"""`kill -9` of every node at random moments: no line is lost or doubled, absences are said."""

import json
import os
import random
import signal
import unittest
from collections import Counter

import pytest
from stack import START_S, Stack, Watcher

from aisle.receipts import LedgerReader, receipt_json
from aisle.records import Action, ChangeState, ReceiptState

SEED = int(os.environ.get("AISLE_KILL_SEED", "20"))
SESSIONS = 5
SCENARIO = f"""
shoppers: {SESSIONS}
together: 2
stay_s: [20, 26]
action_s: 4.0
between_s: [1.0, 2.0]
lead_s: 3.0
"""
NODES = ["fusion_node", "receipt_node", "weight_node", "gate_node", "store_model_node", "sim_node"]
BLINDING = {"fusion_node", "weight_node"}
"""Nodes without which a session is not seen."""


@pytest.mark.launch_test
def generate_test_description():
    stack = Stack(2, SCENARIO)
    return stack.describe(
        "store.launch.py",
        store=stack.store,
        scenario=stack.scenario,
        seed=4,
        speed=1.5,
        duration=100_000.0,
    )


class TestKill(unittest.TestCase):
    def setUp(self):
        self.rng = random.Random(SEED)
        print(f"seed {SEED}")

    def test_lines_survive_and_absences_are_said(self, stack):
        watcher = Watcher(stack)
        self.addCleanup(watcher.close)
        watcher.until(lambda: watcher.updates, START_S)
        kills = self.kill_all(stack, watcher)
        watcher.until(lambda: len(watcher.truth) >= SESSIONS, START_S)
        watcher.until(lambda: watcher.all_closed(SESSIONS), START_S)
        truth = {entry["session"]: entry for entry in map(json.loads, watcher.truth)}
        assert set(watcher.states) == set(truth)
        reader = LedgerReader.open(stack.ledger)
        self.addCleanup(reader.close)
        for session, entry in truth.items():
            self.check_lines(session, reader, watcher)
            receipt = reader.receipt(session)
            blinded = [
                name
                for name, at_ns in kills
                if name in BLINDING and entry["enter_ns"] < at_ns < entry["exit_ns"]
            ]
            print(session, "lost sight by", blinded or "nothing", "and is", receipt.state.name)
            if blinded:
                assert receipt.state is ReceiptState.REVIEW, (session, blinded)
                assert receipt.review_reasons

    def kill_all(self, stack, watcher):
        """Kill each node once in random order, at random moments, also while others are away."""
        kills = []
        for name in self.rng.sample(NODES, len(NODES)):
            watcher.let_pass(self.rng.uniform(1.0, 8.0))
            kills.append((name, watcher.now_ns))
            pid = stack.pids[name]
            os.kill(pid, signal.SIGKILL)
            if name == "sim_node" or self.rng.random() < 0.5:
                watcher.until(lambda: stack.pids[name] != pid, START_S)  # noqa: B023
        return kills

    def check_lines(self, session, reader, watcher):
        """What was ever said of a session is in its receipt, once."""
        changes = {change.id: change for change in reader.changes(session)}
        for prediction in watcher.predictions:
            for said in prediction.changes if prediction.session == session else ():
                kept = changes[said.id]
                assert (said.product, said.action, said.quantity, said.stamp_ns) == (
                    kept.product,
                    kept.action,
                    kept.quantity,
                    kept.stamp_ns,
                )
        by_revision = {}
        for update in (u for u in watcher.updates if u.session == session):
            known = by_revision.setdefault(update.revision, update)
            assert receipt_json(known) == receipt_json(update), "a revision has one content"
        receipt = reader.receipt(session)
        assert receipt_json(by_revision[receipt.revision]) == receipt_json(receipt)
        total = Counter()
        for change in changes.values():
            if change.state is not ChangeState.WITHDRAWN:
                total[change.product] += change.quantity * (
                    1 if change.action is Action.TAKE else -1
                )
        lines = {line.product: line.quantity for line in receipt.lines}
        assert lines == {product: count for product, count in total.items() if count > 0}
