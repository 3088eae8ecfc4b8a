"""The two ways out of an application: straight onto NATS, or over HTTP to the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import encodings.idna  # noqa: F401 - else imported with the first host name, in a thread that a fork may interrupt
import http.client
import logging
import ssl
import time
from email.utils import parsedate_to_datetime

import msgspec
from msgspec import Struct
from nats.aio.client import Client
from nats.js import api

import drishti
from drishti.bus.publish import AckedPublisher
from drishti.errors import BusRefused, BusUnavailable, DuplicateMessage
from drishti.messages import subjects
from drishti.sdk.addresses import address, gateway_at
from drishti.sdk.buffer import BufferedEvent
from drishti.sdk.delivery import IdTaken, RefusedEvent, TooLarge, Undelivered
from drishti.settings import BusSettings

log = logging.getLogger(__name__)

ACK_S = 5.0
CONNECT_S = 2.0
HTTP_TIMEOUT_S = 10.0


def _array(items: list[BufferedEvent]) -> bytes:
    return b"[" + b",".join(item.body for item in items) + b"]"


class NatsTransport:
    """One message per batch, of one subject; sent when JetStream has acked it. Connects at the first batch, heals for ever."""

    slots = 8

    def __init__(self, settings: BusSettings, source: str) -> None:
        self._settings = settings
        self._source = source
        self._nc = Client()
        self._publisher = AckedPublisher(self._nc)
        self._unconfirmed: set[str] = set()
        self._connecting: asyncio.Task[None] | None = None
        self._reason = "not connected yet"
        hosts = [address(url, "nats") for url in settings.url.split(",")]
        if not all(host.hostname for host in hosts):
            raise ValueError("DRISHTI_NATS_URL: an address without a host")
        self._name = ",".join(f"nats://{a.hostname}:{a.port or 4222}" for a in hosts)

    def __str__(self) -> str:
        return self._name

    def partition(self, item: BufferedEvent) -> str:
        return item.subject

    async def send(self, batch_id: str, items: list[BufferedEvent]) -> list[RefusedEvent]:
        await self._connected()
        subject = items[0].subject
        headers = {
            api.Header.MSG_ID.value: batch_id,
            "content-type": "application/json",
            "ce-specversion": "1.0",
            "ce-id": batch_id,
            "ce-source": self._source,
            "ce-type": subjects.family(subject),
        }
        if len(items) == 1 and items[0].traceparent is not None:
            headers["traceparent"] = items[0].traceparent
        payload = items[0].body if len(items) == 1 else _array(items)
        try:
            await self._publisher.publish(subject, payload, headers, ACK_S)
        except DuplicateMessage as error:
            # The ack of an earlier attempt was lost; without one, the id is another sender's.
            if batch_id not in self._unconfirmed:
                raise IdTaken(str(error)) from error
        except BusRefused as error:
            if error.too_large:
                raise TooLarge(f"{len(payload)} bytes are more than this NATS takes") from error
            raise Undelivered(str(error)) from error
        except BusUnavailable as error:
            self._unconfirmed.add(batch_id)
            raise Undelivered(f"{error} ({self._reason})" if self._reason else str(error)) from error
        self._unconfirmed.discard(batch_id)
        self._reason = ""
        return []

    async def close(self) -> None:
        if self._connecting is not None and not self._connecting.done():
            self._connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._connecting
        await self._publisher.close()
        if not self._nc.is_closed:
            await self._nc.close()

    async def _connected(self) -> None:
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name="connect-nats")
        if not self._connecting.done():
            await asyncio.wait((self._connecting,), timeout=CONNECT_S)
        if self._connecting.done() and (error := self._connecting.exception()) is not None:
            self._connecting = None
            raise Undelivered(f"{error or type(error).__name__}")
        # What is written to a lost connection waits in the client and would be sent beside our own repetition.
        if not self._nc.is_connected:
            raise Undelivered(self._reason or "not connected")

    async def _connect(self) -> None:
        settings = self._settings
        await self._nc.connect(
            [url.strip() for url in settings.url.split(",")],
            name=f"producer {self._source}",
            connect_timeout=2,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            ping_interval=10,
            max_outstanding_pings=2,
            error_cb=self._on_error,
            user=settings.user or None,
            password=settings.password.reveal() or None,
        )
        await self._publisher.start()
        self._reason = ""
        log.debug("connected to %s", self._name)

    async def _on_error(self, error: Exception) -> None:
        # Not logged here: the client tries several times a second, and the producer logs the reason once.
        self._reason = str(error) or type(error).__name__


class _Rejected(Struct):
    index: int = 0
    field: str = ""
    error: str = ""


class _Answer(Struct):
    """What the gateway says of a batch, whole or in part."""

    rejected: list[_Rejected] = []
    error: str = ""


_CONFIGURATION = frozenset({401, 403, 404, 405})
_LATER = frozenset({408, 425, 429})


class HttpTransport:
    """``POST /api/events``: an array of events of any types, over one kept connection.

    It blocks its thread, which has nothing else to do. A wrong key or address (401, 403, 404) is waited out like an outage:
    someone may mend it while the application runs. Request events are not sent this way: the gateway takes analytics events.
    """

    slots = 1

    def __init__(self, url: str, api_key: str) -> None:
        gateway = gateway_at(url, api_key)
        parts = address(gateway.url, "http")
        host = parts.hostname or ""
        self._name = f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
        self._path = parts.path + "/api/events"
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(host, parts.port, timeout=HTTP_TIMEOUT_S, context=context)
        else:
            self._connection = http.client.HTTPConnection(host, parts.port, timeout=HTTP_TIMEOUT_S)
        self._headers = {"Content-Type": "application/json", "User-Agent": f"drishti-python/{drishti.__version__}"}
        if gateway.api_key:
            self._headers["Authorization"] = f"Bearer {gateway.api_key}"
        self._decoder = msgspec.json.Decoder(_Answer)

    def __str__(self) -> str:
        return self._name

    def partition(self, item: BufferedEvent) -> str | None:
        return "" if item.subject.startswith("events.") else None

    async def send(self, batch_id: str, items: list[BufferedEvent]) -> list[RefusedEvent]:
        status, headers, body = self._post(_array(items), {**self._headers, "Idempotency-Key": batch_id})
        answer = self._decode(body)
        reason = f"HTTP {status} {answer.error}".strip()
        if status == 413:
            raise TooLarge(reason)
        if status in _LATER or status >= 500:
            raise Undelivered(reason, _retry_after_s(headers.get("Retry-After"), time.time()))
        if status in _CONFIGURATION:
            raise Undelivered(f"{reason}: are DRISHTI_URL and DRISHTI_API_KEY right?")
        refusals = [RefusedEvent(r.index, r.error, r.field) for r in answer.rejected if 0 <= r.index < len(items)]
        if status < 300 or (status == 422 and refusals):
            return refusals
        return [RefusedEvent(i, reason) for i in range(len(items))]

    async def close(self) -> None:
        self._connection.close()

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, http.client.HTTPMessage, bytes]:
        kept = self._connection.sock is not None
        try:
            return self._exchange(body, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            # A server closes connections it thinks idle; the same ids may be sent again at once.
            self._connection.close()
            if not kept:
                raise Undelivered(repr(error)) from error
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Undelivered(str(error) or repr(error)) from error
        try:
            return self._exchange(body, headers)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Undelivered(str(error) or repr(error)) from error

    def _exchange(self, body: bytes, headers: dict[str, str]) -> tuple[int, http.client.HTTPMessage, bytes]:
        self._connection.request("POST", self._path, body, headers)
        response = self._connection.getresponse()
        return response.status, response.headers, response.read()

    def _decode(self, body: bytes) -> _Answer:
        try:
            return self._decoder.decode(body)
        except msgspec.MsgspecError:  # a proxy's page, say; the status alone must do
            return _Answer()


def _retry_after_s(text: str | None, now: float) -> float | None:
    """Seconds that a ``Retry-After`` asks for, as a number or a date; ``None`` where there is none."""
    if text is None:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - now)
        except ValueError:
            return None
