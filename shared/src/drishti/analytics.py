"""Tell Drishti what users and the application do.

::

    from drishti.analytics import AnalyticsEvent, AnalyticsEventType, analytics

    await analytics.track_event(AnalyticsEvent(event_id="unique_id", event_type=AnalyticsEventType.DHARMA_QUERY,
                                               user_id="user123", data={"query": "meditation guidance", "satisfaction": 4.5}))

``analytics`` is configured by the environment at its first use: ``DRISHTI_NATS_URL`` sends straight onto NATS, else
``DRISHTI_URL`` with ``DRISHTI_API_KEY`` over HTTP to the gateway; with neither, events are dropped and one warning says so.

No call here waits for the network or raises into the application: what cannot be sent is counted (``statistics()``) and
logged once per kind. Events are sent in batches by a thread of the client's own, repeated with the same ids until they are
confirmed, and flushed when the process ends by itself (for at most :data:`EXIT_FLUSH_S`): at interpreter exit, at the end of
a worker of ``multiprocessing``, and at the shutdown of an instrumented ASGI application. What else happens in the life of a
process is in docs/sdk.md.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import dataclasses
import logging
import os
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from drishti import settings
from drishti.errors import InvalidPayload, InvalidSubject, SettingsError
from drishti.events import AnalyticsEvent, AnalyticsEventType, RequestEvent
from drishti.messages import subjects
from drishti.sdk import recording
from drishti.sdk.buffer import BufferedEvent
from drishti.sdk.delivery import Counts, Transport
from drishti.sdk.event_encoding import Encoded, EventEncoder
from drishti.sdk.process_life import at_end_of_worker, forks_wait
from drishti.sdk.producer import LINGER_S, Producer
from drishti.settings import BusSettings, Secret, setting
from drishti.telemetry import setup, spans

__all__ = ["Analytics", "AnalyticsEvent", "AnalyticsEventType", "Statistics", "analytics", "track_event"]

log = logging.getLogger(__name__)

CAPACITY = 10_000
"""Events that may wait in memory; when they do, newer ones are dropped and counted."""

MAX_LEFT_TOLD = 10
"""Values of one event that the log names; all are counted."""

T = TypeVar("T", AnalyticsEvent, RequestEvent)

EXIT_FLUSH_S = 3.0
FLUSH_S = 5.0
JOIN_S = 2.0


@dataclass(frozen=True, kw_only=True)
class ProducerSettings:
    """How an application that uses the SDK reaches Drishti."""

    nats_url: str = setting("DRISHTI_NATS_URL", "NATS to publish to; goes before DRISHTI_URL", "")
    nats_user: str = setting("NATS_USER", "user at NATS, where the URL names none", "")
    nats_password: Secret = setting("NATS_PASSWORD", "password of NATS_USER", Secret())
    url: str = setting("DRISHTI_URL", "address of the gateway, for producers that use HTTP", "")
    api_key: Secret = setting("DRISHTI_API_KEY", "key for the gateway", Secret())
    tenant: str = setting("DRISHTI_TENANT", "tenant that events belong to", subjects.DEFAULT_TENANT)
    service: str = setting("OTEL_SERVICE_NAME", "name of this application", "")


class Statistics(msgspec.Struct, frozen=True):
    """What became of the events so far. See :class:`drishti.sdk.delivery.Counts` for each count."""

    buffered: int
    sent: int
    refused: int
    invalid: int
    overflowed: int
    unconfigured: int
    lost: int
    ids_taken: int
    retries: int
    left_out: int


class Analytics:
    """A client. What is not given comes from the environment, which is read at the first event, not before.

    Usable from any thread and any event loop, also after ``fork``. After :meth:`close` the next event opens it again.
    """

    def __init__(
        self,
        *,
        nats_url: str | None = None,
        url: str | None = None,
        api_key: str | None = None,
        tenant: str | None = None,
        service: str | None = None,
        capacity: int = CAPACITY,
        linger_s: float = LINGER_S,
    ) -> None:
        given = {"DRISHTI_NATS_URL": nats_url, "DRISHTI_URL": url, "DRISHTI_API_KEY": api_key}
        given |= {"DRISHTI_TENANT": tenant, "OTEL_SERVICE_NAME": service}
        self._given = {name: value for name, value in given.items() if value is not None}
        if url is not None and nats_url is None:
            self._given["DRISHTI_NATS_URL"] = ""  # the application chose HTTP; the environment does not overrule it
        self._capacity = capacity
        self._linger_s = linger_s
        self._events = EventEncoder(AnalyticsEvent)
        self._requests = EventEncoder(RequestEvent)
        # Re-entrant: a signal handler may track an event while its own thread holds the lock.
        self._lock = threading.RLock()
        self._counts = Counts()
        self._producer: Producer | None = None
        self._tenant = subjects.DEFAULT_TENANT
        self._service: str | None = None
        self._service_name: str | None = None
        self._fallback: str | None = None
        self._fallback_name: str | None = None
        self._said: set[str] = set()
        self._exiting = False
        _clients.add(self)

    def name_service(self, service: str) -> None:
        """Names the application whose events carry no ``service``, where neither a parameter nor the environment does."""
        self._fallback, self._fallback_name = subjects.token(service), subjects.given_name(service)

    def track(self, event: AnalyticsEvent) -> bool:
        """Takes ``event`` over, from any thread; whether it did. Never waits, never raises.

        Missing ``timestamp``, ``service`` and ``traceparent`` (that of the current, sampled span) are filled in; the
        event itself is left as it is.
        """
        try:
            return self._track_event(event)
        except Exception:
            # An event is never worth a request of the application's: what failed here is our bug, logged and counted.
            return self._invalid("an event could not be taken", exc_info=True)

    track_event_nowait = track

    async def track_event(self, event: AnalyticsEvent) -> bool:
        """The same as :meth:`track`, to be awaited: it does not wait either."""
        return self.track(event)

    def track_request(self, request: RequestEvent) -> bool:
        """Takes a served request over, as :meth:`track` does. Over HTTP it goes nowhere: the gateway takes analytics events."""
        try:
            return self._track_request(request)
        except Exception:
            # As in track().
            return self._invalid("a request event could not be taken", exc_info=True)

    async def flush(self, timeout_s: float = FLUSH_S) -> bool:
        """Waits until everything tracked so far is confirmed or refused; ``False`` when ``timeout_s`` was not enough."""
        producer = self._producer
        if producer is None:
            return True
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.wrap_future(producer.flush())
        except TimeoutError:
            return False
        return True

    def flush_blocking(self, timeout_s: float = FLUSH_S) -> bool:
        """:meth:`flush` for code without an event loop."""
        producer = self._producer
        if producer is None:
            return True
        try:
            producer.flush().result(timeout_s)
        except (TimeoutError, concurrent.futures.CancelledError):
            return False
        return True

    async def close(self, timeout_s: float = FLUSH_S) -> None:
        """Flushes, then ends the thread and the connection. What was not sent within ``timeout_s`` is lost and counted."""
        await self.flush(timeout_s)
        await asyncio.to_thread(self._close)

    def close_blocking(self, timeout_s: float = FLUSH_S) -> None:
        """:meth:`close` for code without an event loop."""
        self.flush_blocking(timeout_s)
        self._close()

    async def __aenter__(self) -> Analytics:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def statistics(self) -> Statistics:
        producer = self._producer
        return Statistics(buffered=len(producer.buffer) if producer else 0, **dataclasses.asdict(self._counts))

    def _track_event(self, event: AnalyticsEvent) -> bool:
        recorded = self._recorded()
        producer = None if recorded else self._open()
        if producer is None and not recorded:
            return False
        if not isinstance(event, AnalyticsEvent):
            return self._invalid(f"an AnalyticsEvent is wanted, not {type(event).__name__}")
        missing: dict[str, Any] = {}
        if event.timestamp is None:
            missing["timestamp"] = datetime.now(UTC)
        if event.service is None and (service := self._service or self._fallback) is not None:
            missing["service"] = service
            missing["service_name"] = self._service_name if self._service else self._fallback_name
        if event.traceparent is None and (traceparent := spans.current_traceparent()) is not None:
            missing["traceparent"] = traceparent
        if missing:
            event = msgspec.structs.replace(event, **missing)
        encoded = self._encoded(event, self._events)
        if encoded is None:
            return False
        sent = encoded.event
        if producer is None:
            recording.event(sent)
            return True
        subject = subjects.events(self._tenant, sent.event_type)
        return self._add(producer, BufferedEvent(subject, sent.event_id, encoded.body, sent.traceparent))

    def _track_request(self, request: RequestEvent) -> bool:
        recorded = self._recorded()
        producer = None if recorded else self._open()
        if producer is None and not recorded:
            return False
        if not isinstance(request, RequestEvent):
            return self._invalid(f"a RequestEvent is wanted, not {type(request).__name__}")
        encoded = self._encoded(request, self._requests)
        if encoded is None:
            return False
        sent = encoded.event
        if producer is None:
            recording.request(sent)
            return True
        item = BufferedEvent(subjects.requests(self._tenant, sent.service), sent.event_id, encoded.body, sent.traceparent)
        if producer.transport.partition(item) is None and not spans.enabled():
            self._say_once("requests", "request events are dropped: only NATS takes them, set DRISHTI_NATS_URL")
        return self._add(producer, item)

    def _add(self, producer: Producer, item: BufferedEvent) -> bool:
        with self._lock:  # counts are shared by the application's threads
            return producer.add(item)

    def _encoded(self, event: T, encoder: EventEncoder[T]) -> Encoded[T] | None:
        """The event as it is sent; ``None``, counted and logged, where it does not match the contract."""
        try:
            encoded = encoder.encode(event)
        except InvalidPayload as wrong:
            self._invalid(str(wrong), key=wrong.field or wrong.error)
            return None
        if encoded.left:
            with self._lock:
                self._counts.left_out += len(encoded.left)
            for path, kind in encoded.left[:MAX_LEFT_TOLD]:
                self._say_once(f"left out {path}", "left out of an event: %r, a value of type %s", path, kind)
        return encoded

    def _invalid(self, reason: str, *, key: str | None = None, exc_info: bool = False) -> bool:
        with self._lock:
            self._counts.invalid += 1
        self._say_once(f"invalid {key or reason}", "an event was dropped: %s", reason, exc_info=exc_info)
        return False

    def _say_once(self, key: str, message: str, *arguments: object, exc_info: bool = False) -> None:
        if key not in self._said and len(self._said) < 100:
            self._said.add(key)
            log.warning(message, *arguments, exc_info=exc_info)

    def _open(self) -> Producer | None:
        producer = self._producer
        if producer is not None:
            return producer
        with self._lock:
            if self._producer is None and not self._exiting and "unconfigured" not in self._said:
                self._producer = self._connect({**os.environ, **self._given})
            if self._producer is None and self._exiting:
                self._counts.lost += 1
            elif self._producer is None:
                self._counts.unconfigured += 1
            return self._producer

    def _recorded(self) -> bool:
        """Whether events are kept for a test in place of being sent; they are named as they would be."""
        if not recording.recorders:
            return False
        self._name(os.environ | self._given)
        return True

    def _name(self, environ: Mapping[str, str]) -> str:
        """Takes the service's name from ``environ``, and returns it as given."""
        name = setup.service_name(environ=environ)
        self._service = subjects.token(name) if name else None
        self._service_name = subjects.given_name(name) if name else None
        return name

    def _connect(self, environ: Mapping[str, str]) -> Producer | None:
        try:
            loaded = settings.load(ProducerSettings, environ)
            self._tenant = loaded.tenant
            name = self._name(environ)
            if name and name != self._service:
                log.info("%r is named %s in metrics", name, self._service)
            subjects.events(loaded.tenant, "any")  # a tenant that is no token fails here, once
            if loaded.nats_url or loaded.url:
                source = f"/{self._service or subjects.UNKNOWN}"
                return Producer(
                    lambda: _transport(loaded, source), self._counts, capacity=self._capacity, linger_s=self._linger_s
                )
            reason = "set DRISHTI_NATS_URL, or DRISHTI_URL and DRISHTI_API_KEY"
        except (SettingsError, InvalidSubject, ValueError) as error:
            reason = str(error)
        except Exception as error:
            # An address that is no text, a certificate that cannot be read: said once, as any other wrong setting.
            reason = f"the connection cannot be made ({type(error).__qualname__})"
        self._say_once("unconfigured", "events are dropped: %s", reason)
        return None

    def _close(self) -> None:
        with self._lock:
            producer, self._producer = self._producer, None
            self._said.discard("unconfigured")  # whoever opens it again may have set the variables by then
        if producer is not None:
            producer.close(JOIN_S)

    def _exit(self, deadline: float) -> None:
        self.flush_blocking(max(0.0, deadline - time.monotonic()))
        self._exiting = True
        self._close()


