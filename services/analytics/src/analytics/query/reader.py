"""The door for questions: ``query.v1.metrics`` by request/reply, shared by all replicas through a queue group.

Tenants are answered in turn, and none holds all places: whoever asks too much waits for itself. A question that takes too long
is cut off, by PostgreSQL's statement timeout and by ours.

FastStream carries the low-rate control plane. The header ``Drishti-Status`` tells a :class:`QueryAnswer` (``ok``) from a
:class:`QueryFailure` (``error``). Every question gets one or the other.
"""

from __future__ import annotations

import asyncio
import logging
import time

import asyncpg
import msgspec
from faststream import AckPolicy
from faststream.nats import NatsBroker, NatsResponse
from faststream.nats.message import NatsMessage
from faststream.security import SASLPlaintext
from opentelemetry.trace import SpanKind

from analytics.computing import computed
from analytics.errors import DatabaseAway, Unstorable
from analytics.overflow import Overflows
from analytics.query import metrics as query
from analytics.query.tenant_semaphore import Places, TooManyWait
from analytics.rollup.windows import DAY_MS
from analytics.storage import rows, sql
from analytics.storage.database import QUESTION_S, Database, close, sorted_errors
from drishti.errors import QueryError
from drishti.events import UNDECODABLE, Query, QueryAnswer, QueryFailure, encode, invalid_payload
from drishti.messages import attributes, subjects
from drishti.messages.catalogue import ANALYTICS
from drishti.settings import BusSettings
from drishti.telemetry import spans

log = logging.getLogger(__name__)

CONNECTIONS = 3
"""Questions that are answered at once; more wait. Merging is bound by the processor, not by PostgreSQL."""

OF_ONE_TENANT = 2
"""Of these one tenant has so many at most: there is always a place for another's."""

WAITING_OF_ONE_TENANT = 50
"""More that wait are answered at once, with the reason."""

WAITING_QUESTIONS = 200
"""More that wait are dropped, which the client logs: whoever asked has given up before their turn would come."""

MANY_ROWS = 1_000
"""From so many rows on an answer is computed in a thread, so that the consumers do not wait for it."""

STATUS = "Drishti-Status"

_decoder = msgspec.json.Decoder(Query)


