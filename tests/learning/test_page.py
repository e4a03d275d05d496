"""The page of results: whole in itself, complete, and no place for foreign code."""

import json
import re
from collections import Counter

import pytest

from aisle.bags.evaluate import Evaluation, SessionScore, summary
from aisle.bags.metrics import Counts
from aisle.cli.main import main
from aisle.learning.page import render
from aisle.learning.results import ResultsError, document, parsed, read_results


def figures(sessions: int = 3) -> dict:
    found = Evaluation(events=9 * sessions, events_right=8 * sessions, wall_s=1.0, store_s=30.0)
    for number in range(sessions):
        exact = number % 3 != 0
        counts = Counts(6 - (not exact), int(not exact), int(not exact))
        found.sessions.append(
            SessionScore(f"b-{number}", "s", counts, exact, 0.7 + 0.05 * number, "CLOSED", {}, {})
        )
    found.lines = [(0.55, False), (0.9, True), (0.97, True)]
    found.changes = [(0.65, True), (0.97, True)]
    found.shown_s, found.confirmed_s = [0.7, 1.1], [2.7, 3.1]
    found.errors = Counter({"missed take": 2, "wrong session": 1})
    found.hand_overs, found.hand_overs_right = 4, 1
    return summary(found)


def result(**more) -> dict:
    happened = {
        "simulations": 3, "actions": 20, "confusing": 9, "kinds": {"take": 11},
        "at_once": {"3": 15, "4": 5},
    }  # fmt: skip
    return {
        "suite": "busy", "about": "Many at once.", "store": "room", "seed": 1,
        "modalities": ["scales"], "happened": happened,
        "methods": {"model": figures(), "yardstick": figures(2)}, **more,
    }  # fmt: skip


def test_the_page_shows_each_figure_with_its_interval_and_size():
    page = render(parsed([result()]))
    text = " ".join(re.sub("<[^>]*>", " ", page).split())
    assert "1 of 4" in text  # hand-overs
    assert "0.944" in text  # item F1: 17 of 18 units on both sides
    assert "45 % of them" in text
    assert "3 in the store at 75%" in text
    assert "wrong session" in text


def test_the_page_needs_nothing_from_outside_and_runs_nothing():
    page = render(parsed([result(), result(suite="calm")]))
    assert page.count("data:image/svg+xml;base64,") == 3
    assert not re.findall(r"<script|<link|@import|(?:src|href)\s*=\s*[\"'](?!data:)", page)


def test_foreign_text_stays_text():
    page = render(parsed([result(about="<script>alert(1)</script>", store="<b>x</b>")]))
    assert "<script>" not in page
    assert "<b>x" not in page


def test_no_results_and_results_without_cases_make_a_page_too():
    assert "No results" in render([])
    nothing = result(methods={"model": summary(Evaluation())})
    assert "none" in render(parsed([nothing]))


def test_results_are_read_back_and_shown_by_the_command(tmp_path):
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    one.write_text(json.dumps(document([result()])))
    two.write_text(json.dumps(document([result(suite="calm")])))
    page, both = tmp_path / "page.html", tmp_path / "both.json"
    with pytest.raises(SystemExit) as ended:
        main(["bench", str(one), str(two), "--html", str(page), "--out", str(both)])
    assert not ended.value.code
    assert [found["suite"] for found in read_results(both)] == ["busy", "calm"]
    assert page.read_text().count("<section") == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "the whole"),
        ('{"format": "aisle-bench/0", "results": []}', "format"),
        ('{"format": "aisle-bench/1", "results": [{"suite": "calm"}]}', "results.0.about"),
        ('{"format": "aisle-bench/1", "results": 1}', "results"),
    ],
)
def test_a_file_that_holds_no_results_is_refused_in_a_sentence(tmp_path, text, problem):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(ResultsError, match=problem) as error:
        read_results(path)
    assert str(path) in str(error.value)


def test_a_file_that_is_not_there_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(ResultsError, match="cannot be read"):
        read_results(tmp_path / "none.json")
