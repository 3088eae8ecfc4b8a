"""An export has each row of its tenant once, as it was stored when it began, whole or clearly broken."""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import duckdb
import pytest

from analytics.query.export import answers
from drishti.events import encode
from drishti.messages import subjects
from drishti_local.servers import NatsServer
from gateway.errors import Refused
from gateway.explorer import exports
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs.analytics import event, request
from rigs.drishti_command import DrishtiCommand

NOW = datetime.now(UTC).replace(microsecond=123456)


class Office:
    """An administrator of a tenant, at a gateway and an analytics."""

    def __init__(self, analytics: analytics_rig.Rig, gateway: gateway_rig.Rig, key: str) -> None:
        self.analytics = analytics
        self.gateway = gateway
        self.key = key

    async def ask(self, path: str, key: str | None = None, **parameters: Any) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {key or self.key}"}
        url = f"{self.gateway.url}/api/export/{path}"
        async with self.gateway.http.get(url, headers=headers, params=parameters) as answer:
            body = await answer.read()
            if answer.content_type == exports.NDJSON:
                return answer.status, [json.loads(line) for line in body.splitlines()]
            return answer.status, json.loads(body)

    async def exported(self, rows: str = "events", **parameters: Any) -> list[dict[str, Any]]:
        status, found = await self.ask(rows, **parameters)
        assert status == 200, found
        return found

    async def pages(self, rows: str = "events", **parameters: Any) -> AsyncIterator[dict[str, Any]]:
        cursor = ""
        while True:
            status, page = await self.ask(f"{rows}/page", **parameters, **({"cursor": cursor} if cursor else {}))
            assert status == 200, page
            yield page
            cursor = page["cursor"]
            if not cursor:
                return


@pytest.fixture
async def office(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Office]:
    async with (
        analytics_rig.rig(own_nats, postgres_url) as analytics,
        analytics.running(),
        gateway_rig.running(own_nats) as gateway,
    ):
        yield Office(analytics, gateway, await gateway.key("admin", analytics.tenant))


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["event_id"] for row in rows)


async def send(office: Office, begin: int, end: int) -> None:
    """Events of the tenant on several days, in rows beside those of another one."""
    rng = random.Random(begin)
    for first in range(begin, end, 500):
        numbers = range(first, min(first + 500, end))
        days = [timedelta(days=rng.choice((0, 1, 5)), seconds=1 + number) for number in numbers]
        own = [
            event(f"e{number}", user_id=f"u{number % 50}", timestamp=NOW - ago, data={"n": number, "x": "x" * (number % 200)})
            for number, ago in zip(numbers, days, strict=True)
        ]
        theirs = [event(f"o{number}", timestamp=NOW - ago) for number, ago in zip(numbers, days, strict=True)]
        await office.analytics.publish(*own)
        await office.analytics.admin.publish(subjects.events("other", "dharma_query"), encode(theirs))
    await office.analytics.wait_settled()


async def test_each_row_is_exported_with_what_was_sent(office: Office) -> None:
    then = NOW - timedelta(days=2)
    user, data = 'a "quoted" \u2028 user', {"deep": {"list": [1, None, "é\U0001f600", 1.5, True]}, "none": None}
    traceparent = f"00-{'ab' * 16}-{'cd' * 8}-01"
    await office.analytics.publish(
        event(
            "whole",
            user_id=user,
            session_id="s",
            service="web",
            version="1",
            timestamp=then,
            data=data,
            traceparent=traceparent,
        ),
        event("bare", timestamp=NOW),
    )
    await office.analytics.publish_requests(request("served", timestamp=NOW, user_id=user, error="Broken"))
    await office.analytics.wait_settled()
    whole, bare = await office.exported()
    assert bare == {"event_id": "bare", "event_type": "dharma_query", "timestamp": f"{NOW:%FT%T.%f}Z"}
    assert whole == {
        "event_id": "whole", "event_type": "dharma_query", "timestamp": f"{then:%FT%T.%f}Z", "user_id": user, "session_id": "s",
        "service": "web", "version": "1", "data": data, "trace_id": "ab" * 16,
    }  # fmt: skip
    assert [row for row in await office.exported("requests") if row["service"] == "wisdom"] == [
        {
            "event_id": "served", "service": "wisdom", "method": "GET", "route": "/ask", "status": 200, "duration_ms": 12.5,
            "timestamp": f"{NOW:%FT%T.%f}Z", "error": "Broken", "user_id": user,
        }
    ]  # fmt: skip


