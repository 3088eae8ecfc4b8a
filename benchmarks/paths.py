"""Paths of users within sessions over a month of events, against DuckDB over Parquet of the same events, in one run.

The first five steps of each session, repeats collapsed: every edge with its paths, users and the median time, and the fifty
most frequent paths. The reference: windows by user and by session. Both must give the same numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import duckdb

from benchmarks.product_data import FIRST_MS, LAST_MS, TENANT, product_data
from benchmarks.product_questions import MEMORY_MB, measure
from benchmarks.session import Session
from benchmarks.table import Result
from drishti.messages.product.paths import PathsAnswer, PathsQuery

AT_MOST = 0.3
GAP_S, STEPS, TOP = 1_800, 5, 50

_STEPS = """
CREATE OR REPLACE TEMP TABLE steps AS
WITH ordered AS (
    SELECT user_id AS u, ms, event_type AS name, lag(ms) OVER mine AS before
    FROM read_parquet('{files}') WINDOW mine AS (PARTITION BY user_id ORDER BY ms, event_type)
), cut AS (
    SELECT u, ms, name,
        sum(CASE WHEN before IS NULL OR ms - before > {gap} THEN 1 ELSE 0 END) OVER (
            PARTITION BY u ORDER BY ms, name ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS session
    FROM ordered
), changed AS (
    SELECT u, session, ms, name FROM cut
    QUALIFY name IS DISTINCT FROM lag(name) OVER (PARTITION BY u, session ORDER BY ms, name)
)
SELECT u, session, ms, name, row_number() OVER of_session - 1 AS place, lead(name) OVER of_session AS next,
    lead(ms) OVER of_session AS next_ms
FROM changed WINDOW of_session AS (PARTITION BY u, session ORDER BY ms, name)
"""

_EDGES = """
SELECT place, name, next, count(*), count(DISTINCT u), quantile_disc(next_ms - ms, 0.5) FROM steps
WHERE place < {last} AND next IS NOT NULL GROUP BY ALL ORDER BY ALL
"""

_PATHS = """
SELECT count(*) AS paths FROM (
    SELECT string_agg(name, ' ' ORDER BY place) AS path FROM steps WHERE place <= {last} GROUP BY u, session
) GROUP BY path ORDER BY paths DESC LIMIT {top}
"""


class Counts(NamedTuple):
    """``edges``: step, from, to, paths, users and the median time in ms; ``top``: how often the most frequent paths were."""

    edges: list[tuple[int, str, str, int, int, int]]
    top: list[int]


async def paths(session: Session) -> Result:
    asked = PathsQuery(
        tenant=TENANT,
        from_ms=FIRST_MS,
        to_ms=LAST_MS,
        max_steps=STEPS,
        gap_s=GAP_S,
        limit=50,
        latency="",
        errors=False,
    )
    async with product_data(session) as data:

        def reference(duck: duckdb.DuckDBPyConnection) -> Counts:
            duck.execute(_STEPS.format(files=data.files, gap=GAP_S * 1000))
            edges = duck.execute(_EDGES.format(last=STEPS - 1)).fetchall()
            top = duck.execute(_PATHS.format(last=STEPS - 1, top=TOP)).fetchall()
            return Counts(edges, [count for (count,) in top])

        measured = await measure(data, asked, _counts, reference, rounds=session.options.funnel_rounds)
        return Result(
            name="paths",
            what=f"paths within sessions: edges of {STEPS} steps with users and times, and the {TOP} most frequent paths",
            sizes=f"{data.sizes}; {measured.rounds} rounds, warm",
            ours=measured.ours,
            reference=measured.reference,
            ratio=measured.ratio,
            must_be=f"≤ {AT_MOST:g} × its CPU, ≤ {MEMORY_MB:g} MB",
            met=measured.compared.ratio <= AT_MOST and measured.peak_mb <= MEMORY_MB,
            notes=["both find the same edges, users, times and paths"],
        )


def _counts(answer: PathsAnswer) -> Counts:
    nodes = answer.nodes
    edges = [
        (nodes[edge.source].step, nodes[edge.source].name, nodes[edge.target].name, edge.count, edge.users, edge.median_ms)
        for edge in answer.edges
    ]
    return Counts(sorted(edges), [path.count for path in answer.top_paths])
