"""Makes the fusion of a store, for the nodes and a replay alike: with eyes where it can see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.fusion import Fusion
from aisle.fusion.runtime import Runtime
from aisle.store.catalogue import read_catalogue
from aisle.store.geometry3d import Open3DMissing
from aisle.store.images import ImageError, read_image
from aisle.store.problems import Report
from aisle.store.types import Product, Store

if TYPE_CHECKING:
    from aisle.fusion.eyes import Eyes

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

SHOWN = 3
"""Files that a warning names; a catalogue may have many."""


class Looking(Protocol):
    """Networks that look: `aisle.vision.networks.Vision`."""

    def looks(
        self, store: Store, pictures: Callable[[Product], Sequence[Image]], /
    ) -> dict[str, Floats]:
        """Features by product; those without pictures are left out."""

    def eyes(self, store: Store, looks: Mapping[str, Floats], /) -> Eyes:
        """The cameras of a store."""


class FusionMaker:
    """Makes fusions; keeps what they have in common.

    Args:
        runtime: The receipt model.
        catalogue: Folder of a store's files, whose pictures show the products. None when there
            are none: cameras then see that something changed, not what.
        cameras: Whether there are pictures for a model with sight.
        networks: Folder of the networks that look, which is the model's; the shipped ones for
            None.
        vision: What looks, in their place.

    Raises:
        ModelError: The networks are needed and cannot be loaded, or are not those that the model
            was trained with.
    """

    def __init__(
        self, runtime: Runtime, catalogue: Path | None = None, *, cameras: bool = True,
        networks: Path | None = None, vision: Looking | None = None,
    ) -> None:  # fmt: skip
        self._runtime, self._catalogue, self._cameras = runtime, catalogue, cameras
        self.sight = runtime.sight and cameras
        """Whether pictures are of any use."""
        self._vision = vision
        if self.sight and vision is None:
            from aisle.vision.networks import load_vision  # nothing else needs it

            self._vision = load_vision(networks, runtime.manifest.get("vision"))
        self.counters: Counter[str] = Counter()
        """Of the store whose fusion was made last: pictures of products that cannot be read."""
        self.warnings: tuple[str, ...] = ()
        """What keeps that store's fusion from seeing, as sentences."""

    def make(self, store: Store) -> Fusion:
        """A fusion for a store. It takes seconds where there are cameras: rays are cast."""
        self.counters, self.warnings = Counter(), ()
        return Fusion(store, self._runtime, eyes=self._eyes(store))

    def _eyes(self, store: Store) -> Eyes | None:
        if not store.cameras:
            return None
        if self._runtime.sight and not self._cameras:
            self._warn("no pictures are there: the store's cameras are not used")
        if not self.sight or self._vision is None:
            return None
        try:
            return self._vision.eyes(store, self._looks(store, self._vision))
        except Open3DMissing as error:
            self._warn(f"the store's cameras are not used: {error}")
            return None

    def _looks(self, store: Store, vision: Looking) -> dict[str, Floats]:
        if self._catalogue is None:
            self._warn("no `catalogue` of pictures is named: cameras cannot tell products apart")
            return {}
        report = Report()
        files = read_catalogue(self._catalogue, store.currency, report).products
        errors = [str(problem) for problem in report.problems if problem.severity == "error"]
        if errors:
            self._warn(f"{self._catalogue}: not all of the catalogue can be read: {_some(errors)}")
        unreadable: list[str] = []

        def pictures(product: Product) -> list[Image]:
            found = []
            for path in files[product.id].images if product.id in files else ():
                try:
                    found.append(read_image(path))
                except ImageError as error:
                    unreadable.append(f"{path}: {error}")
            return found

        looks = vision.looks(store, pictures)
        self.counters["unreadable_catalogue_pictures"] = len(unreadable)
        if unreadable:
            self._warn(f"pictures of products cannot be read: {_some(unreadable)}")
        if not looks:
            self._warn(f"{self._catalogue} has no pictures: cameras cannot tell products apart")
        return looks

    def _warn(self, text: str) -> None:
        self.warnings = (*self.warnings, text)


def _some(found: Sequence[str]) -> str:
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return "; ".join(found[:SHOWN]) + more
