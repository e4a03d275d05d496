"""Reading MCAP files that have no index: cut off, still being written, or damaged."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mcap.exceptions import EndOfFile
from mcap.records import Channel as ChannelRecord
from mcap.records import Message, Schema
from mcap.stream_reader import StreamReader

LARGEST_RECORD = 1 << 28
"""A longer record is damage, bytes."""
HORIZON_NS = 10_000_000_000
"""Recorders write messages out of order by less than this."""


class Channel(NamedTuple):
    """A topic as a file declares it."""

    topic: str
    type: str


class Damaged:
    """The readable part of a bag's files, each up to its first damage."""

    def __init__(self, files: list[Path]) -> None:
        """Read `files` once, to learn what they hold."""
        self.files = files
        self.channels: dict[Channel, str] = {}
        """Definition text by channel."""
        self.counts: Counter[str] = Counter()
        self.reason = ""
        """What ended the first damaged file."""
        stamps = [log_ns for _, log_ns, _ in self._scan()]
        self.count = len(stamps)
        self.span_s = (max(stamps) - min(stamps)) / 1e9 if stamps else 0.0

    def _scan(self) -> Iterator[tuple[Channel, int, bytes]]:
        self.counts.clear()
        for file in self.files:
            try:
                with file.open("rb") as stream:
                    yield from self._records(StreamReader(stream, record_size_limit=LARGEST_RECORD))
            except EndOfFile:
                self.reason = self.reason or f"{file.name} is cut off"
            except Exception as error:  # foreign bytes: anything may come
                self.reason = self.reason or f"{file.name}: {error}"

    def _records(self, reader: StreamReader) -> Iterator[tuple[Channel, int, bytes]]:
        schemas: dict[int, Schema] = {}
        channels: dict[int, Channel] = {}
        for record in reader.records:
            if isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, ChannelRecord):
                schema = schemas[record.schema_id]
                channel = Channel(record.topic, schema.name)
                channels[record.id] = channel
                self.channels[channel] = (
                    schema.data.decode() if schema.encoding == "ros2msg" else ""
                )
            elif isinstance(record, Message):
                channel = channels[record.channel_id]
                self.counts[channel.topic] += 1
                yield channel, record.log_time, record.data

    def messages(self) -> Iterator[tuple[Channel, int, bytes]]:
        """Yield channel, log time and bytes in order of log time."""
        waiting: list[tuple[int, int, Channel, bytes]] = []
        newest = 0
        for number, (channel, log_ns, payload) in enumerate(self._scan()):
            newest = max(newest, log_ns)
            heapq.heappush(waiting, (log_ns, number, channel, payload))
            while waiting[0][0] < newest - HORIZON_NS:
                log_ns, _, channel, payload = heapq.heappop(waiting)
                yield channel, log_ns, payload
        while waiting:
            log_ns, _, channel, payload = heapq.heappop(waiting)
            yield channel, log_ns, payload
