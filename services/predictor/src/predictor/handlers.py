"""Message handlers: aggregates in, insights out.

:class:`Handlers` finds the partition of a message, decodes what is its own, asks the engine, and puts what is to be reported
into the outbox.

A window alarms when it was fresh as the bus stored it. That is the same for every replica that ever reads it, no matter when
and with which clock, so all of them agree on what was announced, and whoever reads that it is over says so: the end of what was
announced is always reported. The alarm itself is reported only as long as the bus still drops repetitions: whoever takes over
says what the other had no time to say, and leaves to it what is older. Windows that nobody read before (the history at start, a
backlog after an outage) are learnt and not alarmed; an incident that is still going on when the present is reached is reported
then.

A window that ends after the bus stored it by more than a clock may be wrong is passed over: taken, it would make all of its
metric until then a thing of the past.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

import msgspec
from opentelemetry.trace import SpanKind

from drishti.bus.connection import Bus
from drishti.bus.deliveries import Message
from drishti.events import RESOLUTION_MS, Aggregate, invalid_payload
from drishti.messages import attributes, subjects
from drishti.messages.catalogue import AGGREGATES, DUPLICATE_WINDOW_S
from drishti.rate_limited_log import RateLimitedLog
from drishti.telemetry import spans
from drishti.waiting import pause
from predictor.anomalies import insights
from predictor.anomalies.findings import Finding
from predictor.anomalies.lifecycle import ENDS
from predictor.artefacts.artefact import Position
from predictor.errors import ContradictoryInsight
from predictor.replicas import assignment
from predictor.replicas.outbox import Outbox
from predictor.replicas.partitions import Partition, Partitions
from predictor.series.policies import Policies

log = logging.getLogger(__name__)

FRESH_S = 15.0
"""A window that ended longer before it was stored raises no alarm: nobody is helped by hearing of it as if it were now."""

REPEAT_S = DUPLICATE_WINDOW_S - 30.0
"""What was stored longer ago is not reported again: the bus might have forgotten that it was. Longer than a takeover after
the longest gap between two saves (:data:`~predictor.settings.SAVE_MOST_S` and the time that the saving takes)."""

AHEAD_S = 60.0
"""A window that ends later than so long after the bus stored it is from the future."""

TELL_S = 60.0
"""How often is said that there are such windows."""

ROOM_S = 0.1
"""While the outbox is full: how often is looked whether the reading has ended."""

TURN_S = 0.02
"""A history of thousands of windows waits for nothing in between: after so long the heartbeat and the outbox get a turn."""

SHARE_S = 10.0
"""How often the room for series is shared anew while there is not enough."""

Clock = Callable[[], float]


class Handlers:
    """``take_aggregate`` is called with every message of AGGREGATES, in order, while one reading lasts.

    ``now`` is the time of the bus, in seconds. When it is not ``allowed`` any more (the share is another), the reading is
    ``ended``, and nothing further is taken in it.
    """

    def __init__(
        self,
        bus: Bus,
        partitions: Partitions,
        outbox: Outbox,
        *,
        allowed: Callable[[], bool],
        ended: asyncio.Event,
        now: Clock,
        policies: Policies | None = None,
    ) -> None:
        self._policies = policies or Policies()
        self._bus = bus
        self._partitions = partitions
        self._outbox = outbox
        self._allowed = allowed
        self._ended = ended
        self._now = now
        self._decoder = msgspec.json.Decoder(Aggregate)
        self._from_the_future = RateLimitedLog(TELL_S)
        self._turn = time.monotonic()
        self._shared_at = 0.0

    async def take_aggregate(self, msg: Message) -> None:
        """Learns one window. A message that is no aggregate goes to DEAD (once: not again in later replays)."""
        if not await self._goes_on():
            return
        meta = msg.metadata
        stored = meta.timestamp.timestamp()
        sequence, stored_us = meta.sequence.stream, round(stored * 1e6)
        self._partitions.read_until(stored)
        if not self._policies.learnt(*assignment.metric_of(msg.subject)):
            return
        partition = self._partitions.find(assignment.partition(msg.subject))
        if partition is None or partition.position.includes(sequence, stored_us):
            return
        try:
            aggregate = self._decoder.decode(msg.data)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            partition.position = Position(sequence, stored_us)
            if self._now() - stored <= REPEAT_S:
                await self._bus.refuse(msg, str(invalid_payload(error)), by=self._bus.name)
            return
        if self._may_be(aggregate, stored):
            fresh = stored - _ended(aggregate) <= FRESH_S
            late_s = self._now() - stored
            # what nobody has read before, nobody has reported either: it is history
            alarms = fresh and (partition.restored or late_s <= FRESH_S)
            reported = alarms and late_s <= REPEAT_S
            parent = msg.headers.get("traceparent") if msg.headers and reported else None
            self._traced(partition, aggregate, alarms, reported, parent, catching_up=late_s > FRESH_S)
        partition.position = Position(sequence, stored_us)

    async def take_past(self, msg: Message, before: float) -> None:
        """Learns a minute or an hour of a partition that is learnt anew. What was stored ``before`` or later ends the reading.

        The position stays where it is: nothing here is a second, and a minute that comes twice is the same minute.
        """
        if not await self._goes_on():
            return
        partition = self._partitions.find(assignment.partition(msg.subject))
        stored = msg.metadata.timestamp.timestamp()
        if stored >= before:
            self._ended.set()
        elif not self._policies.learnt(*assignment.metric_of(msg.subject)):
            return
        elif partition is not None and partition.number in self._partitions.anew:
            with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):  # refused when it came
                aggregate = self._decoder.decode(msg.data)
                if self._may_be(aggregate, stored):
                    self._learn(partition, aggregate)

    async def _goes_on(self) -> bool:
        if time.monotonic() - self._turn > TURN_S:
            await asyncio.sleep(0)
            self._turn = time.monotonic()
        if self._partitions.budget.crowded and time.monotonic() - self._shared_at > SHARE_S:
            self.share_out()
            self._shared_at = time.monotonic()
        while self._reads_on() and not self._outbox.room.is_set():
            await pause(self._outbox.room, ROOM_S)
        return not self._ended.is_set()

    def _reads_on(self) -> bool:
        if not self._allowed():
            self._ended.set()
        return not self._ended.is_set()

    def _may_be(self, aggregate: Aggregate, stored: float) -> bool:
        """False of a window that is final before its time."""
        ahead_s = _ended(aggregate) - stored
        if not aggregate.final or ahead_s <= AHEAD_S:
            return True
        if self._from_the_future.due():
            about = {
                "tenant": aggregate.tenant,
                "metric": aggregate.metric,
                "resolution": aggregate.resolution,
                "ahead_s": round(ahead_s, 1),
                "others": self._from_the_future.skipped,
            }
            log.warning("window from the future is passed over: is the clock of who made it right?", extra=about)
        return False

    def _traced(
        self,
        partition: Partition,
        aggregate: Aggregate,
        alarms: bool,
        reported: bool,
        traceparent: str | None,
        *,
        catching_up: bool,
    ) -> None:
        if not spans.sampled(traceparent):
            self._take(partition, aggregate, alarms, reported, catching_up)
            return
        about = {
            attributes.MESSAGING_SYSTEM: attributes.NATS,
            attributes.MESSAGING_DESTINATION: AGGREGATES,
            attributes.MESSAGING_OPERATION_TYPE: "process",
            attributes.TENANT: aggregate.tenant,
            attributes.METRIC: aggregate.metric,
        }
        parent = spans.extract(traceparent)
        with spans.span("process AGGREGATES", kind=SpanKind.CONSUMER, parent=parent, attributes=about):
            self._take(partition, aggregate, alarms, reported, catching_up)

    def _take(self, partition: Partition, aggregate: Aggregate, alarms: bool, reported: bool, catching_up: bool) -> None:
        for finding in self._learn(partition, aggregate):
            if self._worth_reporting(partition, finding, alarms, reported):
                self._report(partition, finding, catching_up=catching_up)

    def _report(self, partition: Partition, finding: Finding, *, catching_up: bool = False) -> None:
        try:
            insight = insights.anomaly(finding, catching_up=catching_up)
        except ContradictoryInsight:
            log.exception("an alarm contradicts itself and is not sent")
            return
        self._outbox.put_nowait(partition.number, insight, spans.current_traceparent())
        if finding.change is not None:
            log.info(insight.message, extra={"phase": insight.phase, "score": round(finding.score, 5)})

    def rewatch(self) -> None:
        """Puts the definitions of now into effect for the series that are there: what is not watched any more is forgotten,
        and the end of its incidents reported."""
        for partition in self._partitions.held:
            for finding in partition.engine.rewatch(int(self._now())):
                self._report(partition, finding)

    def share_out(self) -> None:
        """Shares the room for series anew between tenants and metrics. What there is no room for is forgotten; that, and the
        end of its incidents, is reported."""
        now = int(self._now())
        if more := self._partitions.budget.share_out(now):
            for partition in self._partitions.held:
                for finding in partition.engine.give_up(more, now):
                    self._report(partition, finding)
        for (tenant, metric), watched, unwatched in self._partitions.refusals.changes(now):
            number = assignment.partition(subjects.aggregates(tenant, "1s", metric))
            limit = self._partitions.budget.most
            self._outbox.put_nowait(number, insights.unwatched(tenant, metric, watched, unwatched, now, limit=limit))

    def _learn(self, partition: Partition, aggregate: Aggregate) -> list[Finding]:
        table = partition.engine.table
        before = table.refused
        findings = partition.engine.take(aggregate)
        if table.refused > before:
            self._partitions.refusals.note(aggregate.tenant, aggregate.metric, table.refused - before, limit=table.capacity)
        return findings

    def _worth_reporting(self, partition: Partition, finding: Finding, alarms: bool, reported: bool) -> bool:
        """Alarms that can be reported; ends of what was announced, by whomever; what a series knows, whenever that was, but
        whether it is judged only of now."""
        change = finding.change
        if finding.reason is not None:
            return True
        if change is None:
            return reported or finding.judgement is None
        incidents = partition.engine.cycle_of(finding)
        if change.phase in ENDS:
            return incidents.announced(change.row)
        if alarms:
            incidents.announce(change.row)
        return reported


def _ended(aggregate: Aggregate) -> float:
    """When the window was over, in seconds."""
    return (aggregate.window_start + RESOLUTION_MS[aggregate.resolution]) / 1000
