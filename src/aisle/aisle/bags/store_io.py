"""rosbag2 directories (MCAP with zstd chunks): writing, and reading also when they are damaged.

The same messages give the same bytes: nothing here depends on the time of writing, and files
inside a bag have fixed names. Log time is the time of arrival.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from rosbags.interfaces import (
    Connection,
    MessageDefinition,
    MessageDefinitionFormat,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import CompressionFormat, CompressionMode, Reader, StoragePlugin, Writer
from rosbags.rosbag2.storage_mcap import McapWriter
from rosbags.typesys import get_types_from_msg

from aisle.bags import convert, convert_images, convert_store
from aisle.bags.messages import bag_types
from aisle.bags.recovery import Damaged
from aisle.records import (
    CameraCalibration,
    CameraFrame,
    GateEvent,
    Prediction,
    Receipt,
    WeightBatch,
)
from aisle.store.types import Store

FLUSH_NS = 2_000_000_000
"""A chunk goes to disk when it spans this much log time: what a cut bag may lose."""


class BagError(Exception):
    """A bag that cannot be written or read; the text says why."""


@dataclass(frozen=True)
class RawMessage:
    """A message as it lies in a bag."""

    topic: str
    type: str
    log_ns: int
    """Time of arrival."""
    payload: bytes
    """CDR."""


def topic_prefix(namespace: str | None) -> str:
    """What the topics of a namespace ("/rig1") begin with; of all topics for None."""
    name = (namespace or "").strip("/")
    return f"/{name}/" if name else "/"


def quality(depth: int, *, latched: bool = False, reliable: bool = True) -> Qos:
    """Return a quality of service as bags keep it."""
    unlimited = QosTime(2**31 - 1, 2**32 - 1)
    return Qos(
        QosHistory.KEEP_LAST,
        depth,
        QosReliability.RELIABLE if reliable else QosReliability.BEST_EFFORT,
        QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        unlimited,
        unlimited,
        QosLiveliness.AUTOMATIC,
        unlimited,
        False,
    )


QUALITIES = {
    convert.WEIGHTS: quality(50),
    convert.GATE: quality(100, latched=True),
    convert_store.STORE: quality(1, latched=True),
    convert.PREDICTION: quality(1000, latched=True),
    convert.UPDATE: quality(1000, latched=True),
    convert.SLOT_CHANGE: quality(100, latched=True),
    convert_images.IMAGE: quality(5, reliable=False),
    convert_images.COMPRESSED: quality(5, reliable=False),
    convert_images.CAMERA_INFO: quality(5, reliable=False),
}


class _Storage(McapWriter):
    """MCAP storage whose file name does not follow the folder's, and that flushes by log time."""

    def __init__(self, path: Path, compression: CompressionMode) -> None:
        super().__init__(path, compression)
        fixed = path / "bag_0.mcap"
        self.path.rename(fixed)
        self.path = fixed

    def write(self, connection: Connection, timestamp: int, data: bytes | memoryview) -> None:
        super().write(connection, timestamp, data)
        if self.chunk.msgs and timestamp - self.chunk.message_start_time >= FLUSH_NS:
            self.close_chunk()
            self.bio.flush()


class _Writer(Writer):
    STORAGE_PLUGINS = {StoragePlugin.MCAP: _Storage}  # noqa: RUF012 (as in the base class)


