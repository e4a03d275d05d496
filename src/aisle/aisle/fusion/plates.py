"""Plates that fail while somebody shops: whose receipt a person should look at."""

from __future__ import annotations

from collections import Counter

from aisle.fusion.config import FusionConfig
from aisle.fusion.memory import MAX_GAPS, Memory, Session
from aisle.fusion.outbox import Outbox
from aisle.fusion.plate_health import PlateChange, PlateHealth
from aisle.fusion.synchronizer import SECOND
from aisle.fusion.windows import WINDOW_NS
from aisle.records import WeightBatch
from aisle.store.types import Store


class Plates:
    """Tells sessions of plates that were good when they entered and are not any more.

    A plate that is bad is always counted and named in `bad`. It is a gap only of who acted at its
    fixture then, or was alone in the store: nobody else has to do with it.
    """

    def __init__(self, config: FusionConfig) -> None:
        self._trust_ns = round(config.plate_trust_s * SECOND)
        self._health = PlateHealth(config.plate_limit_s)
        self._began_ns: dict[str, int] = {}
        """First stamp by controller: what was bad from there on may have been so for weeks."""
        self._bad_until_ns: dict[str, int] = {}

    @property
    def bad(self) -> dict[str, PlateChange]:
        """Plates that are bad now."""
        return self._health.bad

    @property
    def counters(self) -> Counter[str]:
        """How often plates became bad, and good again."""
        return self._health.counters

    def add(self, batch: WeightBatch) -> None:
        """Look at a batch that was accepted, without readings that are no weights."""
        self._began_ns.setdefault(batch.controller, batch.stamp_ns)
        for change in self._health.add(batch):
            if change.good:
                self._bad_until_ns[change.plate] = change.stamp_ns

    def use(self, store: Store) -> None:
        """Forget the plates of controllers that a new store model does not have as they were."""
        self._health.keep({name: c.plates for name, c in store.controllers.items()})
        for name in self._began_ns.keys() - store.controllers.keys():
            del self._began_ns[name]
        for plate in self._bad_until_ns.keys() - store.plates.keys():
            del self._bad_until_ns[plate]

    def move_time(self) -> None:
        """Time began anew: stamps from before say nothing any more."""
        self._began_ns.clear()
        self._bad_until_ns.clear()

    def tell(self, memory: Memory, store: Store, out: Outbox) -> None:
        """Give the sessions that a bad plate concerns a gap, each once."""
        sessions = memory.sessions.values()
        for plate, change in self.bad.items():
            if plate not in store.plates:
                continue
            fixture = store.shelves[store.plates[plate].shelf].fixture
            for session in sessions:
                acted_ns = session.touched.get(fixture)
                near = acted_ns is not None and acted_ns > change.since_ns - WINDOW_NS
                known = change.text in session.gaps or len(session.gaps) >= MAX_GAPS
                news = self._was_good(store.plates[plate].controller, change, session)
                if news and (near or len(sessions) == 1) and not known:
                    out.gap(session, change.text)

    def _was_good(self, controller: str, change: PlateChange, session: Session) -> bool:
        """Whether the plate could be relied on when the session entered."""
        began_ns = self._began_ns.get(controller, change.since_ns)
        until_ns = self._bad_until_ns.get(change.plate)
        rested = until_ns is None or until_ns < session.enter_ns - self._trust_ns
        return rested and change.since_ns > max(session.enter_ns, began_ns)
