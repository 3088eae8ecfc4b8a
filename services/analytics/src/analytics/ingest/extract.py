"""From items to observations: which metrics events, requests and points speak of. Pure.

Events of one type, service and second, and requests of one route, status and second, are looked at together, so that most of
the work is done once for many. An item whose trace is kept is looked at alone: then its context is an exemplar of exactly what
it says.

Data of events is the application's own: a value of another type than expected is no observation and no error.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from analytics.ingest.items import Item, Point
from analytics.rollup.observations import LABEL_LENGTH, LARGEST, UNKNOWN, Observations, Series, label
from drishti.events import AnalyticsEvent, AnalyticsEventType, RequestEvent
from drishti.messages import attributes, subjects

NO_LABELS: tuple[str, ...] = ()

Exemplars = Mapping[bytes, str]
Data = Mapping[str, Any]


class _Moment(NamedTuple):
    """What is said of one second of one tenant goes to ``found``; ``exemplar`` is the trace of those who say it."""

    found: Observations
    tenant: str
    second: int
    exemplar: str | None = None

    def series(self, metric: str, *labels: str) -> Series:
        return Series(self.tenant, metric, labels, self.second)


def observe(items: Iterable[Item], exemplars: Exemplars) -> Observations:
    """What ``items`` say. ``exemplars`` gives, by an item's key, the context that its trace goes on with."""
    found = Observations()
    events: defaultdict[tuple[str, int, str, str | None], list[AnalyticsEvent]] = defaultdict(list)
    requests: defaultdict[tuple[str, int, str, str, int], list[RequestEvent]] = defaultdict(list)
    for item in items:
        body = item.body
        exemplar = item.traceparent
        if exemplar is not None:
            exemplar = exemplars.get(item.key, exemplar)
        if type(body) is AnalyticsEvent:  # exact types: isinstance is slow for structs
            if exemplar is None:
                events[item.tenant, item.second, body.event_type, body.service].append(body)
            else:
                _events(_Moment(found, item.tenant, item.second, exemplar), body.event_type, body.service, [body])
        elif type(body) is RequestEvent:
            if exemplar is None:
                requests[item.tenant, item.second, body.service, body.route, body.status].append(body)
            else:
                moment = _Moment(found, item.tenant, item.second, exemplar)
                _requests(moment, body.service, body.route, body.status, [body])
        elif type(body) is Point:
            found.values(Series(item.tenant, body.metric, (body.service,), item.second), [body.value])
        else:  # else it would be acknowledged and stored nowhere
            raise TypeError(f"an item cannot hold {type(body).__name__} of {type(body).__module__}")
    for (tenant, second, event_type, service), bodies in events.items():
        _events(_Moment(found, tenant, second), event_type, service, bodies)
    for (tenant, second, service, route, status), served in requests.items():
        _requests(_Moment(found, tenant, second), service, route, status, served)
    return found


def _requests(moment: _Moment, service: str, route: str, status: int, bodies: Sequence[RequestEvent]) -> None:
    labels = (subjects.token(service), route[:LABEL_LENGTH], str(status))
    errors = len(bodies) if status >= 500 else sum(1 for body in bodies if body.error)
    durations = [body.duration_ms for body in bodies if body.duration_ms <= LARGEST]
    moment.found.count(moment.series("requests", *labels), len(bodies), errors=errors, exemplar=moment.exemplar)
    moment.found.values(moment.series("request_duration_ms", *labels), durations, errors=errors, exemplar=moment.exemplar)
    _visitors(moment, bodies)


