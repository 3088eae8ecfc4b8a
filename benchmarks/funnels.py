"""A funnel over a month of events, against DuckDB over Parquet of the same events, in one run; and what compaction costs.

Four steps within seven days, a condition on the first, by country. The reference: a running maximum of starts in a window for
each step. Both must count the same users of every country at every step.
"""

from __future__ import annotations

import duckdb
import msgspec

from benchmarks.product_data import FIRST_MS, LAST_MS, PAGES, TENANT, product_data
from benchmarks.product_questions import MEMORY_MB, ask, measure
from benchmarks.session import Session
from benchmarks.table import Result
from drishti.messages.product.conditions import PropertyCondition
from drishti.messages.product.funnels import FunnelAnswer, FunnelQuery, FunnelStep

AT_MOST, COMPACTION_US = 0.5, 20.0
WALL_S, SAMPLE_S = 2.0, 0.4
WINDOW_S = 7 * 86_400
STEPS = ("t0", "t1", "t2", "t3")

_REFERENCE = """
WITH matching AS (
    SELECT user_id AS u, ms, country, CASE event_type WHEN 't0' THEN 1 WHEN 't1' THEN 2 WHEN 't2' THEN 3 ELSE 4 END AS k
    FROM read_parquet('{files}')
    WHERE event_type IN ('t1', 't2', 't3') OR (event_type = 't0' AND page < 'p2')
), two AS (
    SELECT *, CASE WHEN k = 1 THEN ms END AS s1,
        max(CASE WHEN k = 1 THEN ms END) OVER w AS l1 FROM matching
    WINDOW w AS (PARTITION BY u ORDER BY ms, k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), three AS (
    SELECT *, CASE WHEN k = 2 AND ms - l1 <= {window} THEN l1 END AS s2 FROM two
), four AS (
    SELECT *, max(s2) OVER (PARTITION BY u ORDER BY ms, k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS l2 FROM three
), five AS (
    SELECT *, CASE WHEN k = 3 AND ms - l2 <= {window} THEN l2 END AS s3 FROM four
), six AS (
    SELECT *, max(s3) OVER (PARTITION BY u ORDER BY ms, k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS l3 FROM five
), users AS (
    SELECT u, any_value(country) AS country, count(s1) > 0 AS one, count(s2) > 0 AS two, count(s3) > 0 AS three,
        count(CASE WHEN k = 4 AND ms - l3 <= {window} THEN 1 END) > 0 AS four
    FROM six GROUP BY u
)
SELECT country, count(*) FILTER (one), count(*) FILTER (two), count(*) FILTER (three), count(*) FILTER (four)
FROM users WHERE one GROUP BY country ORDER BY country
"""

Counts = dict[str | None, list[int]]


async def funnel(session: Session) -> Result:
    asked = FunnelQuery(
        tenant=TENANT,
        from_ms=FIRST_MS,
        to_ms=LAST_MS,
        steps=[FunnelStep(event_type=name) for name in STEPS],
        window_s=WINDOW_S,
        breakdown="country",
        limit=100,
    )
    pages = [page for page in (f"p{n}" for n in range(PAGES)) if page < "p2"]
    asked.steps[0].where = [PropertyCondition(property="page", op="in", values=pages)]
    async with product_data(session) as data:

        def reference(duck: duckdb.DuckDBPyConnection) -> Counts:
            query = _REFERENCE.format(files=data.files, window=WINDOW_S * 1000)
            return {row[0]: list(row[1:]) for row in duck.execute(query).fetchall()}

        measured = await measure(data, asked, _counts, reference, rounds=session.options.funnel_rounds)
        sample = await ask(data, msgspec.structs.replace(asked, sample=True))
        compacting_us = data.made.compacting_s / data.events * 1e6
        return Result(
            name="funnel",
            what="a funnel of 4 steps within 7 days, with a condition, by country",
            sizes=f"{data.sizes}; {measured.rounds} rounds, warm",
            ours=f"{measured.ours}; compaction {compacting_us:.1f} µs CPU an event",
            reference=measured.reference,
            ratio=measured.ratio,
            must_be=f"≤ {AT_MOST:g} × its CPU, ≤ {WALL_S:g} s, ≤ {MEMORY_MB:g} MB; a sample ≤ {SAMPLE_S:g} s; "
            f"compaction ≤ {COMPACTION_US:g} µs",
            met=measured.compared.ratio <= AT_MOST
            and measured.wall_s <= WALL_S
            and measured.peak_mb <= MEMORY_MB
            and sample.done.wall_s <= SAMPLE_S
            and compacting_us <= COMPACTION_US,
            notes=[
                "both count the same users of every country at every step",
                f"of a sixteenth of the users: {sample.done.cpu_s:.2f} s CPU, {sample.done.wall_s:.2f} s",
                f"segments take {data.made.segment_bytes / data.events:.1f} bytes an event on disk",
            ],
        )


def _counts(answer: FunnelAnswer) -> Counts:
    return {group.value: [step.users for step in group.steps] for group in answer.groups}
