"""The gateway's way to the bus: messages out, each confirmed by JetStream."""

from __future__ import annotations

import hashlib
import secrets
import zlib

from blake3 import blake3

from drishti.errors import BusUnavailable, DuplicateMessage
from drishti.messages import catalogue, subjects
from drishti.service.disk import Disk
from gateway.ingest.fair import FairPlaces
from gateway.ingest.parsing import Message
from gateway.link import Link

ACK_TIMEOUT_S = 5.0
"""How long JetStream may take to confirm; covers a short restart of NATS. After it the sender is asked to try again."""

AT_ONCE = 512
"""Messages that wait for their confirmation at once, of all tenants: less than the connection itself has places for
(:data:`drishti.bus.publish.IN_FLIGHT`), so that nobody waits there, where the first come are the first served."""

_SOURCE = "/drishti/gateway"

_IDENT_BYTES = 16

_SECRET = secrets.token_bytes(32)
"""Of this process, see :class:`IngestPublisher`."""

_EVENTS, _REQUESTS, _SPANS, _METRICS, _LOGS = (
    catalogue.message(name).family for name in ("event", "request", "spans", "metrics", "logs")
)


def ce_headers(kind: str, message: str, media_type: str = "application/json") -> dict[str, str]:
    """CloudEvents' attributes in binary mode."""
    return {
        "content-type": media_type,
        "ce-specversion": "1.0",
        "ce-type": kind,
        "ce-source": _SOURCE,
        "ce-id": message,
    }


class IngestPublisher:
    """Stores messages in the streams; each method returns when JetStream has them, or raises :class:`BusUnavailable` or
    :class:`~drishti.errors.BusRefused`.

    Message ids are of the whole stream, and producers publish to some of these streams too. So an id of events or requests is
    drawn with a secret of this process from all that makes the message: nobody else can have used it, and the stream calls
    a message a duplicate only where this process has stored the very same before, for a sender who repeats it. ``repeated``
    counts those. Repetitions that another process stored are recognised by analytics, event by event.
    """

    def __init__(self, link: Link, disk: Disk, secret: bytes = _SECRET) -> None:
        self._link = link
        self._disk = disk
        self._secret = secret
        self._places = FairPlaces(AT_ONCE)
        self.repeated = 0

    async def events(self, tenant: str, message: Message) -> None:
        """One message of events. Sent again within the stream's duplicate window, it is stored once."""
        # The ids are the sender's; the checksum tells a repetition from the same ids with a mended content.
        payload, ids = message.payload, message.ids
        ident = self._ident(tenant, message.event_type, f"{len(payload)}/{zlib.crc32(payload)}", ids[0], ids[-1])
        headers = ce_headers(_EVENTS, ident)
        if len(message.ids) == 1 and message.traceparents and (traceparent := message.traceparents[0]) is not None:
            headers["traceparent"] = traceparent
        await self._store(tenant, subjects.events(tenant, message.event_type), message.payload, ident, headers)

    async def requests(self, tenant: str, service: str, payload: bytes, ident: str) -> None:
        """Request events of one service; ``ident`` is equal for a repetition and for nothing else."""
        ident = self._ident(tenant, service, ident)
        await self._store(tenant, subjects.requests(tenant, service), payload, ident, ce_headers(_REQUESTS, ident))

    async def spans(self, tenant: str, service: str, payload: bytes) -> None:
        """One ``ResourceSpans``."""
        await self._telemetry(subjects.spans(tenant, service), tenant, payload, _SPANS)

    async def metrics(self, tenant: str, service: str, payload: bytes) -> None:
        """One ``ResourceMetrics``."""
        await self._telemetry(subjects.metrics(tenant, service), tenant, payload, _METRICS)

    async def logs(self, tenant: str, service: str, payload: bytes) -> None:
        """One ``ResourceLogs``."""
        await self._telemetry(subjects.logs(tenant, service), tenant, payload, _LOGS)

    async def _telemetry(self, subject: str, tenant: str, payload: bytes, kind: str) -> None:
        # An exporter that was told 503 sends the same bytes again, maybe to another replica: their hash makes that harmless.
        # Only gateways publish to these streams, so nobody can take an id away; the tenant is in it.
        # No tenant's name has a zero byte, so the last one tells where the payload ends.
        ident = blake3(payload).update(b"\0" + tenant.encode()).hexdigest(_IDENT_BYTES)
        await self._store(tenant, subject, payload, ident, ce_headers(kind, ident, "application/x-protobuf"))

    async def _store(self, tenant: str, subject: str, payload: bytes, ident: str, headers: dict[str, str]) -> None:
        await self._places.enter(tenant)
        try:
            if self._disk.full:
                raise BusUnavailable(self._disk.full)
            await self._link.bus.publish(subject, payload, msg_id=ident, headers=headers, timeout_s=ACK_TIMEOUT_S)
        except DuplicateMessage:
            self.repeated += 1
        finally:
            self._places.leave()

    def _ident(self, *parts: str) -> str:
        text = "\0".join(parts).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=_IDENT_BYTES, key=self._secret).hexdigest()
