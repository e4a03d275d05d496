"""Sources: a serial scale over a pseudo-terminal that comes and goes, and playback."""

import os
import pty
import threading
import time
import tty
from itertools import islice

import numpy as np
import pytest

from aisle.records import PlateStatus
from aisle.sensing.line_device import LineDevice
from aisle.sensing.playback import MAX_AT_ONCE, Playback, prefetched
from aisle.sensing.serial_lines import SICS_POLL, SICS_STREAM, checksum
from aisle.sensing.sources import PlayedScales, serial_scale
from aisle.store.types import Controller

PLATES = Controller("c", ("p1", "p2"), rate_hz=10.0, samples_per_message=2)
ONE = Controller("c", ("p1",), rate_hz=10.0, samples_per_message=1)
PERIOD = 100_000_000


def until(read, enough):
    """Call `read` and add up what it returns until `enough`; a terminal hands bytes on late."""
    got, deadline = read(), time.monotonic() + 5.0
    while not enough(got) and time.monotonic() < deadline:
        got += read()
    return got


class Terminal:
    """A pseudo-terminal at a path that stays, like a by-id link."""

    def __init__(self, link):
        self.link = link
        self.plug()

    def plug(self):
        self.host, self._device = pty.openpty()
        tty.setraw(self.host)
        os.set_blocking(self.host, False)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(self._device))

    def unplug(self):
        self.link.unlink()
        os.close(self.host)
        os.close(self._device)

    def send(self, sequence, *values):
        body = ",".join([str(sequence), *values]).encode()
        os.write(self.host, body + b"*%02X\r\n" % checksum(body))

    def received(self, size):
        def read():
            try:
                return os.read(self.host, 100)
            except BlockingIOError:
                return b""

        return until(read, lambda got: len(got) >= size)


@pytest.fixture
def terminal(tmp_path):
    terminal = Terminal(tmp_path / "usb-Maker_Scale_0001-if00")
    yield terminal
    if terminal.link.exists():
        terminal.unplug()


def scale(terminal, controller=PLATES, **options):
    settings = {"baud": 115200, "protocol": "lines", "poll": False, "reconnect_s": 1.0}
    return serial_scale(controller, str(terminal.link), **{**settings, **options})


def test_lines_from_a_port_become_batches(terminal):
    source = scale(terminal)
    assert source.read(0, 0.0) == []
    terminal.send(1, "0.5", "1.5")
    os.write(terminal.host, b"noise\n")
    terminal.send(2, "0.6", "ovl")
    (batch,) = until(lambda: source.read(PERIOD, 0.1), len)
    assert batch.kilograms[:, 0] == pytest.approx([0.5, 0.6])
    assert np.isnan(batch.kilograms[1, 1])
    assert batch.status.tolist() == [PlateStatus.OK, PlateStatus.OVERLOAD]
    assert source.counters["damaged_lines"] == 1
    source.close()


def test_lost_device_is_opened_again_by_itself(terminal):
    source = scale(terminal)
    source.read(0, 0.0)
    terminal.unplug()
    assert source.read(PERIOD, 0.1) == []
    assert "lost" in source.error
    source.read(20 * PERIOD, 2.0)
    assert "cannot be opened" in source.error
    terminal.plug()
    source.read(21 * PERIOD, 2.1)
    assert "cannot be opened" in source.error, "not more often than reconnect_s"
    source.read(31 * PERIOD, 3.1)
    terminal.send(1, "0.7", "1.7")
    terminal.send(2, "0.8", "1.8")
    (batch,) = until(lambda: source.read(32 * PERIOD, 3.2), len)
    assert batch.kilograms[:, 0] == pytest.approx([0.7, 0.8])
    assert source.error == ""
    assert source.counters["opened"] == 2
    source.close()


