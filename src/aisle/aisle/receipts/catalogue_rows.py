"""Names and prices as rows of the database."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert, select

from aisle.receipts.catalogue import Catalogue, Pricing, Tag
from aisle.receipts.tables import catalogues, prices


def load_catalogue(connection: Connection) -> Catalogue:
    """Read all names and prices."""
    catalogue = Catalogue()
    for row in connection.execute(select(catalogues)):
        catalogue.add(Pricing(row.from_ns, row.currency, {}))
    for row in connection.execute(select(prices)):
        tag = Tag(row.name, row.unit_price_minor)
        catalogue.add_tag(row.product, row.from_ns, tag)
    return catalogue


def save_pricing(connection: Connection, pricing: Pricing) -> None:
    """Write a pricing over the one of the same stamp, where there is one."""
    start = pricing.from_ns
    connection.execute(delete(catalogues).where(catalogues.c.from_ns == start))
    connection.execute(insert(catalogues), {"from_ns": start, "currency": pricing.currency})
    if pricing.tags:
        old = delete(prices).where(
            prices.c.from_ns == start, prices.c.product == bindparam("of_product")
        )
        connection.execute(old, [{"of_product": product} for product in pricing.tags])
        rows = [
            {
                "product": product,
                "from_ns": start,
                "name": tag.name,
                "unit_price_minor": tag.price_minor,
            }
            for product, tag in pricing.tags.items()
        ]
        connection.execute(insert(prices), rows)
