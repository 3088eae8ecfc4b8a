"""What the spans are that meet conditions: counts by field and attribute, and a histogram of their durations."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from analytics.errors import StatementTimeout
from analytics.query.service_names import names_of
from analytics.query.sessions import Sessions
from analytics.query.traces import conditions
from analytics.query.traces.conditions import Conditions, copy, instant
from analytics.query.traces.finding import attributes_of, operations_of
from analytics.spans.span import SpanKind, Status
from analytics.storage import rows
from analytics.storage.database import Session
from analytics.storage.rows import Record
from analytics.traces.slices import Slices
from drishti.messages.traces import DurationBucket, Facet, FacetAnswer, FacetValue, TraceFacets

MOST_SPANS = 20_000
"""Spans that are counted, the newest."""

ATTRIBUTE_SPANS = 2_000
"""Spans whose attributes are counted, the newest."""

FIND_S = 1.0
"""How long the newest ones are looked for; reading what they are takes that time twice more."""

MOST_VALUES = 20
MOST_ATTRIBUTES = 40

PER_DECADE = 5
"""Buckets of durations from one power of ten to the next."""

ID_SHARE = 0.5
"""An attribute with so many distinct values for each span that has it is an id, of which no value is worth a line."""


class FacetAnswers:
    """Answers ``query.v1.trace_facets``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: TraceFacets) -> FacetAnswer:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            as_of = await session.value("clock")
            known, wanted = await operations_of(session, asked)
            matching = conditions.conditions(asked, wanted, await attributes_of(session, asked))
            records: Sequence[Record] = ()
            attributes: Sequence[Record] = ()
            searched_from: int | None = None
            if wanted:
                start, end = await _newest(session, asked, matching), instant(asked.to_ms)
                if start > instant(asked.from_ms):
                    searched_from = rows.epoch_ms(start)
                matching.add(f"s.started >= {matching.parameter(start)} AND s.started < {matching.parameter(end)}")
                records = await session.fetch_composed(_counted(matching.where), *matching.parameters)
                attributes = await session.fetch_composed(_attributes(matching.where), *matching.parameters)
            spans = sum(record["spans"] for record in records)
            fields: dict[str, Counts] = {name: Counts() for name in ("service", "operation", "kind", "status", "status_code")}
            for record in records:
                operation = known[record["operation"]]
                values = {
                    "service": operation.service,
                    "operation": operation.operation,
                    "kind": SpanKind(operation.kind).name.lower(),
                    "status": Status(record["status"]).name.lower(),
                    "status_code": None if record["status_code"] is None else str(record["status_code"]),
                }
                for name, value in values.items():
                    if value is not None:
                        fields[name].add(value, record["spans"], record["errors"])
            return FacetAnswer(
                as_of=as_of,
                spans=spans,
                errors=sum(record["errors"] for record in records),
                sampled=spans >= MOST_SPANS or searched_from is not None,
                searched_from=searched_from,
                facets=[counts.facet(name) for name, counts in fields.items() if counts.spans],
                attribute_spans=min(spans, ATTRIBUTE_SPANS),
                attributes=_facets(attributes),
                durations=_durations(records),
                service_names=await names_of(session, asked.tenant, fields["service"].spans),
            )


async def _newest(session: Session, asked: TraceFacets, matching: Conditions) -> datetime:
    """Since when there are as many spans as are counted, or as many as can be found in time."""
    slices = Slices(instant(asked.from_ms), instant(asked.to_ms), within_s=FIND_S)
    missing = MOST_SPANS
    try:
        for piece in slices:
            more = copy(matching)
            more.add(f"s.started >= {more.parameter(piece.start)} AND s.started < {more.parameter(piece.end)}")
            counted = (
                f"SELECT count(*)::int AS spans FROM (SELECT FROM all_spans AS s WHERE {more.where} "  # noqa: S608
                f"LIMIT {more.parameter(missing)}) AS s"
            )
            missing -= (await session.fetch_composed(counted, *more.parameters, within_s=slices.left_s))[0]["spans"]
            if missing <= 0:
                return piece.start
    except StatementTimeout:
        if slices.untouched:
            raise
    return slices.read_from


class Counts:
    """Spans and errors by value."""

    def __init__(self) -> None:
        self.spans: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()

    def add(self, value: str, spans: int, errors: int) -> None:
        self.spans[value] += spans
        self.errors[value] += errors

    def facet(self, name: str) -> Facet:
        most = sorted(self.spans.items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]
        return Facet(name=name, values=[FacetValue(value=value, spans=n, errors=self.errors[value]) for value, n in most])


