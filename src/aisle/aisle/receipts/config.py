"""Settings and states of the ledger that its users see."""

from __future__ import annotations

from dataclasses import dataclass, field


class LedgerError(Exception):
    """The ledger cannot be opened or read; the message says why and what to do."""


@dataclass(frozen=True)
class LedgerConfig:
    """Limits of a ledger. All times are seconds of the clock that stamps the messages."""

    review_threshold: float = 0.8
    """A line less sure than this sends its receipt into review when it closes; 0 to 1."""
    enter_limit_s: float = 5.0
    """How long predictions wait for the gate event that opens their session."""
    final_limit_s: float = 30.0
    """How long an exit waits for the final prediction."""
    max_open_s: float = 4 * 3600.0
    """A session open for longer goes into review."""
    queue_limit: int = 10_000
    """Messages kept in memory while the database cannot be written."""
    max_gaps: int = 100
    """Different gap texts kept for one session."""
    synchronous: str = "FULL"
    """SQLite's `synchronous`: FULL survives a power cut, NORMAL only the death of the process."""

    def __post_init__(self) -> None:
        """Refuse values outside their bounds.

        Raises:
            ValueError: naming the rule and the value.
        """
        if not 0.0 <= self.review_threshold <= 1.0:
            raise ValueError(f"review_threshold must be 0 to 1, is {self.review_threshold}")
        for name in ("enter_limit_s", "final_limit_s", "max_open_s", "queue_limit", "max_gaps"):
            value = getattr(self, name)
            if not 0 < value < 1e9:
                raise ValueError(f"{name} must be more than 0 and less than 1e9, is {value}")
        if self.synchronous not in ("FULL", "NORMAL"):
            raise ValueError(f"synchronous must be FULL or NORMAL, is {self.synchronous!r}")


@dataclass(frozen=True)
class LedgerStatus:
    """How the ledger is, for diagnostics."""

    available: bool
    """False while the database cannot be written; what arrives is kept in memory."""
    message: str
    """What is wrong and since how many messages, for people to read; `ok` when nothing is."""
    queued: int
    """Messages in memory that are not yet in the database."""
    counters: dict[str, int] = field(default_factory=dict)
