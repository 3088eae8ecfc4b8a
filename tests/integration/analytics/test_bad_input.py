"""What cannot be stored ends in DEAD with its reason, once, and stops nobody; a wrong question gets the name of its field."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from hypothesis import given, settings

from drishti.bus import dead_letters
from drishti.errors import InvalidPayload
from drishti.events import AnalyticsEvent, BatchDecoder, DeadLetter, encode
from drishti.messages import jsontext
from drishti_local.servers import NatsServer
from gateway.ingest.parsing import parse
from rigs import hostile_json
from rigs.analytics import Rig, event, request, status_of
from rigs.waiting import DEADLINE_S


async def letters(world: Rig, count: int) -> list[DeadLetter]:
    """Dead letters in order of sequence, once the bus is empty; exactly ``count``."""
    await world.wait_settled()
    found = await world.dead()
    assert len(found) == count, found
    return sorted(found, key=lambda letter: letter.sequence)


BAD_EVENTS: list[tuple[bytes, str]] = [
    (b"{", "truncated"),
    (b"\xff\xfe", "not UTF-8"),
    (b'{"event_type": "page_view"}', "event_id: "),
    (b'{"event_id": "x", "event_type": "Not A Token"}', "event_type: "),
    (b'{"event_id": "x", "event_type": "page_view", "data": 3}', "data: "),
    (
        b'{"event_id": "x", "event_type": "page_view", "timestamp": "2001-01-01T00:00:00Z"}',
        "timestamp: more than 30 days before",
    ),
    (b'{"event_id": "x", "event_type": "page_view", "timestamp": "2199-01-01T00:00:00Z"}', "timestamp: more than 10 minutes"),
    (b'{"event_id": "x", "event_type": "page_view", "timestamp": "2026-01-01T00:00:00"}', "timestamp: "),
    (b'{"event_id": "x\\u0000", "event_type": "page_view"}', "U+0000"),
    (b'{"event_id": "x", "event_type": "page_view", "data": {"k": "\\u0000"}}', "U+0000"),
    (b'{"event_id": "x", "event_type": "page_view", "user_id": "\\ud800"}', "user_id: text must not contain half"),
    (b'{"event_id": "x", "event_type": "page_view", "data": {"k": NaN}}', "data.k: NaN"),
    (b'{"event_id": "x", "event_type": "page_view", "data": {"k": "\xff"}}', "data.k: the text is not UTF-8"),
    (b'{"event_id": "x", "event_type": "page_view", "data": {"k": ' + b"[" * 9_000 + b"]" * 9_000 + b"}}", "nested more"),
    (b'{"event_id": "x", "event_type": "page_view", "data": {"deep": ' + b"[" * 400 + b"]" * 400 + b"}}", ""),
]


async def test_poison_messages_beside_good_ones_are_refused_once_with_their_reason(world: Rig) -> None:
    """All wait on the bus before analytics starts, so that they come in one fetch."""
    subject = f"events.v1.{world.tenant}.page_view"
    for n, (payload, _) in enumerate(BAD_EVENTS):
        await world.publish(event(f"good-{n}", "page_view"))
        await world.admin.publish(subject, payload, headers={"x-trail": str(n)})
    await world.publish(event("last", "page_view"))
    async with world.running():
        found = await letters(world, sum(1 for _, reason in BAD_EVENTS if reason))
        await world.check_exact(events=len(BAD_EVENTS) + 1 + sum(1 for _, reason in BAD_EVENTS if not reason))
        assert await world.total("events", "count") == await world.rows()
    for letter, (payload, reason) in zip(found, [b for b in BAD_EVENTS if b[1]], strict=True):
        assert reason in letter.reason, (payload, letter.reason)
        assert letter.payload == payload
        assert (letter.subject, letter.stream, letter.refused_by) == (subject, "EVENTS", "analytics")
        assert letter.headers["x-trail"]


async def test_one_bad_item_of_a_batch_is_refused_alone(world: Rig) -> None:
    good = [json.loads(encode(event(f"g{n}"))) for n in range(4)]
    late = {"event_id": "late", "event_type": "dharma_query", "timestamp": "2001-01-01T00:00:00Z"}
    bad = {"event_id": "bad", "event_type": "dharma_query", "user_id": 7}
    items: list[Any] = [good[0], bad, good[1], good[2], late, good[3], 17]
    async with world.running():
        await world.admin.publish(f"events.v1.{world.tenant}.dharma_query", json.dumps(items).encode())
        await world.publish_requests(request("r"))
        await world.admin.publish(f"requests.v1.{world.tenant}.wisdom", b'[{"event_id": "r2"}, ' + encode(request("r3")) + b"]")
        found = await letters(world, 4)
        await world.check_exact(events=4, requests=2)
    reasons = {letter.reason.partition(":")[0]: letter for letter in found if letter.stream == "EVENTS"}
    assert sorted(reasons) == ["item 1", "item 4", "item 6"], "named by their place in the message"
    assert "user_id" in reasons["item 1"].reason
    assert json.loads(reasons["item 1"].payload) == bad
    assert json.loads(reasons["item 4"].payload)["event_id"] == "late"
    assert next(letter.reason for letter in found if letter.stream == "REQUESTS").startswith("item 0: service: ")


async def test_a_megabyte_of_junk_is_one_letter_and_delays_nobody(world: Rig) -> None:
    subject = f"events.v1.{world.tenant}.junk"
    async with world.running():
        await world.admin.publish(subject, b"[" + b",".join([b"1"] * 500_000) + b"]")
        await world.admin.publish(subject, b"[" + b",".join([b"{}"] * 9_000) + b"]")
        await world.publish(event("good"))
        found = await letters(world, 2)
        await world.check_exact(events=1)
    assert found[0].reason.startswith("500,000 items are more than the 10,000 of one message")
    assert found[1].reason.startswith("9,000 of 9,000 items are bad: item 0: ")


async def test_many_bad_items_of_a_batch_share_a_letter_that_can_be_replayed(world: Rig) -> None:
    items = [event(f"e{n}", "feedback") for n in range(1_000)]
    broken = encode(items).replace(b'"feedback"', b'"Feed back"', 600)
    async with world.running():
        await world.admin.publish(f"events.v1.{world.tenant}.feedback", broken)
        (letter,) = await letters(world, 1)
        await world.check_exact(events=400)
        assert letter.reason.startswith("600 of 1,000 items are bad: item 0: event_type: ")
        await world.admin.publish(letter.subject, letter.payload.replace(b'"Feed back"', b'"feedback"'))
        await world.wait_exact(events=1_000)


async def test_a_refused_item_can_be_sent_again_after_a_fix(world: Rig) -> None:
    async with world.running():
        subject = f"events.v1.{world.tenant}.feedback"
        await world.admin.publish(subject, b'[{"event_id": "a", "event_type": "feedback"}, {"event_id": "b", "event_type": 1}]')
        (letter,) = await letters(world, 1)
        fixed = letter.payload.replace(b'"event_type": 1', b'"event_type": "feedback"')
        await world.admin.publish(letter.subject, fixed)
        await world.wait_exact(events=2)


async def test_a_subject_whose_tenant_is_no_token_is_refused_and_ends_nothing(world: Rig) -> None:
    async with world.running():
        for subject in ("events.v1.BIG.page_view", "events.v1.%C3%A4.page_view", "events.v1.x"):
            await world.admin.publish(subject, encode(event()))
        await world.publish(event("good"))
        await world.wait_settled()
        info = await world.admin.js.stream_info("DEAD")
        assert info.state.messages == 3
        await world.check_exact(events=1)
        assert await world.total("events", "count") == 1


async def test_a_subject_that_is_no_text_stops_nobody(world: Rig) -> None:
    """The server takes any bytes in a subject, from every producer; clients that use a library cannot send them."""
    settings = world.nats.settings("producer")
    address = urlsplit(settings.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    login = {"user": settings.user, "pass": settings.password.reveal(), "verbose": True}
    writer.write(b"CONNECT %s\r\nPING\r\n" % json.dumps(login).encode())
    payload = encode(event("unseen"))
    tenant = world.tenant.encode()
    subjects = [
        b"events.v1.%s.\xff\xfe" % tenant,
        b"events.v1.%s.caf\xe9" % tenant,
        b"events.v1.\xff.t",
        b"requests.v1.%s.\xc0" % tenant,
    ]
    for subject in subjects:
        writer.write(b"PUB %s %d\r\n%s\r\n" % (subject, len(payload), payload))
    writer.write(b"PING\r\n")
    async with asyncio.timeout(DEADLINE_S):
        for answer in (b"PONG", b"PONG"):
            while (line := await reader.readline()) and not line.startswith(answer):
                assert not line.startswith(b"-ERR"), line
    async with world.running():
        await world.publish(event("good"))
        await world.wait_settled()
        assert await world.total("events", "count") == await world.rows()
        assert await world.fetchval("SELECT count(*) FROM events WHERE tenant = $1 AND event_id = 'good'", world.tenant) == 1
        await world.publish(event("after"))
        await world.wait_settled()
    writer.close()


async def test_a_bad_message_as_large_as_the_bus_allows_is_refused_too(world: Rig) -> None:
    payload = b'{"event_id": "' + b"x" * 1_000_000 + b'", "event_type": "page_view"}'
    async with world.running():
        await world.admin.publish(f"events.v1.{world.tenant}.page_view", payload)
        await world.publish(event("good"))
        (letter,) = await letters(world, 1)
        await world.check_exact(events=1)
    assert letter.reason.startswith("event_id: ")
    assert payload.startswith(letter.payload)
    assert len(letter.payload) > 100_000
    assert f"{len(payload)} bytes" in letter.reason, "says that the copy is cut, and where the whole is"


async def test_what_became_of_everything_is_counted(world: Rig) -> None:
    async with world.running(max_series=1) as port:
        await world.publish(event("a", data={"topic": "karma"}), event("b", data={"topic": "breath"}), event("a"))
        await world.admin.publish(f"events.v1.{world.tenant}.page_view", b"{")
        await world.wait_settled()
        _, found = await status_of(port, "/statistics") or (0, {})
    wanted = {"stored": 2, "duplicates": 1, "refused": 1, "bugs": 0, "waiting": 0, "partitions": 64}
    assert {name: found[name] for name in wanted} == wanted
    assert found["overflowed"] == 1, "a second topic"
    assert found["published"] >= 0


async def test_metrics_that_are_no_protobuf_are_refused(world: Rig) -> None:
    async with world.running():
        await world.admin.publish(f"metrics.v1.{world.tenant}.wisdom", b"\xff\xff\xff\xff")
        (letter,) = await letters(world, 1)
    assert "OTLP ResourceMetrics" in letter.reason


async def test_whatever_both_entrances_accept_is_stored_and_of_each_message_the_bad_items_alone_are_refused(world: Rig) -> None:
    """Real PostgreSQL takes every value that the validator takes, beside bad ones of every kind."""
    good = [hostile_json.event(value, f"g{n}") for n, value in enumerate(hostile_json.GOOD_VALUES.values())]
    good += [form.replace(b"%s", b"edge%d" % n) for n, form in enumerate(hostile_json.EDGES_OF_EVENTS)]
    bad = [hostile_json.event(value, f"b{n}") for n, value in enumerate(hostile_json.BAD_VALUES.values())]
    accepted = [parse(item, lines=False, now=datetime.now(UTC), max_events=10).accepted for item in good + bad]
    assert accepted == [1] * len(good) + [0] * len(bad)
    refused = 0
    async with world.running():
        for start in range(0, len(bad), 4):
            items = [*bad[start : start + 2], *good, *bad[start + 2 : start + 4]]
            await world.admin.publish(f"events.v1.{world.tenant}.t", b"[" + b",".join(items) + b"]")
            refused += len(items) - len(good)
        found = await letters(world, refused)
        assert await world.rows() == len(good)
        assert await world.total("events", "count") == len(good)
        assert await world.total("satisfaction", "avg") == 3.0, "extreme values make no sum infinite"
        await world.publish(event("after"))
        await world.wait_settled()
        assert await world.total("events", "count") == len(good) + 1
    assert sorted(letter.payload for letter in found) == sorted(bad)


async def test_whatever_is_generated_is_stored_where_it_is_accepted(world: Rig) -> None:
    """The validator against PostgreSQL: of many items, hostile ones among them, exactly the accepted ones become rows."""
    found: list[bytes] = []

    @given(hostile_json.items())
    @settings(max_examples=500, derandomize=True, database=None, deadline=None)
    def generate(item: bytes) -> None:
        with contextlib.suppress(InvalidPayload):
            if jsontext.cut(b"[" + item + b"]") == [item]:  # an open quote or bracket would take its neighbours along
                found.append(item.replace(b'"event_id":"e"', b'"event_id":"%d"' % len(found)))

    generate()
    decoder = BatchDecoder(AnalyticsEvent)
    accepted = set()
    for item in found:
        with contextlib.suppress(InvalidPayload):
            accepted.add(decoder.decode_item(item).event_id)
    assert len(accepted) > 50
    async with world.running():
        for start in range(0, len(found), 100):
            await world.admin.publish(f"events.v1.{world.tenant}.t", b"[" + b",".join(found[start : start + 100]) + b"]")
        await world.wait_settled()
        await world.check_exact(events=len(accepted))


async def test_an_item_that_only_postgresql_refuses_is_refused_alone_and_its_mended_letter_can_be_replayed(world: Rig) -> None:
    """What passes the validator and yet cannot be stored, here by a constraint that somebody added to the table."""
    async with world.running():
        await world.publish(event("first"))
        await world.wait_settled()
        name = f"only_{world.tenant}"
        wrong = f"CASE WHEN tenant = '{world.tenant}' AND user_id = 'wrong' THEN user_id::int ELSE 1 END"
        await world.fetchval(f"ALTER TABLE events ADD CONSTRAINT {name} CHECK ({wrong} = 1)")
        try:
            await world.publish(*(event(f"e{n}", user_id="wrong" if n == 5 else None) for n in range(20)))
            (letter,) = await letters(world, 1)
            assert await world.rows() == 20
        finally:
            await world.fetchval(f"ALTER TABLE events DROP CONSTRAINT {name}")
        assert letter.reason.startswith("item 5: ")
        assert json.loads(letter.payload)["event_id"] == "e5"
        dead = [found async for found in dead_letters.letters(world.admin.js, dead_letters.on_subject(letter.subject))]
        assert [(await dead_letters.replay(world.admin, found)).problem for found in dead] == [""]
        await world.wait_exact(events=21)


async def test_subjects_and_headers_that_no_client_library_sends_stop_nobody(world: Rig, own_nats: NatsServer) -> None:
    """By hand, as a hostile producer: nats-py would not send these, and must not stop at them when they come."""
    user, password = "producer", own_nats.passwords["producer"]
    before = f"events.v1.{world.tenant}.".encode()
    subjects = [before + b"\xff\xfe", before + b"x" * 4000, before + b"*", before + b"a\x00b", before + b"a.b.c"]
    header = b"NATS/1.0 503 \xff\r\nStatus: 100\r\n: none\r\n\xff: x\r\n" + b"a:\r\n" * 10_000 + b"\r\n"
    payload = b'{"event_id": "odd", "event_type": "page_view"}'
    sizes = f"{len(header)} {len(header) + len(payload)}".encode()
    commands = [b"PUB %b 2\r\n{}\r\n" % subject for subject in subjects]
    commands.append(b"HPUB %bpage_view %b\r\n%b%b\r\n" % (before, sizes, header, payload))
    reader, writer = await asyncio.open_connection("127.0.0.1", own_nats.port)
    options = json.dumps({"verbose": False, "user": user, "pass": password, "headers": True}).encode()
    writer.write(b"CONNECT " + options + b"\r\n" + b"".join(commands) + b"PING\r\n")
    async with asyncio.timeout(20):
        while (line := await reader.readline()) != b"PONG\r\n":
            assert line, "the server ended the connection"
    writer.close()
    await writer.wait_closed()
    await world.publish(event("good", "page_view"))
    async with world.running():
        found = await letters(world, len(subjects))
        await world.wait_exact(events=2)  # that with the odd header too: its content is an event
    assert [letter.subject.encode(errors="replace")[:30] for letter in found] == [
        subject.decode(errors="replace").encode()[:30] for subject in subjects
    ]
