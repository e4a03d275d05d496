from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger_samples import OpenLedger, make_store

from aisle.receipts import Ledger, LedgerConfig
from aisle.store.types import Store


@pytest.fixture
def store() -> Store:
    return make_store(cola=150, bread=320)


@pytest.fixture
def open_ledger(tmp_path: Path, store: Store) -> Iterator[OpenLedger]:
    """Open the same ledger again and again; with the catalogue unless told."""
    opened: list[Ledger] = []

    def open_it(config: LedgerConfig | None = None, *, catalogue: bool = True) -> Ledger:
        ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", config=config)
        opened.append(ledger)
        if catalogue:
            ledger.set_catalogue(store)
        return ledger

    yield open_it
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(open_ledger: OpenLedger) -> Ledger:
    return open_ledger()
