"""One user of a month of events is erased by a running analytics, asked over the bus as the gateway asks, until all is gone.

The user with the most events is chosen, in a copy of the database. The receipt must name as many rows as there were, and
afterwards neither rows nor segments nor the list of ids may have the user.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec

from benchmarks.processes import BenchmarkFailed, until
from benchmarks.product_data import DAYS, TENANT, product_data
from benchmarks.services import house
from benchmarks.session import Session
from benchmarks.table import Result
from drishti.bus.connection import Bus, connect
from drishti.events import encode
from drishti.messages import subjects
from drishti.messages.catalogue import ANALYTICS, GATEWAY
from drishti.messages.product.erasure import EraseUser, Erasure, ErasureQuery
from drishti_local.servers import PostgresServer

AT_MOST_S = 30.0
WITHIN_S = 600.0

_MOST = """
SELECT user_id, hashtextextended(user_id, 0) AS hash, count(*) AS events FROM events WHERE tenant = $1
GROUP BY user_id ORDER BY events DESC, user_id LIMIT 1
"""

_LEFT = """
SELECT (SELECT count(*) FROM events WHERE tenant = $1 AND user_id = $2) AS events,
    (SELECT count(*) FROM segments WHERE tenant = $1 AND col = 'users' AND position($3::bytea IN data) > 0) AS segments,
    (SELECT count(*) FROM user_ids WHERE tenant = $1 AND user_id = $2) AS user_ids
"""


async def erase(session: Session) -> Result:
    folder = session.folder("erase")
    async with product_data(session) as data, _copied(data.postgres) as url, house(folder / "nats") as home:
        connection = await asyncpg.connect(url)
        try:
            (found,) = await connection.fetch(_MOST, TENANT, timeout=WITHIN_S)
            user, events = found["user_id"], found["events"]
            search = (TENANT, user, found["hash"].to_bytes(8, "little", signed=True))
            (before,) = await connection.fetch(_LEFT, *search, timeout=WITHIN_S)
            environ = {"OTEL_METRICS_EXPORTER": "none", "ANALYTICS_EVENTS_DAYS": "3650"}
            async with home.service(home.program(ANALYTICS, database_url=url, environ=environ)):
                bus = await connect(home.nats.settings(GATEWAY), name=GATEWAY)
                try:
                    began = time.perf_counter()
                    receipt = await _done(bus, user)
                    seconds = time.perf_counter() - began
                finally:
                    await bus.close()
            (left,) = await connection.fetch(_LEFT, *search, timeout=WITHIN_S)
        finally:
            await connection.close()
    wanted = {"events": events, "events in segments": events, "user_ids": 1}
    if any(left.values()) or not before["segments"] or {name: receipt.removed.get(name) for name in wanted} != wanted:
        raise BenchmarkFailed(f"of {dict(before)} there are {dict(left)} left, and the receipt says {receipt.removed}")
    return Result(
        name="erase",
        what="one user erased, from the order to the receipt",
        sizes=f"{data.sizes}; the user has {events:,} events on {before['segments']} of {DAYS} days",
        ours=f"{seconds:.1f} s",
        must_be=f"≤ {AT_MOST_S:g} s",
        met=seconds <= AT_MOST_S,
        notes=[
            "the receipt names every event, in rows and in segments, and neither these nor the list of ids have the user now"
        ],
    )


async def _done(bus: Bus, user: str) -> Erasure:
    receipt = await _ask(bus, "erase_user", EraseUser(tenant=TENANT, user_id=user, asked_by="bench"))

    async def is_done() -> bool:
        nonlocal receipt
        receipt = await _ask(bus, "erasure", ErasureQuery(tenant=TENANT, id=receipt.id))
        return receipt.state == "done"

    await until(is_done, "the user is erased", every_s=0.1, within_s=WITHIN_S)
    return receipt


async def _ask(bus: Bus, name: str, asked: Any) -> Erasure:
    reply = await bus.request(subjects.query(name), encode(asked), timeout_s=30)
    if (reply.headers or {}).get("Drishti-Status") != "ok":
        raise BenchmarkFailed(f"{name} was not answered: {reply.data[:500]!r}")
    return msgspec.json.decode(reply.data, type=Erasure)


@contextlib.asynccontextmanager
async def _copied(postgres: PostgresServer) -> AsyncIterator[str]:
    """The address of a copy of its database, dropped at the end."""
    admin = await asyncpg.connect(postgres.url("postgres"))
    try:
        original = postgres.url().rpartition("/")[2].partition("?")[0]
        await admin.execute(f'CREATE DATABASE erased TEMPLATE "{original}" STRATEGY file_copy', timeout=WITHIN_S)
        yield postgres.url("erased")
        await admin.execute("DROP DATABASE erased WITH (FORCE)")
    finally:
        await admin.close()
