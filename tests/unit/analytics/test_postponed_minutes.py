"""Minutes that cannot be counted wait, longer and longer, and only they."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from analytics.traces.minute_job import MAX_POSTPONED, RETRY_MOST_S, RETRY_S, Postponed

MINUTE = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def test_a_minute_waits_twice_as_long_after_each_failure_up_to_a_bound() -> None:
    postponed, now, waits = Postponed(), 100.0, []
    for _ in range(12):
        postponed.add("acme", MINUTE, now)
        waited = next(s for s in range(1, 10_000) if not postponed.waits("acme", MINUTE, now + s))
        waits.append(waited)
        now += waited
    assert waits[:3] == [RETRY_S, 2 * RETRY_S, 4 * RETRY_S]
    assert max(waits) == RETRY_MOST_S


def test_no_other_minute_and_no_other_tenant_waits() -> None:
    postponed = Postponed()
    postponed.add("acme", MINUTE, 0.0)
    assert postponed.waits("acme", MINUTE, 1.0)
    assert not postponed.waits("acme", MINUTE + timedelta(minutes=1), 1.0)
    assert not postponed.waits("other", MINUTE, 1.0)
    postponed.remove("acme", MINUTE)
    assert not postponed.waits("acme", MINUTE, 1.0)


def test_what_is_remembered_is_bounded() -> None:
    postponed = Postponed()
    for n in range(MAX_POSTPONED + 5):
        postponed.add("acme", MINUTE + timedelta(minutes=n), 0.0)
    assert len(postponed) == MAX_POSTPONED
    assert not postponed.waits("acme", MINUTE, 1.0)