def _transport(loaded: ProducerSettings, source: str) -> Transport:
    # Imported here: an application that tracks nothing pays for neither client.
    with forks_wait():
        from drishti.sdk.transports import HttpTransport, NatsTransport

    if loaded.nats_url:
        bus = BusSettings(url=loaded.nats_url, user=loaded.nats_user, password=loaded.nats_password)
        return NatsTransport(bus, source=source)
    return HttpTransport(loaded.url, loaded.api_key.reveal())


_clients: weakref.WeakSet[Analytics] = weakref.WeakSet()


def _forget_parent() -> None:
    """In the child of a fork: everything starts anew at the next event, as the environment is then.

    No thread came along, a lock may be held by one that is not here, and what waits is the parent's to send.
    """
    for client in list(_clients):
        client._lock = threading.RLock()
        client._counts = Counts()
        client._said.discard("unconfigured")
        client._exiting = False
        producer, client._producer = client._producer, None
        if producer is not None:
            producer.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)


@atexit.register
def _flush_all() -> None:
    deadline = time.monotonic() + EXIT_FLUSH_S
    for client in list(_clients):
        client._exit(deadline)


at_end_of_worker(_flush_all)

analytics = Analytics()
"""The application's own client, configured by the environment at its first use."""

track_event = analytics.track_event
"""The same, for ``from drishti import analytics`` and ``await analytics.track_event(…)``."""
