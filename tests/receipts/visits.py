"""Random visits for property tests, as each topic would carry them."""

from __future__ import annotations

import random
from dataclasses import replace

from ledger_samples import SECOND, change, enter, leave

from aisle.receipts import Ledger
from aisle.records import Action, Change, ChangeState, GateEvent, Prediction, Receipt

Message = GateEvent | Prediction
PRODUCTS = ("cola", "bread", "", "ghost")


def _next_states(rng: random.Random, number: int, session: str) -> list[Change]:
    first = change(
        number,
        rng.choice(PRODUCTS),
        rng.randint(1, 3),
        session=session,
        action=rng.choice((Action.TAKE, Action.TAKE, Action.RETURN)),
        state=ChangeState.TENTATIVE,
        probability=rng.choice((0.55, 0.9, 0.97)),
        foreign=rng.random() < 0.4,
    )
    later = rng.choice(
        (
            {"state": ChangeState.CONFIRMED, "probability": 0.98},
            {"state": ChangeState.WITHDRAWN},
            {"state": ChangeState.CONFIRMED, "product": rng.choice(PRODUCTS), "quantity": 2},
        )
    )
    again = {"state": rng.choice((ChangeState.WITHDRAWN, ChangeState.CONFIRMED)), "quantity": 1}
    return [first, replace(first, **later), replace(first, **later | again)][: rng.randint(1, 3)]


def visit(rng: random.Random, session: str, count: int) -> tuple[list[Message], list[Message]]:
    """Return the gate events and the predictions of one session, each in order."""
    versions = [
        (number, item) for number in range(count) for item in _next_states(rng, number, session)
    ]
    versions.sort(key=lambda entry: entry[0] + rng.randint(0, 2))
    stamp = 2 * SECOND
    predictions: list[Message] = []
    while versions:
        stamp += SECOND
        some: dict[str, Change] = {}
        for _ in range(rng.randint(1, 3)):
            if versions and versions[0][1].id not in some:
                item = versions.pop(0)[1]
                some[item.id] = item
        gaps = ("scales silent",) if rng.random() < 0.1 else ()
        predictions.append(Prediction(stamp, session, tuple(some.values()), gaps=gaps))
    predictions.append(Prediction(stamp + SECOND, session, (), final=True))
    return [enter(session), leave(session, 90)], predictions


def feed(ledger: Ledger, message: Message) -> list[Receipt]:
    if isinstance(message, GateEvent):
        return ledger.gate(message)
    return ledger.apply(message)


def interleave(rng: random.Random, streams: list[list[Message]]) -> list[Message]:
    """Merge streams in random order; each keeps its own."""
    order = [index for index, stream in enumerate(streams) for _ in stream]
    rng.shuffle(order)
    left = [iter(stream) for stream in streams]
    return [next(left[index]) for index in order]


def repeat_some(rng: random.Random, messages: list[Message], share: float) -> list[Message]:
    """Deliver some messages again, somewhere later."""
    result: list[Message] = []
    for index, message in enumerate(messages):
        result.append(message)
        if rng.random() < share:
            result.append(messages[rng.randint(0, index)])
    return result
