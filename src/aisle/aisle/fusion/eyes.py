"""The cameras in a fusion: frames in; columns of shelves and tracks of sessions out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.memory import Session
from aisle.fusion.synchronizer import SECOND
from aisle.fusion.windows import FEATURES, STATES, VIEWS, ShelfView
from aisle.records import Frame
from aisle.store.geometry import Matrix
from aisle.store.types import Store
from aisle.vision.floor_map import FloorMap
from aisle.vision.hand_overs import HandOver, HandOverSight, Witness
from aisle.vision.reaching import FrontSight, Reacher
from aisle.vision.shelf_sight import Encoder, Glance, ShelfSight
from aisle.vision.strips import ShelfStrips
from aisle.vision.tracks import Follower, Tracks
from aisle.vision.views import CameraChange, ViewBuffer

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

_FRESH_NS = 3 * SECOND
"""For so long after its passage a session is looked for at its gate."""


class Looker(Encoder, Reacher, Protocol):
    """Looks at shelves, and at fronts of fixtures."""


@dataclass(frozen=True)
class Looked:
    """What a tick's pictures show, before anybody asks whose shelf or which session it is."""

    glances: Mapping[str, Glance]
    """By shelf; without those that no picture shows."""
    floor: tuple[Image, Image] | None
    """Floor map as `FloorMap.picture` gives it; None without pictures."""
    hands: Mapping[str, Floats] = field(default_factory=dict)
    """Hands that reach in by fixture, [n, HAND] as `aisle.vision.reaching` has them."""
    pictures: Mapping[str, Image] = field(default_factory=dict)
    """By camera; to look once more where people turn out to be."""


