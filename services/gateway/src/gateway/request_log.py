"""The gateway's own requests as request events, in micro-batches beside the requests themselves.

How this works
--------------
:meth:`RequestLog.add` puts one event into a list in memory and returns. :meth:`RequestLog.run` publishes what has gathered
every :data:`INTERVAL_S`, or as soon as :data:`BATCH` are there, one message per tenant. A message that the bus did not confirm
is sent again, under the same id, before any other.

Bounds: at most ``capacity`` events wait. Overflow policy *drop newest*: during an outage the requests before it are kept; what
is dropped is counted in ``dropped`` and said in the log.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from datetime import UTC, datetime
from itertools import count, groupby
from typing import NamedTuple

from drishti.errors import BusRefused, BusUnavailable
from drishti.events import RequestEvent, encode
from drishti.messages import subjects
from gateway.ingest.publishing import IngestPublisher

log = logging.getLogger(__name__)

BATCH = 200
INTERVAL_S = 0.1
CAPACITY = 20_000
RETRY_S = 1.0
DRAIN_S = 3.0
"""How long the last events may take when the gateway ends."""


class _Batch(NamedTuple):
    tenant: str
    payload: bytes
    ident: str
    size: int


class RequestLog:
    """Served requests on their way to REQUESTS. ``service`` is the gateway's own name, as it was given."""

    def __init__(self, publisher: IngestPublisher, *, service: str, capacity: int = CAPACITY) -> None:
        self._publisher = publisher
        self._service, self._service_name = subjects.token(service), subjects.given_name(service)
        self._capacity = capacity
        self._waiting: list[tuple[str, RequestEvent]] = []
        self._unsent: deque[_Batch] = deque()
        self._unsent_events = 0
        self._enough = asyncio.Event()
        self._prefix = secrets.token_hex(8)
        self._numbers = count(1)
        self.dropped = 0

    def add(
        self,
        tenant: str,
        method: str,
        route: str,
        status: int,
        *,
        duration_s: float,
        error: str | None = None,
        traceparent: str | None = None,
    ) -> None:
        """One served request, which is over now. Never blocks and never raises."""
        if len(self._waiting) + self._unsent_events >= self._capacity:
            self.dropped += 1
            if self.dropped % 1000 == 1:
                log.warning("request events are dropped, the bus does not take them", extra={"dropped": self.dropped})
            return
        event = RequestEvent(
            event_id=f"{self._prefix}-{next(self._numbers)}",
            service=self._service,
            service_name=self._service_name,
            method=method,
            route=route,
            status=status,
            duration_ms=duration_s * 1000,
            timestamp=datetime.now(UTC),
            error=error,
            traceparent=traceparent,
        )
        self._waiting.append((tenant, event))
        if len(self._waiting) == BATCH:
            self._enough.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Publishes until ``stop``."""
        while not stop.is_set():
            try:
                async with asyncio.timeout(INTERVAL_S):
                    await self._enough.wait()
            except TimeoutError:
                pass
            self._enough.clear()
            try:
                await self.flush()
            except BusUnavailable as error:
                log.warning("request events wait for the bus", extra={"reason": str(error), "events": len(self)})
                await asyncio.sleep(RETRY_S)

    async def drain(self) -> None:
        """The last events, where the bus takes them in time."""
        try:
            async with asyncio.timeout(DRAIN_S):
                await self.flush()
        except (BusUnavailable, TimeoutError) as error:
            log.warning("request events are lost", extra={"reason": str(error) or "no time left", "events": len(self)})

    async def flush(self) -> None:
        """Publishes everything that waits now; raises :class:`BusUnavailable` and keeps what was not confirmed."""
        waiting, self._waiting = self._waiting, []
        waiting.sort(key=lambda entry: entry[0])
        for tenant, entries in groupby(waiting, key=lambda entry: entry[0]):
            events = [event for _, event in entries]
            for start in range(0, len(events), BATCH):
                part = events[start : start + BATCH]
                self._unsent.append(_Batch(tenant, encode(part), part[0].event_id, len(part)))
                self._unsent_events += len(part)
        while self._unsent:
            batch = self._unsent[0]
            try:
                await self._publisher.requests(batch.tenant, self._service, batch.payload, batch.ident)
            except BusRefused as error:  # the same every time: the others must not wait behind it
                log.error("request events are lost", extra={"reason": str(error), "events": batch.size})  # noqa: TRY400 - the reason is in it
            self._unsent.popleft()
            self._unsent_events -= batch.size

    def __len__(self) -> int:
        return len(self._waiting) + self._unsent_events
