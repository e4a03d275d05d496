"""One HTML page that explains the receipts of a bag; it needs no other file and no network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from aisle.bags import convert, drawing
from aisle.bags.evaluate import evaluate, final_changes, summary, units
from aisle.bags.evidence import Request, collect, curves, requests
from aisle.bags.frames import Shots, shots
from aisle.bags.reading import read_records
from aisle.bags.replay import ReplayResult, recorded, replay
from aisle.bags.store_io import BagError, BagReader
from aisle.bags.truth import TrueEvent, TrueSession, Truth
from aisle.bags.truth_topic import find_truth
from aisle.records import Action, Change, ChangeState, Receipt, ReceiptState
from aisle.store.money import format_price
from aisle.store.types import Store

SAME_NS = 4_000_000_000
"""A true event this near to a change is drawn beside it."""


@dataclass(frozen=True)
class ChangeView:
    """One change with its pictures."""

    change: Change
    name: str
    seconds: float
    """Since the session began."""
    weight_g: float | None
    """Of one unit, by the catalogue."""
    chart: drawing.Chart | None
    floor: drawing.Floor
    rack: drawing.Rack | None
    seen: Shots
    weighed: bool
    """Whether the shelf has scales."""


@dataclass
class LineView:
    """One product of a receipt, of its changes or of the truth."""

    product: str
    name: str
    quantity: int
    price: str
    confidence: float | None
    true_quantity: int | None
    """None where the truth is not known."""
    changes: list[ChangeView] = field(default_factory=list)

    @property
    def right(self) -> bool | None:
        """Whether the quantity is right; None where nobody knows."""
        return None if self.true_quantity is None else self.true_quantity == self.quantity

    @property
    def story(self) -> str:
        """Why a product with changes is not billed."""
        kept = [view.change for view in self.changes if view.change.state != ChangeState.WITHDRAWN]
        if not kept:
            return "withdrawn, the model thought better of it"
        if all(change.action == Action.RETURN for change in kept):
            return "put back, but never seen taken"
        return "taken and put back"


@dataclass(frozen=True)
class Mark:
    """A take or a return on a session's time line."""

    share: float
    text: str
    action: str
    true: bool


@dataclass(frozen=True)
class SessionView:
    """One receipt."""

    receipt: Receipt
    total: str
    lines: list[LineView]
    exact: bool | None
    marks: list[Mark]
    seconds: float

    @property
    def views(self) -> list[ChangeView]:
        """The changes of all its lines."""
        return [view for line in self.lines for view in line.changes]


