"""Receipts as they change, for a terminal: what to show, without ROS."""

from __future__ import annotations

from collections import deque

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from aisle.bags.evaluate import units
from aisle.bags.truth import TrueSession
from aisle.cli.tables import STYLES, lines_text, plain, price, sure
from aisle.records import Receipt, ReceiptState

CARDS = 6
NEWS = 8
REASONS = 2
"""How many reasons for review are listed at a time."""


class Board:
    """The last revision of each receipt, the truth where it is known, and the news."""

    def __init__(self) -> None:
        self.receipts: dict[str, Receipt] = {}
        self.truths: dict[str, TrueSession] = {}
        self.names: dict[str, str] = {}
        """Names of products by id."""
        self.news: deque[Text] = deque(maxlen=NEWS)
        self.first_ns: int | None = None
        self.updates = 0

    def update(self, receipt: Receipt) -> Text | None:
        """Take in a revision; return one line about it, or None for an old one."""
        before = self.receipts.get(receipt.session)
        if before is not None and receipt.revision <= before.revision:
            return None
        if self.first_ns is None:
            self.first_ns = receipt.stamp_ns
        self.names.update({line.product: line.name for line in receipt.lines})
        self.updates += 1
        # The last to change stands last, so that the newest cards are those on the screen.
        self.receipts.pop(receipt.session, None)
        self.receipts[receipt.session] = receipt
        line = Text(f"{(receipt.stamp_ns - self.first_ns) / 1e9:7.1f} s  ", "dim")
        line.append_text(plain(receipt.session, "bold"))
        line.append("  ")
        line.append_text(difference(before, receipt))
        self.news.append(line)
        return line

    def truth(self, session: TrueSession) -> Text | None:
        """Take in what a session really did; return one line about it, or None for a repeat."""
        if session.session in self.truths:
            return None
        self.truths[session.session] = session
        line = Text(" " * 11)
        line.append_text(plain(session.session, "bold"))
        items = ", ".join(f"{n} x {self.names.get(p, p)}" for p, n in session.receipt.items())
        line.append_text(plain(f"  left; in truth with {items or 'nothing'}", "magenta"))
        self.news.append(line)
        return line

    def verdict(self, receipt: Receipt) -> Text:
        """Say whether a receipt that is closed is right, where that is known."""
        truth = self.truths.get(receipt.session)
        if truth is None or receipt.state == ReceiptState.OPEN:
            return Text()
        if units(receipt) == truth.receipt:
            return Text("exactly right", "bold green")
        return Text("differs from the truth", "bold red")

    def card(self, receipt: Receipt) -> Panel:
        """Return one receipt as a panel."""
        body = lines_text(receipt, REASONS) or Text("empty")
        body.append(f"\n{price(receipt.total_minor, receipt.currency)}", "bold")
        verdict = self.verdict(receipt)
        if verdict:
            body.append("  ")
            body.append_text(verdict)
        style = STYLES[receipt.state]
        title = plain(f"{receipt.session}  {receipt.state.name.lower()}", style)
        return Panel(body, title=title, border_style=style, width=52)

    def render(self, head: str) -> RenderableType:
        """Return the whole screen."""
        shown = list(self.receipts.values())[-CARDS:]
        shown.sort(key=lambda receipt: receipt.session)
        cards: RenderableType = Columns([self.card(receipt) for receipt in shown])
        if not shown:
            cards = Text("no receipts yet", "dim")
        return Group(Text(head, "bold"), cards, Panel(Group(*self.news), title="news"))


def difference(before: Receipt | None, after: Receipt) -> Text:
    """Say in one line what changed from one revision to the next."""
    if before is None and not after.lines and after.state == ReceiptState.OPEN:
        return Text("came in", "cyan")
    found = Text()
    old = {line.product: line for line in before.lines} if before else {}
    new = {line.product: line for line in after.lines}
    for product in dict.fromkeys([*old, *new]):
        line = new.get(product) or old[product]
        was = old[product].quantity if product in old else 0
        now = new[product].quantity if product in new else 0
        if now != was:
            found.append(f"{now - was:+d} ", "green" if now > was else "red")
            found.append_text(plain(line.name or product))
            found.append(f" ({sure(line.confidence)})  " if now else "  ", "dim")
        elif abs(line.confidence - old[product].confidence) >= 0.005:
            found.append_text(plain(line.name or product, "dim"))
            found.append(f" now {sure(line.confidence)}  ", "dim")
    if before is None or before.state != after.state:
        found.append(f"{after.state.name.lower()}  ", STYLES[after.state])
    known = before.review_reasons if before else ()
    fresh = [reason for reason in after.review_reasons if reason not in known]
    for reason in fresh[:REASONS]:
        found.append_text(plain(f"! {reason}  ", "yellow"))
    if len(fresh) > REASONS:
        found.append(f"! and {len(fresh) - REASONS} more  ", "yellow")
    found.append(price(after.total_minor, after.currency), "bold")
    return found
