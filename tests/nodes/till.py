"""Fusion and ledger as their nodes join them, without ROS, fed by a test."""

from aisle.fusion.intake import Intake
from aisle.receipts import Ledger, LedgerConfig
from aisle.records import GateEvent
from aisle_nodes.durable_fusion import DurableFusion


class Till:
    """Keeps its files in `folder`; `restart` is the death of the fusion, not of the ledger.

    `make` makes the fusion of a store, as `FusionMaker.make` does.
    """

    def __init__(self, folder, store, make):
        self.ledger = Ledger(str(folder / "ledger.db"), config=LedgerConfig(synchronous="NORMAL"))
        self.ledger.set_catalogue(store)
        self.path, self.make = folder / "fusion.json", make
        self.receipts = {}
        self.restart()

    def restart(self):
        self.intake = Intake(lambda store: DurableFusion(self.make(store), self.path))
        self.said = []

    @property
    def fusion(self):
        return self.intake.fusion and self.intake.fusion.fusion

    def store(self, stamp_ns, store):
        self.hear(self.intake.store(stamp_ns, store))

    def push(self, record):
        if isinstance(record, GateEvent):
            self.note(self.ledger.gate(record))
        self.hear(self.intake.push(record))

    def finish(self):
        self.hear(self.intake.fusion.finish())

    def hear(self, found):
        self.said += found
        for prediction in found:
            self.note(self.ledger.apply(prediction))

    def note(self, receipts):
        self.receipts |= {receipt.session: receipt for receipt in receipts}
