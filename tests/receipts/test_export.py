import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_samples import change, enter, predict
from typer.testing import CliRunner

from aisle.cli.receipts import app
from aisle.receipts import Ledger, receipt_from_json, receipt_json
from aisle.receipts.codec import prediction_from_json, prediction_json
from aisle.receipts.export import COLUMNS, to_csv, to_json
from aisle.records import (
    Action,
    Change,
    ChangeState,
    Prediction,
    Receipt,
    ReceiptLine,
    ReceiptState,
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
stamps = st.integers(0, 2**63 - 1)
counts = st.integers(0, 10_000)
lines = st.builds(
    ReceiptLine,
    text,
    text,
    counts,
    st.integers(-(10**9), 10**9),
    st.integers(0, 10**6).map(lambda millionths: millionths / 10**6),
)
texts = st.lists(text, max_size=3).map(tuple)
receipts = st.builds(
    Receipt,
    text,
    counts,
    st.sampled_from(ReceiptState),
    stamps,
    text,
    st.lists(lines, max_size=4).map(tuple),
    text,
    texts,
)
predictions = st.builds(
    Prediction,
    stamps,
    text,
    st.lists(
        st.builds(
            Change,
            text,
            st.sampled_from(ChangeState),
            stamps,
            st.sampled_from(Action),
            text,
            counts,
            st.floats(0, 1),
            text,
            text,
            texts,
            texts,
            st.tuples(stamps, stamps),
            st.booleans(),
        ),
        max_size=3,
    ).map(tuple),
    st.booleans(),
    texts,
)


@given(receipts)
def test_a_receipt_comes_back_from_its_json(receipt: Receipt) -> None:
    assert receipt_from_json(receipt_json(receipt)) == receipt


@given(receipts)
def test_single_precision_confidences_give_the_same_bytes(receipt: Receipt) -> None:
    rounded = tuple(
        replace(line, confidence=float(np.float32(line.confidence))) for line in receipt.lines
    )
    assert receipt_json(replace(receipt, lines=rounded)) == receipt_json(receipt)


@given(predictions)
def test_a_prediction_comes_back_from_its_json(prediction: Prediction) -> None:
    assert prediction_from_json(prediction_json(prediction)) == prediction


@given(receipts)
def test_the_json_of_a_receipt_is_canonical(receipt: Receipt) -> None:
    data = json.loads(receipt_json(receipt))
    assert list(data) == sorted(data)
    assert data["total_minor"] == receipt.total_minor
    assert all(list(line) == sorted(line) for line in data["lines"])


@given(st.lists(receipts, max_size=3))
def test_exports_hold_every_line(found: list[Receipt]) -> None:
    assert [entry["session"] for entry in json.loads(to_json(found))] == [r.session for r in found]
    rows = list(csv.DictReader(io.StringIO(to_csv(found), newline="")))
    assert len(rows) == sum(max(len(receipt.lines), 1) for receipt in found)
    total = sum(int(row["line_total_minor"] or 0) for row in rows)
    assert total == sum(receipt.total_minor for receipt in found)
    assert all(tuple(row) == COLUMNS for row in rows)


@pytest.fixture
def url(ledger: Ledger) -> str:
    """Return the ledger of one doubtful closed receipt and one open one."""
    ledger.gate(enter("a"))
    ledger.apply(predict(3, change(2, probability=0.5), final=True))
    ledger.gate(enter("b\x1b[31m[red]"))
    return str(ledger.engine.url)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_list_shows_all_receipts_and_no_control_characters(url: str) -> None:
    code, output = run("list", "--ledger", url)
    assert code == 0
    assert "1.50 EUR" in output
    assert "b?[31m[red]" in output


def test_review_lists_those_that_wait_with_their_reasons(url: str) -> None:
    code, output = run("review", "--ledger", url)
    assert (code, "below 0.80" in output, "[red]" in output) == (0, True, False)
    assert [r["session"] for r in json.loads(run("review", "--ledger", url, "--json")[1])] == ["a"]


def test_show_gives_lines_changes_and_reasons(url: str, ledger: Ledger) -> None:
    code, output = run("show", "a", "--ledger", url)
    assert (code, "a/2" in output, "review: Cola (cola)" in output) == (0, True, True)
    receipt = ledger.receipt("a")
    assert receipt is not None
    shown = run("show", "a", "--ledger", url, "--json")[1]
    assert shown.encode() == receipt_json(receipt) + b"\n"


def test_export_writes_csv(url: str) -> None:
    code, output = run("export", "--ledger", url, "--format", "csv", "--state", "review")
    assert (code, len(output.splitlines())) == (0, 2)


@pytest.mark.parametrize("arguments", [["show", "nobody"], ["list", "--ledger", "/no/such.db"]])
def test_what_is_not_there_is_said_in_one_line(url: str, arguments: list[str]) -> None:
    code, output = run(*arguments, *([] if "--ledger" in arguments else ["--ledger", url]))
    assert code == 1
    assert output.startswith("error: ")
    assert "Traceback" not in output
