"""The trained networks that look, on ONNX Runtime: at strips, fronts, floor maps, catalogues."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.eyes import Eyes
from aisle.fusion.runtime import ModelError, open_session
from aisle.fusion.windows import FEATURES
from aisle.store.types import Product, Store
from aisle.vision.catalogue import catalogue_picture
from aisle.vision.floor_map import PLANES_M
from aisle.vision.meetings import CLOSE, MOST_VIEWS, WIDE, Meeting
from aisle.vision.reaching import peaks
from aisle.vision.strips import COLUMN_PX

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

STRIPS, CATALOGUE, CHANGE, REACH, SEE, SAY, FOLLOWER = (
    f"{name}.onnx"
    for name in (
        "encoder_strips", "encoder_catalogue", "change", "reach", "meeting_see", "meeting_say",
        "follower",
    )
)  # fmt: skip
NETWORKS = (STRIPS, CATALOGUE, CHANGE, REACH, SEE, SAY, FOLLOWER)
MANIFEST = "vision.json"
"""Beside the files: their digests, and how they were trained."""
_MOST_PIXELS = 1 << 22
"""Of strips that go through the network together."""
_EMPTY, _BLOCKED = 0, 1
"""Places in the logits of what a column shows: see `aisle.receipt_model.encoder.Shows`."""


class OnnxEncoder:
    """What looks at strips and fronts: see `aisle.fusion.eyes.Looker`."""

    def __init__(self, strips: Any, catalogue: Any, change: Any, reach: Any) -> None:
        """Take the four ONNX Runtime sessions."""
        self._strips, self._catalogue, self._change = strips, catalogue, change
        self._reach = reach

    def columns(
        self, strips: Sequence[Image], slopes: Sequence[Floats]
    ) -> list[tuple[Floats, Floats]]:
        """See `Encoder.columns`."""
        found: list[tuple[Floats, Floats]] = [_nothing(strip) for strip in strips]
        for indices in _together(strips):
            features, shows, room = self._strips.run(
                None, {"strips": _batch(strips, indices), "slope": _stacked(slopes, indices)}
            )
            odds = np.exp(shows - shows.max(-1, keepdims=True))
            odds /= odds.sum(-1, keepdims=True)
            for row, i in enumerate(indices):
                state = np.concatenate([odds[row][:, [_EMPTY, _BLOCKED]], room[row][:, None]], 1)
                found[i] = features[row], state
        return found

    def changes(
        self, before: Sequence[Image], after: Sequence[Image], slopes: Sequence[Floats]
    ) -> list[Floats]:
        """See `Encoder.changes`."""
        found: list[Floats] = [np.zeros((0, 2), np.float32)] * len(after)
        for indices in _together(after):
            gain, off = self._change.run(
                None,
                {
                    "before": _batch(before, indices),
                    "after": _batch(after, indices),
                    "slope": _stacked(slopes, indices),
                },
            )
            for row, i in enumerate(indices):
                found[i] = np.stack([gain[row], off[row]], -1)
        return found

    def hands(self, now: Sequence[Image], empty: Sequence[Image]) -> list[Floats]:
        """See `Reacher.hands`."""
        found = [np.zeros((0, 6), np.float32)] * len(now)
        for indices in _together(now):
            said = self._reach.run(
                None, {"now": _batch(now, indices), "empty": _batch(empty, indices)}
            )
            for row, i in enumerate(indices):
                found[i] = peaks(*(part[row] for part in said))
        return found

    def product(self, pictures: Sequence[Image]) -> Floats:
        """Features [FEATURES] of a product by its pictures as `catalogue_picture` gives them."""
        batch = np.stack(pictures)[None].transpose(0, 1, 4, 2, 3)
        found: Floats = self._catalogue.run(None, {"pictures": np.ascontiguousarray(batch)})[0][0]
        return found


class OnnxFollower:
    """The follower: see `aisle.vision.tracks.Follower`."""

    def __init__(self, session: Any) -> None:
        """Take the ONNX Runtime session.

        Raises:
            ModelError: It is no follower of this version.
        """
        self._session = session
        self._names = [node.name for node in session.get_outputs()]
        width = {node.name: node.shape[-1] for node in session.get_inputs()}
        try:
            self.memory, self.look, self.appearance = (
                int(width[name]) for name in ("memory", "look", "appearance")
            )
        except KeyError as error:
            raise ModelError(f"{FOLLOWER}: of another version, has no input {error}") from None
        if missing := {"person", "points"} - set(self._names):
            raise ModelError(f"{FOLLOWER}: of another version, has no output {min(missing)}")
        planes = {node.name: node.shape[1] for node in session.get_inputs()}["picture"]
        if planes != len(PLANES_M):
            raise ModelError(
                f"{FOLLOWER}: of another version, takes {planes} planes and not {len(PLANES_M)}"
            )

    def step(self, inputs: dict[str, NDArray[np.generic]]) -> dict[str, Floats]:
        """See `Follower.step`."""
        return dict(zip(self._names, self._session.run(self._names, inputs), strict=True))


class OnnxWitness:
    """What sees things handed over: see `aisle.vision.hand_overs.Witness`."""

    def __init__(self, see: Any, say: Any) -> None:
        """Take the two ONNX Runtime sessions."""
        self._see, self._say = see, say
        self._nothing = np.zeros(say.get_inputs()[0].shape[-1], np.float32)

    def see(self, meetings: Sequence[Meeting]) -> Floats:
        """See `Witness.see`."""
        shown = np.zeros((len(meetings), MOST_VIEWS), np.float32)
        wide = np.zeros((*shown.shape, 3, *WIDE), np.uint8)
        close = np.zeros((*shown.shape, 3, *CLOSE), np.uint8)
        for row, meeting in enumerate(meetings):
            count = len(meeting.cameras)
            shown[row, :count] = 1
            wide[row, :count] = meeting.wide.transpose(0, 3, 1, 2)
            close[row, :count] = meeting.close.transpose(0, 3, 1, 2)
        found: Floats = self._see.run(None, {"wide": wide, "close": close, "shown": shown})[0]
        return found

    def say(self, seen: Sequence[Sequence[Floats | None]]) -> Floats:
        """See `Witness.say`."""
        every = [[self._nothing if one is None else one for one in some] for some in seen]
        odds: Floats = self._say.run(None, {"seen": np.array(every, np.float32)})[0]
        return odds


class Vision:
    """All that looks. Get it from `load_vision`."""

    def __init__(
        self, encoder: OnnxEncoder, follower: OnnxFollower, witness: OnnxWitness,
        manifest: dict[str, Any],
    ) -> None:  # fmt: skip
        self.encoder, self.follower, self.manifest = encoder, follower, manifest
        self.witness = witness

    @property
    def look_digest(self) -> str:
        """Of what decides what is kept of a look: networks for pictures, planes of the floor."""
        networks = (str(self.manifest["sha256"][name]) for name in (STRIPS, CHANGE, REACH))
        return " ".join([*networks, *map(str, PLANES_M)])

    def looks(
        self, store: Store, pictures: Callable[[Product], Sequence[Image]]
    ) -> dict[str, Floats]:
        """What products look like to the encoder, [FEATURES] by product.

        Args:
            store: Its products.
            pictures: A product's catalogue pictures, [height, width, 3] RGB on white. A product
                without any is left out: cameras cannot tell it.
        """
        prepared = {
            product.id: [catalogue_picture(photo, product.size_m) for photo in pictures(product)]
            for product in store.products.values()
        }
        return self.looks_of(prepared)

    def looks_of(self, prepared: Mapping[str, Sequence[Image]]) -> dict[str, Floats]:
        """The same from pictures that `catalogue_picture` has prepared, by product."""
        return {name: self.encoder.product(some) for name, some in prepared.items() if len(some)}

    def eyes(self, store: Store, looks: Mapping[str, Floats]) -> Eyes:
        """The cameras of a store for `aisle.fusion.fusion.Fusion`.

        Raises:
            Open3DMissing: Open3D cannot be used.
        """
        return Eyes(store, self.encoder, self.follower, looks, self.witness)


def load_vision(
    directory: Path | None = None, wanted: Mapping[str, str] | None = None
) -> Vision:  # fmt: skip
    """Load the networks of a directory; the shipped ones for None.

    Args:
        directory: Of the files and their manifest.
        wanted: Digests by file of the networks that a receipt model was trained with; it
            understands no others. None takes any.

    Raises:
        ModelError: A file is missing, is no model, does not match the manifest's digest, or is
            not the one that is wanted.
    """
    folder = directory or Path(str(files("aisle.receipt_model")))
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        digests = {name: str(manifest["sha256"][name]) for name in NETWORKS}
    except OSError:
        raise ModelError(f"{folder}: no {MANIFEST}; `aisle.learning` trains what looks") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder / MANIFEST}: not a manifest: {error}") from error
    if wanted is not None and digests != dict(wanted):
        raise ModelError(f"{folder}: the receipt model was trained with other networks than these")
    open_ = {name: _session(folder / name, digest) for name, digest in digests.items()}
    looking = OnnxEncoder(*(open_[name] for name in (STRIPS, CATALOGUE, CHANGE, REACH)))
    witness = OnnxWitness(open_[SEE], open_[SAY])
    return Vision(looking, OnnxFollower(open_[FOLLOWER]), witness, manifest)


def _session(path: Path, digest: str) -> Any:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise ModelError(f"{path}: does not match the hash in {MANIFEST}")
    return open_session(path, data)


def _together(strips: Sequence[Image]) -> list[list[int]]:
    """Which strips, or fronts, go through a network together: those of one width, in parts."""
    by_width: dict[int, list[int]] = {}
    for i, strip in enumerate(strips):
        by_width.setdefault(strip.shape[1], []).append(i)
    parts = []
    for width, same in by_width.items():
        most = max(1, _MOST_PIXELS // (len(strips[0]) * width))
        parts += [same[i : i + most] for i in range(0, len(same), most)]
    return parts


def _batch(strips: Sequence[Image], indices: Sequence[int]) -> Image:
    """Some strips as [B, 3, ROWS, W]."""
    return np.ascontiguousarray(np.stack([strips[i] for i in indices]).transpose(0, 3, 1, 2))


def _stacked(slopes: Sequence[Floats], indices: Sequence[int]) -> Floats:
    return np.stack([slopes[i] for i in indices])


def _nothing(strip: Image) -> tuple[Floats, Floats]:
    count = strip.shape[1] // COLUMN_PX
    return np.zeros((count, FEATURES), np.float32), np.zeros((count, 3), np.float32)
