"""Global Trade Item Numbers (GTIN-8, -12, -13, -14): GS1's check digit."""

from __future__ import annotations

LENGTHS = (8, 12, 13, 14)


def check_digit(body: str) -> int:
    """Check digit for a number without it: weights 3 and 1 alternate from the right."""
    total = sum(int(digit) * (3 if i % 2 == 0 else 1) for i, digit in enumerate(reversed(body)))
    return -total % 10


def looks_like_gtin(text: str) -> bool:
    """True for text of 8, 12, 13 or 14 ASCII digits."""
    return len(text) in LENGTHS and text.isascii() and text.isdigit()


def is_gtin(text: str) -> bool:
    """True for a GTIN with the right check digit."""
    return looks_like_gtin(text) and check_digit(text[:-1]) == int(text[-1])
