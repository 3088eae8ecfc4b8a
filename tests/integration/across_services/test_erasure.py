"""A user is erased everywhere: nothing of them is found in any table, segment or stream, and nothing from before comes back."""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from nats.aio.msg import Msg
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValueList

from analytics.erasure.named import hash_of
from analytics.product.people.applying import apply_edges
from analytics.product.segments.compaction import rewriting
from analytics.product.segments.reading import ProductReading
from analytics.product.segments.segment import StoredColumn, decode
from analytics.query.product.asked import LAST_MS
from analytics.query.product.cohorts import answers as cohort_answers
from analytics.query.product.cohorts.answers import users_found
from analytics.storage.database import Database
from drishti.bus.connection import Bus
from drishti.events import AnalyticsEvent, encode
from drishti.messages import subjects
from drishti.messages.catalogue import COHORTS_BUCKET, MESSAGES, bucket_stream
from drishti.settings import Secret
from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs import otlp_spans as making
from rigs.analytics import event, request
from rigs.compacting import compacted
from rigs.drishti_command import DrishtiCommand
from rigs.log_records import message, pair, record
from rigs.waiting import wait_until

USER = "ada@example.org"
OTHER = "ada@example.org.uk"
RULES = json.dumps(
    [
        {"name": "tests", "where": [{"property": "user_id", "op": "in", "values": [USER, OTHER]}]},
        {"name": "one", "where": [{"property": "user_id", "value": USER}]},
    ]
)
STREAMS = sorted({*(message.stream for message in MESSAGES), bucket_stream(COHORTS_BUCKET)})


class Office:
    """An administrator of the tenant, at a gateway and an analytics."""

    def __init__(self, analytics: analytics_rig.Rig, gateway: gateway_rig.Rig, key: str) -> None:
        self.analytics = analytics
        self.gateway = gateway
        self.key = key

    @property
    def bus(self) -> Bus:
        return self.analytics.admin

    async def ask(self, method: str, path: str, *, key: str | None = None, **given: Any) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {key or self.key}"}
        async with self.gateway.http.request(method, self.gateway.url + path, headers=headers, **given) as answer:
            return answer.status, await answer.json(content_type=None)

    async def erase(self, user: str = USER, **given: str) -> dict[str, Any]:
        status, receipt = await self.ask("DELETE", f"/api/users/{quote(user, safe='')}", params=given)
        assert status == 202, receipt
        return receipt

    async def receipt(self, erasure_id: str) -> dict[str, Any]:
        status, receipt = await self.ask("GET", f"/api/erasures/{erasure_id}")
        assert status == 200, receipt
        return receipt

    async def wait_done(self, erasure_id: str) -> dict[str, Any]:
        return await self.wait_done_as(self.key, erasure_id)

    async def wait_done_as(self, key: str, erasure_id: str) -> dict[str, Any]:
        async def receipt() -> Any:
            return (await self.ask("GET", f"/api/erasures/{erasure_id}", key=key))[1]

        async def done() -> bool:
            return (await receipt()).get("state") == "done"

        await wait_until(done)
        return await receipt()

    async def save_cohort(self, name: str, users: list[str]) -> None:
        key = await self.gateway.key("editor", self.analytics.tenant)
        status, answer = await self.ask("POST", f"/api/analytics/cohorts/{name}", key=key, json={"users": users})
        assert status == 200, answer

    async def cohort(self, name: str) -> list[str]:
        status, cohort = await self.ask("GET", f"/api/analytics/cohorts/{name}")
        assert status == 200, cohort
        return list(cohort.get("users", []))

    async def send(self, document: Any) -> None:
        key = await self.gateway.key("producer", self.analytics.tenant)
        status, answer = await self.ask("POST", "/api/events", key=key, json=document)
        assert status == 202, answer


@pytest.fixture
async def office(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Office]:
    async with (
        analytics_rig.rig(own_nats, postgres_url) as analytics,
        analytics.running(),
        gateway_rig.running(own_nats) as gateway,
    ):
        yield Office(analytics, gateway, await gateway.key("admin", analytics.tenant))


