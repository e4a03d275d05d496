"""Training windows on disk or on any fsspec URL: tar shards that WebDataset reads and writes.

A shard is written whole or not at all, under a name that says of which seed and number it is, so
that many processes can make shards at once and a stopped one goes on where it was. A sample is an
`.npz` of the window's arrays, the large ones at half precision, and its right answer as JSON.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import fsspec
import numpy as np
import webdataset
from numpy.typing import NDArray

from aisle.fusion.windows import ALL_SHAPES, Arrays
from aisle.learning.collect import Sample
from aisle.learning.labels import Label

_HALF = ("column_feature", "column_state")
_DELTA = "delta"
_VISION = "vision.json"


class Shards:
    """The shards of a folder.

    Args:
        url: Of the folder: a path, or what fsspec takes (`s3://...`, `memory://...`).
        vision: Digests of the networks that look, which all shards of a folder were made with; the
            folder keeps them. None where no shard is written or they are of no interest.

    Raises:
        ValueError: The folder's shards were made with other networks.
    """

    def __init__(self, url: str, vision: Mapping[str, str] | None = None) -> None:
        self._files, self._folder = fsspec.url_to_fs(url)
        self._files.makedirs(self._folder, exist_ok=True)
        if vision is not None:
            self._check(dict(vision))

    def _check(self, vision: dict[str, str]) -> None:
        path = f"{self._folder}/{_VISION}"
        if not self._files.exists(path):
            with self._files.open(path, "w") as file:
                json.dump(vision, file)
        with self._files.open(path, "r") as file:
            if json.load(file) != vision:
                raise ValueError(f"{self._folder}: these shards were made with other networks")

    def names(self) -> list[str]:
        """Names of all whole shards, sorted."""
        self._files.invalidate_cache(self._folder)
        found = (str(path).rsplit("/", 1)[-1] for path in self._files.ls(self._folder, False))
        return sorted(name for name in found if name.endswith(".tar"))

    def write(self, name: str, samples: Sequence[Sample]) -> None:
        """Write a shard, whole or not at all."""
        data = io.BytesIO()
        with webdataset.TarWriter(data, encoder=False) as writer:
            for number, sample in enumerate(samples):
                writer.write({"__key__": f"{number:06d}", **_packed(sample)})
        part = f"{self._folder}/{name}.part"
        with self._files.open(part, "wb") as file:
            file.write(data.getvalue())
        self._files.mv(part, f"{self._folder}/{name}")

    def read(self, name: str) -> Iterator[Sample]:
        """The samples of a shard.

        Raises:
            ValueError: It is none.
        """
        with self._files.open(f"{self._folder}/{name}", "rb") as file:
            data = file.read()
        files = webdataset.tariterators.tar_file_iterator(io.BytesIO(data))
        held: dict[str, bytes] = {}
        for one in files:
            key, _, kind = one["fname"].partition(".")
            held[kind] = one["data"]
            if held.keys() >= {"npz", "json"}:
                try:
                    yield _unpacked(held)
                except (KeyError, TypeError, ValueError) as error:
                    raise ValueError(f"{name}: sample {key}: {error!r}") from error
                held = {}


def _packed(sample: Sample) -> dict[str, bytes]:
    right = sample.label
    arrays: dict[str, Any] = {
        name: a.astype(np.float16) if name in _HALF else a for name, a in sample.arrays.items()
    }
    if right.delta is not None:
        arrays[_DELTA] = right.delta
    data = io.BytesIO()
    np.savez(data, **arrays)
    said = {"right": _said(right)}
    if sample.unweighed is not None:
        said["unweighed"] = _said(sample.unweighed)
    return {"npz": data.getvalue(), "json": json.dumps(said).encode()}


def _said(right: Label) -> dict[str, Any]:
    return {
        "kind": right.kind, "candidate": right.candidate, "choice": right.choice,
        "commits": right.commits, "session": right.session, "mark": right.mark,
        "mass_kg": right.mass_kg,
    }  # fmt: skip


def _unpacked(held: dict[str, bytes]) -> Sample:
    said: dict[str, Any] = json.loads(held["json"])
    with np.load(io.BytesIO(held["npz"]), allow_pickle=False) as found:
        arrays: Arrays = {name: found[name] for name in ALL_SHAPES if name in found.files}
        delta: NDArray[np.float32] | None = found[_DELTA] if _DELTA in found.files else None
    right = _label(said["right"], delta)
    # Cameras do not weigh.
    nothing = None if delta is None else np.zeros_like(delta)
    blind = _label(said["unweighed"], nothing) if "unweighed" in said else None
    return Sample(arrays, right, blind)


def _label(said: dict[str, Any], delta: NDArray[np.float32] | None) -> Label:
    said["commits"] = tuple(said["commits"])
    # What nobody could know of has moved nothing.
    return Label(**said, delta=delta if said["kind"] == "change" else None)
