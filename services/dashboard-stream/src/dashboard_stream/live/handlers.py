"""Message handlers: aggregates and insights go into the hub, and the channels that show them are marked."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec
from opentelemetry.trace import SpanKind

from dashboard_stream.live.channel import Channel
from dashboard_stream.live.hub import Hub
from drishti.bus.connection import Bus
from drishti.bus.deliveries import Message
from drishti.errors import InvalidPayload, UnknownKind
from drishti.events import Aggregate, AnomalyInsight, ForecastInsight, InsightDecoder, invalid_payload, metric_of
from drishti.messages import attributes, subjects
from drishti.messages.catalogue import AGGREGATES, INSIGHTS
from drishti.rate_limited_log import RateLimitedLog
from drishti.telemetry import spans

log = logging.getLogger(__name__)

Clock = Callable[[], float]
Wake = Callable[[], None]

LOG_EVERY_S = 60.0
FRESH_MS = 15_000
"""An older message is history that is read again: its trace was continued when it was new."""


class Handlers:
    """Called with every message of AGGREGATES and INSIGHTS, in order. ``now`` is the clock, in seconds."""

    def __init__(self, bus: Bus, hub: Hub, *, wake: Wake, now: Clock) -> None:
        self._bus = bus
        self._hub = hub
        self._wake = wake
        self._now = now
        self._started = now()
        self._aggregates = msgspec.json.Decoder(Aggregate)
        self._insights = InsightDecoder()
        self._unknown_kinds = RateLimitedLog(LOG_EVERY_S)

    async def take_aggregate(self, msg: Message) -> None:
        """Keeps one revision of one window."""
        try:
            aggregate = self._aggregates.decode(msg.data)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            await self._refuse(msg, invalid_payload(error))
            return
        now_ms = int(self._now() * 1000)
        traceparent = self._trace(msg, aggregate.published_at, now_ms)
        if traceparent is None:
            self._changed(self._hub.take_aggregate(aggregate, now_ms))
            return
        with spans.span(
            "process AGGREGATES",
            kind=SpanKind.CONSUMER,
            parent=spans.extract(traceparent),
            attributes=_about(AGGREGATES, aggregate.tenant, aggregate.metric),
        ):
            self._changed(self._hub.take_aggregate(aggregate, now_ms))

    async def take_insight(self, msg: Message) -> None:
        """Keeps one insight. One of a kind that this version does not know is counted and passed over."""
        try:
            insight = self._insights.decode(msg.data)
        except UnknownKind as error:
            self._pass_over(error)
            return
        except InvalidPayload as wrong:
            await self._refuse(msg, wrong)
            return
        traceparent = self._trace(msg, insight.at, int(self._now() * 1000))
        if traceparent is None:
            self._changed(self._hub.take_insight(insight))
            return
        with spans.span(
            "process INSIGHTS",
            kind=SpanKind.CONSUMER,
            parent=spans.extract(traceparent),
            attributes=_about(INSIGHTS, insight.tenant, metric_of(insight)),
        ):
            self._changed(self._hub.take_insight(insight))

    async def count_unknown_kind(self, msg: Message) -> None:
        """Counts an insight about a series whose kind, as its subject says, is none that :meth:`take_insight` is given."""
        kind = subjects.kind_of_insight(msg.subject)
        if kind not in (AnomalyInsight.kind, ForecastInsight.kind):
            self._pass_over(UnknownKind(kind))

    def _trace(self, msg: Message, created_at: int, now_ms: int) -> str | None:
        """The trace that this message goes on with, if that is kept and the message is new."""
        traceparent = msg.headers.get("traceparent") if msg.headers else None
        return traceparent if spans.sampled(traceparent) and now_ms - created_at <= FRESH_MS else None

    def _changed(self, channels: list[Channel]) -> None:
        traceparent = spans.current_traceparent()
        for channel in channels:
            if traceparent is not None:
                channel.trace(traceparent)
        if channels:
            self._wake()

    def _pass_over(self, unknown: UnknownKind) -> None:
        self._hub.unknown_insights += 1
        if self._unknown_kinds.due():
            about = {"kind": unknown.kind, "passed_over": self._hub.unknown_insights}
            log.warning("an insight of a kind that this version does not know is not shown", extra=about)

    async def _refuse(self, msg: Message, wrong: InvalidPayload) -> None:
        """To DEAD, once: not again when a later start reads the same history."""
        if msg.metadata.timestamp.timestamp() >= self._started:
            await self._bus.refuse(msg, str(wrong), by=self._bus.name)


def _about(stream: str, tenant: str, metric: str | None) -> dict[str, str]:
    about = {
        attributes.MESSAGING_SYSTEM: attributes.NATS,
        attributes.MESSAGING_DESTINATION: stream,
        attributes.MESSAGING_OPERATION_TYPE: "process",
        attributes.TENANT: tenant,
    }
    return about if metric is None else about | {attributes.METRIC: metric}