class BagWriter:
    """Writes one bag; a context manager, which completes the bag also after an error."""

    def __init__(self, path: Path) -> None:
        """Create the bag's directory.

        Raises:
            BagError: `path` exists already, or cannot be created.
        """
        if path.exists():
            raise BagError(f"{path} exists already")
        self.path = path
        self._types = bag_types()
        writer = _Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
        writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        try:
            writer.open()
        except OSError as error:
            raise BagError(f"cannot create {path}: {error}") from error
        self._writer: _Writer | None = writer
        self._connections: dict[str, Connection] = {}

    def write_raw(self, message: RawMessage, qos: Qos | None = None) -> None:
        """Append a serialized message; `qos` is what a new topic offers, by type when None.

        Raises:
            BagError: The type's definition is unknown, or a topic changes its type.
        """
        connection = self._connections.get(message.topic)
        if connection is None:
            connection = self._connect(message, qos)
        elif connection.msgtype != message.type:
            raise BagError(f"{message.topic} is {connection.msgtype}, not {message.type}")
        assert self._writer is not None
        self._writer.write(connection, message.log_ns, message.payload)

    def _connect(self, message: RawMessage, qos: Qos | None) -> Connection:
        if not self._types.learn(message.type):
            raise BagError(f"the definition of {message.type} is unknown")
        offered = qos or QUALITIES.get(message.type) or quality(10)
        assert self._writer is not None
        connection = self._writer.add_connection(
            message.topic,
            message.type,
            typestore=self._types.store,
            offered_qos_profiles=[offered],
        )
        self._connections[message.topic] = connection
        return connection

    def write(self, topic: str, name: str, message: Any, log_ns: int) -> None:
        """Append a message of type `name`, made with `aisle.bags.messages.bag_types`."""
        self.write_raw(RawMessage(topic, name, log_ns, self._types.write(message, name)))

    def weights(self, batch: WeightBatch, log_ns: int, frame: str = "") -> None:
        """Append a `WeightReadings` to `/weights/<controller>`."""
        message = convert.weights_to_message(batch, self._types, frame)
        self.write(f"/weights/{batch.controller}", convert.WEIGHTS, message, log_ns)

    def gate(self, event: GateEvent, log_ns: int) -> None:
        """Append to `/gate/events`."""
        message = convert.gate_to_message(event, self._types)
        self.write("/gate/events", convert.GATE, message, log_ns)

    def store(self, store: Store, stamp_ns: int, log_ns: int) -> None:
        """Append to `/store/model` a store that holds from `stamp_ns` on."""
        message = convert_store.store_to_message(store, stamp_ns, self._types)
        self.write("/store/model", convert_store.STORE, message, log_ns)

    def picture(self, frame: CameraFrame, jpeg_quality: int, log_ns: int) -> None:
        """Append a JPEG to `/camera/<camera>/image_raw/compressed`."""
        message = convert_images.compressed_to_message(frame, jpeg_quality, self._types)
        topic = f"/camera/{frame.camera}/image_raw/compressed"
        self.write(topic, convert_images.COMPRESSED, message, log_ns)

    def camera_info(self, calibration: CameraCalibration, stamp_ns: int, log_ns: int) -> None:
        """Append what holds for the picture with this stamp to `/camera/<camera>/camera_info`."""
        message = convert_images.camera_info_to_message(calibration, stamp_ns, self._types)
        topic = f"/camera/{calibration.camera}/camera_info"
        self.write(topic, convert_images.CAMERA_INFO, message, log_ns)

    def prediction(self, prediction: Prediction, log_ns: int) -> None:
        """Append to `/receipts/predictions`."""
        message = convert.prediction_to_message(prediction, self._types)
        self.write("/receipts/predictions", convert.PREDICTION, message, log_ns)

    def receipt(self, receipt: Receipt, log_ns: int) -> None:
        """Append to `/receipts/updates`."""
        message = convert.receipt_to_message(receipt, self._types)
        self.write("/receipts/updates", convert.UPDATE, message, log_ns)

    def close(self) -> None:
        """Write index and metadata; later calls do nothing."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class BagReader:
    """Reads one bag: a rosbag2 directory, or one of its files."""

    def __init__(self, path: Path) -> None:
        """Open a bag; a damaged one is read up to the damage, and `warnings` says so.

        Raises:
            BagError: There is no bag, or nothing of it can be read.
        """
        self.path = path
        self.warnings: list[str] = []
        self._types = bag_types()
        self._reader: Reader | None = None
        self._damaged: Damaged | None = None
        if not path.exists():
            raise BagError(f"{path} does not exist")
        try:
            self._reader = Reader(path)
            self._reader.open()
            definitions = [(c.topic, c.msgtype, c.msgdef) for c in self._reader.connections]
        except Exception as error:  # foreign bytes: anything may come
            self._reader = None
            definitions = self._recover(str(error))
        self.types: dict[str, str] = {}
        for topic, name, definition in definitions:
            if self._same_definition(name, definition):
                self.types[topic] = name
            else:
                self.warnings.append(f"{topic} is left out: its {name} has other fields")

    def _recover(self, why: str) -> list[tuple[str, str, MessageDefinition]]:
        files = sorted(self.path.glob("*.mcap"), key=_number) if self.path.is_dir() else [self.path]
        files = [file for file in files if file.suffix == ".mcap"]
        if not files:
            raise BagError(f"{self.path} is no bag: {why}")
        self._damaged = Damaged(files)
        if not self._damaged.channels:
            raise BagError(f"nothing can be read from {self.path}: {self._damaged.reason or why}")
        self.warnings.append(
            f"{self.path} is damaged ({self._damaged.reason or why}): "
            f"read {self._damaged.count} messages, {self._damaged.span_s:.1f} s"
        )
        return [
            (channel.topic, channel.type, MessageDefinition(MessageDefinitionFormat.MSG, text))
            for channel, text in self._damaged.channels.items()
        ]

    def _same_definition(self, name: str, definition: MessageDefinition) -> bool:
        if name not in self._types.store.types or not definition.data:
            return True
        if definition.format != MessageDefinitionFormat.MSG:
            return True
        try:
            found = get_types_from_msg(definition.data, name)
        except Exception:  # foreign text: anything may come
            return False
        known = self._types.store.fielddefs
        return all(known[key][1] == fields[1] for key, fields in found.items() if key in known)

    def messages(self, names: set[str] | None = None) -> Iterator[RawMessage]:
        """Yield the messages of the given types (all when None) in order of arrival.

        Where the bag turns out to be damaged, it ends early and `warnings` gets an entry.
        """
        topics = {t for t, name in self.types.items() if names is None or name in names}
        if self._damaged is not None:
            for channel, log_ns, payload in self._damaged.messages():
                if channel.topic in topics:
                    yield RawMessage(channel.topic, channel.type, log_ns, payload)
            return
        assert self._reader is not None
        connections = [c for c in self._reader.connections if c.topic in topics]
        if not connections:
            return
        messages = self._reader.messages(connections)
        while True:
            try:
                connection, log_ns, data = next(messages)
            except StopIteration:
                return
            except Exception as error:  # foreign bytes: anything may come
                self.warnings.append(f"{self.path} is damaged and ends early: {error}")
                return
            yield RawMessage(connection.topic, connection.msgtype, log_ns, bytes(data))

    def counts(self) -> dict[str, int]:
        """Return the number of messages by topic."""
        if self._damaged is not None:
            return dict(self._damaged.counts)
        assert self._reader is not None
        found: Counter[str] = Counter()
        for connection in self._reader.connections:
            found[connection.topic] += connection.msgcount
        return dict(found)

    def decode(self, message: RawMessage) -> Any:
        """Return the message itself.

        Raises:
            MessageError: The bytes do not hold it.
        """
        return self._types.read(message.payload, message.type)

    def close(self) -> None:
        """Release the files."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def __enter__(self) -> BagReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _number(file: Path) -> tuple[int, str]:
    """Order the files of a split bag: `bag_2` before `bag_10`."""
    found = re.search(r"_(\d+)$", file.stem)
    return (int(found[1]) if found else 0, file.name)
