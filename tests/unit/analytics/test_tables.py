"""Partitions by the hour."""

from __future__ import annotations

from datetime import UTC, datetime

from analytics.storage.tables import Table, ahead, expired, partition_for


def test_a_table_by_the_hour_has_partitions_ahead_of_time_and_forgets_old_ones() -> None:
    table = Table("spans", every="hour")
    at = datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)
    partition = partition_for(table, at)
    assert (partition.name, partition.ends) == ("spans_2026022823", datetime(2026, 3, 1, tzinfo=UTC))
    assert [one.name for one in ahead([table], at)] == ["spans_2026022823", "spans_2026030100", "spans_2026030101"]
    names = ["spans_2026022822", "spans_2026022823", "spans_x", "other_2026022801"]
    assert expired(table, names, datetime(2026, 2, 28, 23, tzinfo=UTC)) == ["spans_2026022822"]
