"""Receipts: the durable ledger, its reader and its export."""

from aisle.receipts.codec import receipt_from_json, receipt_json
from aisle.receipts.config import LedgerConfig, LedgerError, LedgerStatus
from aisle.receipts.ledger import Ledger
from aisle.receipts.reader import LedgerReader
from aisle.receipts.slots import slot_change

__all__ = [
    "Ledger",
    "LedgerConfig",
    "LedgerError",
    "LedgerReader",
    "LedgerStatus",
    "receipt_from_json",
    "receipt_json",
    "slot_change",
]
