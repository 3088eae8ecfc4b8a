"""What a producer reaches on NATS: its two kinds of subjects and its own replies, by no subject, reply or header anything else.

Against the real server, configured as the local run and as the compose stack configure it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import NoStreamResponseError

from drishti.bus import permissions, streams
from drishti.bus.connection import Bus, connect
from drishti.messages import catalogue, queries
from drishti_local.servers import NatsServer
from rigs.compose_nats import ComposeNats
from rigs.nats_clients import settled
from rigs.waiting import wait_until

Server = NatsServer | ComposeNats

OWN = ("events.v1.acme.page_view", "requests.v1.acme.wisdom")
EVENT = b'{"event_id": "e", "event_type": "page_view"}'

STREAMS = [
    *(message.stream for message in catalogue.MESSAGES),
    *(f"KV_{bucket}" for bucket in catalogue.BUCKETS),
    *(f"OBJ_{bucket}" for bucket in catalogue.OBJECT_STORES),
]
OTHERS = [stream for stream in STREAMS if stream not in ("EVENTS", "REQUESTS")]

_FOREIGN_MESSAGES = [m.wildcard.replace(">", "acme.x.y") for m in catalogue.MESSAGES if catalogue.PRODUCER not in m.producers]
FOREIGN = [
    *_FOREIGN_MESSAGES,
    *(query.subject for query in queries.QUERIES),
    *(f"$KV.{bucket}.evil" for bucket in catalogue.BUCKETS),
    *(f"$O.{store}.{part}.evil" for store in catalogue.OBJECT_STORES for part in ("C", "M")),
    *(f"_INBOX_{service}.any.1" for service in (*catalogue.SERVICES, catalogue.ADMIN)),
    *(f"$JS.API.STREAM.{verb}.{stream}" for verb in ("INFO", "PURGE", "DELETE", "UPDATE", "MSG.GET") for stream in STREAMS),
    *(f"$JS.ACK.{m.stream}.{d.name}.1.1.1.1.1" for m in catalogue.MESSAGES for d in m.durables),
    *(f"$JS.API.CONSUMER.{verb}.EVENTS.analytics-events" for verb in ("DELETE", "MSG.NEXT", "INFO")),
    "$JS.API.INFO",
    "$JS.API.STREAM.CREATE.EVIL",
    "$JS.API.CONSUMER.CREATE.EVENTS.evil",
    "$JS.API.DIRECT.GET.KV_api_keys",
    "$JS.FC.EVENTS.x",
    "$JSC.R.x",
    "$SYS.REQ.SERVER.PING",
    "$SYS.REQ.USER.INFO",
    "$SYS.REQ.ACCOUNT.PING.CONNZ",
    "$SYS.ACCOUNT.DRISHTI.CONNECT",
    "$SRV.PING",
    "_R_.x.y",
    "_GR_.x.y.z",
    "$GNR.x",
    "$MQTT.msgs.x",
    "_INBOX.another.1",
    "events",
    "events.v1",
    "events.v2.acme.x",
    "anything",
    "*.v1.acme.x",
    ">",
]
"""Subjects that are not a producer's to publish."""

SUBSCRIPTIONS = [
    ">",
    "*",
    *(message.wildcard for message in catalogue.MESSAGES),
    *OWN,
    "events.>",
    *(query.subject for query in queries.QUERIES),
    "$KV.>",
    "$O.>",
    "$JS.>",
    "$JS.EVENT.>",
    "$SYS.>",
    "$SRV.>",
    "_R_.>",
    "_GR_.>",
    "$MQTT.>",
    *(f"_INBOX_{service}.>" for service in catalogue.SERVICES),
    "*.>",
]

