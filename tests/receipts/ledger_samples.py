"""A small store and short ways to write messages."""

from __future__ import annotations

from collections.abc import Callable

from aisle.receipts import Ledger
from aisle.records import (
    Action,
    Change,
    ChangeState,
    GateEvent,
    GateKind,
    Prediction,
)
from aisle.store.types import Product, Store

SECOND = 1_000_000_000
OpenLedger = Callable[..., Ledger]


def make_store(currency: str = "EUR", **prices: int) -> Store:
    products = {
        key: Product(key, key.title(), 0.3, (0.1, 0.1, 0.1), price) for key, price in prices.items()
    }
    return Store("test", currency, products, {}, {}, {}, {}, {})


def enter(session: str = "a", at: float = 1.0) -> GateEvent:
    return GateEvent(int(at * SECOND), "north", GateKind.ENTER, session)


def leave(session: str = "a", at: float = 50.0) -> GateEvent:
    return GateEvent(int(at * SECOND), "north", GateKind.EXIT, session)


def change(
    number: int,
    product: str = "cola",
    quantity: int = 1,
    *,
    session: str = "a",
    action: Action = Action.TAKE,
    state: ChangeState = ChangeState.CONFIRMED,
    probability: float = 0.99,
    foreign: bool = False,
) -> Change:
    return Change(
        id=f"{session}/{number}",
        state=state,
        stamp_ns=number * SECOND,
        action=action,
        product=product,
        quantity=quantity,
        probability=probability,
        shelf="g1/s1",
        plates=("g1/s1/p1",),
        evidence_ns=(number * SECOND, number * SECOND + 5),
        foreign=foreign,
    )


def predict(
    at: float,
    *changes: Change,
    session: str = "a",
    final: bool = False,
    gaps: tuple[str, ...] = (),
) -> Prediction:
    return Prediction(int(at * SECOND), session, changes, final, gaps)
