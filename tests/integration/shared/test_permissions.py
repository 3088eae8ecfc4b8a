"""What the catalogue gives a user, a real NATS lets it do; everything else of the catalogue it refuses."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from drishti.bus.connection import Bus
from drishti.messages.catalogue import ADMIN, MESSAGES, SERVICES, USERS
from drishti.messages.queries import QUERIES
from drishti_local.servers import NatsServer
from rigs.nats_clients import settled
from rigs.waiting import wait_until

OTHERS = [user for user in USERS if user != ADMIN]

_REFUSAL = re.compile(r'permissions violation for (publish|subscription) to "([^"]+)"', re.IGNORECASE)


@contextlib.asynccontextmanager
async def client_of(server: NatsServer, user: str) -> AsyncIterator[tuple[Client, set[str]]]:
    """A plain client of ``user``, and the subjects that NATS refuses it (in lower case, as nats-py tells them)."""
    refused: set[str] = set()

    async def note(error: Exception) -> None:
        if match := _REFUSAL.search(str(error)):
            refused.add(match[2].lower())

    client = await nats.connect(server.url(user), error_cb=note)
    try:
        yield client, refused
    finally:
        await client.close()


async def all_refused(refused: set[str], wanted: set[str]) -> None:
    """Waits until every one of ``wanted`` is refused, and sees that nothing else is."""
    wanted = {subject.lower() for subject in wanted}
    await wait_until(lambda: refused >= wanted, seen=lambda: wanted - refused)
    assert refused == wanted


async def stored(admin: Bus, tenant: str) -> set[str]:
    """The subjects of ``tenant`` that any stream holds."""
    result: set[str] = set()
    for message in MESSAGES:
        info = await admin.js.stream_info(message.stream, subjects_filter=f"*.*.{tenant}.>")
        result |= set(info.state.subjects or ())
    return result


@pytest.mark.parametrize("user", OTHERS)
async def test_a_user_publishes_what_it_produces_and_is_refused_the_rest(
    user: str, nats_server: NatsServer, nats_admin: Bus
) -> None:
    tenant = f"t{uuid.uuid4().hex[:10]}"
    subjects = {message.name: message.wildcard.replace(">", f"{tenant}.x") for message in MESSAGES}
    allowed = {subjects[message.name] for message in MESSAGES if user in message.producers}
    forbidden = set(subjects.values()) - allowed
    forbidden |= {query.subject for query in QUERIES if user != query.asker}
    forbidden |= {f"$JS.API.STREAM.PURGE.{message.stream}" for message in MESSAGES}
    async with client_of(nats_server, user) as (client, refused):
        for subject in (*allowed, *forbidden):
            await client.publish(subject, b"{}")
        await settled(client)
        await all_refused(refused, forbidden)
    await wait_until(lambda: _holds(nats_admin, tenant, allowed))
    assert await stored(nats_admin, tenant) == allowed


async def _holds(admin: Bus, tenant: str, wanted: set[str]) -> bool:
    return await stored(admin, tenant) >= wanted


@pytest.mark.parametrize("user", OTHERS)
async def test_a_user_listens_to_its_questions_and_its_inbox_alone(user: str, nats_server: NatsServer, nats_url: str) -> None:
    allowed = {query.subject for query in QUERIES if user == query.answerer}
    allowed |= {f"_INBOX_{user}.>"} if user in SERVICES else {"_INBOX.>"}
    everything = {message.wildcard for message in MESSAGES} | {query.subject for query in QUERIES} | {">", "_INBOX.>"}
    forbidden = (everything | {f"_INBOX_{service}.>" for service in SERVICES}) - allowed
    async with client_of(nats_server, user) as (client, refused):
        for subject in (*allowed, *forbidden):
            await client.subscribe(subject)
        await settled(client)
        await all_refused(refused, forbidden)


async def test_who_asks_gets_a_reply_and_so_does_the_admin_with_any_client(
    nats_server: NatsServer, bus_for: Callable[[str], Awaitable[Bus]]
) -> None:
    for query in QUERIES:
        subject = query.subject
        async with client_of(nats_server, query.answerer) as (answerer, _):

            async def answer(msg: Msg) -> None:
                await msg.respond(b"answered")

            await answerer.subscribe(subject, cb=answer)
            await settled(answerer)
            for user in (query.asker, ADMIN):
                reply = await (await bus_for(user)).request(subject, b"{}", timeout_s=10)
                assert reply.data == b"answered"
            async with client_of(nats_server, ADMIN) as (admin, _):
                assert (await admin.request(subject, b"{}", timeout=10)).data == b"answered"
