"""``drishti import`` against a real gateway: killed, refused, without a gateway, repeated, continued; the rows of the database
are those of the file."""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs.drishti_command import DrishtiCommand
from rigs.programs import program
from rigs.waiting import DEADLINE_S, wait_until

ROWS = 5_400  # two batches, of which the second waits
WRONG = 7
MAPPED = ("--event-type", "kind", "--time", "at", "--user", "visitor", "--text", "zip")

_STORED = """
SELECT count(*), count(DISTINCT event_id), sum((data->>'price')::int), count(DISTINCT user_id), min(time), max(time),
    count(*) FILTER (WHERE jsonb_typeof(data->'zip') = 'string')
FROM events WHERE tenant = $1
"""


def written(path: Path, rows: range, began: datetime) -> None:
    """Rows of CSV, appended to ``path``; every so many-th is wrong in a way that only the gateway knows."""
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if rows.start == 0:
            writer.writerow(["kind", "at", "visitor", "price", "zip"])
        for number in rows:
            far = timedelta(days=40 if number % (ROWS // WRONG) == 1 else 0)
            at = began + timedelta(seconds=number) - far
            writer.writerow(["Order Completed", at.isoformat(), f"u{number % 100}", number, f"0{number}"])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def right(rows: int) -> list[int]:
    return [number for number in range(rows) if number % (ROWS // WRONG) != 1]


async def test_an_import_that_is_killed_goes_on_and_counts_every_row_once(
    own_nats: NatsServer, postgres_url: str, tmp_path: Path
) -> None:
    path, port = tmp_path / "orders.csv", str(free_port())
    began = (datetime.now(UTC) - timedelta(days=3)).replace(microsecond=0)
    written(path, range(ROWS), began)
    progress = tmp_path / "orders.csv.import.json"

    def rows_sent() -> int:
        return int(json.loads(progress.read_text())["done"]["rows"]) if progress.exists() else 0

    async with analytics_rig.rig(own_nats, postgres_url) as analytics, analytics.running():

        async def stored() -> tuple[Any, ...]:
            await analytics.wait_settled()
            connection = await analytics.connect()
            try:
                return tuple(await connection.fetchrow(_STORED, analytics.tenant))
            finally:
                await connection.close()

        def expected(rows: int) -> tuple[Any, ...]:
            all_of_them = right(rows)
            first, last = (began + timedelta(seconds=n) for n in (all_of_them[0], all_of_them[-1]))
            return len(all_of_them), len(all_of_them), sum(all_of_them), 100, first, last, len(all_of_them)

        # One batch is more than a key may send in an hour: the second waits, and there the command is interrupted and killed.
        async with gateway_rig.running_process(own_nats, GATEWAY_PORT=port, GATEWAY_EVENTS_PER_S="1") as (gateway, _):
            key = await gateway.key("producer", analytics.tenant)
            command = DrishtiCommand({"DRISHTI_URL": gateway.url, "DRISHTI_API_KEY": key})
            arguments = ("import", str(path), *MAPPED)
            async with program(sys.executable, "-m", "drishti.cli", *arguments, env=command.environ) as process:
                await wait_until(rows_sent)
                process.send_signal(signal.SIGINT)
                assert await process.wait() == 130
            pipe = asyncio.subprocess.PIPE
            async with program(sys.executable, "-m", "drishti.cli", *arguments, env=command.environ, stderr=pipe) as process:
                assert process.stderr is not None
                async with asyncio.timeout(DEADLINE_S):
                    while b"waits: " not in await process.stderr.readline():
                        assert not process.stderr.at_eof()
                process.kill()
                await process.wait()
        assert 0 < rows_sent() < ROWS

        async with (  # it begins again before there is a gateway
            program(sys.executable, "-m", "drishti.cli", *arguments, env=command.environ) as process,
            gateway_rig.running_process(own_nats, GATEWAY_PORT=port),
        ):
            assert await process.wait() == 3
            assert await stored() == expected(ROWS)
            rejects = [json.loads(line) for line in (tmp_path / "orders.csv.rejects.ndjson").read_text().splitlines()]
            wrong = sorted(set(range(ROWS)) - set(right(ROWS)))
            assert [reject["line"] for reject in rejects] == [number + 2 for number in wrong]
            assert {(r["column"], r["error"]) for r in rejects} == {("at", "more than 30 days before its arrival")}

            status, _, said = await command(*arguments)  # there is nothing new
            assert (status, f"goes on after row {ROWS:,}" in said) == (3, True)
            status, _, said = await command(*arguments, "--restart")
            assert status == 3
            assert await stored() == expected(ROWS)

            more = ROWS + 100
            written(path, range(ROWS, more), began)
            status, _, said = await command(*arguments)
            assert f"goes on after row {ROWS:,}" in said
            assert await stored() == expected(more)

            path.write_text(path.read_text().replace("u1,1,", "someone,1,", 1))
            status, _, said = await command(*arguments)
            assert "begins anew" in said


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def test_ndjson_by_gzip_and_standard_input_has_the_ids_it_says(own_nats: NatsServer, folder: Path) -> None:
    now = datetime.now(UTC)
    lines = [{"event_id": f"e{n}", "event_type": "t", "timestamp": now.isoformat(), "data": {"n": n}} for n in range(10)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "events.ndjson.gz").write_bytes(gzip.compress(text.encode()))
    async with gateway_rig.running(own_nats) as gateway:
        command = DrishtiCommand({"DRISHTI_URL": gateway.url, "DRISHTI_API_KEY": gateway.admin})
        status, _, said = await command("import", "events.ndjson.gz")
        assert (status, "10 accepted" in said) == (0, True)
        assert [event["event_id"] for event in await gateway.events()] == [line["event_id"] for line in lines]

        piped = ("-m", "drishti.cli", "import", "-", "--format", "ndjson", "--event-type", "piped", "--event-id", "event_id")
        with (folder / "events.ndjson.gz").open("rb") as file:
            async with program(sys.executable, *piped, env=command.environ, stdin=file) as process:
                assert await process.wait() == 0
        found = [event for event in await gateway.events() if event["event_type"] == "piped"]
        assert [event["event_id"] for event in found] == [line["event_id"] for line in lines]
        assert names(folder) == ["events.ndjson.gz", "events.ndjson.gz.import.json"]


async def test_a_dry_run_shows_events_and_each_kind_of_fault_and_sends_nothing(folder: Path) -> None:
    now = datetime.now(UTC)
    old, new = (now - timedelta(days=31)).isoformat(), (now + timedelta(hours=1)).isoformat()
    rows = [
        f"{now.isoformat()},a,1",
        f"{old},a,1",
        f"{old},b,1",
        f"{new},a,1",
        "never,a,1",
        f"{now.isoformat()},{'u' * 300},1",
        "x",
    ]
    (folder / "v.csv").write_text("at,who,n\n" + "\n".join(rows) + "\n")
    command = DrishtiCommand({})
    status, output, said = await command(
        "import", "v.csv", "--event-type", "visit", "--time", "at", "--user", "who", "--dry-run"
    )
    assert status == 3
    (event,) = map(json.loads, output.splitlines())
    assert (event["event_type"], event["user_id"], event["data"]) == ("visit", "a", {"n": 1})
    for expected in (
        "v.csv: line 3, column at: more than 30 days before its arrival (and 1 rows more)",
        "v.csv: line 5, column at: more than 10 minutes after its arrival",
        "v.csv: line 6, column at: is no time",
        "v.csv: line 7, column who: ",
        "v.csv: line 8: has 1 columns, and the header 3",
        "7 rows, 1 right, 6 wrong",
    ):
        assert expected in said
    assert names(folder) == ["v.csv"]


@pytest.mark.parametrize(
    ("arguments", "exit_status", "problem"),
    [
        (("no.csv", "--event-type", "t"), 1, "no.csv: No such file or directory"),
        (("v.txt", "--event-type", "t"), 2, "is it CSV or NDJSON?"),
        (("v.csv",), 2, "--event-type: rows of CSV need one"),
        (("v.csv", "--event-type", "t", "--time", "when"), 2, "there is no column 'when'; there are a, b"),
        (("v.csv", "--event-type", "t", "--tz", "Mars/Olympus"), 2, "--tz: 'Mars/Olympus' is no time zone"),
        (("v.csv", "--event-type", "t", "--delimiter", ""), 2, "--delimiter: must be one character"),
        (("v.csv", "--event-type", "t", "--user", "a", "--delimiter", ";"), 2, "there is no column 'a'; there are a,b"),
        (("cut.csv.gz", "--event-type", "t"), 1, "cut.csv.gz: Compressed file ended"),
        (("broken.csv.gz", "--event-type", "t"), 1, "broken.csv.gz: Error -3 while decompressing data"),
        (("mark.csv", "--event-type", "t"), 2, "mark.csv: is UTF-16, not UTF-8: convert it first, as `iconv"),
        (("wide.ndjson.gz", "--event-type", "t"), 2, "wide.ndjson.gz: is UTF-32, not UTF-8"),
    ],
)
async def test_what_cannot_be_imported_is_said_in_a_line(
    folder: Path, arguments: tuple[str, ...], exit_status: int, problem: str
) -> None:
    (folder / "v.csv").write_text("a,b\n1,2\n")
    (folder / "cut.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 1000)[:-12])
    (folder / "broken.csv.gz").write_bytes(gzip.compress(b"")[:10] + b"\xff" * 99)
    (folder / "mark.csv").write_bytes(b"\xff\xfe")
    (folder / "wide.ndjson.gz").write_bytes(gzip.compress('{"a": 1}\n'.encode("utf-32")))
    status, _, said = await DrishtiCommand({})("import", *arguments, "--dry-run")
    assert status == exit_status
    assert problem in said
    assert "Traceback" not in said
