"""REQUESTS: requests that a service has served. Pure.

Requests of one route, status and second are observed together, so that most of the work is done once for many. A request whose
trace is kept is observed alone: then its context is an exemplar of exactly what it says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from analytics.ingest.extraction import Moment, observe_visitors
from analytics.ingest.items import Item, user_of
from analytics.ingest.json_decoding import JsonDecoder
from analytics.ingest.signal import Exemplars, Signal
from analytics.rollup.observations import LABEL_LENGTH, LARGEST, Observations
from analytics.storage.stream_states import StreamStates
from analytics.storage.tables import Table
from drishti.events import RequestEvent
from drishti.messages import catalogue, subjects

TABLE = Table(
    "requests",
    (
        "tenant", "event_id", "service", "method", "route", "status", "duration_ms", "time", "error", "user_id", "session_id",
        "model", "trace_id",
    ),
)  # fmt: skip

_json = JsonDecoder("requests", RequestEvent)


def rows(items: Sequence[Item]) -> list[tuple[Any, ...]]:
    """Rows of ``requests``."""
    return [
        (
            item.tenant,
            body.event_id,
            body.service,
            body.method,
            body.route,
            body.status,
            body.duration_ms,
            item.time,
            body.error,
            body.user_id,
            body.session_id,
            body.model,
            None if body.traceparent is None else body.traceparent[3:35],
        )
        for item in items
        for body in (item.body,)
    ]


def observe(items: Sequence[Item], exemplars: Exemplars, observations: Observations, _states: StreamStates) -> None:
    """Counts, durations and visitors of requests."""
    groups: defaultdict[tuple[str, int, str, str, int], list[RequestEvent]] = defaultdict(list)
    for item in items:
        body: RequestEvent = item.body
        if item.traceparent is None:
            groups[item.tenant, item.second, body.service, body.route, body.status].append(body)
        else:
            exemplar = exemplars.get(item.key, item.traceparent)
            moment = Moment(observations, item.tenant, item.second, exemplar)
            _observe(moment, body.service, body.route, body.status, [body])
    for (tenant, second, service, route, status), bodies in groups.items():
        _observe(Moment(observations, tenant, second), service, route, status, bodies)


def _observe(moment: Moment, service: str, route: str, status: int, bodies: Sequence[RequestEvent]) -> None:
    labels = (subjects.token(service), route[:LABEL_LENGTH], str(status))
    errors = len(bodies) if status >= 500 else sum(1 for body in bodies if body.error)
    durations = [body.duration_ms for body in bodies if body.duration_ms <= LARGEST]
    observations, exemplar = moment.observations, moment.exemplar
    observations.count(moment.series("requests", *labels), len(bodies), errors=errors, exemplar=exemplar)
    observations.values(moment.series("request_duration_ms", *labels), durations, errors=errors, exemplar=exemplar)
    observe_visitors(moment, bodies)


SIGNAL = Signal(
    message=catalogue.message("request"),
    decode=_json.decode,
    dead_letters=_json.dead_letters,
    observe=observe,
    tables={TABLE: rows},
    users=user_of,
)
