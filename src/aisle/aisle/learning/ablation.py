"""What the model is worth without one of the things that it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from aisle.fusion.runtime import Runtime
from aisle.fusion.windows import Arrays, Window

PARTS = {
    "scales": "no weights arrive",
    "cameras": "no pictures arrive",
    "catalogue": "products have no catalogue images",
    "tracks": "nobody is followed",
    "places": "the store model does not say where on a shelf a product stands",
    "sessions": "whose something is, is asked of each session as if it were alone",
}
"""What can be left out, and what that means. The model is the same: it is not trained anew."""

SIGHT_PARTS = frozenset({"cameras", "catalogue", "tracks"})
"""Those that only a model with sight uses."""

_EMPTIED = {
    "catalogue": ("candidate_look",),
    "tracks": ("session_track",),
    "places": ("candidate_plates", "candidate_columns"),
}


class Ablated:
    """A runtime whose model is not given one of the parts.

    Args:
        runtime: The model.
        part: Of `PARTS`; `scales` and `cameras` are for whoever delivers records to leave out.
    """

    def __init__(self, runtime: Runtime, part: str) -> None:
        self._runtime = runtime
        self._change: Callable[[Arrays], Arrays] = dict
        if part in _EMPTIED:
            self._change = lambda arrays: _emptied(arrays, _EMPTIED[part])
        self._alone = part == "sessions"

    @property
    def manifest(self) -> dict[str, Any]:
        """See `Runtime.manifest`."""
        return self._runtime.manifest

    @property
    def sight(self) -> bool:
        """See `Runtime.sight`."""
        return self._runtime.sight

    def run(self, windows: list[Window]) -> Arrays:
        """See `Runtime.run`."""
        changed = [replace(w, arrays=self._change(w.arrays)) for w in windows]
        outputs = self._runtime.run(changed)
        return self._asked_alone(changed, outputs) if self._alone else outputs

    def _asked_alone(self, windows: list[Window], outputs: Arrays) -> Arrays:
        """Session logits from as many runs as there are sessions, each seeing one of them."""
        logits = outputs["session_logits"].copy()
        for number in range(max(len(w.sessions) for w in windows)):
            some = [i for i, w in enumerate(windows) if number < len(w.sessions)]
            only = [replace(windows[i], arrays=_only(windows[i].arrays, number)) for i in some]
            found = self._runtime.run(only)["session_logits"]
            logits[some, : found.shape[1], number] = found[:, :, number]
        return {**outputs, "session_logits": logits}


def _emptied(arrays: Arrays, names: tuple[str, ...]) -> Arrays:
    return {name: np.zeros_like(a) if name in names else a for name, a in arrays.items()}


def _only(arrays: Arrays, session: int) -> Arrays:
    """As if one session were the only one; the others keep their places, unseen."""
    mask = np.zeros_like(arrays["session_mask"])
    mask[session] = 1
    return {**arrays, "session_mask": mask}