def happened(user: str, days_ago: float = 0.0, **data: Any) -> AnalyticsEvent:
    at = datetime.now(UTC) - timedelta(days=days_ago, seconds=1)
    return event(user_id=user, timestamp=at, data=data)


async def tables_naming(connection: asyncpg.Connection, text: str) -> dict[str, int]:
    """Rows of every table whose text, in whatever column, has ``text``."""
    found = {}
    names = await connection.fetch(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
    )
    for row in names:
        table = row["name"]
        count = await connection.fetchval(f"SELECT count(*) FROM {table} AS t WHERE position($1 IN t::text) > 0", text)
        if count:
            found[table] = count
    return found


async def segments_naming(connection: asyncpg.Connection, text: str) -> int:
    """Segments that have the user's hash, or ``text`` among their values."""
    (user,) = await connection.fetchrow("SELECT hashtextextended($1, 0)", text)
    rows = await connection.fetch("SELECT * FROM segments ORDER BY tenant, day, bucket")
    groups: dict[tuple[Any, ...], list[StoredColumn]] = {}
    for row in rows:
        column = StoredColumn(row["col"], row["data"], row["dictionary"], row["numbers"])
        groups.setdefault((row["tenant"], row["day"], row["bucket"]), []).append(column)
    decoded = [decode(columns) for columns in groups.values()]
    return sum(user in one.users or any(text in column.values for column in one.columns.values()) for one in decoded)


async def streams_naming(bus: Bus, text: str) -> dict[str, int]:
    """Messages of every stream whose bytes have ``text``."""
    found: Counter[str] = Counter()

    async def take(msg: Msg) -> None:
        found[msg.metadata.stream] += text.encode() in msg.data

    for stream in STREAMS:
        if (await bus.js.stream_info(stream)).state.messages:
            stop, ready = asyncio.Event(), asyncio.Event()
            since = datetime(1970, 1, 1, tzinfo=UTC)
            reading = bus.replay(stream, subjects=[">"], start=since, handler=take, stop=stop, ready=ready)
            task = asyncio.create_task(reading)
            await wait_until(ready.is_set)
            stop.set()
            await task
    return dict(+found)


async def send_telemetry(office: Office) -> None:
    """Spans and log records that name both users, in each way."""
    tenant = office.analytics.tenant
    named = [("user.id", USER), ("enduser.id", USER), ("user.id", OTHER), ("http.route", "/")]
    spans = [
        making.span(*ids, attributes={name: user})
        for ids, (name, user) in zip(making.random_ids(time.time_ns(), 4), named, strict=True)
    ]
    await office.bus.publish(subjects.spans(tenant, "shop"), making.resource_spans("shop", spans).SerializeToString())
    body = AnyValue(kvlist_value=KeyValueList(values=[pair("user.id", string_value=USER)]))
    records = [
        record("signed in", attributes=[pair("user.id", string_value=USER)]),
        record("signed in", attributes=[pair("user.id", string_value=OTHER)]),
        record(body=body),
        record("order", event_name="order", attributes=[pair("user.id", string_value=USER)]),
    ]
    await office.bus.publish(subjects.logs(tenant, "shop"), message(*records).SerializeToString())


async def fill(office: Office, chance: random.Random) -> None:
    """Events, requests, log records and spans of two users and more, some of them in segments."""
    for _ in range(3):
        for user in (USER, OTHER, *(f"user {n}" for n in range(20))):
            some = [happened(user, chance.random() * 5, page=f"/{chance.randrange(9)}", contact=user) for _ in range(4)]
            await office.analytics.publish(*some)
    mixed = [happened(user, chance.random()) for user in (USER, OTHER, "user 1")]
    await office.analytics.publish(*mixed)
    subject = subjects.events(office.analytics.tenant, "dharma_query")
    await office.bus.publish(subject, encode([event(user_id=USER)]).replace(b"@", b"\\u0040"))
    await office.analytics.publish_requests(*(request(user_id=user) for user in (USER, OTHER, USER)))
    await send_telemetry(office)
    for name, users in (("both", [USER, OTHER]), ("one", [USER]), ("other", [OTHER])):
        await office.save_cohort(name, users)
    bad = {"event_id": uuid.uuid4().hex, "event_type": "dharma_query", "user_id": USER, "timestamp": "never"}
    await office.bus.publish(subject, json.dumps(bad).encode())


