"""Which replica publishes what: every partition has one owner, and few change it when a replica comes or goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analytics.publish.shares import PARTITIONS, assigned, partition_of
from analytics.storage import sql

replicas = st.sets(st.integers(1, 100_000), min_size=1, max_size=8)


@given(replicas, st.integers(100_001, 200_000))
def test_every_partition_has_one_owner_and_a_new_one_takes_only_what_it_gets(living: set[int], new: int) -> None:
    before = {one: assigned(one, living) for one in living}
    assert sorted(partition for owned in before.values() for partition in owned) == list(range(PARTITIONS))
    after = {one: assigned(one, {*living, new}) for one in (*living, new)}
    assert sorted(partition for owned in after.values() for partition in owned) == list(range(PARTITIONS))
    assert all(after[one] <= before[one] for one in living)


def test_versions_of_a_metric_are_in_one_partition_and_metrics_are_spread() -> None:
    assert partition_of("t", "signups@7") == partition_of("t", "signups@12") == partition_of("t", "signups")
    assert len({partition_of("t", f"m{n}") for n in range(1_000)}) == PARTITIONS
    assert len({partition_of(f"t{n}", "events") for n in range(1_000)}) == PARTITIONS


def test_the_table_has_a_row_for_each_partition() -> None:
    (made,) = [migration.text for migration in sql.migrations() if "CREATE TABLE publish_progress" in migration.text]
    assert f"generate_series(0, {PARTITIONS - 1})" in made
