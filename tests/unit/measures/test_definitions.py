"""What may be a metric: hostile names, units and labels are refused with the field, and the character where one is to blame."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drishti.measures import definition_reading
from drishti.measures.built_in import FED, METRICS, PACKS
from drishti.measures.definition_checks import InvalidDefinition, check
from drishti.measures.definition_reading import given as given_definition
from drishti.measures.definitions import Kind, MetricDefinition, Share
from drishti.messages import subjects

FED_METRICS = [pytest.param(definition, id=token) for token, definition in FED.items()]
CACHE = Share(name="hit_rate", dimension="result", value="hit")


def faults(**changed: Any) -> list[tuple[str, int | None]]:
    definition = MetricDefinition(**{"name": "queue_depth", "kind": Kind.COUNTER, **changed})
    return [(fault.field, fault.character) for fault in check(definition)]


@pytest.mark.parametrize("definition", FED_METRICS)
def test_what_drishti_feeds_is_sound(definition: MetricDefinition) -> None:
    assert check(definition) == []
    assert definition.token == definition.name
    assert definition.name.endswith("_ms") is (definition.unit == "ms")
    assert definition.name.endswith("_bytes") is (definition.unit == "By")
    assert len(definition.description) > 10


def test_the_sample_s_domain_is_a_pack_and_not_in_the_core() -> None:
    assert {metric.name for metric in PACKS["wisdom"]} == {"satisfaction", "wisdom_score", "topics"}
    assert not {"satisfaction", "wisdom_score", "topics"} & set(METRICS)


def test_every_kind_is_used() -> None:
    assert {metric.kind for metric in FED.values()} == set(Kind) - {Kind.DERIVED}


@pytest.mark.parametrize(
    "name",
    ["http.server.request.duration", "gen_ai.client.token.usage", "Очередь", "jvm/gc pause (ms)", "日本語", "a" * 255, "π"],
)
def test_names_are_kept_as_they_are(name: str) -> None:
    assert faults(name=name) == []
    assert subjects.aggregates("default", "1s", MetricDefinition(name=name, kind=Kind.GAUGE).token)


@pytest.mark.parametrize(
    ("name", "character"),
    [
        ("", None),
        (" queue", 0),
        ("queue ", 5),
        ("a" * 256, 255),
        ("queue\x00depth", 5),
        ("queue\ndepth", 5),
        ("queue\x1b[31m", 5),
        ("queue\u202edepth", 5),
        ("queue\u200b", 5),
        ("a\ud800b", 1),
        ("...", None),
        ("unknown_service", None),
    ],
)
def test_a_name_that_steers_or_says_nothing_is_refused_at_the_character(name: str, character: int | None) -> None:
    assert faults(name=name) == [("name", character)]


@pytest.mark.parametrize("unit", ["1", "ms", "By", "%", "{request}", "{request}/s", "m/s2", "10*3/uL", "[degF]", "Cel"])
def test_units_are_those_of_ucum(unit: str) -> None:
    assert faults(unit=unit) == []


@pytest.mark.parametrize(
    ("unit", "character"),
    [
        ("", None),
        ("m s", 1),
        ("µs", 0),
        ("{request", 0),
        ("request}", 7),
        ("{a{b}}", 2),
        ("s" * 64, 63),
        ("ms\n", 2),
        ("\u202es", 0),
    ],
)
def test_what_is_no_unit_is_refused_at_the_character(unit: str, character: int | None) -> None:
    assert faults(unit=unit) == [("unit", character)]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"dimensions": tuple(f"d{i}" for i in range(9))}, "dimensions"),
        ({"dimensions": ("a", "a")}, "dimensions"),
        ({"dimensions": ("",)}, "dimensions"),
        ({"dimensions": ("a\x00",)}, "dimensions"),
        ({"dimensions": ("a" * 129,)}, "dimensions"),
        ({"published": ()}, "published"),
        ({"published": ((), ("a",))}, "published"),
        ({"dimensions": ("a",), "published": ((), ("a", "a"))}, "published"),
        ({"dimensions": ("a", "b"), "published": ((), ("a", "b"), ("b", "a"))}, "published"),
        ({"dimensions": ("a",), "published": ((),) * 17}, "published"),
        ({"description": "x" * 1025}, "description"),
        ({"description": "a\x07b"}, "description"),
        ({"max_series": 0}, "max_series"),
        ({"max_series": 10_001}, "max_series"),
        ({"retention_days": 0}, "retention_days"),
        ({"retention_days": 4_000}, "retention_days"),
        ({"retention_days": 7, "kind": Kind.DERIVED, "expression": "sum(events)"}, "retention_days"),
        ({"origin": "built-in"}, "origin"),
        ({"origin": "pack:"}, "origin"),
        ({"shares": (CACHE,)}, "shares.dimension"),
        ({"dimensions": ("result",), "shares": (CACHE, CACHE)}, "shares"),
        ({"dimensions": ("result",), "shares": (msgspec.structs.replace(CACHE, name="rate"),)}, "shares.name"),
        ({"dimensions": ("result",), "shares": (msgspec.structs.replace(CACHE, name="p95"),)}, "shares.name"),
        ({"dimensions": ("result",), "shares": (msgspec.structs.replace(CACHE, name="Hit Rate"),)}, "shares.name"),
        ({"dimensions": ("result",), "shares": (msgspec.structs.replace(CACHE, value=""),)}, "shares.value"),
        ({"kind": Kind.GAUGE, "dimensions": ("result",), "shares": (CACHE,)}, "shares"),
    ],
)
def test_what_is_beyond_a_limit_is_refused_by_its_field(changed: dict[str, Any], field: str) -> None:
    assert field in {name for name, _ in faults(**changed)}


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"kind": "counter"}, "name"),
        ({"name": "a", "kind": "value"}, "kind"),
        ({"name": 1, "kind": "counter"}, "name"),
        ({"name": "a", "kind": "counter", "max_series": 0}, "max_series"),
        ({"name": "a", "kind": "counter", "dimensions": [1]}, "dimensions[0]"),
        ({"name": "a", "kind": "counter", "dimension": ["x"]}, "dimension"),
        ({"name": "a", "kind": "counter", 1: 2}, "1"),
        ({"name": "a", "kind": "counter", "shares": [{"name": "x", "dimension": "y"}]}, "shares[0].value"),
        ({"name": "a", "kind": "counter", "shares": [{"name": "x", "dimension": "y", "value": "z", "of": 1}]}, "shares.of"),
        ([], ""),
        (None, ""),
    ],
)
def test_what_is_no_definition_is_reported_by_its_field(document: Any, field: str) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        given_definition(document)
    assert field in [fault.field for fault in caught.value.faults]


@pytest.mark.parametrize("text", [b"[]", b"\xff", b"[" * 100_000, b"", b'{"name":"\xed\xa0\x80","kind":"counter"}'])
def test_bytes_that_are_no_definition_are_refused(text: bytes) -> None:
    with pytest.raises(InvalidDefinition):
        definition_reading.decode(text)


def test_what_a_later_version_stored_can_be_read() -> None:
    assert definition_reading.decode(b'{"name":"a","kind":"counter","half_life":3}').name == "a"


@given(st.text(max_size=300), st.text(max_size=80), st.lists(st.text(max_size=140), max_size=10), st.sampled_from(Kind))
def test_a_definition_is_refused_or_can_be_stored_and_read_again(
    name: str, unit: str, dimensions: list[str], kind: Kind
) -> None:
    definition = MetricDefinition(name=name, unit=unit, kind=kind, dimensions=tuple(dimensions))
    if check(definition):
        return
    assert definition_reading.decode(definition_reading.encode(definition)) == definition
    assert subjects.aggregates("default", "1s", definition.token)
