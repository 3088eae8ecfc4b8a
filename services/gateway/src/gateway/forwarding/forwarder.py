"""Sends on what the gateway has accepted by OTLP, beside the requests: none of them ever waits for it.

How this works
--------------
:meth:`Forwarder.add` puts the resources of a request, once the bus has them, into a queue of their signal and returns. A few
senders for each signal put what waits into export requests of up to :data:`BATCH_BYTES` and post them by OTLP/HTTP as
protobuf, over connections that stay open. 429, 502, 503, 504 and a connection that fails are tried again, with exponential
pauses or when ``Retry-After`` says; any other answer drops the batch. A signal for which the target has no address is not
tried again for a minute.

Delivery is at least once: a sender of telemetry that repeats a request because it did not see the answer is forwarded twice.
Only what :class:`~gateway.otlp.exports.Export` holds goes on: no key and no header of the request does.

Bounds: ``max_bytes`` for each signal wait, and one batch in the hands of each sender; see
:mod:`gateway.forwarding.queue` for what gives way. Everything that is dropped is counted in ``drishti.gateway.forwarded`` with
the reason as its ``outcome``, and said in the log once in ten seconds at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args

import aiohttp
from google.protobuf.message import DecodeError
from opentelemetry import metrics

from drishti.messages import attributes
from drishti.rate_limited_log import RateLimitedLog
from gateway.forwarding.queue import ForwardQueue
from gateway.forwarding.retries import NOT_TAKEN, RETRYABLE, pause_s, retry_after_s
from gateway.otlp import exports, wire
from gateway.otlp.exports import Signal
from gateway.settings import ForwardSettings

log = logging.getLogger(__name__)

FORWARDED = "drishti-forwarded"
"""The header that marks what a gateway has forwarded: a gateway stores it, and does not forward it again."""

BATCH_BYTES = 1_000_000
LINGER_S = 0.1
"""How long the first of a batch waits for others."""

SENDERS = 2
"""Export requests of one signal that are on their way at once."""

CONNECT_TIMEOUT_S = 3.0
TIMEOUT_S = 15.0
GIVE_UP_S = 300.0
"""A batch that was refused for so long is dropped, lest one that the target can never take keeps the others waiting."""

NOT_TAKEN_S = 60.0
DRAIN_S = 3.0
"""How long the last batches may take when the gateway ends."""

LOGGED_EVERY_S = 10.0
ANSWER_BYTES = 16 * 1024
REASON_CHARACTERS = 200

Outcome = Literal["sent", "overflow", "refused", "expired", "unsent"]
"""What became of a forwarded message (the data of one resource): ``overflow``: it gave way to newer ones; ``refused``: the
target will never take it; ``expired``: it could not be sent for :data:`GIVE_UP_S`; ``unsent``: the gateway ended before."""


class _Answer(NamedTuple):
    """What one attempt came to: ``ok``, or ``reason`` says why not, and ``retry`` whether it may help to try again."""

    ok: bool
    reason: str = ""
    retry: bool = False
    retry_after_s: float | None = None
    not_taken: bool = False


class Forwarder:
    """:meth:`run` sends until its event is set, and then, for :data:`DRAIN_S` at most, what is left."""

    def __init__(self, settings: ForwardSettings) -> None:
        signals: tuple[Signal, ...] = get_args(Signal) if settings.url else ()
        self._lanes = {signal: _Lane(signal, settings) for signal in signals if signal in settings.signals}

    def add(self, signal: Signal, tenant: str, parts: Iterable[exports.Part]) -> None:
        """Takes what is on the bus. Never blocks and never raises."""
        lane = self._lanes.get(signal)
        if lane is not None:
            for part in parts:
                lane.add(tenant, part.payload)

    async def run(self, stop: asyncio.Event) -> None:
        if not self._lanes:
            return
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)
        async with (
            aiohttp.ClientSession(
                timeout=timeout, connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
            ) as session,
            asyncio.TaskGroup() as tasks,
        ):
            senders = [
                tasks.create_task(lane.run(session), name=f"forward {lane.signal}")
                for lane in self._lanes.values()
                for _ in range(SENDERS)
            ]
            await stop.wait()
            for lane in self._lanes.values():
                lane.end()
            await asyncio.wait(senders, timeout=DRAIN_S)
            for sender in senders:
                sender.cancel()
            await asyncio.wait(senders)
        for lane in self._lanes.values():
            lane.give_up()

    def statistics(self) -> Mapping[Signal, Mapping[str, int]]:
        """Of each signal how many messages came to which outcome since the start, and how many and how many bytes wait."""
        return {signal: lane.statistics() for signal, lane in self._lanes.items()}


class _Lane:
    """One signal: its queue, and what its senders do."""

    def __init__(self, signal: Signal, settings: ForwardSettings) -> None:
        self.signal = signal
        self._url = settings.address(signal)
        self._headers = {
            **settings.sent_headers(),
            "content-type": "application/x-protobuf",
            "user-agent": "drishti-gateway",
            FORWARDED: "1",
        }
        self._queue = ForwardQueue(settings.queue_bytes)
        self._there = asyncio.Event()
        self._ending = asyncio.Event()
        self._in_hand = 0
        self._outcomes: Counter[Outcome] = Counter()
        self._not_before = 0.0
        self._log = RateLimitedLog(LOGGED_EVERY_S)
        self._failing = False
        self._counter = metrics.get_meter("drishti.gateway").create_counter(
            attributes.GATEWAY_FORWARDED, "{message}", "OTLP data of one resource that were to be forwarded, by their outcome"
        )

    def add(self, tenant: str, payload: bytes) -> None:
        if self._not_before and asyncio.get_running_loop().time() < self._not_before:
            self._count("refused", 1)
            return
        dropped = self._queue.add(tenant, payload)
        self._there.set()
        if dropped:
            self._drop("overflow", dropped, "more waits than DRISHTI_FORWARD_OTLP_QUEUE_BYTES allows")

    def end(self) -> None:
        """From now on nothing is waited for: each batch is tried once more."""
        self._ending.set()
        self._there.set()

    def give_up(self) -> None:
        left = self._queue.clear()
        if left:
            self._drop("unsent", left, "no time is left")

    def statistics(self) -> Mapping[str, int]:
        waiting = {"waiting": len(self._queue) + self._in_hand, "waiting_bytes": self._queue.bytes}
        return {**{str(outcome): count for outcome, count in self._outcomes.items()}, **waiting}

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Sends until :meth:`end`, and then until nothing waits."""
        while True:
            while not self._queue and not self._ending.is_set():
                self._there.clear()
                await self._there.wait()
            if self._queue.bytes < BATCH_BYTES:
                await self._pause(LINGER_S)
            batch = self._queue.take(BATCH_BYTES)
            if batch:
                await self._send(session, batch)
            elif self._ending.is_set():
                return

    async def _send(self, session: aiohttp.ClientSession, batch: Sequence[bytes]) -> None:
        """Brings ``batch`` to one of the outcomes."""
        self._in_hand += len(batch)
        try:
            await self._deliver(session, batch)
        except asyncio.CancelledError:
            self._drop("unsent", len(batch), "no time is left")
            raise
        except Exception:
            # A bug here costs this batch; the gateway goes on.
            log.exception("forwarding failed", extra={"signal": self.signal})
            self._count("refused", len(batch))
        finally:
            self._in_hand -= len(batch)

    async def _deliver(self, session: aiohttp.ClientSession, batch: Sequence[bytes]) -> None:
        body = wire.request(batch)
        loop = asyncio.get_running_loop()
        until = loop.time() + GIVE_UP_S
        attempt = 0
        while True:
            last = self._ending.is_set()
            answer = await self._post(session, body)
            if answer.ok:
                self._count("sent", len(batch))
                if self._failing:
                    self._failing = False
                    log.info("forwarding goes on", extra={"signal": self.signal})
                return
            if not answer.retry:
                if answer.not_taken:
                    self._not_before = loop.time() + NOT_TAKEN_S
                self._drop("refused", len(batch), answer.reason)
                return
            attempt += 1
            pause = pause_s(attempt, answer.retry_after_s, random.random())  # noqa: S311 - spreads retries, keeps no secret
            if last or loop.time() + pause > until:
                self._drop("unsent" if last else "expired", len(batch), answer.reason)
                return
            self._failing = True
            if self._log.due():
                log.warning(
                    "forwarding waits for the target",
                    extra={"signal": self.signal, "reason": answer.reason, "bytes": self._queue.bytes},
                )
            await self._pause(pause)

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> _Answer:
        try:
            async with session.post(self._url, data=body, headers=self._headers, allow_redirects=False) as answer:
                said = await answer.content.read(ANSWER_BYTES)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return _Answer(False, f"{type(error).__name__}: {error}"[:REASON_CHARACTERS], retry=True)
        status = answer.status
        if 200 <= status < 300:
            self._look_at(said)
            return _Answer(True)
        return _Answer(
            False,
            f"status {status}",
            retry=status in RETRYABLE,
            retry_after_s=retry_after_s(answer.headers.get("Retry-After"), datetime.now(UTC)),
            not_taken=status in NOT_TAKEN,
        )

    def _look_at(self, answer: bytes) -> None:
        """Says what the target has rejected of a request that it took."""
        try:
            rejected, reason = exports.rejected(self.signal, answer)
        except DecodeError:
            return  # not the answer that OTLP has, but the status was
        if rejected and self._log.due():
            log.warning(
                "the target of forwarding rejected a part",
                extra={"signal": self.signal, "count": rejected, "reason": reason[:REASON_CHARACTERS]},
            )

    async def _pause(self, seconds: float) -> None:
        """Waits, or until the gateway ends."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()

    def _drop(self, outcome: Outcome, count: int, reason: str) -> None:
        self._count(outcome, count)
        if self._log.due():
            extra = {"signal": self.signal, "outcome": outcome, "reason": reason, "dropped": self._dropped()}
            log.warning("what was to be forwarded is dropped", extra=extra)

    def _dropped(self) -> int:
        return sum(count for outcome, count in self._outcomes.items() if outcome != "sent")

    def _count(self, outcome: Outcome, count: int) -> None:
        self._outcomes[outcome] += count
        self._counter.add(count, {attributes.SIGNAL: self.signal, attributes.OUTCOME: outcome})
