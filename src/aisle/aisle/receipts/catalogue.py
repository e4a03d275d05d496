"""Names and prices over time."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TypeVar

from aisle.store.types import Store

_T = TypeVar("_T")


@dataclass(frozen=True)
class Tag:
    """What the shelf label says of a product."""

    name: str
    price_minor: int


@dataclass(frozen=True)
class Pricing:
    """All labels of a store from one moment on."""

    from_ns: int
    currency: str
    tags: dict[str, Tag]

    @classmethod
    def of(cls, store: Store, from_ns: int) -> Pricing:
        """Take names and prices from a store."""
        tags = {key: Tag(item.name, item.price_minor) for key, item in store.products.items()}
        return cls(from_ns, store.currency, tags)


@dataclass
class Catalogue:
    """The labels in force at any stamp; what holds first holds also for all time before.

    By stamp, not by arrival: predictions and store models come on two topics.
    """

    currencies: list[tuple[int, str]] = field(default_factory=list)
    labels: dict[str, list[tuple[int, Tag]]] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """True until the first pricing."""
        return not self.currencies

    def currency(self, stamp_ns: int) -> str:
        """Return the currency in force; the catalogue must not be empty."""
        return _in_force(self.currencies, stamp_ns)

    def tag(self, product: str, stamp_ns: int) -> Tag | None:
        """Return a product's label, or None for a product that was never in a catalogue."""
        history = self.labels.get(product)
        return _in_force(history, stamp_ns) if history else None

    def news(self, pricing: Pricing) -> Pricing:
        """Return the part of a pricing that differs from what is in force at its stamp."""
        start = pricing.from_ns
        tags = {key: tag for key, tag in pricing.tags.items() if self.tag(key, start) != tag}
        return Pricing(start, pricing.currency, tags)

    def add(self, pricing: Pricing) -> None:
        """Put a pricing into force; replaces one of the same stamp."""
        _insert(self.currencies, pricing.from_ns, pricing.currency)
        for product, tag in pricing.tags.items():
            self.add_tag(product, pricing.from_ns, tag)

    def add_tag(self, product: str, from_ns: int, tag: Tag) -> None:
        """Put one label into force; replaces one of the same stamp."""
        _insert(self.labels.setdefault(product, []), from_ns, tag)


def _stamp(entry: tuple[int, object]) -> int:
    return entry[0]


def _in_force(history: list[tuple[int, _T]], stamp_ns: int) -> _T:
    return history[max(bisect_right(history, stamp_ns, key=_stamp) - 1, 0)][1]


def _insert(history: list[tuple[int, _T]], stamp_ns: int, value: _T) -> None:
    index = bisect_right(history, stamp_ns, key=_stamp)
    if index and history[index - 1][0] == stamp_ns:
        history[index - 1] = (stamp_ns, value)
    else:
        history.insert(index, (stamp_ns, value))
