"""EVENTS: what users and applications did, CloudEvents of other producers among it. Pure.

Events of one type, service and second are observed together, so that most of the work is done once for many. An event whose
trace is kept is observed alone: then its context is an exemplar of exactly what it says.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from analytics.ingest import person_edges, property_changes
from analytics.ingest.extraction import Moment, amount, observe_visitors
from analytics.ingest.items import Item
from analytics.ingest.json_decoding import JsonDecoder
from analytics.ingest.signal import Exemplars, Put, Signal
from analytics.rollup.observations import UNKNOWN, Observations, label, number
from analytics.spans.llm_calls import LlmCall, observe_calls
from analytics.spans.llm_prices import with_cost
from analytics.storage.stream_states import StreamStates
from analytics.storage.tables import Table
from drishti.events import AnalyticsEvent, AnalyticsEventType
from drishti.messages import attributes, catalogue, cloudevents, subjects

TABLE = Table(
    "events",
    ("tenant", "event_id", "event_type", "time", "user_id", "session_id", "service", "version", "data", "trace_id"),
)

Data = Mapping[str, Any]

PERSON_EDGES = Put("put_person_edges", person_edges.rows)
PROPERTY_CHANGES = Put("put_property_changes", property_changes.rows)

_json = JsonDecoder("events", AnalyticsEvent)
_encode = msgspec.json.Encoder().encode


def rows(items: Sequence[Item]) -> list[tuple[Any, ...]]:
    """Rows of ``events``."""
    return [
        (
            item.tenant,
            body.event_id,
            body.event_type,
            item.time,
            body.user_id,
            body.session_id,
            body.service,
            body.version,
            _encode(body.data).decode() if body.data else None,
            None if body.traceparent is None else body.traceparent[3:35],
        )
        for item in items
        for body in (item.body,)
    ]


def observe(items: Sequence[Item], exemplars: Exemplars, observations: Observations, _states: StreamStates) -> None:
    """Counts and visitors of events, and what their data says."""
    groups: defaultdict[tuple[str, int, str, str | None], list[AnalyticsEvent]] = defaultdict(list)
    for item in items:
        body: AnalyticsEvent = item.body
        if item.traceparent is None:
            groups[item.tenant, item.second, body.event_type, body.service].append(body)
        else:
            exemplar = exemplars.get(item.key, item.traceparent)
            _observe(Moment(observations, item.tenant, item.second, exemplar), body.event_type, body.service, [body])
    for (tenant, second, event_type, service), bodies in groups.items():
        _observe(Moment(observations, tenant, second), event_type, service, bodies)


def _observe(moment: Moment, event_type: str, service: str | None, bodies: Sequence[AnalyticsEvent]) -> None:
    observations, exemplar = moment.observations, moment.exemplar
    series = moment.series("events", event_type, subjects.token(service or UNKNOWN))
    observations.count(series, len(bodies), exemplar=exemplar)
    observe_visitors(moment, bodies)
    facts = [body.data for body in bodies if body.data]
    if not facts:
        return
    for metric in ("satisfaction", "wisdom_score"):
        values = [value for data in facts if metric in data and (value := number(data[metric])) is not None]
        observations.values(moment.series(metric, event_type), values, exemplar=exemplar)
    topics = Counter(topic for data in facts if (topic := label(data.get("topic"), "")))
    for topic, count in topics.items():
        observations.count(moment.series("topics", topic), count, exemplar=exemplar)
    if event_type == AnalyticsEventType.LLM_CALL:
        observe_calls(map(_llm_call, facts), observations, moment.tenant, moment.second, exemplar)
    elif event_type == AnalyticsEventType.CACHE_ACCESS:
        accesses = Counter((label(data.get("cache"), "default"), hit) for data in facts if type(hit := data.get("hit")) is bool)
        for (cache, hit), count in accesses.items():
            observations.count(moment.series("cache_requests", cache, "hit" if hit else "miss"), count, exemplar=exemplar)


def _llm_call(data: Data) -> LlmCall:
    """What an event of the type ``llm_call`` says."""
    get = data.get
    model = label(get("model", get(attributes.GEN_AI_MODEL)))
    call = LlmCall(
        model=model,
        failed=bool(get("error")),
        duration_ms=amount(get("duration_ms")),
        input_tokens=amount(get("input_tokens", get(attributes.GEN_AI_INPUT_TOKENS))),
        output_tokens=amount(get("output_tokens", get(attributes.GEN_AI_OUTPUT_TOKENS))),
        # most calls give none of these, and this is asked of every call
        first_token_ms=None if (given := get("time_to_first_token_ms")) is None else amount(given),
        cached_tokens=None if (given := get("cached_tokens")) is None else amount(given),
        cache_write_tokens=None if (given := get("cache_write_tokens")) is None else amount(given),
        cost_usd=None if (given := get("cost_usd")) is None else amount(given),
    )
    answered = get("response_model")
    return with_cost(call, model) if answered is None else with_cost(call, label(answered), model)


SIGNAL = Signal(
    message=catalogue.message("event"),
    decode=_json.decode,
    dead_letters=_json.dead_letters,
    observe=observe,
    tables={TABLE: rows},
    puts=(PERSON_EDGES, PROPERTY_CHANGES),
    users=person_edges.named_users,
    events=lambda items: items,
    translate=cloudevents.from_message,
)