async def test_nothing_of_an_erased_user_is_found_in_any_store(office: Office) -> None:
    await fill(office, random.Random(1))
    await office.analytics.wait_settled()
    await compacted(office.analytics)
    said = {"set": {"plan": "pro"}, "group_id": "acme"}
    of_events = [event(user_id=user, event_type="group", data=said) for user in (USER, OTHER)]
    await office.analytics.publish(happened(USER), happened("user 2"), *of_events)  # beyond segments
    await office.analytics.wait_settled()
    connection = await office.analytics.connect()
    await connection.execute(
        "INSERT INTO exclusion_rules (tenant, revision, rules) VALUES ($1, 1, $2)", office.analytics.tenant, RULES
    )
    others_before = await connection.fetchval("SELECT count(*) FROM events WHERE user_id <> $1", USER)
    assert await tables_naming(connection, USER)
    assert await segments_naming(connection, USER)
    assert set(await streams_naming(office.bus, USER)) >= {"EVENTS", "REQUESTS", bucket_stream(COHORTS_BUCKET)}

    receipt = await office.wait_done((await office.erase())["id"])

    of_other = await tables_naming(connection, OTHER)
    assert of_other
    assert await tables_naming(connection, USER) == of_other  # whose id begins with that of the user
    assert await segments_naming(connection, USER) == 0
    assert await segments_naming(connection, OTHER)
    assert await connection.fetchval("SELECT count(*) FROM events WHERE user_id <> $1", USER) == others_before
    assert await streams_naming(office.bus, f'"{USER}"') == {}
    assert not {"SPANS", "LOGS"} & set(await streams_naming(office.bus, f"\x0a{chr(len(USER))}{USER}"))
    removed = receipt["removed"]
    assert removed["events"] == 17
    assert removed["property_changes"] == 2
    assert removed["events in segments"] == 15
    assert removed["requests"] == 2
    assert removed["user_ids"] == 1
    assert removed["exclusion_rules"] == 2
    assert json.loads(await connection.fetchval("SELECT rules FROM exclusion_rules")) == [
        {"name": "tests", "where": [{"property": "user_id", "op": "in", "values": [OTHER]}]}
    ]
    assert removed["spans"] == 2
    assert removed["log_records"] == 3
    assert removed["stream SPANS"] == removed["stream LOGS"] == 1
    assert removed["stream DEAD"] == 1
    assert removed["stream EVENTS"] >= 5
    assert removed["cohorts"] == 2
    assert [await office.cohort(name) for name in ("both", "one", "other")] == [[OTHER], [], [OTHER]]
    assert receipt["user_hash"] == hash_of(office.analytics.tenant, USER).hex()
    assert USER not in json.dumps(await office.ask("GET", "/api/erasures"))
    await connection.close()


