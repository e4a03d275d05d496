"""`aisle record`: topics of a running stack into a bag, as `ros2 bag record` does it."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rosbags.interfaces import Qos

from aisle.bags.convert_images import IMAGE
from aisle.bags.recording import DiskFullError, Recorder, parse_size, wanted
from aisle.bags.store_io import BagError, RawMessage, quality

if TYPE_CHECKING:
    from aisle.cli.ros import Connection

app = typer.Typer()


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@app.command()
def command(
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Bag to write.", show_default="aisle_<time>"),
    ] = None,
    topics: Annotated[
        list[str] | None,
        typer.Option("--topic", help="Topic to record, * is any text; repeat it. All when absent."),
    ] = None,
    duration: Annotated[
        float | None, typer.Option(help="Seconds after which to stop.", min=0.0)
    ] = None,
    max_size: Annotated[
        str, typer.Option(help="Size of the bag at which to stop.", metavar="SIZE")
    ] = "20G",
    keep_free: Annotated[
        str, typer.Option(help="Disk space to leave free.", metavar="SIZE")
    ] = "1G",
    raw_images: Annotated[
        bool,
        typer.Option("--raw-images", help="Record raw images too, not only compressed ones."),
    ] = False,
    use_sim_time: Annotated[
        bool, typer.Option("--use-sim-time", help="Log times from /clock.")
    ] = False,
) -> None:
    """Record the topics of a running stack until Ctrl-C; the bag is always completed.

    Of cameras, the compressed images are recorded: raw ones of a few cameras are more than a disk
    takes.

    Exit code 1 when a limit of disk space ended the recording.
    """
    path = out or Path(f"aisle_{datetime.now(tz=timezone.utc):%Y_%m_%d-%H_%M_%S}")
    limits = _size(max_size), _size(keep_free)
    from aisle.cli.ros import connect

    with ExitStack() as stack:
        connection = stack.enter_context(connect("aisle_recorder", use_sim_time=use_sim_time))
        session = _Session(connection, Recorder(path, *limits), topics or [], raw_images)
        typer.echo(f"recording into {path}, stop with Ctrl-C")
        try:
            connection.spin(duration, session.look)
            connection.drain()
        finally:
            session.close()
    if session.failure:
        raise DiskFullError(f"stopped: {session.failure}")


class _Session:
    def __init__(
        self, connection: Connection, recorder: Recorder, chosen: list[str], raw_images: bool
    ) -> None:
        self.connection, self.recorder, self.chosen = connection, recorder, chosen
        self.raw_images = raw_images
        self.known: set[str] = set()
        self.failure = ""
        self.looks = 0

    def look(self) -> None:
        """Subscribe to what is new; mind the disk about once a second."""
        self.looks += 1
        if self.looks % 4 == 0:
            try:
                self.recorder.check()
            except DiskFullError as error:
                self._stop(error)
        for topic, name in self.connection.topics().items():
            if topic not in self.known and wanted(topic, self.chosen):
                self.known.add(topic)
                if name == IMAGE and not self.raw_images:
                    typer.echo(f"not recording {topic}: raw images need --raw-images", err=True)
                else:
                    self._subscribe(topic, name)

    def _subscribe(self, topic: str, name: str) -> None:
        offer = self.connection.offer(topic)
        offered = quality(1000, latched=offer.latched, reliable=offer.reliable)
        take = partial(self._take, topic, name, offered)
        try:
            self.connection.subscribe(topic, name, offer, take, raw=True)
            typer.echo(f"recording {topic} ({name})")
        except (ModuleNotFoundError, AttributeError):
            typer.echo(f"not recording {topic}: {name} is not installed here", err=True)

    def _take(self, topic: str, name: str, offered: Qos, payload: bytes) -> None:
        if self.failure:
            return
        try:
            message = RawMessage(topic, name, self.connection.now_ns(), payload)
            self.recorder.write(message, offered)
        except BagError as error:
            if isinstance(error, DiskFullError):
                self._stop(error)
            else:
                typer.echo(f"not recorded: {error}", err=True)

    def _stop(self, error: DiskFullError) -> None:
        self.failure = str(error)
        self.connection.stopped = True

    def close(self) -> None:
        """Complete the bag and say what is in it."""
        try:
            self.recorder.close()
        except DiskFullError as error:
            self.failure = self.failure or str(error)
        total = sum(self.recorder.counts.values())
        typer.echo(f"{self.recorder.path}: {total} messages on {len(self.recorder.counts)} topics")
