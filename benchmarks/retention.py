"""Weekly retention of a month of events, against DuckDB over Parquet of the same events, in one run.

A user's cohort is the week of the first event of all, and any event is a return. Both must count the same users in every cell.
"""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from benchmarks.product_data import FIRST_MS, LAST_MS, TENANT, product_data
from benchmarks.product_questions import MEMORY_MB, measure
from benchmarks.session import Session
from benchmarks.table import Result
from drishti.messages.product.retention import RetentionAnswer, RetentionQuery

AT_MOST = 0.3
WEEKS = 8

_REFERENCE = """
WITH weeks AS (
    SELECT DISTINCT user_id, date_trunc('week', epoch_ms(ms)) AS week FROM read_parquet('{files}')
), cohorts AS (
    SELECT user_id, min(week) AS cohort FROM weeks GROUP BY user_id
)
SELECT epoch_ms(cohort), date_diff('week', cohort, week) AS after, count(*)
FROM weeks JOIN cohorts USING (user_id) GROUP BY ALL
"""

Counts = dict[tuple[int, int], int]


async def retention(session: Session) -> Result:
    asked = RetentionQuery(tenant=TENANT, from_ms=FIRST_MS, to_ms=LAST_MS, interval="week", periods=WEEKS)
    async with product_data(session) as data:

        def reference(duck: duckdb.DuckDBPyConnection) -> Counts:
            rows = duck.execute(_REFERENCE.format(files=data.files)).fetchall()
            return {(cohort, after): users for cohort, after, users in rows if after < WEEKS}

        measured = await measure(data, asked, _counts, reference, rounds=session.options.funnel_rounds)
        first = datetime.fromtimestamp(FIRST_MS / 1000, UTC).date()
        return Result(
            name="retention",
            what=f"weekly retention over {WEEKS} weeks, by the week of the first event",
            sizes=f"{data.sizes}; {measured.rounds} rounds, warm",
            ours=measured.ours,
            reference=measured.reference,
            ratio=measured.ratio,
            must_be=f"≤ {AT_MOST:g} × its CPU, ≤ {MEMORY_MB:g} MB",
            met=measured.compared.ratio <= AT_MOST and measured.peak_mb <= MEMORY_MB,
            notes=[f"both count the same users in every cell; the first cohort is that of the week of {first.isoformat()}"],
        )


def _counts(answer: RetentionAnswer) -> Counts:
    return {(cohort.from_ms, after): users for cohort in answer.cohorts for after, users in enumerate(cohort.users) if users}
