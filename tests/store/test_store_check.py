import json
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_samples import HERE, SOUND, copy_of_sound

from aisle.store import textfile
from aisle.store.load import check_store
from aisle.store.problems import RULES, Report, StoreError
from aisle.store.textfile import parse_number, read_table

BROKEN = HERE / "broken"
CASES = sorted(path.name for path in BROKEN.iterdir())
FORMATS = HERE.parents[1] / "docs" / "formats.md"


def spoiled(case: str, folder: Path) -> Path:
    """The sound store with the files of a case in place of its own."""
    shop = copy_of_sound(folder)
    for path in sorted((BROKEN / case).rglob("*")):
        target = shop / path.relative_to(BROKEN / case)
        if path.name == "remove.txt":
            (shop / path.read_text().strip()).unlink()
        elif path.is_file() and path.name != "expected.txt":
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return shop


@pytest.mark.parametrize("case", CASES)
def test_each_mistake_is_named_by_file_line_and_rule(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shop = spoiled(case, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    found = [f"{p.file}:{p.line} {p.severity} {p.rule}" for p in check_store(shop)]
    assert found == (BROKEN / case / "expected.txt").read_text().splitlines()
    assert sorted(tmp_path.rglob("*")) == before


def test_every_rule_is_broken_by_some_case():
    expected = " ".join((BROKEN / case / "expected.txt").read_text() for case in CASES)
    elsewhere = {"unreadable", "beyond-limits", "driver"}
    assert set(expected.split()) & RULES.keys() == RULES.keys() - elsewhere


def test_every_rule_is_documented():
    text = FORMATS.read_text()
    assert [rule for rule in RULES if f"`{rule}`" not in text] == []


def test_a_sound_store_has_no_problem():
    assert check_store(SOUND) == []


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    shop = copy_of_sound(tmp_path)
    monkeypatch.setattr(textfile, "MAX_BYTES", 100)
    assert {p.rule for p in check_store(shop)} == {"unreadable"}


def test_a_folder_in_place_of_a_file_is_reported(tmp_path):
    shop = copy_of_sound(tmp_path)
    (shop / "catalogue.csv").unlink()
    (shop / "catalogue.csv").mkdir()
    assert [(p.file, p.rule) for p in check_store(shop)] == [("catalogue.csv", "missing-file")]


def test_the_same_mistake_in_every_row_is_not_repeated_forever(tmp_path):
    shop = copy_of_sound(tmp_path)
    rows = "".join(f"tea{i},g1,s1,p1,,1,\n" for i in range(5000))
    (shop / "planogram.csv").write_text(
        "product,fixture,shelf,plates,area,facings,duplicate\n" + rows
    )
    problems = check_store(shop)
    assert len(problems) == Report().limit
    assert {p.rule for p in problems} == {"unknown-product"}


@pytest.mark.parametrize(
    "name", ["catalogue.csv", "planogram.csv", "rig.yaml", "floor_plan.geojson", "store.urdf.xacro"]
)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_bytes_in_any_file_crash_the_check(name, data, tmp_path_factory):
    text = (SOUND / name).read_bytes()
    noise = data.draw(
        st.one_of(
            st.binary(max_size=60),
            st.text(alphabet='",\n;{}[]<>&*!:-.0123456789eE nax$()', max_size=60).map(str.encode),
            st.sampled_from([b"9" * 400, b"-1e308", b"[" * 5000, b"${" * 50, b"&a [*a]", b"\r"]),
        )
    )
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    shop = copy_of_sound(tmp_path_factory.mktemp("noise"))
    (shop / name).write_bytes(text[:start] + noise + text[end:])
    for problem in check_store(shop):
        assert problem.rule in RULES
        assert problem.line >= 0
    shutil.rmtree(shop)


cell = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(cell, cell), max_size=8), ending=st.sampled_from(["\n", "\r\n"]))
def test_cells_come_back_as_they_were_quoted(tmp_path_factory, rows, ending):
    rows = [row for row in rows if any(value.strip() for value in row)]
    quoted = [",".join('"' + value.replace('"', '""') + '"' for value in row) for row in rows]
    path = tmp_path_factory.mktemp("table") / "table.csv"
    path.write_bytes(ending.join(["a,b", *quoted, ""]).encode())
    report = Report()
    table = read_table(path, "table.csv", ("a",), ("b",), report)
    assert report.problems == []
    assert [(row["a"], row["b"]) for row in table] == [(a.strip(), b.strip()) for a, b in rows]
    assert [row.line for row in table] == list(range(2, len(rows) + 2))


def test_a_row_is_counted_from_where_it_begins(tmp_path):
    (tmp_path / "t.csv").write_text('\ufeffa\n"x\ny"\n\nz\n', encoding="utf-8")
    table = read_table(tmp_path / "t.csv", "t.csv", ("a",), (), Report())
    assert [(row.line, row["a"]) for row in table] == [(2, "x\ny"), (5, "z")]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_is_read(value):
    assert parse_number(repr(value)) == value


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "1_000", "1,5", "0x10", "1e999", "١", " 1", "--1"]
)
def test_what_is_no_plain_number_is_refused(text):
    assert parse_number(text) is None


def test_a_store_error_says_the_first_error_and_how_many(tmp_path):
    error = StoreError(check_store(spoiled("csv_two_mistakes", tmp_path)))
    assert str(error).startswith("catalogue.csv:2: error: weight_kg 'heavy'")
    assert str(error).endswith("(and 1 more)")


def test_a_coordinate_too_large_for_a_number_is_a_mistake_like_any_other(tmp_path):
    shop = copy_of_sound(tmp_path)
    plan = json.loads((shop / "floor_plan.geojson").read_text())
    text = json.dumps(plan["features"][0]["geometry"]["coordinates"])
    first = re.search(r"-?[0-9.]+", text).group()
    plan["features"][0]["geometry"]["coordinates"] = json.loads(text.replace(first, "9" * 400, 1))
    (shop / "floor_plan.geojson").write_text(json.dumps(plan))
    assert any("broken geometry" in str(problem) for problem in check_store(shop))
