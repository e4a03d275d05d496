"""What fusion and ledger take in, and what they said, out of a bag in order of arrival."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from aisle.bags import convert, convert_images, convert_store
from aisle.bags.messages import MessageError
from aisle.bags.store_io import BagReader, topic_prefix
from aisle.records import CodedFrame, Prediction, Receipt, Record, WeightBatch
from aisle.store.types import Store

INPUTS: dict[str, Callable[[Any], Any]] = {
    convert.WEIGHTS: convert.weights_from_message,
    convert.GATE: convert.gate_from_message,
    convert.SLOT_CHANGE: convert.slot_change_from_message,
    convert_store.STORE: convert_store.store_from_message,
    convert_images.COMPRESSED: convert_images.coded_from_message,
}
"""Readers of what fusion and ledger take in, by message type."""


@dataclass(frozen=True)
class Arrived:
    """A record of a bag and its time of arrival; a store comes with the stamp it holds from."""

    log_ns: int
    record: Record | tuple[int, Store] | Prediction | Receipt


def read_records(
    reader: BagReader, names: set[str], counters: Counter[str], namespace: str | None = None
) -> Iterator[Arrived]:
    """Yield the records of a bag in order of arrival.

    Args:
        reader: The bag.
        names: Types of messages: those of `INPUTS`, predictions and updates.
        counters: Gets `malformed_messages` and one count by reason, pictures of no use included.
        namespace: Only topics below it ("/rig1"); all when None.
    """
    readers = {
        **INPUTS,
        convert.PREDICTION: convert.prediction_from_message,
        convert.UPDATE: convert.receipt_from_message,
    }
    prefix = topic_prefix(namespace)
    for message in reader.messages(names):
        if not message.topic.startswith(prefix):
            continue
        if message.type == convert_images.COMPRESSED and not camera_of_topic(message.topic):
            continue  # Of somebody else, or made from a camera's pictures: no node hears it.
        try:
            record = readers[message.type](reader.decode(message))
            _check_topic(message.topic, record)
            yield Arrived(message.log_ns, record)
        except MessageError as error:
            counters["malformed_messages"] += 1
            counters[f"malformed: {message.topic}: {error}"[:200]] += 1


def _check_topic(topic: str, record: Any) -> None:
    """Refuse readings and pictures on another device's topic, as the node does that listens."""
    if isinstance(record, WeightBatch):
        _, found, controller = topic.rpartition("weights/")
        if found and controller != record.controller:
            raise MessageError(f"it is of controller {record.controller!r}")
    elif isinstance(record, CodedFrame) and camera_of_topic(topic) != record.camera:
        raise MessageError(f"it is of camera {record.camera!r}")


def camera_of_topic(topic: str) -> str:
    """The camera whose pictures are on a topic; empty for a topic of something else."""
    found = re.fullmatch(r"/(?:.*/)?camera/([^/]+)/image_raw/compressed", topic)
    return found[1] if found else ""


def store_topics(reader: BagReader) -> list[str]:
    """Return the topics with store models."""
    return sorted(t for t, name in reader.types.items() if name == convert_store.STORE)


def has_pictures(reader: BagReader, namespace: str | None = None) -> bool:
    """Whether cameras were recorded; where none were, the fusion must not wait for them."""
    prefix = topic_prefix(namespace)
    compressed = (t for t, name in reader.types.items() if name == convert_images.COMPRESSED)
    return any(topic.startswith(prefix) and camera_of_topic(topic) for topic in compressed)