def write_report(
    bag: Path,
    out: Path,
    *,
    recorded_only: bool = False,
    model: Path | None = None,
    store: Store | None = None,
    catalogue: Path | None = None,
    namespace: str | None = None,
    frames: bool = True,
) -> None:
    """Write the report of a bag.

    Args:
        bag: The bag.
        out: HTML file.
        recorded_only: Take the receipts that were recorded live; do not replay.
        model: For the replay; the shipped one when None.
        store: Takes the place of the bag's store model in a replay.
        catalogue: For a replay: folder of a store's files, whose pictures show the products.
        namespace: Where the bag holds several rigs, the one to take.
        frames: Show pictures of the cameras, in which shoppers can be seen.

    Raises:
        BagError: The bag cannot be read, or has no receipts.
    """
    if recorded_only:
        result = recorded(bag, namespace)
    else:
        result = replay(bag, model=model, store=store, catalogue=catalogue, namespace=namespace)
    if not result.stores:
        raise BagError(f"{bag} holds no store model")
    truth = find_truth(bag)
    sessions = views(bag, result, truth, namespace, frames=frames)
    page = render(
        bag=bag.resolve().name if bag.name != "bag" else bag.resolve().parent.name,
        store=result.stores[-1][1],
        sessions=sessions,
        figures=summary(evaluate(bag.name, truth, result)) if truth is not None else None,
        result=result,
        pictured=any(view.seen.rows for one in sessions for view in one.views),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")


def render(**values: Any) -> str:
    """Fill in the page; everything that comes from outside is escaped."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = (files("aisle.bags") / "templates" / "report.html.j2").read_text("utf-8")
    return environment.from_string(text).render(
        **values, drawing=drawing, Action=Action, ReceiptState=ReceiptState, State=ChangeState
    )


def views(
    bag: Path,
    result: ReplayResult,
    truth: Truth | None,
    namespace: str | None,
    *,
    frames: bool = True,
) -> list[SessionView]:
    """Return what the page shows of each receipt."""
    store = result.stores[-1][1]
    changes = final_changes(result)
    every = [change for listed in changes.values() for change in listed]
    wanted = {request.change.id: request for request in requests(store, every)}
    with BagReader(bag) as reader:
        seen = shots(reader, store, every, namespace) if frames else {}
        records = read_records(reader, {convert.WEIGHTS}, Counter(), namespace)
        collect(list(wanted.values()), records)
    found = []
    for session, receipt in result.receipts.items():
        true = truth.get(session) if truth is not None else None
        first = min((r.stamp_ns for _, r in result.updates if r.session == session), default=0)
        pictures = [
            _change_view(
                store,
                change,
                wanted.get(change.id),
                seen.get(change.id, Shots()),
                true,
                first,
            )
            for change in sorted(changes.get(session, []), key=lambda change: change.stamp_ns)
        ]
        found.append(_session_view(store, receipt, true, pictures, first))
    return found


def _change_view(
    store: Store,
    change: Change,
    request: Request | None,
    seen: Shots,
    true: TrueSession | None,
    first_ns: int,
) -> ChangeView:
    lines = curves(store, request) if request is not None else []
    evidence = tuple((ns - change.stamp_ns) / 1e9 for ns in change.evidence_ns)
    near = [
        (event.stamp_ns - change.stamp_ns) / 1e9
        for event in (true.events or () if true else ())
        if abs(event.stamp_ns - change.stamp_ns) <= SAME_NS and event.shelf == change.shelf
    ]
    product = store.products.get(change.product)
    shelf = store.shelves.get(change.shelf)
    fixture = shelf.fixture if shelf else ""
    plates = [line.plate for line in lines if line.evidence] or list(change.plates)
    return ChangeView(
        change,
        product.name if product else change.product or "a product that could not be named",
        (change.stamp_ns - first_ns) / 1e9,
        product.weight_kg * 1000 if product else None,
        drawing.chart(lines, (evidence[0], evidence[1]), near),
        drawing.floor(store, fixture),
        drawing.rack(store, fixture, change.shelf, plates),
        seen,
        weighed=not change.counterpart and (shelf is None or bool(shelf.plates or change.plates)),
    )


def _session_view(
    store: Store,
    receipt: Receipt,
    true: TrueSession | None,
    pictures: list[ChangeView],
    first_ns: int,
) -> SessionView:
    currency = receipt.currency
    billed = {line.product: line for line in receipt.lines}
    names = [view.change.product for view in pictures]
    products = dict.fromkeys([*billed, *(true.receipt if true else ()), *names])
    lines = []
    for product in products:
        line, known = billed.get(product), store.products.get(product)
        lines.append(
            LineView(
                product,
                line.name if line else known.name if known else product or "not named",
                line.quantity if line else 0,
                format_price(line.quantity * line.unit_price_minor, currency) if line else "",
                line.confidence if line else None,
                true.receipt.get(product, 0) if true else None,
                [view for view in pictures if view.change.product == product],
            )
        )
    end_ns = max([receipt.stamp_ns, *(view.change.stamp_ns for view in pictures)])
    exact = None if true is None else units(receipt) == true.receipt
    return SessionView(
        receipt,
        f"{format_price(receipt.total_minor, currency)} {currency}".strip(),
        lines,
        exact,
        _marks(store, pictures, true, first_ns, end_ns),
        (end_ns - first_ns) / 1e9,
    )


def _marks(
    store: Store,
    pictures: list[ChangeView],
    true: TrueSession | None,
    first_ns: int,
    end_ns: int,
) -> list[Mark]:
    span = max(end_ns - first_ns, 1)

    def mark(event: Change | TrueEvent, *, known: bool) -> Mark:
        product = store.products.get(event.product)
        action = event.action.name.lower()
        name = product.name if product else event.product or "?"
        share = min(max((event.stamp_ns - first_ns) / span, 0.0), 1.0)
        return Mark(share, f"{action} {event.quantity} x {name}", action, known)

    ours = [
        mark(view.change, known=False)
        for view in pictures
        if view.change.state != ChangeState.WITHDRAWN
    ]
    return ours + [mark(event, known=True) for event in (true.events or () if true else ())]
