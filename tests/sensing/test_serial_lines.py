"""Lines from serial scales: good ones are read, bad ones are refused, none crashes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.records import PlateStatus
from aisle.sensing.serial_lines import (
    MAX_LINE,
    LineBuffer,
    LineError,
    checksum,
    parse_line,
    parse_sics,
)

values = st.floats(-30, 30, width=32).map(lambda v: round(v, 4))


def test_reads_numbers_and_words():
    sample = parse_line(b"17,0.512, -1.25 ,nan,,OVL,unl,err", 7)
    assert sample.sequence == 17
    assert sample.kilograms[:2] == (0.512, -1.25)
    assert all(math.isnan(value) for value in sample.kilograms[2:])
    assert sample.status == (
        PlateStatus.OK,
        PlateStatus.OK,
        PlateStatus.MISSING,
        PlateStatus.MISSING,
        PlateStatus.OVERLOAD,
        PlateStatus.UNDERLOAD,
        PlateStatus.FAULT,
    )


@given(st.integers(0, 2**32 - 1), st.lists(values, min_size=1, max_size=40))
def test_written_line_reads_back(sequence, kilograms):
    body = ",".join([str(sequence), *(f"{v:.4f}" for v in kilograms)]).encode()
    sample = parse_line(body + b"*%02x" % checksum(body), len(kilograms))
    assert sample.sequence == sequence
    assert sample.kilograms == pytest.approx(kilograms, abs=1e-4)


@given(st.lists(values, min_size=1, max_size=9), st.integers(0, 7), st.data())
def test_one_flipped_bit_is_found_by_the_checksum(kilograms, bit, data):
    body = ",".join(["5", *(f"{v:.4f}" for v in kilograms)]).encode()
    line = bytearray(body + b"*%02X" % checksum(body))
    place = data.draw(st.integers(0, len(body) - 1))
    line[place] ^= 1 << bit
    with pytest.raises(LineError):
        parse_line(bytes(line), len(kilograms))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1,0.5", "1 values where the controller has 2 plates"),
        (b"x,0.5,0.5", "sequence"),
        (b"1,0.5,inf", "neither a number"),
        (b"1,0.5,1e999", "neither a number"),
        (b"1,0.5,0.5*00", "checksum"),
        (b"1,0.5,\xff", "not ASCII"),
        (b"1,0.5,0x10", "neither a number"),
        ("1,0.5,١".encode(), "not ASCII"),
    ],
)
def test_damaged_line_says_why(line, reason):
    with pytest.raises(LineError, match=reason):
        parse_line(line, 2)


@given(st.binary(max_size=200), st.integers(0, 12))
def test_garbage_is_refused_or_read_but_never_crashes(line, plates):
    for parse in (lambda: parse_line(line, plates), lambda: parse_sics(line)):
        try:
            sample = parse()
        except LineError:
            continue
        assert sample is None or len(sample.kilograms) == len(sample.status)


@given(st.text("SDIR+-ESTLkg .0123456789", max_size=30))
def test_near_sics_never_crashes(line):
    try:
        sample = parse_sics(line.encode())
    except LineError:
        return
    if sample is not None and sample.status[0] == PlateStatus.OK:
        assert math.isfinite(sample.kilograms[0])


@pytest.mark.parametrize(
    ("line", "kilograms", "status"),
    [
        (b"S S     0.512 kg", 0.512, PlateStatus.OK),
        (b"S D    -12.5 g", -0.0125, PlateStatus.OK),
        (b"S I", math.nan, PlateStatus.MISSING),
        (b"S +", math.nan, PlateStatus.OVERLOAD),
        (b"S -", math.nan, PlateStatus.UNDERLOAD),
    ],
)
def test_reads_sics_replies(line, kilograms, status):
    sample = parse_sics(line)
    assert sample.kilograms == pytest.approx((kilograms,), nan_ok=True)
    assert sample.status == (status,)


def test_other_sics_replies_are_not_weights():
    assert parse_sics(b'I4 A "0123456789"') is None
    assert parse_sics(b"   ") is None
    for line in (b"ES", b"EL", b"S S 1.0 stone", b"S S kg", b"S S nan kg"):
        with pytest.raises(LineError):
            parse_sics(line)


@given(
    st.lists(st.binary(min_size=1, max_size=20).map(lambda b: b.translate(None, b"\r\n"))),
    st.lists(st.integers(1, 7), min_size=1),
)
def test_lines_do_not_depend_on_the_pieces_in_which_they_come(lines, sizes):
    stream = b"".join(line + b"\r\n" for line in lines)
    buffer, got, at = LineBuffer(), [], 0
    while at < len(stream):
        size = sizes[at % len(sizes)]
        got += buffer.feed(stream[at : at + size])
        at += size
    assert got == [line for line in lines if line]
    assert buffer.overlong == 0


@pytest.mark.parametrize("piece", [1000, MAX_LINE + 1, 3 * MAX_LINE])
def test_overlong_line_is_dropped_alone(piece):
    stream = b"a" * (2 * MAX_LINE) + b"\nfine\n"
    buffer, got = LineBuffer(), []
    for at in range(0, len(stream), piece):
        got += buffer.feed(stream[at : at + piece])
    assert got == [b"fine"]
    assert buffer.overlong == 1