async def test_an_export_has_what_was_stored_when_it_began_whatever_comes_meanwhile(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PAGE_BYTES", 20_000)
    monkeypatch.setattr(answers, "BLOCKS", 3)
    await send(office, 0, 3000)
    connection = await office.analytics.connect()
    late = connection.transaction()
    await late.start()  # it runs when the export begins, and is committed before its end
    await connection.execute(
        "INSERT INTO events (tenant, event_id, event_type, time) VALUES ($1, 'late', 'late', $2)", office.analytics.tenant, NOW
    )
    found, done = [], []
    try:
        async for page in office.pages():
            found += page["rows"]
            done.append(page["done"])
            if len(done) == 1:
                await send(office, 3000, 4000)
                await late.commit()
    finally:
        await connection.close()
    assert ids(found) == sorted(f"e{number}" for number in range(3000))
    assert len(done) > 10
    assert done == sorted(done)
    assert done[-1] == 1.0
    assert ids(await office.exported()) == sorted(["late", *(f"e{number}" for number in range(4000))])


async def test_a_range_and_types_choose_rows(office: Office) -> None:
    def ago(**given: float) -> datetime:
        return NOW - timedelta(**given)

    await office.analytics.publish(event("new", "feedback", timestamp=ago(hours=1)))
    await office.analytics.publish(
        event("old", "page_view", timestamp=ago(days=3)), event("oldest", "page_view", timestamp=ago(days=9))
    )
    await office.analytics.wait_settled()
    begin, end = (str(int(at.timestamp() * 1000)) for at in (ago(days=3), ago(hours=1)))
    assert ids(await office.exported(**{"from": begin})) == ["new", "old"]
    assert ids(await office.exported(**{"from": begin, "to": end})) == ["old"]
    assert ids(await office.exported(type="page_view")) == ["old", "oldest"]
    assert ids(await office.exported(**{"type": "feedback", "from": "now-2h"})) == ["new"]
    assert await office.exported(type="page_view", to="now-30d") == []
    for path in ("events", "events/page"):
        status, answer = await office.ask(path, type=["page_view", "page_veiw"])
        assert (status, answer["field"], answer["nearest"]) == (404, "type.1", ["page_view"])
        assert (await office.ask(path, type="nothing"))[0] == 404
    assert await office.exported("requests", to=end) == []


async def test_who_may_not_export_and_what_cannot_be(office: Office) -> None:
    for role in ("viewer", "editor", "producer"):
        assert (await office.ask("events", key=await office.gateway.key(role, office.analytics.tenant)))[0] == 403
    assert (await office.ask("events", key="drishti_none"))[0] == 401
    await office.analytics.publish(event())
    await office.analytics.wait_settled()

    def cursor(*parts: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")

    right = ["events", "1:2:", 1, 0, 1, "2026-01-01", [0, 0]]
    for path, parameters, field in (
        ("spans", {}, "rows"),
        ("events", {"limit": "1"}, "limit"),
        ("events", {"from": "soon"}, "from"),
        ("events", {"from": "now", "to": "now-1d"}, "from"),
        ("events", {"type": "No Token"}, "type.0"),
        ("requests", {"type": "t"}, "type"),
        ("events/page", {"cursor": "é"}, "cursor"),
        ("events/page", {"cursor": "AAAA"}, "cursor"),
        ("events/page", {"cursor": cursor(*right)}, "cursor"),  # of another database
        ("requests/page", {"cursor": cursor(*right)}, "cursor"),
        ("events/page", {"cursor": cursor("events", "2:1:", *right[2:])}, "cursor"),
        ("events/page", {"cursor": cursor("events", "1:3:7", *right[2:])}, "cursor"),
        ("events/page", {"cursor": cursor(*right[:3], 0, 10**30, *right[5:])}, "cursor"),
    ):
        status, problem = await office.ask(path, **parameters)
        assert (status, problem.get("field")) == (422, field), (path, parameters, problem)


async def test_an_event_that_postgresql_writes_at_length_is_exported(office: Office) -> None:
    await office.analytics.publish(event("long", timestamp=NOW, data={"n": [1e300] * 10_000}))
    await office.analytics.publish(event("next", timestamp=NOW))
    await office.analytics.wait_settled()
    long, following = await office.exported()
    assert long["data"]["n"] == [1e300] * 10_000
    assert following["event_id"] == "next"


async def test_a_stream_that_cannot_go_on_is_broken_off(
    own_nats: NatsServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PAGE_BYTES", 20_000)
    monkeypatch.setattr(exports, "TRIES", 2)
    async with analytics_rig.rig(own_nats, postgres_url) as analytics, gateway_rig.running(own_nats) as gateway:
        office = Office(analytics, gateway, await gateway.key("admin", analytics.tenant))
        async with analytics.running():
            await send(office, 0, 1000)
            pages = [page async for page in office.pages()]
            assert len(pages) > 5
        asked, ask = 0, exports.ask

        async def one_page_alone(*given: Any) -> bytes:
            nonlocal asked
            asked += 1
            if asked > 1:
                raise Refused(503, "analytics is not there at the moment")
            return await ask(*given)

        monkeypatch.setattr(exports, "ask", one_page_alone)
        async with analytics.running():
            with pytest.raises(aiohttp.ClientPayloadError):
                await office.exported()
        assert asked == 1 + exports.TRIES


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def command(office: Office) -> DrishtiCommand:
    return DrishtiCommand({"DRISHTI_URL": office.gateway.url, "DRISHTI_API_KEY": office.key})


async def test_the_command_writes_the_same_rows_in_each_format(
    office: Office, command: DrishtiCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PAGE_BYTES", 20_000)
    await send(office, 0, 1500)
    await office.analytics.publish_requests(request("served", timestamp=NOW, status=503))
    await office.analytics.wait_settled()
    expected = {row["event_id"]: row for row in await office.exported()}
    assert len(expected) == 1500

    for name in ("events.ndjson", "events.ndjson.gz"):
        path = tmp_path / name
        assert (await command("export", "events", "--output", str(path)))[0] == 0
        content = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
        assert {row["event_id"]: row for row in map(json.loads, content.splitlines())} == expected
    status, output, said = await command("export", "requests", "--from", "now-1d")
    requests = [json.loads(line) for line in output.splitlines()]
    assert (status, [row["status"] for row in requests if row["service"] == "wisdom"]) == (0, [503])
    assert f"{len(requests)} requests" in said

    path = tmp_path / "events.parquet"
    status, _, said = await command("export", "events", "--output", str(path))
    assert (status, "1,500 events" in said) == (0, True)
    with duckdb.connect() as database:
        columns = "event_id, event_type, epoch_us(timestamp), user_id, session_id, CAST(data->>'n' AS INT), data->>'x'"
        found = database.execute(f"SELECT {columns} FROM '{path}' ORDER BY 1").fetchall()
        assert database.execute(f"SELECT typeof(timestamp) FROM '{path}' LIMIT 1").fetchone() == ("TIMESTAMP WITH TIME ZONE",)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert found == [
        (
            row["event_id"],
            row["event_type"],
            (datetime.fromisoformat(row["timestamp"]) - epoch) // timedelta(microseconds=1),
            row["user_id"],
            None,
            row["data"]["n"],
            row["data"]["x"],
        )
        for _, row in sorted(expected.items())
    ]
    path = tmp_path / "none.parquet"
    status, _, said = await command("export", "events", "--type", "dharma_qwery", "--output", str(path))
    assert (status, "is it dharma_query?" in said) == (1, True)
    assert (await command("export", "events", "--to", "now-20d", "--output", str(path)))[0] == 0
    with duckdb.connect() as database:
        assert database.execute(f"SELECT count(*), count(data) FROM '{path}'").fetchone() == (0, 0)
    assert names(tmp_path) == [
        "events.ndjson",
        "events.ndjson.gz",
        "events.parquet",
        "none.parquet",
    ]


async def test_an_export_that_cannot_go_on_leaves_no_file(
    office: Office, command: DrishtiCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PAGE_BYTES", 20_000)
    await send(office, 0, 1000)
    asked, ask = 0, exports.ask

    async def two_pages_alone(*given: Any) -> bytes:
        nonlocal asked
        asked += 1
        if asked > 2:
            raise Refused(422, "enough", field="cursor")
        return await ask(*given)

    for name in ("events.ndjson", "events.parquet"):
        asked = 0
        monkeypatch.setattr(exports, "ask", two_pages_alone)
        path = tmp_path / name
        path.write_text("from before")
        status, _, said = await command("export", "events", "--output", str(path))
        assert (status, said.splitlines()[-1]) == (1, "drishti: cursor: enough")
        assert path.read_text() == "from before"
        assert not path.with_name(f"{name}.part").exists()
    monkeypatch.setattr(exports, "ask", ask)
    for arguments, problem in (
        (("events", "--output", str(tmp_path / "events.csv")), "must end in"),
        (("events", "--output", str(tmp_path / "none" / "events.ndjson")), "No such file or directory"),
        (("events", "--from", "soon"), "from: 'soon' is no instant"),
        (("requests", "--type", "t"), "type: requests have no types"),
    ):
        status, _, said = await command("export", *arguments)
        assert (status, problem in said, "Traceback" in said) == (1, True, False), said


async def test_an_export_can_be_imported_again(office: Office, command: DrishtiCommand, tmp_path: Path) -> None:
    await send(office, 0, 200)
    path = tmp_path / "events.ndjson"
    assert (await command("export", "events", "--output", str(path)))[0] == 0
    tenant = f"{office.analytics.tenant}-copy"
    key = await office.gateway.key("producer", tenant)
    assert (await command("import", str(path), DRISHTI_API_KEY=key))[0] == 0
    await office.analytics.wait_settled()
    assert (await command("import", str(path)))[0] == 0  # into its own tenant: each is known
    await office.analytics.wait_settled()
    copied = [
        row
        async for page in Office(office.analytics, office.gateway, await office.gateway.key("admin", tenant)).pages()
        for row in page["rows"]
    ]
    own = await office.exported()
    assert len(own) == 200
    assert sorted(copied, key=lambda row: row["event_id"]) == sorted(own, key=lambda row: row["event_id"])
