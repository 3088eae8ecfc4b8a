"""Attributes of spans are shared out without a loss, whatever they are, and ids of spans do not become common."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from analytics.spans.common_attributes import MAX_SETS, MAX_VALUES, CommonAttributes, set_id
from analytics.spans.operation_limit import MAX_OPERATIONS, OperationLimit

VALUES = st.one_of(
    st.text(max_size=5), st.integers(-3, 3), st.booleans(), st.floats(allow_nan=False), st.none(),
    st.lists(st.integers(), max_size=2),
)  # fmt: skip
SPANS = st.lists(st.tuples(st.sampled_from("ab"), st.dictionaries(st.sampled_from("xyz"), VALUES)), max_size=80)


@given(SPANS)
def test_what_is_shared_out_is_what_was_given(spans: list[tuple[str, dict[str, Any]]]) -> None:
    learnt, kept = CommonAttributes(), dict[int, str]()
    for name, attributes in spans:
        common, own = learnt.share("t", 1, name, attributes)
        rest = {key: value for key, value in attributes.items() if key not in own}
        assert own | rest == attributes
        assert common == set_id("t", name, rest)
        assert kept.setdefault(common, repr((name, sorted(rest.items())))) == repr((name, sorted(rest.items())))


def test_few_values_are_common_and_many_are_the_spans_own() -> None:
    learnt = CommonAttributes()
    for number in range(1_000):
        attributes = {"method": "GET", "id": f"i{number}", "status": number % 3}
        common, own = learnt.share("t", 1, "GET /", attributes)
        if number > MAX_VALUES:
            assert own == {"id": f"i{number}"}
            assert common == set_id("t", "GET /", {"method": "GET", "status": number % 3})


def test_combinations_of_few_values_do_not_grow_without_end() -> None:
    learnt, ids = CommonAttributes(), set[int]()
    for number in range(20_000):
        attributes = {f"k{place}": number // 10**place % 10 for place in range(5)}
        ids.add(learnt.share("t", 1, "n", attributes).common)
    assert len(ids) < 6 * MAX_SETS


def test_tenants_and_types_share_no_set() -> None:
    learnt = CommonAttributes()
    ids = {
        learnt.share(tenant, operation, "n", {"v": value}).common
        for operation, tenant in enumerate(("a", "b"))
        for value in (1, True, "1")
    }
    assert len(ids) == 6


def test_operations_beyond_the_limit_are_refused_until_the_hour_ends() -> None:
    limit = OperationLimit()
    assert all(limit.admits("t", n) for n in range(MAX_OPERATIONS))
    assert not limit.admits("t", -1)
    assert limit.admits("t", 0)
    assert limit.admits("u", -1)
    for _ in range(60):
        limit.age()
    assert limit.admits("t", -1)