HEADERS: list[tuple[dict[str, str], int | None]] = [
    ({"Nats-Rollup": "all"}, 10111),
    ({"Nats-Rollup": "sub"}, 10111),
    ({"Nats-TTL": "1s"}, 10166),
    ({"Nats-Schedule": "@every 1s", "Nats-Schedule-Target": "dead.v1.x"}, 10188),
    ({"Nats-Schedule": "@at 2020-01-01T00:00:00Z", "Nats-Schedule-Target": "events.v1.acme.other"}, 10188),
    ({"Nats-Expected-Stream": "DEAD"}, 10060),
    ({"Nats-Expected-Last-Sequence": "987654"}, 10071),
    ({"Nats-Expected-Last-Subject-Sequence": "987654"}, 10071),
    ({"Nats-Expected-Last-Msg-Id": "guessed"}, 10070),
    ({"Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1"}, 10174),
    ({"Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1", "Nats-Batch-Commit": "1"}, 10174),
    ({"Nats-Incr": "+1"}, 10168),
    ({"Nats-Stream-Source": "DEAD 1 > > dead.v1.x"}, 10227),
    # These the server stores as they are: they mean something on what it sends, not on what it gets.
    ({"Nats-Schedule-Target": "dead.v1.x"}, None),
    ({"Nats-Marker-Reason": "MaxAge"}, None),
    ({"Nats-Subject": "dead.v1.x", "Nats-Stream": "DEAD", "Nats-Sequence": "1"}, None),
    ({"Nats-Request-Info": '{"acc":"DRISHTI","user":"admin"}'}, None),
    ({"Nats-Required-Api-Level": "99"}, None),
    ({"KV-Operation": "PURGE"}, None),
    ({"Status": "503", "Description": "No Responders"}, None),
    ({"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, None),
]
"""Headers that a server may act on, each with the error code by which this one refuses them; ``None``: stored, nothing more."""


@pytest.fixture(scope="module", params=["local", "compose"])
def server(request: pytest.FixtureRequest, server_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if request.param == "local":
        result: Server = NatsServer(server_folder / "producer-account")
    else:
        result = ComposeNats(tmp_path_factory.mktemp("compose"))
    result.start()
    yield result
    result.stop()


@pytest.fixture
async def admin(server: Server) -> AsyncIterator[Bus]:
    bus = await connect(server.settings("admin"), name="admin")
    await streams.declare(bus.js)
    yield bus
    await bus.close()


class Producer:
    """A plain client of the producers' user, with what the server refuses it."""

    def __init__(self, client: Client, errors: list[str]) -> None:
        self.client = client
        self._errors = errors

    def refused(self, what: str) -> set[str]:
        result = (re.search(rf'permissions violation for {what}[^"]*"([^"]+)"', error, re.IGNORECASE) for error in self._errors)
        return {match[1].lower() for match in result if match}


@contextlib.asynccontextmanager
async def connected(server: Server) -> AsyncIterator[Producer]:
    errors: list[str] = []

    async def note(error: Exception) -> None:
        errors.append(str(error))

    client = await nats.connect(server.url("producer"), error_cb=note)
    try:
        yield Producer(client, errors)
    finally:
        await client.close()


@pytest.fixture
async def producer(server: Server, admin: Bus) -> AsyncIterator[Producer]:
    async with connected(server) as result:
        yield result


@contextlib.asynccontextmanager
async def nothing_else_reached(admin: Bus, producer: Producer) -> AsyncIterator[None]:
    """What happens inside reaches no subject but events and requests, and changes no stream but theirs, which only grow."""
    heard: set[str] = set()

    async def note(msg: Msg) -> None:
        heard.add(msg.subject)

    async def settings() -> dict[str, Any]:
        return {stream: (await admin.js.stream_info(stream)).config for stream in STREAMS}

    async def numbers(names: list[str]) -> dict[str, tuple[int, int]]:
        states = {stream: (await admin.js.stream_info(stream)).state for stream in names}
        return {stream: (state.first_seq, state.last_seq) for stream, state in states.items()}

    before, configured, first = await numbers(OTHERS), await settings(), await numbers(["EVENTS", "REQUESTS"])
    listening = await admin.nc.subscribe(">", cb=note)
    await settled(admin.nc)
    try:
        yield
        for marker in ("events.v1.marker.last", "requests.v1.marker.last"):
            await producer.client.jetstream().publish(marker, EVENT, timeout=20)  # whose ack follows all acks before it
        await wait_until(lambda: {"events.v1.marker.last", "requests.v1.marker.last"} <= heard, seen=heard)
        await settled(admin.nc)
    finally:
        await listening.unsubscribe()
    # Replies of JetStream cross the border under a name of the server's own, "_R_.…", and go on in the producers' account;
    # the others are this test's own questions and what the server tells of them.
    own = re.compile(r"(events|requests)\.v1\.(acme|marker)\..*|_R_\..*|_INBOX_admin\..*|\$JS\.(API|EVENT)\..*")
    assert {subject for subject in heard if not own.fullmatch(subject)} == set()
    assert not any(subject.startswith(f"$JS.API.STREAM.{verb}") for subject in heard for verb in ("PURGE", "DELETE", "CREATE"))
    assert await numbers(OTHERS) == before
    assert await settings() == configured
    for stream, (first_seq, last_seq) in (await numbers(["EVENTS", "REQUESTS"])).items():
        assert first_seq in (first[stream][0], 1)
        assert last_seq >= first[stream][1]


async def test_acks_reach_any_client_and_tell_a_duplicate(producer: Producer) -> None:
    js = producer.client.jetstream()
    for subject, stream in zip(OWN, ("EVENTS", "REQUESTS"), strict=True):
        first = await js.publish(subject, EVENT, headers={"Nats-Msg-Id": f"once-{stream}"})
        again = await js.publish(subject, EVENT, headers={"Nats-Msg-Id": f"once-{stream}"})
        assert (first.stream, first.duplicate, again.duplicate, again.seq) == (stream, None, True, first.seq)


async def test_a_message_is_stored_as_it_was_sent(producer: Producer, admin: Bus) -> None:
    sent = {"Nats-Msg-Id": "whole", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    ack = await producer.client.jetstream().publish(OWN[0], EVENT, headers=sent)
    stored = await admin.js.get_msg("EVENTS", seq=ack.seq)
    assert (stored.subject, stored.data, stored.headers) == (OWN[0], EVENT, sent)


async def test_no_other_subject_is_published(producer: Producer, admin: Bus) -> None:
    async with nothing_else_reached(admin, producer):
        for subject in FOREIGN:
            await producer.client.publish(subject, b"{}")
        await settled(producer.client)
        wanted = {subject.lower() for subject in FOREIGN}
        await wait_until(lambda: producer.refused("publish") >= wanted, seen=lambda: wanted - producer.refused("publish"))


async def test_no_reply_subject_leads_out_of_the_account(producer: Producer, admin: Bus) -> None:
    async with nothing_else_reached(admin, producer):
        for reply in FOREIGN:
            if "*" in reply or ">" in reply:
                continue  # no message can be sent there
            await producer.client.publish(OWN[0], EVENT, reply=reply)
            await producer.client.publish(OWN[1], EVENT, reply=reply, headers={"Nats-Expected-Stream": "DEAD"})
        await settled(producer.client)


@pytest.mark.parametrize("queue", ["", "workers"])
async def test_nothing_is_subscribed_but_inboxes(server: Server, admin: Bus, queue: str) -> None:
    async with connected(server) as producer:
        for subject in SUBSCRIPTIONS:
            await producer.client.subscribe(subject, queue=queue)
        await producer.client.subscribe("_INBOX.>", queue=queue)
        await settled(producer.client)
        wanted = {subject.lower() for subject in SUBSCRIPTIONS}
        await wait_until(
            lambda: producer.refused("subscription") >= wanted, seen=lambda: wanted - producer.refused("subscription")
        )
        assert producer.refused("subscription") == wanted


@pytest.mark.parametrize(("headers", "code"), HEADERS, ids=[" ".join(headers) for headers, _ in HEADERS])
async def test_no_header_makes_the_server_do_more_than_store(
    producer: Producer, admin: Bus, headers: dict[str, str], code: int | None
) -> None:
    kept = await producer.client.jetstream().publish(OWN[0], EVENT)
    async with nothing_else_reached(admin, producer):
        answer = json.loads((await producer.client.request(OWN[0], EVENT, headers=headers, timeout=10)).data)
        assert answer.get("error", {}).get("err_code") == code, answer
        await producer.client.publish(OWN[0], EVENT, headers=headers)
    assert (await admin.js.get_msg("EVENTS", seq=kept.seq)).data == EVENT
    info = await admin.js.stream_info("EVENTS", subjects_filter="events.v1.acme.other")
    assert not info.state.subjects


@pytest.mark.parametrize("target", ["dead.v1.x", "$KV.api_keys.x", "_INBOX_gateway.x", "$SYS.x", "_INBOX.own"])
@pytest.mark.parametrize("only", ["true", ""])
async def test_no_trace_of_a_message_is_sent_anywhere(producer: Producer, admin: Bus, target: str, only: str) -> None:
    headers = {"Nats-Trace-Dest": target} | ({"Nats-Trace-Only": only} if only else {})
    async with nothing_else_reached(admin, producer):
        await producer.client.publish(OWN[0], EVENT, headers=headers)
        await wait_until(lambda: target.lower() in producer.refused("publish"), seen=lambda: producer.refused("publish"))


async def test_a_trace_to_a_subject_of_ones_own_is_an_event_like_any_other(producer: Producer, admin: Bus) -> None:
    before = (await admin.js.stream_info("EVENTS")).state.messages
    async with nothing_else_reached(admin, producer):
        await producer.client.publish(OWN[0], EVENT, headers={"Nats-Trace-Dest": OWN[0]}, reply=OWN[0])
        await wait_until(lambda: _has_grown(admin, before + 2))


async def _has_grown(admin: Bus, messages: int) -> bool:
    return (await admin.js.stream_info("EVENTS")).state.messages >= messages


async def test_another_producer_sees_acks_and_nothing_else(server: Server, producer: Producer) -> None:
    heard: list[Msg] = []

    async def note(msg: Msg) -> None:
        heard.append(msg)

    async with connected(server) as other:
        await other.client.subscribe("_INBOX.>", cb=note)
        await settled(other.client)
        ack = await producer.client.jetstream().publish(OWN[0], EVENT, headers={"x-secret": "s"})
        await wait_until(lambda: heard)
    assert [(json.loads(msg.data), msg.headers) for msg in heard] == [({"stream": "EVENTS", "seq": ack.seq}, None)]


async def test_without_a_stream_a_producer_is_told_at_once(producer: Producer, admin: Bus) -> None:
    await admin.js.delete_stream("REQUESTS")
    with pytest.raises(NoStreamResponseError):
        await producer.client.jetstream().publish(OWN[1], EVENT, timeout=20)


async def test_subscriptions_of_a_connection_are_limited_and_nobody_enters_without_a_password(server: Server) -> None:
    many = b"".join(b"SUB _INBOX.a.%d %d\r\n" % (n, n) for n in range(permissions.PRODUCER_SUBSCRIPTIONS + 1))
    reported = await said(server, server.url("producer"), many)
    assert reported == [b"-ERR 'maximum subscriptions exceeded'", b"PONG"]
    assert await said(server, "nats://:@", b"") == [b"-ERR 'Authorization Violation'"]


async def said(server: Server, url: str, commands: bytes) -> list[bytes]:
    """What the server says to these commands, after its greeting, until it has done them or ends the connection."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        assert json.loads((await reader.readline()).removeprefix(b"INFO "))["auth_required"]
        options = {"verbose": False, "user": address.username, "pass": address.password}
        writer.write(b"CONNECT " + json.dumps(options).encode() + b"\r\n" + commands + b"PING\r\n")
        lines: list[bytes] = []
        async with asyncio.timeout(20):
            while b"PONG" not in lines and (line := await reader.readline()):
                lines.append(line.strip())
        return lines
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_producers_have_no_jetstream_of_their_own(producer: Producer) -> None:
    with pytest.raises(nats.errors.Error):
        await producer.client.jetstream(timeout=1).account_info()
    assert "$js.api.info" in producer.refused("publish")
