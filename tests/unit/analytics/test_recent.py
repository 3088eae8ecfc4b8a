"""What is used stays, what is not goes, and there is never more than the bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analytics.recent import Recent


def test_what_is_used_between_two_calls_stays() -> None:
    recent: Recent[str, int] = Recent(100)
    recent.put("used", 1)
    recent.put("quiet", 2)
    for _ in range(5):
        recent.age()
        assert recent.get("used") == 1
    assert recent.get("quiet") is None
    assert len(recent) == 1


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans())), st.integers(2, 20))
def test_there_is_never_more_than_the_bound_and_never_a_wrong_value(steps: list[tuple[int, bool]], most: int) -> None:
    recent: Recent[int, int] = Recent(most)
    for key, is_put in steps:
        if is_put:
            recent.put(key, key * 2)
            assert recent.get(key) == key * 2
        else:
            assert recent.get(key) in (None, key * 2)
        assert len(recent) <= most


def test_a_flood_is_gone_after_two_calls() -> None:
    recent: Recent[int, int] = Recent(1_000)
    for key in range(10_000):
        recent.put(key, key)
    recent.age()
    recent.age()
    assert len(recent) == 0
