"""Recorded tables: read in batches, refused with file, line and rule, never a crash."""

import contextlib
import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.records import PlateStatus
from aisle.sensing.table import TableError, read_table
from aisle.store.types import Controller

CONTROLLERS = [
    Controller("a", ("p1", "p2"), rate_hz=10.0, samples_per_message=2),
    Controller("b", ("p3", "p4"), rate_hz=10.0, samples_per_message=2),
]


def test_rows_become_batches_of_each_controller(tmp_path):
    path = tmp_path / "w.csv.gz"
    rows = ["stamp,p2,p3,p1"] + [
        f"{10 + k / 10},{k},{k + 1},{'' if k == 1 else 9}" for k in range(3)
    ]
    path.write_bytes(gzip.compress("\n".join(rows).encode()))
    batches = list(read_table(path, CONTROLLERS))
    assert [(b.controller, b.stamp_ns, len(b.kilograms)) for b in batches] == [
        ("a", 10_000_000_000, 2),
        ("b", 10_000_000_000, 2),
        ("a", 10_200_000_000, 1),
        ("b", 10_200_000_000, 1),
    ]
    assert batches[0].kilograms[0].tolist() == [9, 0]
    assert np.isnan(batches[0].kilograms[1, 0])
    assert batches[0].status.tolist() == [PlateStatus.OK, PlateStatus.OK]
    assert batches[1].status.tolist() == [PlateStatus.OK, PlateStatus.MISSING]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1"),
        ("time,p1\n", "line 1: must be 'stamp'"),
        ("stamp,p1,p1\n", "each once"),
        ("stamp,q\n1,1\n", "no plate of"),
        ("stamp,p1\n1,1\n2\n", "line 3: 1 fields"),
        ("stamp,p1\n1,1\n2,x\n", "line 3: a field is not a number"),
        ("stamp,p1\n2,1\n1,1\n", "line 3: the stamp must be later than 2"),
        ("stamp,p1\nnan,1\n", "line 2: the stamp"),
    ],
)
def test_broken_table_says_where_and_why(tmp_path, text, reason):
    path = tmp_path / "w.csv"
    path.write_text(text)
    with pytest.raises(TableError, match=reason):
        list(read_table(path, CONTROLLERS))


def test_absent_table_is_a_table_error(tmp_path):
    with pytest.raises(TableError, match="No such file"):
        list(read_table(tmp_path / "none.csv", CONTROLLERS))


@given(st.binary(max_size=120), st.sampled_from([b"", b"stamp,p1\n", b"stamp,p1\n1,1\n"]))
def test_garbage_never_crashes(tmp_path_factory, data, start):
    folder = tmp_path_factory.mktemp("table")
    for name, content in (("w.csv", start + data), ("w.csv.gz", data)):
        (folder / name).write_bytes(content)
        with contextlib.suppress(TableError):
            list(read_table(folder / name, CONTROLLERS))
