"""From items to observations: which metrics an event, a request or a point speaks of. Pure.

Data of events is the application's own: a value of another type than expected is no observation and no error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from analytics.items import Item
from analytics.observations import LABEL_LENGTH, UNKNOWN, Observations, Series, label
from drishti import attributes
from drishti.events import AnalyticsEvent, AnalyticsEventType, RequestEvent

NO_LABELS: tuple[str, ...] = ()

Exemplars = Mapping[bytes, str]


def observe(items: Iterable[Item], exemplars: Exemplars) -> Observations:
    """What ``items`` say. ``exemplars`` gives, by an item's key, the context that its trace goes on with."""
    found = Observations()
    for item in items:
        exemplar = exemplars.get(item.key, item.traceparent) if item.traceparent is not None else None
        body = item.body
        if isinstance(body, AnalyticsEvent):
            _event(found, item.tenant, item.second, body, exemplar)
        elif isinstance(body, RequestEvent):
            _request(found, item.tenant, item.second, body, exemplar)
        else:
            found.value(Series(item.tenant, body.metric, (label(body.service),), item.second), body.value)
    return found


def _request(found: Observations, tenant: str, second: int, body: RequestEvent, exemplar: str | None) -> None:
    labels = (body.service, body.route[:LABEL_LENGTH], str(body.status))
    failed = body.status >= 500 or bool(body.error)
    found.count(Series(tenant, "requests", labels, second), error=failed, exemplar=exemplar)
    found.value(Series(tenant, "request_duration_ms", labels, second), body.duration_ms, error=failed, exemplar=exemplar)
    if body.user_id:
        found.seen(Series(tenant, "active_users", NO_LABELS, second), body.user_id, exemplar=exemplar)
    if body.session_id:
        found.seen(Series(tenant, "sessions", NO_LABELS, second), body.session_id, exemplar=exemplar)


def _event(found: Observations, tenant: str, second: int, body: AnalyticsEvent, exemplar: str | None) -> None:
    kind = body.event_type
    found.count(Series(tenant, "events", (kind, body.service or UNKNOWN), second), exemplar=exemplar)
    if body.user_id:
        found.seen(Series(tenant, "active_users", NO_LABELS, second), body.user_id, exemplar=exemplar)
    if body.session_id:
        found.seen(Series(tenant, "sessions", NO_LABELS, second), body.session_id, exemplar=exemplar)
    data = body.data
    if not data:
        return
    for metric in ("satisfaction", "wisdom_score"):
        if (value := number(data.get(metric))) is not None:
            found.value(Series(tenant, metric, (kind,), second), value, exemplar=exemplar)
    if topic := label(data.get("topic"), ""):
        found.count(Series(tenant, "topics", (topic,), second), exemplar=exemplar)
    if kind == AnalyticsEventType.LLM_CALL:
        _llm_call(found, tenant, second, data, exemplar)
    elif kind == AnalyticsEventType.CACHE_ACCESS and isinstance(hit := data.get("hit"), bool):
        labels = (label(data.get("cache"), "default"), "hit" if hit else "miss")
        found.count(Series(tenant, "cache_requests", labels, second), exemplar=exemplar)


def _llm_call(found: Observations, tenant: str, second: int, data: Mapping[str, Any], exemplar: str | None) -> None:
    model = label(data.get("model", data.get(attributes.GEN_AI_MODEL)))
    failed = bool(data.get("error"))
    found.count(Series(tenant, "llm_requests", (model,), second), error=failed, exemplar=exemplar)
    if (duration := amount(data.get("duration_ms"))) is not None:
        found.value(Series(tenant, "llm_duration_ms", (model,), second), duration, error=failed, exemplar=exemplar)
    for direction, name in (("input", attributes.GEN_AI_INPUT_TOKENS), ("output", attributes.GEN_AI_OUTPUT_TOKENS)):
        if (tokens := amount(data.get(f"{direction}_tokens", data.get(name)))) is not None:
            found.value(Series(tenant, "llm_tokens", (model, direction), second), tokens, exemplar=exemplar)


def number(value: Any) -> float | None:
    """``value`` as a finite number; ``None`` where it is none (truth values are none)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def amount(value: Any) -> float | None:
    """As :func:`number`, and not below zero."""
    found = number(value)
    return found if found is not None and found >= 0 else None
