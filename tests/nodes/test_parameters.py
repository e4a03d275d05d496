"""Parameter schemas: values that break a rule are refused with parameter, rule and value."""

from dataclasses import dataclass

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aisle_nodes.parameters import (
    ParameterError,
    build,
    markdown_table,
    parameter,
    parameters_of,
    yaml_text,
)
from aisle_nodes.schemas import SCHEMAS


@dataclass(frozen=True)
class Example:
    rate: float = parameter(1.0, "Rate", unit="Hz", minimum=0.5, maximum=10.0)
    count: int = parameter(3, "Count", minimum=1)
    kind: str = parameter("a", "Kind", choices=("a", "b"))
    port: str = parameter("", "Port", pattern=r"(?!/dev/ttyUSB).*", pattern_text="a stable path")
    names: tuple[str, ...] = parameter((), "Names")
    flag: bool = parameter(True, "Flag")
    folder: str = parameter("x", "Folder", required=True)


def test_defaults_and_good_values_are_taken():
    assert build(Example, {}) == Example()
    given = {"rate": 2.0, "kind": "b", "names": ["m", ""], "flag": False}
    assert build(Example, given) == Example(rate=2.0, kind="b", names=("m",), flag=False)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"rate": 0.1}, "parameter 'rate' must be 0.5 to 10 Hz, is 0.1"),
        ({"rate": float("nan")}, "parameter 'rate' must be 0.5 to 10 Hz, is nan"),
        ({"rate": 1}, "parameter 'rate' must be a decimal number, is 1 (write 1.0, not 1)"),
        ({"count": 0}, "parameter 'count' must be at least 1, is 0"),
        ({"count": True}, "parameter 'count' must be an integer, is True"),
        ({"kind": "c"}, "parameter 'kind' must be one of a, b, is 'c'"),
        ({"port": "/dev/ttyUSB0"}, "parameter 'port' must be a stable path, is '/dev/ttyUSB0'"),
        ({"names": [1]}, "parameter 'names' must be a list of texts, is (1,)"),
        ({"folder": ""}, "parameter 'folder' must be not empty, is ''"),
        ({"spede": 1}, "parameter 'spede' does not exist"),
    ],
)
def test_bad_value_names_rule_and_value(values, text):
    with pytest.raises(ParameterError) as caught:
        build(Example, values)
    assert text in str(caught.value)


any_value = st.none() | st.floats() | st.integers() | st.text() | st.lists(st.text())


@given(st.dictionaries(st.sampled_from(["rate", "count", "kind", "names", "flag"]), any_value))
def test_any_value_is_taken_or_refused(values):
    try:
        built = build(Example, values)
    except ParameterError:
        return
    assert 0.5 <= built.rate <= 10.0
    assert built.count >= 1


@pytest.mark.parametrize("node", SCHEMAS)
def test_every_schema_describes_itself(node):
    schema = SCHEMAS[node]
    for item in parameters_of(schema):
        assert item.rule.description, item.name
        if item.name.endswith(("_s", "_hz", "_ns")):
            assert item.rule.unit, f"{node}.{item.name} needs a unit"
    written = yaml.safe_load(yaml_text(node, schema))[f"/**/{node}"]["ros__parameters"]
    needed = {p.name: "x" for p in parameters_of(schema) if p.rule.required and not p.default}
    assert build(schema, {**written, **needed}) == build(schema, needed)
    assert markdown_table(schema).count("\n") == len(parameters_of(schema)) + 2
