"""What conditions of metrics out of events mean where a property is missing, of another type, or written otherwise."""

from __future__ import annotations

import pytest

from analytics.event_metrics.columns import text_of
from drishti.measures.expressions.matching import compiled
from drishti.measures.expressions.parser import parse_condition

OTHERS = ("2", "", True, None, [], [5], {}, {"seats": 5})


def holds(text: str, properties: dict[str, object]) -> bool:
    return compiled(parse_condition(text))(lambda name: [properties.get(name)]) == [True]


@pytest.mark.parametrize("properties", [{}, *({"seats": value} for value in OTHERS)], ids=str)
def test_what_is_missing_or_of_another_type_meets_no_comparison_but_unequal(properties: dict[str, object]) -> None:
    for operator in ("=", "<", "<=", ">", ">="):
        assert not holds(f"seats {operator} 2", properties)
        assert holds(f"not seats {operator} 2", properties)
    assert holds("seats != 2", properties)
    assert not holds("seats in (2, 5)", properties)
    assert holds("seats exists", properties) is (properties.get("seats") is not None)


@pytest.mark.parametrize(
    ("one", "other"), [(5, 5.0), (10**23, 1e23), (2**53 + 1, 2.0**53), (10**320, 1.5e308), (-(10**400), -1e308)]
)
def test_numbers_are_compared_as_floats_however_json_wrote_them(one: int, other: float) -> None:
    for value in (one, other):
        assert holds(f"seats = {other!r}", {"seats": value})
        assert not holds(f"seats < {other!r}", {"seats": value})
        assert holds(f"seats >= {other!r}", {"seats": value})


def test_a_number_is_the_same_label_however_a_row_writes_it() -> None:
    assert text_of(5) == text_of(5.0) == "5"
    assert text_of(int(1.5e308)) == text_of(1.5e308) == "1.5e+308"
    assert text_of(10**400) == ""
