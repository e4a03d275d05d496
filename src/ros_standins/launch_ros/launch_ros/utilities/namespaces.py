"""Names and namespaces of nodes."""

from __future__ import annotations


def is_absolute_name(name: str) -> bool:
    """Tell whether a name begins at the root."""
    return name.startswith("/")


def prefix_namespace(base: str | None, name: str | None) -> str | None:
    """Put ``name`` below ``base``; an absolute name stays, ``None`` adds nothing."""
    if base is None or (name is not None and is_absolute_name(name)):
        combined = name
    elif not name:
        combined = base
    else:
        combined = f"{base}/{name}" if not base.endswith("/") else base + name
    if combined is not None and len(combined) > 1:
        combined = combined.rstrip("/")
    return combined


def make_namespace_absolute(name: str | None) -> str | None:
    """Let a namespace begin at the root; ``None`` stays."""
    if name is None or is_absolute_name(name):
        return name
    return "/" + name
