"""Metrics out of events: what a definition may say, and conditions as functions."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drishti.measures.definition_checks import InvalidDefinition
from drishti.measures.definition_reading import decode, encode
from drishti.measures.definition_reading import given as definition_given
from drishti.measures.definitions import EventSource, Kind, MetricDefinition
from drishti.measures.effective import with_version
from drishti.measures.expressions.matching import compiled
from drishti.measures.expressions.parser import parse_condition
from drishti.measures.expressions.tree import matches

SOURCE = {"event": "feedback", "where": "score >= 4", "value": "score", "dimensions": {"country": "geo.country"}}
DOCUMENT = {"name": "score", "kind": "distribution", "dimensions": ["country"], "source": SOURCE}


def test_a_source_is_kept_through_json_and_has_a_hash() -> None:
    definition = definition_given(DOCUMENT)
    assert decode(encode(definition)) == definition
    assert hash(decode(encode(definition))) == hash(definition)
    assert definition_given(msgspec.to_builtins(definition)) == definition


@pytest.mark.parametrize(
    ("change", "field", "character"),
    [
        ({"event": "Not a type"}, "source.event", None),
        ({"where": "score >="}, "source.where", 8),
        ({"where": "score >= 4 &"}, "source.where", 11),
        ({"value": ""}, "source.value", None),
        ({"value": "a\u202eb"}, "source.value", 1),
        ({"unique": "user_id"}, "source.unique", None),
        ({"dimensions": {"city": "geo.city"}}, "source.dimensions", None),
        ({"dimensions": {"country": ""}}, "source.dimensions", None),
        ({"filter": "x"}, "source.filter", None),
        ({"value": 7}, "source.value", None),
    ],
)
def test_a_wrong_source_is_refused_by_field_and_character(change: object, field: str, character: int | None) -> None:
    with pytest.raises(InvalidDefinition) as refused:
        definition_given(DOCUMENT | {"source": SOURCE | change})  # type: ignore[operator]
    fault = refused.value.faults[0]
    assert (fault.field, fault.character) == (field, character)


def test_another_source_is_another_version_and_another_description_is_not() -> None:
    first = definition_given(DOCUMENT)
    assert with_version(first, None).version == 1
    described = msgspec.structs.replace(first, description="how people like it")
    assert with_version(described, first).version == 1
    other = msgspec.structs.replace(first, source=msgspec.structs.replace(first.source, where="score >= 3"))
    assert with_version(other, first).version == 2
    assert with_version(MetricDefinition(name="x", kind=Kind.GAUGE), None).version == 1


LITERALS = st.one_of(
    st.sampled_from(["", "a", "b", "pro", "ü", "5"]), st.integers(-3, 3), st.floats(-3, 3), st.booleans(), st.none(),
    st.just(10**400), st.just([1]), st.just({"a": 1}),
)  # fmt: skip
NUMBERS = st.sampled_from([2**53, 2**53 + 1, -(2**53), 2.0**53, 1e308, 1.5e308, -1.5e308, 10**309, -(10**309)])
CONDITIONS = st.recursive(
    st.sampled_from(
        [
            'a = "pro"', 'a != "a"', "a = 1", "a != 2.5", "a = true", "a < 2", "b >= -1", 'b > "a"', "a exists",
            "a = 9007199254740992", "b > 9007199254740992", "a < 1e308", "b != -1.2e308",
            'a prefix "p"', 'a in ("a", "b")', 'b in ("5", 5, true)', '"" = 1'.replace('""', '"x y"'), "b = 5",
        ]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) and ({pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) or ({pair[1]})"),
        inner.map(lambda one: f"not ({one})"),
    ),
    max_leaves=6,
)  # fmt: skip


@given(CONDITIONS, st.lists(st.dictionaries(st.sampled_from(["a", "b", "x y"]), LITERALS | NUMBERS), max_size=5))
def test_a_compiled_condition_says_of_each_event_what_its_tree_says(text: str, events: list[dict[str, object]]) -> None:
    condition = parse_condition(text)
    met = compiled(condition)(lambda name: [properties.get(name) for properties in events])
    assert met == [matches(condition, properties) for properties in events]


def test_a_counter_needs_no_property_and_a_unique_one_needs_its_own() -> None:
    assert definition_given({"name": "n", "kind": "counter", "source": {"event": "e"}}).source == EventSource(event="e")
    with pytest.raises(InvalidDefinition, match="unique needs the property"):
        definition_given({"name": "n", "kind": "unique", "source": {"event": "e"}})
    with pytest.raises(InvalidDefinition, match="is not drawn from"):
        definition_given({"name": "requests", "kind": "counter", "origin": "built_in", "source": {"event": "e"}})