def test_sics_scale_is_told_to_stream_or_polled_at_its_rate(terminal):
    source = scale(terminal, ONE, protocol="sics")
    source.read(0, 0.0)
    assert terminal.received(len(SICS_STREAM)) == SICS_STREAM
    os.write(terminal.host, b"S D     0.512 kg\r\nES\r\nS I\r\n")
    batches = until(lambda: source.read(5, 0.1), lambda got: len(got) == 2)
    assert [batch.stamp_ns for batch in batches] == [5, 5]
    assert [batch.status.tolist() for batch in batches] == [[0], [PlateStatus.MISSING]]
    assert source.counters["damaged_lines"] == 1
    source.close()
    source = scale(terminal, ONE, protocol="sics", poll=True)
    for step in range(4):
        source.read(0, 10 + step * 0.05)
    assert terminal.received(2 * len(SICS_POLL)) == 2 * SICS_POLL
    source.close()


def test_scale_goes_on_when_the_hosts_clock_is_set_back(terminal):
    source, hour = scale(terminal), 36_000 * PERIOD
    source.read(2 * hour, 0.0)
    terminal.send(1, "0.5", "1.5")
    terminal.send(2, "0.5", "1.5")
    terminal.send(3, "0.5", "1.5")
    (before,) = until(lambda: source.read(2 * hour + 3 * PERIOD, 0.3), len)
    (short,) = source.read(hour + 4 * PERIOD, 0.4)
    assert [len(batch.kilograms) for batch in (before, short)] == [2, 1]
    terminal.send(4, "0.6", "1.5")
    terminal.send(5, "0.6", "1.5")
    (after,) = until(lambda: source.read(hour + 5 * PERIOD, 0.5), len)
    assert short.stamp_ns > 2 * hour
    assert abs(after.stamp_ns - hour - 4 * PERIOD) <= 2 * PERIOD
    assert source.counters["clock_steps"] == 1
    assert source.counters["lost_samples"] == 0
    source.close()


def test_sics_scale_with_two_plates_is_refused(terminal):
    with pytest.raises(ValueError, match="one plate"):
        scale(terminal, PLATES, protocol="sics")


def test_pipe_is_read_and_survives_its_writer(tmp_path):
    path = tmp_path / "gate"
    os.mkfifo(path)
    device = LineDevice(str(path))
    assert device.read(0.0) == []
    for line in (b"one\n", b"two\n"):
        writer = os.open(path, os.O_WRONLY)
        os.write(writer, line)
        os.close(writer)
        assert device.read(1.0) == [line.strip()]
    device.close()


def test_playback_gives_what_is_due_and_leaves_out_what_was_missed():
    playback = Playback(lambda now: iter([(k * 10, k) for k in range(10)]))
    assert playback.read(25) == []
    assert playback.read(39) == [3]
    assert playback.read(40) == [4]
    assert not playback.finished
    assert playback.read(1000) == [5, 6, 7, 8, 9]
    assert playback.finished


def test_playback_after_a_pause_comes_in_portions():
    playback = Playback(lambda now: iter((k, k) for k in range(200)))
    playback.read(0)
    portions = [playback.read(1000) for _ in range(5)]
    assert [len(portion) for portion in portions] == [MAX_AT_ONCE] * 3 + [49, 0]
    assert [item for portion in portions for item in portion] == list(range(1, 200))


def test_damaged_recording_ends_with_an_error_and_a_counter():
    def opener(now):
        yield 0, "batch"
        raise ValueError("line 3")

    source = PlayedScales(Playback(opener))
    source.read(0, 0.0)
    assert source.read(1, 0.0) == []
    assert "line 3" in source.error
    assert source.counters["damaged_recordings"] == 1


def test_prefetched_records_come_in_order_with_their_error_in_its_place():
    def records():
        yield from range(100)
        raise ValueError("broken")

    reader = prefetched(records(), 3)
    assert list(islice(reader, 100)) == list(range(100))
    with pytest.raises(ValueError, match="broken"):
        next(reader)
    assert list(prefetched(iter("abc"), 10)) == ["a", "b", "c"]


def test_prefetching_ends_with_its_reader():
    made = []

    def records():
        for number in range(1000):
            made.append(number)
            yield number

    reader = prefetched(records(), 5)
    next(reader)
    before = threading.active_count()
    reader.close()
    deadline = time.monotonic() + 5.0
    while threading.active_count() >= before and time.monotonic() < deadline:
        pass
    assert threading.active_count() < before
    assert len(made) < 20
