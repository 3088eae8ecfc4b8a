"""What all handlers of data share: keys, limits, threads that read large bodies, and how messages go to the bus."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from opentelemetry import metrics

from drishti.bus.key_ring import KeyRing
from drishti.errors import BusRefused
from drishti.events import arrival_ns
from drishti.messages import attributes
from drishti.service.disk import Disk
from gateway.errors import RETRY_AFTER_S, Refused
from gateway.forwarding.forwarder import Forwarder
from gateway.ingest import parsing
from gateway.ingest.bodies import Sizes
from gateway.ingest.fair import Reader
from gateway.ingest.limits import Budget, Rates
from gateway.ingest.publishing import IngestPublisher
from gateway.metrics.limits import MetricLimits
from gateway.otlp import exports, sensitive
from gateway.settings import GatewaySettings

log = logging.getLogger(__name__)

READ_INLINE_BYTES = 64 * 1024
"""A larger body is read in a thread: 4 MB of events or 20 MB of an export may take a second, in which others must be served."""

READ_INLINE_PROTOBUF_BYTES = 256 * 1024
"""The same for OTLP in protobuf, which is read in a millisecond: the way to the thread and back would take as long."""

PUBLISHED_AT_ONCE = 64
"""Messages of one request that are on their way at once. Ten thousand tasks begun together would stop the event loop."""

NO_ROOM_RETRY_S = 2

_ON_THE_WAY_NS = int(parsing.ON_THE_WAY.total_seconds()) * 1_000_000_000

T = TypeVar("T")

NO_ANSWER = Refused(503, "the bus did not confirm; send it again", retry_after_s=RETRY_AFTER_S)


class Admission:
    """What all handlers of data share: keys, limits and the publisher."""

    def __init__(
        self, settings: GatewaySettings, ring: KeyRing, publisher: IngestPublisher, disk: Disk, limits: MetricLimits
    ) -> None:
        self.settings = settings
        self.forwarder = Forwarder(settings.forward)
        self.disk = disk
        self._limits = limits
        self._beyond = metrics.get_meter("drishti.gateway").create_counter(
            attributes.GATEWAY_OTLP_BEYOND_LIMITS,
            "{data_point}",
            "OTLP data points rejected because of a limit of their tenant",
        )
        self._sensitive = sensitive.Policy(settings.keep_content, settings.keep_credentials)
        self._dropped = metrics.get_meter("drishti.gateway").create_counter(
            attributes.GATEWAY_OTLP_DROPPED_ATTRIBUTES,
            "{attribute}",
            "attributes of OTLP data left out because they are named as secrets or content",
        )
        self.ring = ring
        self.publisher = publisher
        self.max_events = settings.events
        self.sizes = Sizes(settings.body_bytes, settings.inflated_bytes)
        self.budget = Budget(settings.in_flight_bytes, settings.in_flight_requests)
        self.rates = Rates(settings.events_per_s)
        self.otlp_sizes = Sizes(settings.otlp_body_bytes, settings.otlp_inflated_bytes)
        self.otlp_budget = Budget(settings.otlp_in_flight_bytes, settings.in_flight_requests)
        self.inflater = Reader("inflate")
        self._events_reader = Reader("events")
        self._otlp_reader = Reader("otlp")

    def require_room(self) -> None:
        """Raises :class:`Refused` while the bus or the database has too little room on its disk to keep more."""
        if self.disk.full:
            raise Refused(503, f"nothing is taken in: {self.disk.full}", retry_after_s=NO_ROOM_RETRY_S)

    async def read_events(self, tenant: str, size: int, read: Callable[[datetime], T]) -> T:
        """What ``read`` makes of ``size`` bytes that arrive now: large ones in a thread."""
        read_now = partial(read, datetime.now(UTC))
        return read_now() if size <= READ_INLINE_BYTES else await self._events_reader.read(tenant, read_now)

    async def read_export(self, tenant: str, signal: exports.Signal, body: bytes, *, json: bool) -> exports.Export:
        """The messages of an export request; raises :class:`InvalidPayload`."""
        limits = self._limits.of(tenant) if signal == "metrics" else None
        when = arrival_ns(time.time_ns(), margin_ns=_ON_THE_WAY_NS)
        read = partial(exports.read, signal, body, json=json, when=when, limits=limits, sensitive=self._sensitive.of(tenant))
        inline = READ_INLINE_BYTES if json else READ_INLINE_PROTOBUF_BYTES
        export = read() if len(body) <= inline else await self._otlp_reader.read(tenant, read)
        if export.beyond:
            self._beyond.add(export.beyond, {attributes.TENANT: tenant})
        if export.dropped:
            self._dropped.add(export.dropped, {attributes.TENANT: tenant})
        return export


def unpublishable(error: BusRefused, tenant: str) -> Refused:
    """The answer where the bus will never take a message: the same request would end the same."""
    log.warning("the bus refused a message", extra={"tenant": tenant, "reason": str(error)})
    if error.too_large:
        return Refused(
            413, "one event, or the data of one service, is larger than a message on the bus may be: send less at once"
        )
    return Refused(422, "the bus does not take this message")


async def publish_all(count: int, publishing: Iterator[Coroutine[Any, Any, None]]) -> None:
    """Waits for all ``count``, some at once, then raises the first failure: an answer goes out only when nothing of the request
    is on its way. After a failure no further one is begun: the sender sends the whole again."""
    if count == 1:
        await next(publishing)
        return
    failures: list[Exception] = []

    async def work() -> None:
        for coroutine in publishing:
            try:
                await coroutine
            except Exception as error:
                failures.append(error)
            if failures:
                return

    await asyncio.gather(*(work() for _ in range(min(count, PUBLISHED_AT_ONCE))))
    if failures:
        raise failures[0]
