"""The bus's door: aggregates in, insights out.

:class:`Handlers` finds the partition of a message, decodes what is its own, asks the engine, and puts what is to be told
into the outbox.

A window alarms when it was fresh as the bus stored it: that is the same for every replica that ever reads it, so all of them
agree on what was announced. What is read later than that is told all the same as long as the bus still drops repetitions:
whoever takes over says what the other had no time to say. Older windows (the history at start, a backlog after an outage) are
learnt and not alarmed; an incident that is still going on when the present is reached is told then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

import msgspec
from nats.aio.msg import Msg
from opentelemetry.trace import SpanKind

from drishti import attributes, telemetry
from drishti.bus import Bus
from drishti.catalogue import DUPLICATE_WINDOW_S
from drishti.events import RESOLUTION_MS, Aggregate, invalid_payload
from predictor import insights, shares
from predictor.engine import Finding
from predictor.incidents import Phase
from predictor.models import Position
from predictor.outbox import Outbox
from predictor.partitions import Partition, Partitions

log = logging.getLogger(__name__)

FRESH_S = 15.0
"""A window that ended longer before it was stored raises no alarm: nobody is helped by hearing of it as if it were now."""

REPEAT_S = DUPLICATE_WINDOW_S - 30.0
"""What was stored longer ago is not told again: the bus might have forgotten that it was. Longer than a takeover after
the longest gap between two saves (a minute and ten seconds)."""

TURN_S = 0.02
"""A history of thousands of windows waits for nothing in between: after so long the heartbeat and the outbox get a turn."""

Clock = Callable[[], float]


class Handlers:
    """``take_aggregate`` is called with every message of AGGREGATES, in order, while one reading lasts.

    ``now`` is the clock, in seconds. When it is not ``allowed`` any more (the share is another), the reading is ``ended``, and
    nothing further is taken in it.
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
    ) -> None:
        self._bus = bus
        self._partitions = partitions
        self._outbox = outbox
        self._allowed = allowed
        self._ended = ended
        self._now = now
        self._decoder = msgspec.json.Decoder(Aggregate)
        self._complained = False
        self._turn = time.monotonic()

    async def take_aggregate(self, msg: Msg) -> None:
        """Learns one window. A message that is no aggregate goes to DEAD (once: not again in later replays)."""
        if not await self._goes_on():
            return
        meta = msg.metadata
        stored = meta.timestamp.timestamp()
        sequence, stored_us = meta.sequence.stream, round(stored * 1e6)
        self._partitions.read_until(stored)
        partition = self._partitions.find(shares.partition(msg.subject))
        if partition is None or partition.position.includes(sequence, stored_us):
            return
        try:
            aggregate = self._decoder.decode(msg.data)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            partition.position = Position(sequence, stored_us)
            if self._now() - stored <= REPEAT_S:
                await self._bus.refuse(msg, str(invalid_payload(error)), by=self._bus.name)
            return
        fresh = self._fresh(aggregate, stored, partition)
        self._traced(partition, aggregate, fresh, msg.headers.get("traceparent") if msg.headers and fresh else None)
        partition.position = Position(sequence, stored_us)

    async def take_past(self, msg: Msg, before: float) -> None:
        """Learns a minute or an hour of a partition that is learnt anew. What was stored ``before`` or later ends the reading.

        The position stays where it is: nothing here is a second, and a minute that comes twice is the same minute.
        """
        if not await self._goes_on():
            return
        partition = self._partitions.find(shares.partition(msg.subject))
        if msg.metadata.timestamp.timestamp() >= before:
            self._ended.set()
        elif partition is not None and partition.number in self._partitions.anew:
            with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):  # refused when it came
                partition.engine.take(self._decoder.decode(msg.data))

    async def _goes_on(self) -> bool:
        if time.monotonic() - self._turn > TURN_S:
            await asyncio.sleep(0)
            self._turn = time.monotonic()
        if not self._allowed():
            self._ended.set()
        return not self._ended.is_set()

    def _fresh(self, aggregate: Aggregate, stored: float, partition: Partition) -> bool:
        ended = (aggregate.window_start + RESOLUTION_MS[aggregate.resolution]) / 1000
        # what nobody has read before, nobody has told either: it is history
        late_s = REPEAT_S if partition.restored else FRESH_S
        return stored - ended <= FRESH_S and self._now() - stored <= late_s

    def _traced(self, partition: Partition, aggregate: Aggregate, fresh: bool, traceparent: str | None) -> None:
        if not telemetry.sampled(traceparent):
            self._take(partition, aggregate, fresh)
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
            self._take(partition, aggregate, fresh)

    def _take(self, partition: Partition, aggregate: Aggregate, fresh: bool) -> None:
        engine = partition.engine
        for finding in engine.take(aggregate):
            if self._worth_telling(partition, finding, fresh):
                insight = insights.anomaly(finding)
                self._outbox.put_nowait(partition.number, insight, telemetry.current_traceparent())
                if finding.change is not None:
                    log.info(insight.message, extra={"phase": insight.phase, "score": round(finding.score, 5)})
        if engine.table.refused and not self._complained:
            self._complained = True
            about_limit = {"limit": engine.table.capacity, "metric": aggregate.metric}
            log.warning("too many series: new ones are not watched", extra=about_limit)

    def _worth_telling(self, partition: Partition, finding: Finding, fresh: bool) -> bool:
        """Alarms of fresh windows; ends of what was announced; what a series knows, whenever that was."""
        change = finding.change
        if change is None:
            return True
        incidents = partition.engine.teller(finding)
        if change.phase in (Phase.RESOLVED, Phase.ADAPTED):
            return incidents.announced(change.row)
        if fresh:
            incidents.announce(change.row)
        return fresh