class Eyes:
    """What cameras see, kept for the windows to come.

    Args:
        store: Its cameras, shelves and gates.
        encoder: Looks at shelves and fronts.
        follower: Follows people; None when nobody is followed.
        looks: Features of products by their catalogue images, [FEATURES] by product.
        witness: Sees things handed over; None when nobody does.
    """

    def __init__(
        self, store: Store, encoder: Looker, follower: Follower | None,
        looks: Mapping[str, Floats], witness: Witness | None = None,
    ) -> None:  # fmt: skip
        self._encoder, self._follower, self.looks = encoder, follower, looks
        self._witness = witness
        self._known: set[str] = set()
        self._floor: FloorMap | None
        self._tracks: Tracks | None
        self._hand_overs: HandOverSight | None
        self.handed: list[HandOver] = []
        """What was seen handed over with the last tick."""
        self.trouble: str
        """Why nobody is followed although there is a follower; empty when all is well."""
        self._use(store)

    def _use(self, store: Store) -> None:
        self._store = store
        self._buffer = ViewBuffer(store)
        self._strips = ShelfStrips(store)
        self._sight = ShelfSight(self._strips, list(store.shelves), self._encoder)
        self._fronts = FrontSight(store, self._strips, self._encoder)
        self._floor, self._tracks, self.trouble = None, None, ""
        self._hand_overs = None
        if self._witness is not None:
            self._hand_overs = HandOverSight(store, self._witness, self._encoder)
        if self._follower is not None:
            try:
                self._floor = FloorMap(store)
                self._tracks = Tracks(self._floor, self._follower, self._entries())
            except ValueError as error:  # A store model is not to be trusted.
                self.trouble = f"nobody is followed: {error}"

    def use(self, store: Store) -> None:
        """Take a store model into use; what was seen goes on unless anything stands elsewhere."""
        if places(store) == places(self._store):
            self._store = store
        else:
            self._use(store)

    @property
    def cameras(self) -> tuple[str, ...]:
        """Of the store."""
        return tuple(self._store.cameras)

    @property
    def shelves(self) -> frozenset[str]:
        """Those that a camera sees."""
        return frozenset(s for s in self._store.shelves if self._strips.views(s))

    @property
    def counters(self) -> Counter[str]:
        """Frames that were refused, by reason."""
        return self._buffer.counters

    @property
    def bad_cameras(self) -> dict[str, CameraChange]:
        """Cameras that give nothing to rely on."""
        return self._buffer.bad

    def add(self, frame: Frame) -> None:
        """Take a frame whose stamp is in line."""
        self._buffer.add(frame)

    def refuse(self, camera: str, reason: str) -> None:
        """A frame has come that is out of line."""
        self._buffer.refuse(camera, reason)

    def forget(self) -> None:
        """Clocks were set back: what was seen is of another time."""
        self._buffer = ViewBuffer(self._store)
        self._sight.forget()
        self._fronts.forget()
        if self._tracks is not None:
            self._tracks.forget()
        if self._hand_overs is not None:
            self._hand_overs.forget()

    def look(self, tick_ns: int, now_ns: int, sessions: Mapping[str, Session]) -> None:
        """Look at the pictures of a tick, when anybody is in the store.

        Args:
            tick_ns: The tick.
            now_ns: How far time has come.
            sessions: Open ones; new ones are followed from the entry gate on.
        """
        self._buffer.note_time(now_ns, tick_ns)
        new, self._known = sessions.keys() - self._known, set(sessions)
        self.handed = []
        if not sessions:
            # Whoever fills the shelves of an empty store is no shopper.
            self._sight.forget()
            self._fronts.forget()
            if self._hand_overs is not None:
                self._hand_overs.forget()
            return
        looked = self.looked(tick_ns)
        self._sight.keep(looked.glances)
        if self._tracks is None:
            return
        self._tracks.keep(sessions)
        for name in sorted(new):
            gate = self._entry(sessions[name])
            # Whoever came in long ago, before a restart or a new store model, is anywhere by now.
            if gate is not None and tick_ns - sessions[name].enter_ns < _FRESH_NS:
                enter_ns, people = sessions[name].enter_ns, sessions[name].group_size
                self._tracks.begin(enter_ns, name, gate, people)
        if looked.floor is not None:
            self._tracks.look(tick_ns, *looked.floor, looked.hands)
        if self._hand_overs is not None:
            near = [] if looked.floor is None else self._tracks.people
            self.handed = self._hand_overs.look(tick_ns, looked.pictures, near)

    def looked(self, tick_ns: int) -> Looked:
        """Look at the pictures of a tick, as against those before."""
        pictures = self._buffer.pictures(tick_ns)
        floor = self._floor.picture(pictures) if pictures and self._floor is not None else None
        # Whose hands those are is not known where nobody is followed.
        hands = self._fronts.look(tick_ns, pictures) if self._floor is not None else {}
        return Looked(self._sight.look(tick_ns, pictures), floor, hands, pictures)

    def _entry(self, session: Session) -> str | None:
        """The gate at which a session came in; None where the store does not say."""
        gates = self._entries()
        return session.gate if session.gate in gates else next(iter(gates), None)

    def _entries(self) -> dict[str, Matrix]:
        gates = self._store.gates.values()
        return {gate.id: gate.pose for gate in gates if gate.kind != "exit"}

    def changed(self, tick_ns: int) -> list[str]:
        """Shelves that look different from how they looked a window ago."""
        return self._sight.changed(tick_ns)

    def view(self, shelf: str, tick_ns: int, sessions: Iterable[str]) -> ShelfView:
        """What cameras saw of a shelf and of sessions before it."""
        names = list(sessions)
        seen = self._sight.window(shelf, tick_ns)
        views = self._strips.views(shelf)
        place = self._store.shelves[shelf]
        track = None if self._tracks is None else self._tracks.window(names, place, tick_ns)
        if seen is None:
            nothing = (
                np.zeros((0, VIEWS, FEATURES), np.float32),
                np.zeros((0, VIEWS, STATES), np.float32),
            )
            return ShelfView(*nothing, np.zeros(0, np.float32), track)
        return ShelfView(*seen, np.max([view.px_per_dm for view in views], axis=0), track)


_NOWHERE = np.zeros((0, 0))


def places(store: Store) -> list[Collection[object]]:
    """All that decides where cameras look, comparable."""

    def of(pose: NDArray[np.float64] | None) -> bytes:
        return b"" if pose is None else pose.tobytes()

    cameras = [(c.id, replace(c, pose=_NOWHERE), of(c.pose)) for c in store.cameras.values()]
    shelves = [(s.id, s.size_m, of(s.pose)) for s in store.shelves.values()]
    fixtures = [(f.id, f.kind, f.size_m, of(f.pose)) for f in store.fixtures.values()]
    gates = [(g.id, g.kind, of(g.pose)) for g in store.gates.values()]
    return [cameras, fixtures, shelves, gates]
