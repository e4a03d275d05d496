import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from bag_samples import tiny_store, write_live_bag
from hypothesis import given
from hypothesis import strategies as st

from aisle.bags import drawing
from aisle.bags.evidence import Curve, Request, collect, curves, requests
from aisle.bags.reading import Arrived
from aisle.bags.replay import recorded
from aisle.bags.report import views, write_report
from aisle.bags.truth import read_truth
from aisle.records import Action, Change, ChangeState, WeightBatch


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    return write_live_bag(tmp_path_factory.mktemp("report") / "live")


@pytest.fixture(scope="module")
def page(bag):
    out = bag.parent / "pages" / "report.html"
    write_report(bag, out, recorded_only=True)
    return out.read_text(encoding="utf-8")


class Page(HTMLParser):
    VOID = ("meta", "link", "br", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def parsed(page):
    parser = Page()
    parser.feed(page)
    assert parser.open == []
    return parser


def test_the_page_needs_no_other_file(page, parsed):
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in parsed.tags}
    assert "data:" not in page
    assert "http" not in page
    assert "url(" not in page


def test_names_from_outside_are_only_text(page, parsed):
    assert "Cola <0.5 l>" in "".join(parsed.texts)
    assert "Cola &lt;0.5 l&gt;" in page


def test_the_receipt_its_doubt_and_the_truth_are_told(parsed):
    text = re.sub(r"\s+", " ", " ".join(parsed.texts))
    assert "weights/g1 silent for 4.2 s" in text
    assert "93%" in text
    assert "Rice 1 kg" in text
    assert "missed" in text
    assert "✗ wrong" in text
    assert "withdrawn" in text


def test_every_change_has_its_curves_and_its_place(parsed):
    lines = [attrs for tag, attrs in parsed.tags if tag == "polyline"]
    assert {attrs["class"].split()[1] for attrs in lines} == {"k0", "k1"}
    cells = [a for tag, a in parsed.tags if tag == "rect" and a["class"].startswith("cell k")]
    assert [attrs["class"] for attrs in cells[:2]] == ["cell k0", "cell k1"]
    assert any(a.get("class") == "fixture chosen" for tag, a in parsed.tags if tag == "polygon")


def test_what_the_plates_lost_is_measured(bag):
    result = recorded(bag)
    view = views(bag, result, read_truth(bag), None)[0]
    cola = next(line for line in view.lines if line.product == "cola")
    chart = cola.changes[0].chart
    assert [line.change_g for line in chart.lines] == pytest.approx([-300, -230], abs=1)
    assert chart.truths == [chart.event_x]
    assert (cola.right, view.exact) == (True, False)
    assert [line.story for line in view.lines if line.product == "soap"] == [
        "withdrawn, the model thought better of it"
    ]


def test_the_page_is_made_without_truth_too(bag, tmp_path):
    (tmp_path / "copy").mkdir()
    for name in ("bag_0.mcap", "metadata.yaml"):
        (tmp_path / "copy" / name).write_bytes((bag / name).read_bytes())
    write_report(tmp_path / "copy", tmp_path / "page.html", recorded_only=True)
    text = (tmp_path / "page.html").read_text()
    assert "against the truth" not in text
    assert "Cola" in text


def change(at_ns: int, plates: tuple[str, ...] = ()) -> Change:
    return Change("s/1", ChangeState.CONFIRMED, at_ns, Action.TAKE, "cola", 1, 0.9, "g1/s1",
                  plates=plates)  # fmt: skip


def batches(values: np.ndarray, period_ns: int = 10**8) -> list[Arrived]:
    plates = tuple(f"g1/s1/p{n + 1}" for n in range(values.shape[1]))
    status = np.zeros(len(plates), np.uint8)
    return [
        Arrived(
            0, WeightBatch("g1", at * period_ns, period_ns, plates, values[at : at + 5], status)
        )
        for at in range(0, len(values), 5)
    ]


def test_only_weights_around_a_change_are_kept():
    values = np.zeros((1000, 4), dtype=np.float32)
    wanted = requests(tiny_store(), [change(20 * 10**9), change(90 * 10**9)])
    collect(wanted, batches(values))
    assert [len(request.batches) for request in wanted] == [19, 19]
    for request in wanted:
        assert all(b.end_ns >= request.start_ns for b in request.batches)
        assert all(b.stamp_ns <= request.end_ns for b in request.batches)


def test_a_plate_that_moved_too_is_shown_beside_those_of_the_change():
    values = np.zeros((200, 4), dtype=np.float32)
    values[100:, 0] = -0.5
    values[100:, 3] = 0.1
    store = tiny_store()
    wanted = requests(store, [change(10 * 10**9, ("g1/s1/p1",))])
    collect(wanted, batches(values))
    found = curves(store, wanted[0])
    assert [(curve.plate, curve.evidence) for curve in found] == [
        ("g1/s1/p1", True),
        ("g1/s1/p4", False),
    ]
    assert found[0].change_g == pytest.approx(-500)


def test_what_is_soon_put_back_still_changed_the_plates():
    values = np.zeros((200, 4), dtype=np.float32)
    values[100:130, 0] = -0.5
    store = tiny_store()
    wanted = requests(store, [change(10 * 10**9, ("g1/s1/p1",))])
    collect(wanted, batches(values))
    assert curves(store, wanted[0])[0].change_g == pytest.approx(-500)


def test_a_change_on_unknown_plates_has_no_curves():
    lost = replace(change(5), shelf="nowhere", plates=("x",))
    assert requests(tiny_store(), [lost]) == []


def test_missing_samples_break_a_curve_and_no_samples_give_no_chart():
    seconds = np.linspace(-1, 1, 100)
    grams = np.where(np.abs(seconds) < 0.2, np.nan, 50.0 * (seconds > 0))
    chart = drawing.chart([Curve("p", seconds, grams, True)], (-0.5, 0.5))
    assert len(chart.lines[0].pieces) == 2
    assert drawing.chart([Curve("p", seconds, np.full(100, np.nan), True)], (0, 0)) is None
    assert drawing.chart([], (0, 0)) is None
    assert Curve("p", seconds, np.full(100, np.nan), True).change_g is None


@given(st.floats(-1e4, 1e4), st.floats(1e-2, 1e4), st.integers(3, 9))
def test_ticks_are_few_and_inside(low, span, most):
    found = drawing.ticks(low, low + span, most)
    assert len(found) <= most
    slack = span * 1e-6 + 1e-6
    assert all(low - slack <= tick <= low + span + slack for tick in found)
    assert all(math.isfinite(tick) for tick in found)


def test_a_rack_shows_upper_shelves_first_and_what_belongs_on_the_plates():
    found = drawing.rack(tiny_store(), "g1", "g1/s1", ["g1/s1/p2"])
    assert [(board.name, board.chosen) for board in found.boards] == [("s2", False), ("s1", True)]
    assert found.holds == ["Cola 0.5 l"]
    assert [cell.colour for cell in found.cells] == [-1, 0, -1, -1]
    assert drawing.rack(tiny_store(), "none", "", []) is None


def test_requests_know_their_controllers():
    found = requests(tiny_store(), [change(0)])
    assert isinstance(found[0], Request)
    assert found[0].controllers == ("g1",)
