"""A plan into the live product: the four services on free ports, fed as an application feeds them, listened to on the bus."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from nats.aio.msg import Msg

from benchmarks import stack
from benchmarks.incidents.heard import Alarm, Heard
from benchmarks.incidents.messages import Report, messages
from benchmarks.incidents.traffic import Traffic
from benchmarks.processes import BenchmarkFailed
from drishti.analytics import Analytics
from drishti.bus.connection import Bus, connect
from drishti.events import AnalyticsEvent, AnomalyInsight, InsightDecoder
from drishti.messages import subjects
from drishti.messages.catalogue import INSIGHTS
from drishti.messages.subjects import DEFAULT_TENANT
from drishti.settings import BusSettings

LEAD_S = 3
"""From the stack's being ready to the first event."""

TAIL_S = 10.0
"""How long is listened for after the last event: what the last windows showed is published within some seconds."""

LATE_S = 1.5
"""A window waits two seconds for what comes late: a producer that is later than this measures itself."""

POST_TIMEOUT_S = 10.0

Say = Callable[[str], None]


async def listen(traffic: Traffic, home: Path, *, started: Callable[[int], None], say: Say) -> Heard:
    """What the product says of ``traffic``, with its state in ``home``.

    ``started`` is called with the second since 1970 in which the traffic begins, before it does. Raises
    :class:`BenchmarkFailed` where an event was lost or sent too late.
    """
    async with stack.running(stack.local("run"), home) as run:
        start = int(time.time()) + LEAD_S
        started(start)
        admin = dict(line.split("=", 1) for line in (home / "admin.env").read_text().splitlines())
        bus = await connect(BusSettings(url=admin["DRISHTI_NATS_URL"]), name="admin")
        ear = _Ear(bus, start, say)
        stop = asyncio.Event()
        listening = asyncio.create_task(ear.listen(stop))
        try:
            async with Analytics(nats_url=run.client_env()["DRISHTI_NATS_URL"], service="incidents") as client:
                await _send(traffic, start, client, _OtlpClient(run.client_env()), say)
                await asyncio.sleep(TAIL_S)
                _check(client)
        finally:
            stop.set()
            await listening
            await bus.close()
    return ear.heard


class _Ear:
    """Takes what INSIGHTS stores."""

    def __init__(self, bus: Bus, start: int, say: Say) -> None:
        self.heard = Heard()
        self._bus = bus
        self._start = start
        self._say = say
        self._decoder = InsightDecoder()

    async def listen(self, stop: asyncio.Event) -> None:
        await self._bus.replay(
            INSIGHTS,
            subjects=[subjects.series_insights(AnomalyInsight.kind, tenant=DEFAULT_TENANT)],
            start=datetime.fromtimestamp(self._start - LEAD_S - stack.READY_S, UTC),
            handler=self._take,
            stop=stop,
        )

    async def _take(self, msg: Msg) -> None:
        alarm = self.heard.take(self._decoder.decode(msg.data), msg.metadata.timestamp.timestamp())
        if alarm is not None:
            self._say(_described(alarm, self._start))


class _OtlpClient:
    """The gateway's OTLP route, for one post at a time."""

    def __init__(self, client_env: dict[str, str]) -> None:
        url = urlsplit(client_env["DRISHTI_URL"])
        self._address = url.hostname or "127.0.0.1", url.port or 80
        self._headers = {
            "content-type": "application/x-protobuf",
            "authorization": f"Bearer {client_env['DRISHTI_API_KEY']}",
        }

    def post(self, report: Report) -> None:
        connection = http.client.HTTPConnection(*self._address, timeout=POST_TIMEOUT_S)
        try:
            connection.request("POST", "/v1/metrics", report.body, self._headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise BenchmarkFailed(f"metrics of {report.service} were refused: {answer.status} {answer.read()[:200]!r}")
        finally:
            connection.close()


async def _send(traffic: Traffic, start: int, client: Analytics, otlp: _OtlpClient, say: Say) -> None:
    """Everything when it is due; incidents are announced as they begin and end."""
    marks = [(i.begins, f"{i.kind} {i.target} {i.magnitude:g} begins") for i in traffic.plan.incidents]
    marks = sorted([*marks, *((i.ends, f"{i.kind} ends") for i in traffic.plan.incidents)], reverse=True)
    late = 0.0
    async with asyncio.TaskGroup() as posts:
        for at, message in messages(traffic, start, f"incident-{uuid.uuid4().hex[:8]}"):
            if (wait := start + at - time.time()) > 0:
                await asyncio.sleep(wait)
            late = max(late, -wait)
            while marks and marks[-1][0] <= at:
                say(f"{marks[-1][0]:5d}  {marks.pop()[1]}")
            if isinstance(message, Report):
                posts.create_task(asyncio.to_thread(otlp.post, message))
            elif isinstance(message, AnalyticsEvent):
                client.track(message)
            else:
                client.track_request(message)
    say(f"everything is sent, at most {late * 1000:.0f} ms late")
    if late > LATE_S:
        raise BenchmarkFailed(f"events were sent up to {late:.1f} s late: this machine is too busy to measure anything")
    with contextlib.suppress(TimeoutError):
        await client.flush()


def _check(client: Analytics) -> None:
    counts = client.statistics()
    if counts.buffered or counts.refused or counts.invalid or counts.overflowed or counts.lost:
        raise BenchmarkFailed(f"not every event arrived: {counts}")


def _described(alarm: Alarm, start: int) -> str:
    return f"{alarm.at - start:5d}  alarm: {alarm.message} (published {alarm.heard - alarm.at - 1:.1f} s after the window)"
