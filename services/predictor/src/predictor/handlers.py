"""The bus's door: aggregates in, insights out.

:class:`Handlers` decodes, asks the engine, and puts what is to be told into the :class:`Outbox`, which publishes until the
bus has confirmed. Old windows (a replay at start, a backlog after an outage) are learnt and not alarmed; an incident that is
still going on when the present is reached is told then.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

import msgspec
from nats.aio.msg import Msg
from opentelemetry.trace import SpanKind

from drishti import attributes, subjects, telemetry
from drishti.bus import Bus
from drishti.errors import BusUnavailable
from drishti.events import Aggregate, Insight, encode, invalid_payload
from predictor import insights
from predictor.engine import Engine, Finding
from predictor.incidents import Phase

log = logging.getLogger(__name__)

FRESH_S = 15
"""A window that ended longer ago raises no alarm: nobody is helped by hearing of it as if it were now."""

OUTBOX = 2000
"""Insights that wait for the bus. When it is full the oldest gives way, and the log says so."""

RETRY_S = 1.0

Clock = Callable[[], float]


class Outbox:
    """Insights on their way to the bus, published in order by :meth:`run`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: deque[tuple[Insight, str | None]] = deque()
        self._arrived = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.dropped = 0

    def put_nowait(self, insight: Insight, traceparent: str | None = None) -> None:
        if len(self._waiting) >= OUTBOX:
            self._waiting.popleft()
            self.dropped += 1
            if self.dropped % 100 == 1:
                log.warning("outbox is full, the oldest insight is dropped", extra={"dropped": self.dropped})
        self._waiting.append((insight, traceparent))
        self._empty.clear()
        self._arrived.set()

    async def run(self) -> None:
        """Publishes for ever; what was not confirmed is sent again (the bus drops repetitions)."""
        while True:
            await self._arrived.wait()
            while self._waiting:
                insight, traceparent = item = self._waiting[0]
                if await self._publish(insight, traceparent):
                    if self._waiting and self._waiting[0] is item:
                        self._waiting.popleft()
                else:
                    await asyncio.sleep(RETRY_S)
            self._arrived.clear()
            self._empty.set()

    async def wait_empty(self) -> None:
        await self._empty.wait()

    async def _publish(self, insight: Insight, traceparent: str | None) -> bool:
        subject = subjects.insights(insight.tenant, insight.kind, insight.metric)
        headers = {"traceparent": traceparent} if traceparent else None
        try:
            await self._bus.publish(subject, encode(insight), msg_id=insights.message_id(insight), headers=headers)
        except BusUnavailable as error:
            log.warning("insight waits for the bus", extra={"reason": str(error), "waiting": len(self._waiting)})
            return False
        return True


class Handlers:
    """``take_aggregate`` is called with every message of AGGREGATES, in order. ``now`` is the clock, in seconds."""

    def __init__(self, bus: Bus, engine: Engine, outbox: Outbox, *, now: Clock) -> None:
        self._bus = bus
        self._engine = engine
        self._outbox = outbox
        self._now = now
        self._started = now()
        self._decoder = msgspec.json.Decoder(Aggregate)
        self._complained = 0

    async def take_aggregate(self, msg: Msg) -> None:
        """Learns one window. A message that is no aggregate goes to DEAD (once: not again in later replays)."""
        try:
            aggregate = self._decoder.decode(msg.data)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            if msg.metadata.timestamp.timestamp() >= self._started:
                await self._bus.refuse(msg, str(invalid_payload(error)), by=self._bus.name)
            return
        fresh = self._now() - aggregate.window_start / 1000 - 1.0 <= FRESH_S
        traceparent = msg.headers.get("traceparent") if msg.headers and fresh else None
        if not telemetry.sampled(traceparent):
            self._take(aggregate, fresh)
            return
        about = {
            attributes.MESSAGING_SYSTEM: attributes.NATS,
            attributes.MESSAGING_DESTINATION: "AGGREGATES",
            attributes.MESSAGING_OPERATION_TYPE: "process",
            attributes.TENANT: aggregate.tenant,
            attributes.METRIC: aggregate.metric,
        }
        parent = telemetry.extract(traceparent)
        with telemetry.span("process AGGREGATES", kind=SpanKind.CONSUMER, parent=parent, attributes=about):
            self._take(aggregate, fresh)

    def _take(self, aggregate: Aggregate, fresh: bool) -> None:
        for finding in self._engine.take(aggregate):
            if self._worth_telling(finding, fresh):
                insight = insights.anomaly(finding)
                self._outbox.put_nowait(insight, telemetry.current_traceparent())
                if finding.change is not None:
                    log.info(insight.message, extra={"phase": insight.phase, "score": round(finding.score, 5)})
        refused = self._engine.table.refused
        if refused > self._complained:
            if not self._complained:
                log.warning("too many series: new ones are not watched", extra={"limit": self._engine.table.capacity})
            self._complained = refused

    def _worth_telling(self, finding: Finding, fresh: bool) -> bool:
        """Alarms of fresh windows; ends of what was announced; what a series knows, whenever that was."""
        change = finding.change
        if change is None:
            return True
        incidents = self._engine.incidents
        if change.phase in (Phase.RESOLVED, Phase.ADAPTED):
            return incidents.announced(change.row)
        if fresh:
            incidents.announce(change.row)
        return fresh
