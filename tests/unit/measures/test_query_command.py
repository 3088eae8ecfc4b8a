"""``drishti query``: what it prints, and where it points when the expression is wrong."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drishti import cli
from drishti.errors import DrishtiError
from drishti.measures.query_cli import address, noticed
from drishti.measures.terminal_plot import plot, sparkline

MINUTE = 60_000
ANSWER: dict[str, Any] = {
    "from": 0, "to": 4 * MINUTE, "resolution": "1m", "source": "rollup_1m", "as_of": 5 * MINUTE,
    "answers": [{"unit": "ms", "merged": 2, "series": [
        {"labels": {"service": "my-shop"}, "total": 812.25, "points": [[0, 1.0], [MINUTE, 8.0], [3 * MINUTE, None]]},
        {"labels": {"service": "other"}, "total": None, "points": []},
    ]}],
    "service_names": {"my-shop": "My Shop"},
}  # fmt: skip


class Server(http.server.BaseHTTPRequestHandler):
    """A gateway that answers ``status`` and ``content`` and keeps what it was asked."""

    status, content = 200, b""
    asked: list[tuple[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.asked.append((self.headers["authorization"], json.loads(body)))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Server]]:
    handler = type("Handler", (Server,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("DRISHTI_URL", f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("DRISHTI_API_KEY", "k")
        yield handler
        server.shutdown()
        thread.join()


def test_a_table_with_a_row_for_each_group(gateway: type[Server], capsys: pytest.CaptureFixture[str]) -> None:
    gateway.content = json.dumps(ANSWER).encode()
    assert cli.main(["query", "p95(request_duration_ms)", "--from", "now-1d", "--group-by", "service", "--top", "1"]) == 0
    asked = {
        "expression": "p95(request_duration_ms)",
        "group_by": "service",
        "top": 1,
        "from": "now-1d",
        "to": "now",
        "tz": "UTC",
    }
    assert gateway.asked == [("Bearer k", asked)]
    printed = capsys.readouterr().out
    assert "My Shop  812.25  ms    ▁█" in printed
    assert "from rollup_1m" in printed
    assert "other: 2 groups together" in printed
    assert cli.main(["query", "p95(request_duration_ms)", "--plot"]) == 0
    assert "8 ┤" in capsys.readouterr().out


@pytest.mark.parametrize("more", [[], ["--plot"]])
def test_names_that_senders_gave_are_no_commands_to_the_terminal(
    gateway: type[Server], capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    series = [{**ANSWER["answers"][0]["series"][0], "labels": {"shop": "a\x1b]0;b\x07\n\u202ec"}}]
    gateway.content = json.dumps({**ANSWER, "answers": [{**ANSWER["answers"][0], "series": series}]}).encode()
    assert cli.main(["query", "p95(request_duration_ms)", "--group-by", "shop", *more]) == 0
    printed = capsys.readouterr().out
    assert r"a\x1b]0;b\x07\n\u202ec" in printed
    assert "\x1b" not in printed


def test_what_is_wrong_is_no_command_to_the_terminal(gateway: type[Server], capsys: pytest.CaptureFixture[str]) -> None:
    gateway.status, gateway.content = 422, json.dumps({"error": "no \x1b[2J"}).encode()
    assert cli.main(["query", "p95(x)"]) == 1
    assert r"no \x1b[2J" in capsys.readouterr().err


def test_carets_stand_under_what_is_wrong(gateway: type[Server], capsys: pytest.CaptureFixture[str]) -> None:
    gateway.status = 422
    gateway.content = json.dumps({"error": "no metric", "field": "expression", "character": 6, "length": 7}).encode()
    assert cli.main(["query", "count(requets)"]) == 1
    assert "drishti: the expression cannot be answered:\ncount(requets)\n      ^^^^^^^\nno metric" in capsys.readouterr().err
    gateway.content = b'{"error": "no instant", "field": "from"}'
    assert cli.main(["query", "count(requests)"]) == 1
    assert "from: no instant" in capsys.readouterr().err
    gateway.content = b"<html>"
    assert cli.main(["query", "count(requests)"]) == 1
    assert "status 422" in capsys.readouterr().err


def test_what_is_no_answer_is_said(gateway: type[Server], capsys: pytest.CaptureFixture[str]) -> None:
    gateway.content = b"[]"
    assert cli.main(["query", "count(requests)"]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_the_gateway_of_a_local_run_is_found(tmp_path: Path) -> None:
    (tmp_path / "client.env").write_text("DRISHTI_URL=http://127.0.0.1:5\nDRISHTI_API_KEY=k\n", encoding="utf-8")
    assert address({"DRISHTI_HOME": str(tmp_path)}) == ("http://127.0.0.1:5", "k")
    for environ in ({"DRISHTI_HOME": str(tmp_path / "none")}, {"DRISHTI_URL": "file:///etc/passwd", "DRISHTI_API_KEY": "k"}):
        with pytest.raises(DrishtiError):
            address(environ)


@pytest.mark.parametrize("values", [[], [None], [1.0], [5.0, 5.0], [None, -3.0, 1e300, 0.0], [float(n) for n in range(500)]])
def test_any_series_can_be_drawn(values: list[float | None]) -> None:
    assert len(sparkline(values)) <= 40
    drawn = plot(list(enumerate(values)), 0, len(values))
    assert len(drawn) in (1, 8)


def test_what_never_changes_is_drawn_at_its_own_height() -> None:
    assert sparkline([0.0, 0.0]) == "▁▁"
    *above, bottom = plot([(0, 0.0), (1, 0.0)], 0, 2)
    assert [line.strip() for line in above] == ["┤"] * 7
    assert bottom.startswith("0 ┤▁")
    assert "█" in plot([(0, 5.0), (1, 5.0)], 0, 2)[0]


def test_a_plain_number_has_no_unit_and_no_group_is_said(gateway: type[Server], capsys: pytest.CaptureFixture[str]) -> None:
    series = [{"labels": {}, "total": 0.5, "points": []}]
    gateway.content = json.dumps(ANSWER | {"answers": [{"unit": "1", "series": series}]}).encode()
    assert cli.main(["query", "errors(requests) / count(requests)"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].rstrip() == "0.5"
    gateway.content = json.dumps(ANSWER | {"answers": [{"unit": "ms", "series": []}]}).encode()
    assert cli.main(["query", 'avg(request_duration_ms where service = "none")', "--group-by", "route"]) == 0
    assert "nothing was counted in this range" in capsys.readouterr().out


async def test_who_waits_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    released = asyncio.Event()

    async def answered() -> int:
        await released.wait()
        return 7

    waiting = asyncio.ensure_future(noticed(answered(), "waiting for the answer", after_s=0.01))
    said = ""
    while "waiting for the answer: 0 s" not in said:
        await asyncio.sleep(0.01)
        said += capsys.readouterr().err
    released.set()
    assert await waiting == 7
