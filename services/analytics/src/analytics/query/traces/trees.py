"""Answers many traces as one tree, and two traces side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from analytics.computing import computed
from analytics.query.service_names import names_of
from analytics.query.sessions import Sessions
from analytics.query.traces import conditions
from analytics.query.traces.finding import Found, attributes_of, find, operations_of
from analytics.query.traces.one import KINDS
from analytics.spans import path_tree as paths
from analytics.spans.path_tree import PathSums, PathTree, path_tree
from analytics.spans.trace import assemble_all
from analytics.storage import rows, span_rows
from analytics.storage.rows import Record
from analytics.storage.span_reading import read_spans
from drishti.errors import QueryError
from drishti.messages.traces import AggregateAnswer, ComparisonAnswer, PathStep, PathTimes, TraceAggregate, TraceComparison

MAX_SPANS = 10_000
"""Spans of all traces of one answer that are read; of two traces that are compared, half of them each."""

AROUND = timedelta(hours=1)
INLINE_SPANS = 200


class TraceAggregates:
    """Answers ``query.v1.trace_aggregate``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: TraceAggregate) -> AggregateAnswer:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            as_of = await session.value("clock")
            _, wanted = await operations_of(session, asked)
            matching = conditions.conditions(asked, wanted, await attributes_of(session, asked))
            matched, following, searched_from = await find(session, asked, matching) if wanted else Found({})
            records: Sequence[Record] = ()
            cut = False
            if matched:
                times = [record["started"] for record in matched.values()]
                around = min(times) - AROUND, max(times) + AROUND
                records, cut = await read_spans(session, "spans_of_traces", asked.tenant, list(matched), *around, MAX_SPANS)
            tree = await computed(lambda: _tree(records), in_thread=len(records) > INLINE_SPANS)
            steps = _steps(tree)
            return AggregateAnswer(
                from_ms=asked.from_ms,
                to_ms=asked.to_ms,
                as_of=as_of,
                traces=tree.traces,
                mean_ms=tree.duration_ns / max(1, tree.traces) / 1e6,
                steps=steps,
                trace_ids=[trace_id.hex() for trace_id in matched],
                folded=tree.folded,
                truncated=cut or len(records) == MAX_SPANS,
                sampled=following is not None or searched_from is not None,
                searched_from=_searched_from(asked, matched.values(), following is not None, searched_from),
                service_names=await names_of(session, asked.tenant, (step.service for step in steps)),
            )


def _searched_from(
    asked: TraceAggregate, matched: Iterable[Record], enough: bool, searched_from: datetime | None
) -> int | None:
    """From where on the traces are; ``None``: from the whole range."""
    if searched_from is not None:
        return rows.epoch_ms(searched_from)
    if enough and asked.order == "newest":
        return min(rows.epoch_ms(record["started"]) for record in matched)
    return None


class TraceComparisons:
    """Answers ``query.v1.trace_comparison``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: TraceComparison) -> ComparisonAnswer:
        """Raises :class:`QueryError` (``unknown``), :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            sides = []
            truncated = False
            for field, trace_id in (("left", asked.left), ("right", asked.right)):
                records, cut = await read_spans(
                    session, "spans_of_trace", asked.tenant, bytes.fromhex(trace_id), MAX_SPANS // 2
                )
                if not records:
                    raise QueryError("there is no such trace", code="unknown", field=field)
                sides.append(records)
                truncated = truncated or cut or len(records) == MAX_SPANS // 2
            left, right = sides
            read = len(left) + len(right)
            trees = await computed(lambda: (_tree(left), _tree(right)), in_thread=read > INLINE_SPANS)
            steps = _steps(*trees)
            return ComparisonAnswer(
                left=asked.left.lower(),
                right=asked.right.lower(),
                left_ms=trees[0].duration_ns / 1e6,
                right_ms=trees[1].duration_ns / 1e6,
                steps=steps,
                folded=trees[0].folded + trees[1].folded,
                truncated=truncated,
                service_names=await names_of(session, asked.tenant, (step.service for step in steps)),
            )


def _tree(records: Iterable[Record]) -> PathTree:
    return path_tree(assemble_all(map(span_rows.span_of, records)))


def _steps(left: PathTree, right: PathTree | None = None) -> list[PathStep]:
    return [
        PathStep(
            depth=row.depth,
            service=row.place.service,
            operation=row.place.operation,
            kind=KINDS[row.place.kind],
            times=None if row.left is None else _times(row.left, left),
            right=None if row.right is None or right is None else _times(row.right, right),
        )
        for row in paths.rows(left, right)
    ]


def _times(sums: PathSums, tree: PathTree) -> PathTimes:
    return PathTimes(
        traces=sums.traces,
        calls_each=sums.calls / sums.traces,
        errors=sums.errors,
        total_ms=sums.total_ns / sums.traces / 1e6,
        mean_ms=sums.total_ns / sums.calls / 1e6,
        path_ms=sums.path_ns / sums.traces / 1e6,
        share=sums.path_ns / tree.duration_ns if tree.duration_ns else 0.0,
    )