async def test_a_cohort_that_is_frozen_while_a_user_is_erased_does_not_keep_them(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.analytics.publish(happened(USER), happened(OTHER))
    await office.analytics.wait_settled()
    await office.save_cohort("both", [USER, OTHER])
    receipts = []

    async def found_before(*given: Any, **more: Any) -> Any:
        found = await users_found(*given, **more)
        receipts.append(await office.erase())
        return found

    monkeypatch.setattr(cohort_answers, "users_found", found_before)
    key = await office.gateway.key("editor", office.analytics.tenant)
    path = "/api/analytics/cohorts/"
    status, frozen = await office.ask("POST", f"{path}frozen", key=key, json={"users_of": "both"})
    assert (status, frozen.get("users")) == (200, [OTHER])
    status, answer = await office.ask("POST", f"{path}given", key=key, json={"users": [OTHER, USER]})
    assert (status, answer.get("field")) == (422, "users.1")
    await office.wait_done(receipts[0]["id"])
    assert [await office.cohort(name) for name in ("both", "frozen")] == [[OTHER], [OTHER]]


async def test_what_happened_before_an_erasure_is_not_stored_when_it_comes_late(office: Office) -> None:
    late = happened(USER, 0.5)
    await office.analytics.publish(happened(USER), happened(OTHER))
    await office.analytics.wait_settled()
    await office.wait_done((await office.erase())["id"])

    await office.analytics.publish(late, happened(OTHER))
    await office.analytics.publish_requests(request(user_id=USER), request(user_id=OTHER))
    await office.send([{"event_type": "dharma_query", "event_id": uuid.uuid4().hex, "user_id": USER}])
    await send_telemetry(office)
    await office.analytics.wait_settled()

    connection = await office.analytics.connect()
    assert await tables_naming(connection, USER) == await tables_naming(connection, OTHER)
    assert await connection.fetchval("SELECT count(*) FROM events WHERE user_id = $1", OTHER) == 2
    assert await connection.fetchval("SELECT count(*) FROM spans") == 2
    await connection.close()


async def test_late_events_of_others_that_name_an_erased_id_do_not_bring_it_back(office: Office) -> None:
    await office.analytics.publish(happened(USER))
    await office.analytics.wait_settled()
    await office.wait_done((await office.erase())["id"])

    def told(event_type: str, user: str, **data: Any) -> AnalyticsEvent:
        return event(event_type=event_type, user_id=user, timestamp=datetime.now(UTC) - timedelta(hours=1), data=data)

    naming = [
        told("identify", "new name", anonymous_id=USER),
        told("alias", "new name", previous_id=USER),
        told("alias", USER, previous_id="old name"),
        told("page_view", "new name", anonymous_id=USER),
    ]
    others = [told("identify", OTHER, anonymous_id="device"), told("page_view", "new name", anonymous_id=7)]
    for one in (*naming, *others):
        await office.analytics.publish(one)
    await office.analytics.wait_settled()
    connection = await office.analytics.connect()
    assert set(await tables_naming(connection, USER)) <= set(await tables_naming(connection, OTHER))
    stored = await connection.fetch("SELECT event_id FROM events")
    assert sorted(row["event_id"] for row in stored) == sorted(one.event_id for one in others)
    edges = await connection.fetch("SELECT from_id, to_id FROM person_edges ORDER BY 1")
    assert {value for row in edges for value in row} == {"device", OTHER}
    await connection.close()


async def test_the_command_erases_and_prints_the_receipt(office: Office) -> None:
    command = DrishtiCommand({"DRISHTI_URL": office.gateway.url, "DRISHTI_API_KEY": office.key})
    await office.analytics.publish(happened(USER), happened(OTHER))
    await office.analytics.wait_settled()
    status, output, said = await command("erase", USER)
    receipt = json.loads(output)
    assert (status, receipt["state"], receipt["removed"]["events"]) == (0, "done", 1)
    assert f"erasure {receipt['id']} has begun" in said
    assert USER not in output
    assert await office.analytics.rows() == 1
    status, output, _ = await command("erase", "--receipt", receipt["id"])
    assert (status, json.loads(output)) == (0, await office.receipt(receipt["id"]))
    status, output, _ = await command("erase", OTHER, "--block", "--no-wait")
    assert (status, json.loads(output)["before_ms"]) == (0, None)
    viewer = await office.gateway.key("viewer", office.analytics.tenant)
    for arguments, environ, problem in (
        (("--receipt", "none"), {}, "id: there is no such erasure"),
        ((USER,), {"DRISHTI_API_KEY": viewer}, "admin"),
        (("u" * 300,), {}, "user_id: "),
    ):
        status, output, said = await command("erase", *arguments, **environ)
        assert (status, output, problem in said, "Traceback" in said) == (1, "", True, False), said


async def test_a_user_counts_again_after_an_erasure_unless_blocked(office: Office) -> None:
    back, blocked = "comes back", "stays away"
    for user, given in ((back, {}), (blocked, {"block": "true"})):
        await office.analytics.publish(happened(user))
        await office.analytics.wait_settled()
        receipt = await office.wait_done((await office.erase(user, **given))["id"])
        assert receipt["removed"]["events"] == 1
        if given:
            assert receipt["before_ms"] is None
        else:
            assert 590_000 <= receipt["before_ms"] - receipt["asked_ms"] <= 600_001
    connection = await office.analytics.connect()
    async with connection.transaction():  # ten minutes later
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('drishti.event_metrics'))")
        await connection.execute("UPDATE tombstones SET before = before - interval '10 minutes 5 seconds'")
        await connection.execute("UPDATE event_metrics_state SET epoch = epoch + 1")
    await office.analytics.publish(happened(back), happened(blocked))
    await office.analytics.wait_settled()
    rows = await connection.fetch("SELECT user_id FROM events")
    assert [row["user_id"] for row in rows] == [back]
    await connection.close()


