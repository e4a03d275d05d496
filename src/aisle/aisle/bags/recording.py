"""What a recorder does with serialized messages, without ROS: choice, order, bounds of disk."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rosbags.interfaces import Qos

from aisle.bags.store_io import BagError, BagWriter, RawMessage

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
LEFT_OUT = ("/rosout", "/parameter_events")


def parse_size(text: str) -> int:
    """Return bytes for `500M` or `2.5G` (powers of ten).

    Raises:
        ValueError: It is no size.
    """
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,3})?) ?([KMGT]?)B?", text.strip(), re.IGNORECASE)
    if found is None:
        raise ValueError(f"{text!r} is no size; write for example 500M or 2.5G")
    return round(float(found[1]) * UNITS[found[2].upper()])


def wanted(topic: str, chosen: Sequence[str]) -> bool:
    """Whether to record a topic: all but ROS's own chatter, or those chosen, where `*` is any text.

    A chosen name without a leading slash matches in every namespace.
    """
    if not chosen:
        hidden = any(part.startswith("_") for part in topic.split("/"))
        return not hidden and topic not in LEFT_OUT and not topic.endswith("/transition_event")
    for name in chosen:
        pattern = ".*".join(re.escape(part) for part in name.split("*"))
        if re.fullmatch(pattern if name.startswith("/") else f"/(.*/)?{pattern}", topic):
            return True
    return False


class DiskFullError(BagError):
    """A limit of disk space ended the recording; the bag is complete up to there."""


class Recorder:
    """Writes what arrives, within bounds of disk space."""

    def __init__(self, path: Path, max_bytes: int, keep_free_bytes: int) -> None:
        """Create the bag.

        Raises:
            BagError: It exists already or cannot be created.
            DiskFullError: There is less than `keep_free_bytes` on the disk now.
        """
        self.path, self.max_bytes, self.keep_free_bytes = path, max_bytes, keep_free_bytes
        self.counts: Counter[str] = Counter()
        self._check_free(path.absolute().parent)
        self._writer = BagWriter(path)
        self._waiting: list[tuple[RawMessage, Qos | None]] = []

    def _check_free(self, folder: Path) -> None:
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
        if free < self.keep_free_bytes:
            raise DiskFullError(
                f"{folder} has {free / 1e9:.2f} GB left, "
                f"{self.keep_free_bytes / 1e9:.2f} GB are to stay free"
            )

    def write(self, message: RawMessage, qos: Qos | None = None) -> None:
        """Append a message; one with log time 0 waits for the clock, which the next one has.

        Raises:
            DiskFullError: The disk is full.
        """
        if message.log_ns == 0:
            self._waiting.append((message, qos))
            return
        for early, early_qos in self._waiting:
            self._write(
                RawMessage(early.topic, early.type, message.log_ns, early.payload), early_qos
            )
        self._waiting.clear()
        self._write(message, qos)

    def _write(self, message: RawMessage, qos: Qos | None) -> None:
        try:
            self._writer.write_raw(message, qos)
        except OSError as error:
            raise DiskFullError(f"{self.path} cannot be written: {error.strerror}") from error
        self.counts[message.topic] += 1

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.path.iterdir())

    def check(self) -> None:
        """Look at the disk; call it about once a second.

        Raises:
            DiskFullError: The bag has its greatest size, or the disk is nearly full.
        """
        if self.size >= self.max_bytes:
            raise DiskFullError(f"{self.path} has its greatest size, {self.max_bytes / 1e9:.2f} GB")
        self._check_free(self.path)

    def close(self) -> None:
        """Write what still waits, index and metadata.

        Raises:
            DiskFullError: There is no room for them; the bag can be read all the same.
        """
        for message, qos in self._waiting:
            self._write(message, qos)
        self._waiting.clear()
        try:
            self._writer.close()
        except OSError as error:
            raise DiskFullError(
                f"{self.path} has no index, for lack of room: {error.strerror}"
            ) from error
