"""Prices as text and as whole minor units, without binary fractions."""

from __future__ import annotations

import re
from decimal import Decimal

# ISO 4217: currencies whose minor unit is not a hundredth.
_DIGITS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND",
         "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}  # fmt: skip
_PRICE = re.compile(r"\d{1,12}(\.\d{1,3})?", re.ASCII)


def minor_digits(currency: str) -> int:
    """Decimal places of a currency (ISO 4217)."""
    return _DIGITS.get(currency, 2)


def parse_price(text: str, currency: str) -> int | None:
    """Minor units of a price such as `2.49`; None when it is no price in this currency."""
    if _PRICE.fullmatch(text) is None:
        return None
    minor = Decimal(text).scaleb(minor_digits(currency))
    return int(minor) if minor == minor.to_integral_value() else None


def format_price(minor: int, currency: str) -> str:
    """The text that `parse_price` reads back."""
    digits = minor_digits(currency)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"
