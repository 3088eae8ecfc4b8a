"""Users who were active on each day of a month of events by a condition, against DuckDB over Parquet of the same events, in one
run.

How many, how many of them are new, come back from the day before or from longer ago, how many of the day before are gone, and
how many were active in 7 and 30 days. Both must count the same in everything.
"""

from __future__ import annotations

import duckdb

from benchmarks.product_data import DAYS, FIRST_MS, LAST_MS, TENANT, product_data
from benchmarks.product_questions import MEMORY_MB, measure
from benchmarks.session import Session
from benchmarks.table import Result
from drishti.messages.product.activity import ActivityAnswer, ActivityQuery
from drishti.messages.product.conditions import PropertyCondition

AT_MOST = 0.7

_REFERENCE = """
WITH active AS (
    SELECT DISTINCT user_id AS u, (ms - {first}) // 86400000 AS day FROM read_parquet('{files}') WHERE page = 'p7'
), firsts AS (
    SELECT user_id AS u, (min(ms) - {first}) // 86400000 AS first FROM read_parquet('{files}') GROUP BY user_id
), marked AS (
    SELECT u, day, lag(day) OVER mine AS before, lead(day) OVER mine AS next FROM active
    WINDOW mine AS (PARTITION BY u ORDER BY day)
), counted AS (
    SELECT day, count(*) AS active, count(*) FILTER (first = day) AS new, count(*) FILTER (before = day - 1) AS returning,
        count(*) FILTER (next IS DISTINCT FROM day + 1) AS leave
    FROM marked JOIN firsts USING (u) GROUP BY day
), calendar AS (
    SELECT unnest(range({days})) AS day
), weeks AS (
    SELECT c.day, count(DISTINCT u) AS users
    FROM calendar AS c JOIN active AS a ON a.day BETWEEN c.day - 6 AND c.day GROUP BY c.day
), months AS (
    SELECT c.day, count(DISTINCT u) AS users
    FROM calendar AS c JOIN active AS a ON a.day BETWEEN c.day - 29 AND c.day GROUP BY c.day
)
SELECT c.day, c.active, c.new, c.returning, c.active - c.new - c.returning, coalesce(y.leave, 0), weeks.users, months.users
FROM counted AS c JOIN weeks USING (day) JOIN months USING (day) LEFT JOIN counted AS y ON y.day = c.day - 1 ORDER BY c.day
"""

Counts = list[tuple[int, ...]]
"""For each day its number, the users who are active, new, returning, resurrected and dormant, and those of 7 and 30 days."""


async def activity(session: Session) -> Result:
    where = [PropertyCondition(property="page", value="p7")]
    asked = ActivityQuery(tenant=TENANT, from_ms=FIRST_MS, to_ms=LAST_MS, where=where)
    async with product_data(session) as data:

        def reference(duck: duckdb.DuckDBPyConnection) -> Counts:
            return duck.execute(_REFERENCE.format(files=data.files, first=FIRST_MS, days=DAYS)).fetchall()

        measured = await measure(data, asked, _counts, reference, rounds=session.options.funnel_rounds)
        return Result(
            name="activity",
            what="active users of each day with a condition: new, returning, resurrected, dormant, and of 7 and 30 days",
            sizes=f"{data.sizes}; {measured.rounds} rounds, warm",
            ours=measured.ours,
            reference=measured.reference,
            ratio=measured.ratio,
            must_be=f"≤ {AT_MOST:g} × its CPU, ≤ {MEMORY_MB:g} MB",
            met=measured.compared.ratio <= AT_MOST and measured.peak_mb <= MEMORY_MB,
            notes=["both count the same users on every day, of each kind"],
        )


def _counts(answer: ActivityAnswer) -> Counts:
    return [
        (number, period.active, period.new, period.returning, period.resurrected, period.dormant, day.last_7, day.last_30)
        for number, (period, day) in enumerate(zip(answer.periods, answer.days, strict=True))
    ]
