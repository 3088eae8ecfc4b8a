"""Insights on their way to the bus, until each is confirmed: alarms in order and before all else, forecasts as they may.

Alarms (and what a series knows, which tells the same of its state) follow from messages, and an artefact says that all up to
a message was published. So none of them ever gives way: while there is no :attr:`~Outbox.room` for more, reading waits too. A
forecast is made anew soon: of each series and horizon only the newest waits, at most :data:`FORECASTS` in all, and no save
waits for them.

Nothing is published while ``allowed`` says no (no lease: others may speak for our series), and what a partition has waiting is
thrown away when the partition goes to another replica, which will say it from the same messages.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Container
from typing import NamedTuple

from drishti.bus.connection import Bus
from drishti.errors import BusRefused, BusUnavailable, DuplicateMessage
from drishti.events import ForecastInsight, SeriesInsight, encode
from drishti.messages import subjects
from drishti.rate_limited_log import RateLimitedLog
from predictor.anomalies import insights

log = logging.getLogger(__name__)

OUTBOX = 2000
"""Alarms that wait for the bus before the reading does. What one message brings may be on top of it."""

FORECASTS = 2000
"""Forecasts that wait for the bus. Of more the oldest gives way, and the log says so."""

RETRY_S = 1.0
HELD_S = 0.1
"""How often is looked whether publishing is allowed again."""

TELL_S = 60.0


class _Item(NamedTuple):
    partition: int
    insight: SeriesInsight
    traceparent: str | None


class Outbox:
    """``put_nowait`` from the event loop, :meth:`run` beside it. ``dropped`` counts forecasts that were never said because
    too many waited; one that a newer one of its series replaced is not among them, nor is any alarm. ``repeated`` counts what
    the bus had already. ``room`` is set while fewer than :data:`OUTBOX` alarms wait: nothing that brings alarms is to be done
    without it."""

    def __init__(self, bus: Bus, *, allowed: Callable[[], bool] = lambda: True) -> None:
        self._bus = bus
        self._allowed = allowed
        self._alarms: deque[_Item] = deque()
        self._forecasts: dict[tuple[object, ...], _Item] = {}
        self._arrived = asyncio.Event()
        self.room = asyncio.Event()
        self._announced = asyncio.Event()
        self._empty = asyncio.Event()
        self._tell = RateLimitedLog(TELL_S)
        self.dropped = 0
        self.repeated = 0
        self._note()

    def put_nowait(self, partition: int, insight: SeriesInsight, traceparent: str | None = None) -> None:
        item = _Item(partition, insight, traceparent)
        if isinstance(insight, ForecastInsight):
            self._put_forecast(_forecast_of(insight), item)
        else:
            self._alarms.append(item)
        self._note()

    def discard(self, partitions: Container[int]) -> set[int]:
        """Throws away what waits of ``partitions``; returns those of which an alarm did."""
        unsaid = {item.partition for item in self._alarms if item.partition in partitions}
        self._alarms = deque(item for item in self._alarms if item.partition not in unsaid)
        self._forecasts = {key: item for key, item in self._forecasts.items() if item.partition not in partitions}
        self._note()
        return unsaid

    async def run(self) -> None:
        """Publishes for ever; what was not confirmed is sent again (the bus drops repetitions)."""
        while True:
            await self._arrived.wait()
            if not self._allowed():
                await asyncio.sleep(HELD_S)
                continue
            item = self._next()
            if not await self._publish(item):
                await asyncio.sleep(RETRY_S)
            else:
                self._settle(item)

    async def wait_announced(self) -> None:
        """Returns when no alarm waits."""
        await self._announced.wait()

    async def wait_empty(self) -> None:
        """Returns when nothing waits, no forecast either."""
        await self._empty.wait()

    def _put_forecast(self, key: tuple[object, ...], item: _Item) -> None:
        self._forecasts.pop(key, None)  # the newer one stands at the end
        if len(self._forecasts) >= FORECASTS:
            del self._forecasts[next(iter(self._forecasts))]
            self.dropped += 1
            if self._tell.due():
                log.warning("too many forecasts wait for the bus, the oldest is dropped", extra={"dropped": self.dropped})
        self._forecasts[key] = item

    def _next(self) -> _Item:
        return self._alarms[0] if self._alarms else next(iter(self._forecasts.values()))

    def _settle(self, item: _Item) -> None:
        """Takes away what was said, where it was not replaced or thrown away meanwhile."""
        if self._alarms and self._alarms[0] is item:
            self._alarms.popleft()
        elif isinstance(item.insight, ForecastInsight) and self._forecasts.get(key := _forecast_of(item.insight)) is item:
            del self._forecasts[key]
        self._note()

    def _note(self) -> None:
        for event, holds in (
            (self._arrived, bool(self._alarms or self._forecasts)),
            (self.room, len(self._alarms) < OUTBOX),
            (self._announced, not self._alarms),
            (self._empty, not self._alarms and not self._forecasts),
        ):
            if holds:
                event.set()
            else:
                event.clear()

    async def _publish(self, item: _Item) -> bool:
        insight, traceparent = item.insight, item.traceparent
        subject = subjects.insights(insight.tenant, insight.kind, insight.metric)
        headers = {"traceparent": traceparent} if traceparent else None
        try:
            await self._bus.publish(subject, encode(insight), msg_id=insights.message_id(insight), headers=headers)
        except DuplicateMessage:
            # Only predictors publish insights, and an id names the fact: this one, or another replica before it, has said it.
            self.repeated += 1
        except BusUnavailable as error:
            log.warning(
                "insight waits for the bus", extra={"reason": str(error), "waiting": len(self._alarms) + len(self._forecasts)}
            )
            return False
        except BusRefused as error:  # the same every time: the others must not wait behind it
            self.dropped += 1
            log.error("insight cannot be published", extra={"reason": str(error), "metric": insight.metric})  # noqa: TRY400 - the reason is in it
        return True


def _forecast_of(insight: ForecastInsight) -> tuple[object, ...]:
    """Equal for the forecasts that say the same of different moments."""
    return insight.tenant, insight.metric, insight.field, tuple(sorted(insight.labels.items())), insight.horizon_ms