def _events(moment: _Moment, event_type: str, service: str | None, bodies: Sequence[AnalyticsEvent]) -> None:
    series = moment.series("events", event_type, subjects.token(service or UNKNOWN))
    moment.found.count(series, len(bodies), exemplar=moment.exemplar)
    _visitors(moment, bodies)
    facts = [body.data for body in bodies if body.data]
    if not facts:
        return
    for metric in ("satisfaction", "wisdom_score"):
        values = [value for data in facts if metric in data and (value := number(data[metric])) is not None]
        moment.found.values(moment.series(metric, event_type), values, exemplar=moment.exemplar)
    topics = Counter(topic for data in facts if (topic := label(data.get("topic"), "")))
    for topic, count in topics.items():
        moment.found.count(moment.series("topics", topic), count, exemplar=moment.exemplar)
    if event_type == AnalyticsEventType.LLM_CALL:
        _llm_calls(moment, facts)
    elif event_type == AnalyticsEventType.CACHE_ACCESS:
        looked_up = Counter(
            (label(data.get("cache"), "default"), hit) for data in facts if type(hit := data.get("hit")) is bool
        )
        for (cache, hit), count in looked_up.items():
            series = moment.series("cache_requests", cache, "hit" if hit else "miss")
            moment.found.count(series, count, exemplar=moment.exemplar)


def _visitors(moment: _Moment, bodies: Sequence[AnalyticsEvent] | Sequence[RequestEvent]) -> None:
    users = [body.user_id for body in bodies if body.user_id]
    sessions = [body.session_id for body in bodies if body.session_id]
    moment.found.seen(moment.series("active_users"), users, exemplar=moment.exemplar)
    moment.found.seen(moment.series("sessions"), sessions, exemplar=moment.exemplar)


def _llm_calls(moment: _Moment, facts: Sequence[Data]) -> None:
    found, exemplar = moment.found, moment.exemplar
    models: defaultdict[str, list[Data]] = defaultdict(list)
    for data in facts:
        models[label(data.get("model", data.get(attributes.GEN_AI_MODEL)))].append(data)
    for model, calls in models.items():
        errors = sum(1 for data in calls if data.get("error"))
        found.count(moment.series("llm_requests", model), len(calls), errors=errors, exemplar=exemplar)
        read = [amount(data.get("input_tokens", data.get(attributes.GEN_AI_INPUT_TOKENS))) for data in calls]
        written = [amount(data.get("output_tokens", data.get(attributes.GEN_AI_OUTPUT_TOKENS))) for data in calls]
        timed = [
            (duration, tokens, data)
            for data, tokens in zip(calls, written, strict=True)
            if (duration := amount(data.get("duration_ms"))) is not None
        ]
        errors = sum(1 for _, _, data in timed if data.get("error"))
        durations = [duration for duration, _, _ in timed]
        found.values(moment.series("llm_duration_ms", model), durations, errors=errors, exemplar=exemplar)
        paces = [pace for call in timed if (pace := _per_output_token(*call)) is not None]
        found.values(moment.series("llm_time_per_output_token_ms", model), paces, exemplar=exemplar)
        for direction, told in (("input", read), ("output", written)):
            counts = [tokens for tokens in told if tokens is not None]
            found.values(moment.series("llm_tokens", model, direction), counts, exemplar=exemplar)


def _per_output_token(duration_ms: float, tokens: float | None, data: Data) -> float | None:
    """Milliseconds for each of ``tokens`` after the first, ``(duration - time to first token) / (tokens - 1)``; for each token
    where the first one's time is not told. ``None`` of a call that failed or wrote nothing.

    As ``gen_ai.server.time_per_output_token`` of the OpenTelemetry semantic conventions for generative AI.
    """
    if tokens is None or tokens < 1 or data.get("error"):
        return None
    told = data.get("time_to_first_token_ms")
    first_ms = None if told is None else amount(told)  # most calls tell none, and this is asked of every call
    if first_ms is None or first_ms > duration_ms or tokens < 2:
        return duration_ms / tokens
    return (duration_ms - first_ms) / (tokens - 1)


def number(value: Any) -> float | None:
    """``value`` as a number up to :data:`LARGEST`; ``None`` where it is none (truth values are none)."""
    if type(value) is float or (type(value) is int and value.bit_length() < 1000):
        found = float(value)
        return found if abs(found) <= LARGEST else None  # no comparison is true of NaN
    return None


def amount(value: Any) -> float | None:
    """As :func:`number`, and not below zero."""
    found = number(value)
    return found if found is not None and found >= 0 else None
