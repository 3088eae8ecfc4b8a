"""Rollups of any batches, in any order, with evictions between, are those of one pass."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analytics.rollup.admission import Admitted
from analytics.rollup.cells import Cell, merge_all
from analytics.rollup.histogram import Histogram
from analytics.rollup.observations import Series
from analytics.rollup.rollups import RollupPlan, Rollups, Row, deltas, size_of
from analytics.rollup.windows import Window, closed, fitting_resolution, start_of

ALWAYS = {"1s": 0, "1m": 0, "1h": 0}
seconds = st.integers(min_value=0, max_value=7300)
series = st.builds(
    Series, st.sampled_from(["a", "b"]), st.just("events"), st.tuples(st.sampled_from("xyz"), st.just("s")), seconds
)
batches = st.lists(
    st.dictionaries(series, st.integers(1, 9).map(lambda n: Cell(count=n, sum=float(n))), max_size=8), max_size=8
)

IDS = {("x", "s"): 1, ("y", "s"): 2, ("z", "s"): 3}

Table = dict[tuple[Window, int], Cell]


def admitted(batch: dict[Series, Cell]) -> list[Admitted]:
    return [Admitted(at, IDS[at.labels], cell) for at, cell in batch.items()]


def write(rollups: Rollups, table: Table, batch: dict[Series, Cell], at_once: int = 1000) -> None:
    """As the store does it: reads what was evicted, part by part where it is much, plans, writes rows, commits."""
    found = deltas(admitted(batch), ALWAYS)
    unknown = rollups.unknown(found)
    parts: list[RollupPlan] = []
    while len(unknown) > at_once:
        part, unknown = unknown[:at_once], unknown[at_once:]
        restore(rollups, table, part)
        parts.append(rollups.plan({window: found.pop(window) for window in part}))
        rollups.release(part)
    restore(rollups, table, unknown)
    plan = rollups.plan(found)
    for earlier in parts:
        plan.rows += earlier.rows
    for row in plan.rows:
        assert row.new == ((row.window, row.series) not in table)
        table[row.window, row.series] = row.cell
    rollups.commit(plan)


def restore(rollups: Rollups, table: Table, windows: list[Window]) -> None:
    rollups.restore(windows, [Row(window, one, cell) for (window, one), cell in table.items() if window in windows])


@given(batches, st.sampled_from([1, 1_000, 3_000, 1_000_000]), st.sampled_from([1, 3, 1000]), st.sampled_from([0, 1, 2, 4, 13]))
def test_any_batches_give_the_rollups_of_one_pass_also_when_windows_are_evicted(
    found: list[dict[Series, Cell]], max_bytes: int, at_once: int, forgetting: int
) -> None:
    table: Table = {}
    rollups = Rollups(max_bytes=max_bytes)
    for batch in found:
        write(rollups, table, batch, at_once)
        for _ in range(forgetting):
            rollups.forget_quiet()
    wanted: Table = {}
    for resolution in ("1s", "1m", "1h"):
        for batch in found:
            for at, cell in batch.items():
                key = Window(resolution, at.tenant, at.metric, start_of(at.second * 1000, resolution)), IDS[at.labels]
                wanted[key] = merge_all([wanted[key], cell]) if key in wanted else cell
    assert table == wanted
    for _ in range(20):
        rollups.forget_quiet()
    assert rollups.size == 0


def test_cells_are_kept_up_to_as_many_bytes_as_they_may_take() -> None:
    table: Table = {}
    large, small = Cell(count=500, histogram=Histogram.of([1.1**n for n in range(500)])), Cell(count=1)
    kept = {}
    for name, cell in (("large", large), ("small", small)):
        rollups = Rollups(max_bytes=20 * size_of(large))
        for second in range(7200, 7300):
            write(rollups, table, {Series(name, "events", ("x", "s"), second): cell})
            assert rollups.size <= 20 * size_of(large)
        windows = [Window("1s", name, "events", second * 1000) for second in range(7200, 7300)]
        kept[name] = len(windows) - len(rollups.unknown({window: {} for window in windows}))
    assert kept["small"] == 100
    assert 10 < kept["large"] < 20


def test_windows_that_are_not_kept_any_more_get_nothing() -> None:
    batch = {Series("t", "events", ("x", "s"), 100): Cell(count=1)}
    found = deltas(admitted(batch), {"1s": 100_001, "1m": 60_000, "1h": 1})
    assert [window.resolution for window in found] == ["1m"]


def test_a_plan_changes_nothing_until_it_is_committed() -> None:
    rollups = Rollups()
    found = deltas(admitted({Series("t", "events", ("x", "s"), 1): Cell(count=1)}), ALWAYS)
    assert [row.cell.count for row in rollups.plan(found).rows] == [1, 1, 1]
    plan = rollups.plan(found)
    assert [row.cell.count for row in plan.rows] == [1, 1, 1]
    rollups.commit(plan)
    assert [row.cell.count for row in rollups.plan(found).rows] == [2, 2, 2]


@given(st.integers(0, 4_000_000_000_000), st.sampled_from(["1s", "1m", "1h"]))
def test_an_instant_falls_into_one_window_of_each_resolution(at: int, resolution: str) -> None:
    start = start_of(at, resolution)
    window = Window(resolution, "t", "events", start)  # type: ignore[arg-type]
    assert start <= at < window.end
    assert not closed(window, window.end)
    assert closed(window, window.end + 30_000)


def test_a_range_is_shown_at_the_finest_resolution_that_is_kept_and_not_too_long() -> None:
    kept = {"1s": 1_000_000, "1m": 500_000, "1h": 0}
    assert fitting_resolution(1_000_000, 1_900_000, kept) == "1s"
    assert fitting_resolution(1_000_000, 1_900_001, kept) == "1m"
    assert fitting_resolution(999_999, 1_000_100, kept) == "1m"
    assert fitting_resolution(499_999, 1_000_100, kept) == "1h"
    assert fitting_resolution(1_000_000, 1_000_000 + 86_400_001, kept) == "1h"