async def test_an_erasure_goes_on_where_it_was_when_analytics_is_killed(own_nats: NatsServer, postgres_url: str) -> None:
    async with analytics_rig.rig(own_nats, postgres_url) as analytics, gateway_rig.running(own_nats) as gateway:
        office = Office(analytics, gateway, await gateway.key("admin", analytics.tenant))
        async with analytics.process() as process:
            await analytics.publish(*(happened(USER, days) for days in (0, 1, 2, 3)), happened(OTHER))
            await analytics.publish_requests(request(user_id=USER))
            await analytics.wait_settled()
            connection = await analytics.connect()
            today = f"events_{datetime.now(UTC) - timedelta(seconds=1):%Y%m%d}"
            async with connection.transaction():  # which keeps the job from the last of the days
                await connection.execute(f"LOCK TABLE {today} IN SHARE MODE")
                receipt = await office.erase()

                async def begun() -> bool:
                    return (await office.receipt(receipt["id"]))["removed"].get("events") == 3

                await wait_until(begun)
                process.kill()
                await process.wait()
        async with analytics.process():
            removed = (await office.wait_done(receipt["id"]))["removed"]
            assert removed["events"] == 4
            assert removed["requests"] == 1
            assert await tables_naming(connection, f'"{USER}"') == {}
            assert await connection.fetchval("SELECT count(*) FROM events") == 1
        await connection.close()


async def test_only_administrators_erase_and_only_in_their_tenant(office: Office) -> None:
    await office.analytics.publish(happened(USER))
    await office.analytics.wait_settled()
    path = f"/api/users/{quote(USER, safe='')}"
    for role in ("producer", "viewer", "editor"):
        key = await office.gateway.key(role, office.analytics.tenant)  # type: ignore[arg-type]
        assert (await office.ask("DELETE", path, key=key))[0] == 403
        assert (await office.ask("GET", "/api/erasures", key=key))[0] == 403
    stranger = await office.gateway.key("admin", f"t{uuid.uuid4().hex[:10]}")
    status, theirs = await office.ask("DELETE", path, key=stranger)
    assert status == 202
    assert (await office.wait_done_as(stranger, theirs["id"]))["removed"] == {}
    assert await office.analytics.rows() == 1
    assert (await office.ask("GET", f"/api/erasures/{theirs['id']}"))[0] == 404
    assert (await office.ask("GET", "/api/erasures"))[1] == {"erasures": []}


@pytest.mark.parametrize(
    "user", ["a/b", "..", " ", "%2F", "\u00fc\u202e\U0001f600", "'; DROP TABLE events; --", "\\", '"', "7"]
)
async def test_users_of_any_name_are_erased(office: Office, user: str) -> None:
    await office.analytics.publish(happened(user), happened(OTHER))
    await office.analytics.wait_settled()
    status, receipt = await office.ask("POST", "/api/erasures", json={"user_id": user})
    assert status == 202
    removed = (await office.wait_done(receipt["id"]))["removed"]
    assert removed == {"events": 1, "stream EVENTS": 1}
    assert await office.analytics.rows() == 1