class Questions:
    """Answers questions out of the database."""

    def __init__(self, database: Database, overflows: Overflows, *, kept_days: dict[str, float]) -> None:
        self._database = database
        self._overflows = overflows
        self._kept_days = kept_days
        self._places = Places(CONNECTIONS, of_one=OF_ONE_TENANT, waiting_of_one=WAITING_OF_ONE_TENANT)
        self._pinging = asyncio.Lock()
        self._idle: list[asyncpg.Connection] = []

    async def reply(self, payload: bytes) -> tuple[str, bytes]:
        """Status and body of the reply to ``payload``. Never raises."""
        try:
            async with asyncio.timeout(QUESTION_S):
                return "ok", encode(await self.answer(_decoder.decode(payload)))
        except UNDECODABLE as error:
            wrong = invalid_payload(error)
            failure = QueryFailure(code="invalid", error=wrong.error, field=wrong.field)
        except QueryError as error:
            failure = QueryFailure(code="invalid", error=str(error), field=error.field)
        except TooManyWait as error:
            self._overflows.note("questions", 1, tenant=error.tenant)
            failure = QueryFailure(code="unavailable", error="too many questions of this tenant wait: ask fewer at once")
        except TimeoutError:
            failure = QueryFailure(code="timeout", error=f"no answer within {QUESTION_S:g} s: ask for a shorter range")
        except DatabaseAway as error:
            log.warning("question not answered", extra={"reason": str(error)})
            failure = QueryFailure(code="unavailable", error="the database does not answer at the moment")
        except Exception:
            # A bug: whoever asked learns that there is no answer, the traceback is ours.
            log.exception("question failed")
            failure = QueryFailure(code="unavailable", error="the question could not be answered: see the log of analytics")
        return "error", encode(failure)

    async def answer(self, question: Query) -> QueryAnswer:
        """The answer; raises :class:`QueryError` for what cannot be asked and :class:`DatabaseAway`."""
        now = time.time() * 1000
        kept_from = {resolution: int(now - days * DAY_MS) for resolution, days in self._kept_days.items()}
        plan = query.planned(question, kept_from)
        async with self._places.of(question.tenant):
            as_of, records = await self._read(plan)
            merging = asyncio.ensure_future(
                computed(lambda: query.answer(plan, records, as_of), in_thread=len(records) >= MANY_ROWS)
            )
            try:
                found = await asyncio.shield(merging)
            except asyncio.CancelledError:  # nobody waits any more, but the thread still works: its place is not free
                await asyncio.wait((merging,))
                raise
            if services := query.services(plan, found):
                found.service_names = await self._names(question.tenant, services)
            return found

    async def ping(self) -> None:
        """Returns when PostgreSQL answers; however many questions wait."""
        async with self._pinging:
            connection = await self._take()
            try:
                with sorted_errors():
                    await connection.fetchval(sql.queries()["clock"])
            except BaseException:
                connection.terminate()
                raise
            self._idle.append(connection)

    async def close(self) -> None:
        while self._idle:
            await close(self._idle.pop())

    async def _read(self, plan: query.Plan) -> tuple[int, list[asyncpg.Record]]:
        queries = sql.queries()
        connection = await self._take()
        try:
            with sorted_errors():
                as_of = await connection.fetchval(queries["clock"])
                records = await connection.fetch(
                    queries[plan.statement],
                    plan.resolution,
                    plan.question.tenant,
                    plan.spec.name,
                    rows.instant(plan.start),
                    rows.instant(plan.end),
                    plan.labels,
                    query.MAX_ROWS + 1,
                )
        except Unstorable as error:
            self._idle.append(connection)
            raise QueryError(f"a filter has a value that cannot be: {error}") from error
        except BaseException:  # also when the time is over: the connection still waits for the answer
            connection.terminate()
            raise
        self._idle.append(connection)
        return as_of, records

    async def _names(self, tenant: str, services: list[str]) -> dict[str, str]:
        """The names that ``services`` were given, of those that were given one."""
        connection = await self._take()
        try:
            with sorted_errors():
                records = await connection.fetch(sql.queries()["service_names"], tenant, services)
        except BaseException:  # as in _read
            connection.terminate()
            raise
        self._idle.append(connection)
        return {record["service"]: record["name"] for record in records}

    async def _take(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await self._database.connect(name="questions", statement_s=QUESTION_S)


def broker(settings: BusSettings, questions: Questions) -> NatsBroker:
    """The broker that answers; ``start`` waits for NATS, ``stop`` lets what is being answered finish."""
    quiet = logging.getLogger(f"{__name__}.faststream")
    quiet.setLevel(logging.WARNING)  # a line for each question is noise
    found = NatsBroker(
        [url.strip() for url in settings.url.split(",")],
        security=SASLPlaintext(settings.user, settings.password.reveal()) if settings.user else None,
        name=f"{ANALYTICS} questions",
        inbox_prefix=f"_INBOX_{ANALYTICS}".encode(),
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        connect_timeout=2,
        graceful_timeout=QUESTION_S,
        apply_types=False,
        logger=quiet,
    )

    async def whole(msg: NatsMessage) -> NatsMessage:
        return msg  # decoded by Questions, which answers also what cannot be decoded

    @found.subscriber(
        subjects.query("metrics"),
        queue=ANALYTICS,
        decoder=whole,
        ack_policy=AckPolicy.MANUAL,
        max_workers=WAITING_QUESTIONS,
        pending_msgs_limit=WAITING_QUESTIONS,
    )
    async def answer_question(message: NatsMessage) -> NatsResponse:
        payload = message.body
        about = {
            attributes.MESSAGING_SYSTEM: attributes.NATS,
            attributes.MESSAGING_DESTINATION: subjects.query("metrics"),
            attributes.MESSAGING_OPERATION_TYPE: "process",
        }
        parent = spans.extract(message.headers.get("traceparent"))
        if parent is None:
            status, body = await questions.reply(payload)
        else:
            with spans.span("answer query", kind=SpanKind.SERVER, parent=parent, attributes=about):
                status, body = await questions.reply(payload)
        return NatsResponse(body, headers={STATUS: status})

    return found
