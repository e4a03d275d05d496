import contextlib
import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_samples import SOUND, copy_of_sound

from aisle.store import xacro_file
from aisle.store.expression import ExpressionError, evaluate
from aisle.store.xacro_file import XacroError, expand, macro_directory

NAMES = {"wide": 0.2, "count": 3, "name": "g1", "secret": object()}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3 * wide", pytest.approx(0.6)),
        ("-pi / 2", pytest.approx(-1.5707963)),
        ("math.pi", pytest.approx(3.14159265)),
        ("sin(radians(90)) + math.cos(0)", 2.0),
        ("count > 1 and not false", True),
        ("'p' + str(count)", "p3"),
        ("1 if 2 <= count < 4 else 0", 1),
        ("max(1, count, 2) // 2 % 2", 1),
        ("name == 'g1'", True),
    ],
)
def test_arithmetic_works(text, value):
    assert evaluate(text, NAMES.__getitem__) == value


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "().__class__",
        "(lambda: 0).__globals__",
        "(x for x in [1]).gi_frame",
        "'{0.__class__}'.format(1)",
        "[1, 2]",
        "open('x')",
        "9 ** 9 ** 9",
        "'a' * 1000000000",
        "name % 5",
        "1 / 0",
        "unknown",
        "secret",
        "math.factorial(100000)",
        "max",
        "round(number=1)",
        "1e308 * 10 // 1",
        "1 +",
        "",
        "1" * 600,
    ],
)
def test_all_else_is_refused(text):
    with pytest.raises(ExpressionError):
        evaluate(text, NAMES.__getitem__)


@given(st.text(alphabet="0123456789.+-*/%()<>=!'\" abcpi_,[]{}:ifelsnotrd", max_size=30))
def test_no_expression_crashes(text):
    with contextlib.suppress(ExpressionError):
        assert isinstance(evaluate(text, NAMES.__getitem__), int | float | str)


def test_macros_are_found_in_an_installed_package_first(tmp_path, monkeypatch):
    share = tmp_path / "share" / "aisle_bringup"
    source = macro_directory()
    shutil.copytree(source / "urdf", share / "urdf")
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere{os.pathsep}{tmp_path}")
    assert macro_directory() == share
    text, warnings = expand(SOUND / "store.urdf.xacro")
    assert "g1_s1_p3" in text
    assert warnings == []


def test_macros_behind_a_link_are_found(tmp_path, monkeypatch):
    share = tmp_path / "share" / "aisle_bringup"
    share.mkdir(parents=True)
    (share / "urdf").symlink_to(macro_directory() / "urdf")
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    assert "g1_s1_p3" in expand(SOUND / "store.urdf.xacro")[0]


def test_expressions_put_together_from_pieces_are_not_run(tmp_path):
    shop = copy_of_sound(tmp_path)
    path = shop / "store.urdf.xacro"
    tricky = """<xacro:property name="a" value="$${().__class__.__mro__}"/>
      <xacro:property name="b" value="${a}" lazy_eval="false"/>
      <link name="l${b}"/>"""
    path.write_text(path.read_text().replace('<link name="map"/>', '<link name="map"/>' + tricky))
    assert "<class" not in expand(path)[0].replace("&lt;", "<")
    path.write_text(path.read_text().replace("$${()", "${()"))
    with pytest.raises(XacroError, match="not allowed"):
        expand(path)


def test_a_file_of_the_store_may_be_included(tmp_path):
    shop = copy_of_sound(tmp_path)
    part = '<robot xmlns:xacro="http://www.ros.org/wiki/xacro"><link name="extra"/></robot>'
    (shop / "part.xacro").write_text(part)
    path = shop / "store.urdf.xacro"
    text = path.read_text()
    path.write_text(text.replace("</robot>", '<xacro:include filename="part.xacro"/></robot>'))
    assert 'name="extra"' in expand(path)[0]
    path.write_text(text.replace("</robot>", '<xacro:include filename="../p*"/></robot>'))
    with pytest.raises(XacroError, match="outside"):
        expand(path)


def test_growth_without_end_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(xacro_file, "_MAX_ELEMENTS", 5000)
    shop = copy_of_sound(tmp_path)
    path = shop / "store.urdf.xacro"
    macros = ['<xacro:macro name="m0"><link name="x"/></xacro:macro>']
    macros += [
        f'<xacro:macro name="m{i}"><xacro:m{i - 1}/><xacro:m{i - 1}/></xacro:macro>'
        for i in range(1, 30)
    ]
    bomb = "".join(macros) + "<xacro:m29/></robot>"
    path.write_text(path.read_text().replace("</robot>", bomb))
    with pytest.raises(XacroError, match="elements"):
        expand(path)


def test_xacro_itself_is_left_as_it_was():
    import xacro

    before = xacro.safe_eval, xacro.eval_all, xacro.warning
    expand(SOUND / "store.urdf.xacro")
    assert (xacro.safe_eval, xacro.eval_all, xacro.warning) == before