def _counted(where: str) -> str:
    """Spans by operation, status, code and bucket of duration, with the slowest trace of each; and the trace in the middle of
    its bucket, where that is one of these."""
    return f"""
        WITH matched AS (
            SELECT s.operation, s.status, s.status_code, s.duration_ns, s.trace_id,
                floor(log(greatest(s.duration_ns, 1)::float8) * {PER_DECADE})::int AS bucket
            FROM all_spans AS s
            WHERE {where} ORDER BY s.started DESC LIMIT {MOST_SPANS}
        ), placed AS (
            SELECT *, row_number() OVER (PARTITION BY bucket ORDER BY duration_ns, trace_id) * 2
                - count(*) OVER (PARTITION BY bucket) AS from_middle
            FROM matched
        )
        SELECT operation, status, status_code, bucket,
            count(*)::int AS spans, (count(*) FILTER (WHERE status = 2))::int AS errors, max(duration_ns) AS slowest,
            (array_agg(trace_id ORDER BY duration_ns DESC))[1] AS trace_id,
            (array_agg(trace_id) FILTER (WHERE from_middle IN (0, 1)))[1] AS median_trace_id
        FROM placed GROUP BY 1, 2, 3, 4
    """  # noqa: S608


def _attributes(where: str) -> str:
    """Names and values of attributes with their counts; of each name how many distinct values it has."""
    return f"""
        WITH matched AS (
            SELECT s.attributes, s.common, s.status FROM all_spans AS s
            WHERE {where} ORDER BY s.started DESC LIMIT {ATTRIBUTE_SPANS}
        ), counted AS (
            SELECT a.key AS name, left(a.value, 256) AS value, count(*)::int AS spans,
                (count(*) FILTER (WHERE m.status = 2))::int AS errors
            FROM matched AS m JOIN span_attributes AS c ON c.id = m.common
            CROSS JOIN LATERAL jsonb_each_text(c.attributes || coalesce(m.attributes, '{{}}')) AS a (key, value)
            WHERE a.value IS NOT NULL GROUP BY 1, 2
        ), ranked AS (
            SELECT *, row_number() OVER (PARTITION BY name ORDER BY spans DESC, value) AS place,
                sum(spans) OVER (PARTITION BY name) AS of_name, count(*) OVER (PARTITION BY name) AS distinct_values
            FROM counted
        )
        SELECT name, value, spans, errors, of_name, distinct_values FROM ranked
        WHERE place <= {MOST_VALUES} AND (distinct_values <= {MOST_VALUES} OR distinct_values <= of_name * {ID_SHARE})
        ORDER BY of_name DESC, name, place
    """  # noqa: S608


def _facets(records: Iterable[Record]) -> list[Facet]:
    by_name: dict[str, Facet] = {}
    for record in records:
        name = record["name"]
        if name not in by_name:
            if len(by_name) == MOST_ATTRIBUTES:
                break
            by_name[name] = Facet(name=name, values=[])
        by_name[name].values.append(FacetValue(value=record["value"], spans=record["spans"], errors=record["errors"]))
    return list(by_name.values())


def _durations(records: Iterable[Record]) -> list[DurationBucket]:
    """The histogram, from the shortest to the longest, without the buckets that are empty."""
    parts: defaultdict[int, list[Record]] = defaultdict(list)
    for record in records:
        parts[record["bucket"]].append(record)
    return [
        DurationBucket(
            from_ms=_edge_ms(bucket),
            to_ms=_edge_ms(bucket + 1),
            spans=sum(record["spans"] for record in some),
            errors=sum(record["errors"] for record in some),
            trace_id=_slowest(some),
            median_trace_id=next((middle.hex() for record in some if (middle := record["median_trace_id"]) is not None), ""),
            failed_trace_id=_slowest([record for record in some if record["errors"]]),
        )
        for bucket, some in sorted(parts.items())
    ]


def _slowest(records: Sequence[Record]) -> str:
    trace_id: bytes = max(records, key=lambda record: record["slowest"])["trace_id"] if records else b""
    return trace_id.hex()


def _edge_ms(bucket: int) -> float:
    return float(f"{math.pow(10, bucket / PER_DECADE) / 1e6:.6g}")