async def test_an_order_that_is_none_is_told_what_to_change(office: Office) -> None:
    for document, field in (
        ({}, "user_id"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "x" * 257}, "user_id"),
        ({"user_id": "a\0b"}, "user_id"),
        ({"user_id": 7}, "user_id"),
        ({"user_id": "a", "block": "yes"}, "block"),
        ({"user_id": "a", "blok": True}, ""),
    ):
        status, answer = await office.ask("POST", "/api/erasures", json=document)
        assert (status, answer.get("field", "")) == (422, field), answer
    assert (await office.ask("DELETE", "/api/users/a", params={"block": "perhaps"}))[0] == 422
    for query, field in (("blok=true", "blok"), ("block=true&block=false", "block")):
        status, answer = await office.ask("DELETE", f"/api/users/a?{query}")
        assert (status, answer["field"]) == (422, field)
    for unknown in (str(uuid.uuid4()), "nonsense"):
        assert (await office.ask("GET", f"/api/erasures/{unknown}"))[0] == 404


async def test_a_person_is_erased_with_their_anonymous_ids(office: Office) -> None:
    await office.analytics.publish(happened("anon-1"), happened("anon-2"))
    await office.analytics.publish(event(event_type="identify", user_id=USER, data={"anonymous_id": "anon-1"}))
    await office.analytics.wait_settled()
    removed = (await office.wait_done((await office.erase())["id"]))["removed"]
    assert removed["events"] == 2
    assert removed["person_edges"] == 2
    connection = await office.analytics.connect()
    assert await tables_naming(connection, USER) == {}
    assert await tables_naming(connection, "anon-1") == {}
    assert await tables_naming(connection, "anon-2")
    await connection.close()


async def test_ids_that_were_moved_between_segments_are_erased_and_those_of_others_are_not(office: Office) -> None:
    """Segments say that an anonymous id is the user's; an edge that came late, and is not applied yet, says that it is not."""
    tenant = office.analytics.tenant
    await office.analytics.publish(*(happened(user, 0.01, page="/tea") for user in ("anon-1", "anon-2", USER, OTHER)))
    for anonymous, user in (("anon-1", USER), ("anon-2", USER)):
        await office.analytics.publish(event(event_type="identify", user_id=user, data={"anonymous_id": anonymous}))
    await office.analytics.wait_settled()
    await compacted(office.analytics)
    connection = await office.analytics.connect()
    async with await Database(Secret(office.analytics.database_url)).connect(name="test") as session, rewriting(session):
        await apply_edges(session, tenant)
    merged = await connection.fetchval("SELECT count(*) FROM person_ids WHERE tenant = $1", tenant)
    assert merged == 2
    earlier = datetime.now(UTC) - timedelta(hours=1)
    said = event(event_type="identify", user_id=OTHER, timestamp=earlier, data={"anonymous_id": "anon-2"})
    await office.analytics.publish(said)
    await office.analytics.wait_settled()

    removed = (await office.wait_done((await office.erase())["id"]))["removed"]
    assert removed["events"] == 4  # three of the user, one of anon-1
    assert removed["events in segments"] == 4
    assert await segments_naming(connection, USER) == 0
    assert await tables_naming(connection, "anon-1") == {}
    await compacted(office.analytics)
    async with await Database(Secret(office.analytics.database_url)).connect(name="test") as session, session.snapshot():
        reading = ProductReading(session, tenant, from_ms=0, to_ms=LAST_MS, columns=[])
        rows = [day.segment.rows async for days in reading.buckets() for day in days]
    stored = await connection.fetchval("SELECT count(*) FROM events WHERE tenant = $1 AND user_id IS NOT NULL", tenant)
    assert sum(rows) == stored == 3  # anon-2 and two of the other user
    await connection.close()
