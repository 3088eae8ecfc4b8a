"""Answers what was seen of the metrics of a tenant: when, in how many series, and by which services."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime

from analytics.query.question_answers import StoredName, token_of_metric
from analytics.query.sessions import Sessions
from analytics.storage import rows
from analytics.storage.database import Session
from analytics.storage.rows import Record
from drishti.events import Backfill, CatalogueAnswer, CatalogueQuery, MetricSeen
from drishti.measures.definitions import OTHER, MetricDefinition
from drishti.measures.registry import MetricRegistry

MAX_SERIES_SEEN = 10_001
"""Series of one metric that are counted; what a window may have, and ``other``."""

MAX_SERVICES = 20_000
"""Services in one answer, those of each metric counted: of many metrics each names as many as fit."""

FEWEST_SERVICES = 10
"""So many of each metric are named, however many metrics there are."""

REMEMBERED_HOURS = 8_000
REMEMBERED_SERVICES = 50
"""Hours of metrics whose services are remembered, all tenants together; of those with so many services at most."""

_Hour = tuple[int, datetime, int]
"""The id of a metric, an hour, and the number of series that were seen in it."""


class CatalogueAnswers:
    """Answers ``query.v1.catalogue``: what was seen of the metrics of a tenant."""

    def __init__(self, sessions: Sessions, registry: MetricRegistry, *, stored: StoredName = token_of_metric) -> None:
        self._sessions = sessions
        self._registry = registry
        self._stored = stored
        self._services: OrderedDict[_Hour, list[str]] = OrderedDict()

    async def answer(self, question: CatalogueQuery) -> CatalogueAnswer:
        """Raises :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        known = self._registry.of(question.tenant)
        wanted = [known[token] for token in question.metrics or known if token in known]
        tokens = {self._stored(question.tenant, metric): metric.token for metric in wanted}
        async with self._sessions.turn(question.tenant), self._sessions.session() as session:
            begun = (await session.fetch("question_begins"))[0]
            if begun["carried"]:
                records = await session.fetch("metrics_seen", question.tenant, sorted(tokens), MAX_SERIES_SEEN)
                services = await self._services_of(session, records)
            else:
                name = "metrics_seen_before_carried"
                records = await session.fetch(name, question.tenant, sorted(tokens), MAX_SERIES_SEEN)
                services = [_named(record["services"]) for record in records]
            backfills = await self._backfills(session, question.tenant, wanted)
        most = max(FEWEST_SERVICES, MAX_SERVICES // max(1, len(records)))
        seen = [
            MetricSeen(
                metric=tokens[record["metric"]],
                last_seen=rows.epoch_ms(record["last"]),
                series=record["series"],
                services=sorted(some[:most]),
            )
            for record, some in zip(records, services, strict=True)
        ]
        return CatalogueAnswer(as_of=begun["as_of"], metrics=seen, backfills=backfills)

    async def _services_of(self, session: Session, records: Sequence[Record]) -> list[list[str]]:
        """The services of the series in the newest hour of each metric. The series of an hour only become more, and their
        labels never change: where there are as many as the last time, they are the same ones."""
        hours: list[_Hour] = [(record["id"], record["hour"], record["series"]) for record in records]
        found: Mapping[_Hour, list[str]] = {hour: self._services[hour] for hour in hours if hour in self._services}
        missing = [hour for hour in hours if hour not in found]
        if missing:
            ids, starts = [hour[0] for hour in missing], [hour[1] for hour in missing]
            read = await session.fetch("services_seen", ids, starts, MAX_SERIES_SEEN)
            by_id = {record["id"]: _named(record["services"]) for record in read}
            found = {**found, **{hour: by_id.get(hour[0], []) for hour in missing}}
        for hour in hours:
            if len(found[hour]) <= REMEMBERED_SERVICES:
                self._services[hour] = found[hour]
                self._services.move_to_end(hour)
        while len(self._services) > REMEMBERED_HOURS:
            self._services.popitem(last=False)
        return [found[hour] for hour in hours]

    async def _backfills(self, session: Session, tenant: str, metrics: Sequence[MetricDefinition]) -> list[Backfill]:
        """How far the history of those of ``metrics`` is filled that are drawn from events, or computed from such."""
        kpis = self._registry.view(tenant).kpis
        drawn: dict[str, list[str]] = {}
        for metric in metrics:
            if metric.source is not None:
                drawn[metric.token] = [metric.token]
            elif (kpi := kpis.get(metric.token)) is not None and kpi.hidden:
                drawn[metric.token] = [hidden.token for hidden in kpi.hidden]
        if not drawn:
            return []
        records = await session.fetch("fills", tenant, [token for tokens in drawn.values() for token in tokens])
        by_token = {record["token"]: record for record in records}
        found = []
        for metric_token, tokens in drawn.items():
            fills = [by_token[token] for token in tokens if token in by_token]
            if len(fills) == len(tokens):
                least = min(fills, key=lambda record: record["percent"])
                state = "done" if all(record["filled"] for record in fills) else "running"
                until = rows.epoch_ms(least["filled_to"] or least["made_at"])
                found.append(
                    Backfill(
                        metric=metric_token,
                        state=state,
                        until=until,
                        percent=least["percent"],
                        rows=least["filled_rows"],
                    )
                )
        return found


def _named(services: Sequence[str | None]) -> list[str]:
    """Those that have a name, what is counted together first, and no more than an answer has room for."""
    named = [sys.intern(service) for service in services if service]  # many metrics have the same ones
    return sorted(named, key=lambda service: (service != OTHER, service))[:MAX_SERVICES]
