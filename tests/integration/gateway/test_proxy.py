"""The way to the dashboards: HTTP and WebSocket pass through whole, nobody slows another, and an absence is said."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from drishti.events import BatchDecoder, RequestEvent
from drishti.settings import Secret
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs.gateway import Rig, running
from rigs.waiting import wait_until


class Dashboards:
    """Stands in for dashboard-stream: pages, an echo, and sockets that do what their name says."""

    def __init__(self) -> None:
        self.port = free_port()
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.sent = 0
        self.closed: list[int | None] = []
        self.streaming = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/api/dashboard/ws/{name}", self._socket)
        app.router.add_get("/api/dashboard/stream", self._stream)
        app.router.add_route("*", "/api/dashboard/{path:.*}", self._echo)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _echo(self, request: web.Request) -> web.Response:
        self.headers.append({k.lower(): v for k, v in request.headers.items()})
        self.paths.append(request.raw_path)
        body = await request.read()
        content = {"path": request.raw_path, "method": request.method, "body": body.decode(), "headers": self.headers[-1]}
        answer = web.json_response(content, status=201, headers={"ETag": '"1"', "Connection": "x-secret", "Keep-Alive": "1"})
        answer.headers.add("Set-Cookie", "a=1")
        answer.headers.add("Set-Cookie", "b=2")
        return answer

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        self.streaming += 1
        try:
            while True:
                await answer.write(b"tick\n")
                await asyncio.sleep(0.02)
        finally:
            self.streaming -= 1

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name == "refused":
            return web.Response(status=403)
        self.headers.append({k.lower(): v for k, v in request.headers.items()})
        socket_ = web.WebSocketResponse(protocols=["drishti"], max_msg_size=0)
        await socket_.prepare(request)
        if name == "close":
            await socket_.close(code=4401, message=b"no token")
        elif name == "abort":
            assert request.transport is not None
            request.transport.abort()
        elif name == "flood":
            with contextlib.suppress(ConnectionError):
                while True:
                    await socket_.send_str("x" * 65536)
                    self.sent += 1
        else:
            async for message in socket_:
                if message.type == aiohttp.WSMsgType.BINARY:
                    await socket_.send_bytes(message.data)
                else:
                    await socket_.send_str(message.data.upper())
            self.closed.append(socket_.close_code)
        return socket_


@pytest.fixture
async def dashboards() -> AsyncIterator[Dashboards]:
    result = Dashboards()
    await result.start()
    yield result
    await result.stop()


@pytest.fixture
async def rig(nats_server: NatsServer, nats_url: str, dashboards: Dashboards) -> AsyncIterator[Rig]:
    async with running(nats_server, dashboard_url=f"http://127.0.0.1:{dashboards.port}") as rig:
        yield rig


@pytest.fixture
async def guarded(nats_server: NatsServer, nats_url: str, dashboards: Dashboards) -> AsyncIterator[Rig]:
    """A gateway that could be reached from elsewhere."""
    url = f"http://127.0.0.1:{dashboards.port}"
    async with running(nats_server, dashboard_url=url, host="0.0.0.0", dashboard_secret=Secret("between us")) as rig:
        yield rig


async def test_request_and_answer_pass_through_whole(rig: Rig) -> None:
    url = f"{rig.url}/api/dashboard/a%2Fb/%C3%A9?x=1&y=%202&x=3"
    sent = {
        "x-drishti-tenant": "other",
        "authorization": f"Bearer {rig.admin}",
        "cookie": "k=v; drishti_token=t",
        "x-mine": "1",
    }
    async with rig.http.put(aiohttp.client.URL(url, encoded=True), data=b"hello", headers=sent) as answer:
        assert answer.status == 201
        seen = await answer.json()
        assert answer.headers.getall("set-cookie") == ["a=1", "b=2"]
        assert answer.headers["etag"] == '"1"'
        assert "keep-alive" not in answer.headers
    assert (seen["method"], seen["body"], seen["path"]) == ("PUT", "hello", "/api/dashboard/a%2Fb/%C3%A9?x=1&y=%202&x=3")
    assert seen["headers"]["x-drishti-tenant"] == rig.tenant
    assert seen["headers"]["x-forwarded-host"] == rig.url.removeprefix("http://")
    assert seen["headers"]["x-forwarded-proto"] == "http"
    assert seen["headers"]["cookie"] == "k=v"
    assert seen["headers"]["x-mine"] == "1"
    assert not {"x-api-key", "x-drishti-secret"} & seen["headers"].keys()


async def test_everybody_on_this_machine_sees_the_default_tenant(rig: Rig) -> None:
    async with rig.http.get(f"{rig.url}/api/dashboard/x") as answer:
        assert (await answer.json())["headers"]["x-drishti-tenant"] == "default"
    async with rig.http.get(f"{rig.url}/api/dashboard/x", headers={"host": "evil.example"}) as answer:
        assert answer.status == 403


async def test_from_elsewhere_a_key_is_needed_and_the_visit_leaves_a_cookie(guarded: Rig) -> None:
    viewer, producer = await guarded.key("viewer"), await guarded.key("producer")
    page = f"{guarded.url}/api/dashboard/dashboard/system_overview"
    async with guarded.http.get(page, headers={"accept": "text/html"}) as answer:
        assert answer.status == 401
        assert "token" in await answer.text()
    async with guarded.http.get(page, params={"token": producer}) as answer:
        assert answer.status == 403
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.get(page, params={"token": viewer}) as answer:
            assert answer.status == 201
            cookie = answer.cookies["drishti_token"]
            assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/api/dashboard")
            assert "token" not in (await answer.json())["path"]
        async with browser.get(page) as answer:
            seen = (await answer.json())["headers"]
            assert (seen["x-drishti-tenant"], seen["x-drishti-secret"]) == (guarded.tenant, "between us")
        async with browser.ws_connect(f"{guarded.url}/api/dashboard/ws/echo") as ws:
            await ws.send_str("hi")
            assert await ws.receive_str() == "HI"


async def test_a_page_reads_the_metrics_as_whoever_may_see_it(rig: Rig, guarded: Rig, dashboards: Dashboards) -> None:
    paths = ("/api/dashboard/analytics/metrics", "/api/dashboard/analytics/query?metric=events&aggregate=count")
    assert rig.gateway is not None
    await wait_until(rig.gateway.registry.loaded.is_set)
    async with rig.http.get(rig.url + paths[0]) as answer:
        assert answer.status == 200
        assert {"requests", "wisdom_score"} <= {metric["name"] for metric in (await answer.json())["metrics"]}
    async with rig.http.get(rig.url + paths[1]) as answer:
        assert answer.status == 503  # let in: nobody answers here
    assert guarded.gateway is not None
    await wait_until(guarded.gateway.registry.loaded.is_set)
    viewer, producer = await guarded.key("viewer"), await guarded.key("producer")
    for path in paths:
        async with rig.http.get(rig.url + path, headers={"host": "evil.example"}) as answer:
            assert answer.status == 403
        for key, status in (("", 401), ("wrong", 401), (producer, 403)):
            async with guarded.http.get(guarded.url + path, headers={"cookie": f"drishti_token={key}"}) as answer:
                assert answer.status == status, (path, key)
    cookie = {"cookie": f"drishti_token={viewer}"}
    async with guarded.http.get(guarded.url + paths[0], headers=cookie) as answer:
        assert answer.status == 200
        # Another tenant than the default one has no pack on.
        assert "wisdom_score" not in {metric["name"] for metric in (await answer.json())["metrics"] if metric["enabled"]}
    assert dashboards.paths == []


async def test_socket_without_a_key_is_refused_with_401(guarded: Rig) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        await guarded.http.ws_connect(f"{guarded.url}/api/dashboard/ws/echo")
    assert error.value.status == 401


async def test_socket_carries_text_and_bytes_both_ways(rig: Rig, dashboards: Dashboards) -> None:
    url = f"{rig.url}/api/dashboard/ws/echo"
    async with rig.http.ws_connect(url, protocols=["drishti"], origin=rig.url, max_msg_size=0) as ws:
        assert ws.protocol == "drishti"
        await ws.send_str("ä" * 30_000)
        assert await ws.receive_str() == "Ä" * 30_000
        await ws.send_bytes(b"\0\xff")
        assert await ws.receive_bytes() == b"\0\xff"
        await ws.ping()
        await ws.send_str("after a ping")
        assert await ws.receive_str() == "AFTER A PING"
    seen = dashboards.headers[-1]
    assert seen["origin"] == rig.url
    assert seen["x-drishti-tenant"] == "default"
    await wait_until(lambda: dashboards.closed == [1000], seen=lambda: dashboards.closed)


async def test_close_codes_pass_both_ways(rig: Rig, dashboards: Dashboards) -> None:
    async with rig.http.ws_connect(f"{rig.url}/api/dashboard/ws/close") as ws:
        message = await ws.receive()
        assert (message.type, message.data, message.extra) == (aiohttp.WSMsgType.CLOSE, 4401, "no token")
    ws = await rig.http.ws_connect(f"{rig.url}/api/dashboard/ws/echo")
    await ws.close(code=4000)
    await wait_until(lambda: dashboards.closed == [4000], seen=lambda: dashboards.closed)


async def test_socket_whose_service_dies_closes_with_come_again(rig: Rig) -> None:
    async with rig.http.ws_connect(f"{rig.url}/api/dashboard/ws/abort") as ws:
        message = await ws.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1012)


async def test_refused_handshake_keeps_its_status_and_is_no_error(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        await rig.http.ws_connect(f"{rig.url}/api/dashboard/ws/refused", headers={"x-api-key": rig.admin})
    assert error.value.status == 403
    assert [(e.route, e.status) for e in await wait_until(lambda: recorded(rig))] == [("/api/dashboard/{path}", 403)]
    assert not [r for r in caplog.records if r.levelname == "ERROR"]


async def test_socket_is_recorded_as_one_request_when_it_opens(rig: Rig) -> None:
    async with rig.http.ws_connect(f"{rig.url}/api/dashboard/ws/echo", headers={"x-api-key": rig.admin}):
        events = await wait_until(lambda: recorded(rig))
    assert [(e.route, e.status) for e in events] == [("/api/dashboard/{path}", 101)]


async def recorded(rig: Rig) -> list[RequestEvent]:
    """The request events of the test's tenant."""
    result = await rig.messages("REQUESTS", f"requests.v1.{rig.tenant}.drishti--gateway")
    return [e for m in result for e in BatchDecoder(RequestEvent).decode(m.data)]


async def test_reader_that_stops_slows_only_its_own_connection(rig: Rig, dashboards: Dashboards) -> None:
    slow = await stalled_socket(rig)
    try:
        await wait_until(lambda: dashboards.sent > 0)
        seen = -1
        while seen != dashboards.sent:  # until the buffers between here and there are full
            seen = dashboards.sent
            async with rig.http.ws_connect(f"{rig.url}/api/dashboard/ws/echo") as quick:
                for i in range(200):
                    await quick.send_str(f"m{i}")
                    assert await asyncio.wait_for(quick.receive_str(), 5) == f"M{i}"
        assert dashboards.sent * 65536 < 64 * 1024 * 1024, "nothing piles up in the gateway"
    finally:
        slow.close()


async def stalled_socket(rig: Rig) -> socket.socket:
    """A WebSocket client that shakes hands and then never reads."""
    port = int(rig.url.rsplit(":", 1)[1])
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", port))
    lines = [
        "GET /api/dashboard/ws/flood HTTP/1.1",
        f"Host: localhost:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version: 13",
    ]
    await loop.sock_sendall(client, "\r\n".join([*lines, "", ""]).encode())
    assert b" 101 " in await loop.sock_recv(client, 200)
    return client


async def test_answer_is_passed_on_as_it_comes_and_ends_with_its_reader(rig: Rig, dashboards: Dashboards) -> None:
    async with rig.http.get(f"{rig.url}/api/dashboard/stream") as answer:
        assert await asyncio.wait_for(answer.content.readexactly(5), 5) == b"tick\n"
        assert dashboards.streaming == 1
    await wait_until(lambda: dashboards.streaming == 0)


async def test_body_that_is_too_long_is_refused_and_one_that_breaks_off_is_nobodys_fault(
    rig: Rig, dashboards: Dashboards, caplog: pytest.LogCaptureFixture
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 65536

    key = {"x-api-key": rig.admin}
    async with rig.http.put(f"{rig.url}/api/dashboard/x", data=endless(), headers=key) as answer:
        assert answer.status == 413
    reader, writer = await asyncio.open_connection("127.0.0.1", int(rig.url.rpartition(":")[2]))
    writer.write(_put(rig) + b"Content-Length: 10\r\n\r\nhalf")
    await wait_until(lambda: len(dashboards.headers) == 2)
    writer.transport.abort()
    async with rig.http.put(f"{rig.url}/api/dashboard/x", data=b"whole", headers=key) as answer:
        assert answer.status == 201
    await wait_until(lambda: not [task for task in asyncio.all_tasks() if "run_asgi" in str(task.get_coro())])
    ours = [record for record in caplog.records if not record.name.startswith("aiohttp")]
    assert not [record for record in ours if "away" in record.message or record.exc_info]
    assert reader.at_eof() or reader.exception()


async def test_nothing_is_smuggled_to_the_dashboards(rig: Rig, dashboards: Dashboards) -> None:
    port = int(rig.url.rpartition(":")[2])
    smuggled = b"GET /api/dashboard/smuggled HTTP/1.1\r\nHost: localhost\r\nX-Drishti-Tenant: other\r\n\r\n"
    length = str(len(smuggled)).encode()
    put = _put(rig)
    for head in (
        put + b"Content-Length: " + length + b"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        put + b"Content-Length: 0\r\nContent-Length: " + length + b"\r\n\r\n",
        put + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        put + b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: " + length + b"\r\n\r\n",
        put + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Drishti-Tenant: other\r\nX-Mine: trailer\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head if head.endswith(b"trailer\r\n\r\n") else head + smuggled)
        assert (await asyncio.wait_for(reader.readline(), 20)).startswith(b"HTTP/1.1 ")
        writer.transport.abort()
    async with rig.http.get(f"{rig.url}/api/dashboard/last") as answer:
        seen = (await answer.json())["path"]
    assert seen == "/api/dashboard/last"
    assert {headers.get("x-drishti-tenant") for headers in dashboards.headers} <= {"default", rig.tenant}
    assert "smuggled" not in str(dashboards.paths)
    assert "trailer" not in str(dashboards.headers)


async def test_only_an_editor_changes_something_and_a_cookie_only_from_our_own_pages(rig: Rig, dashboards: Dashboards) -> None:
    url, own, foreign = f"{rig.url}/api/dashboard/x", {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "cross-site"}
    editor, viewer = await rig.key("editor"), await rig.key("viewer")

    async def changed(method: str, **headers: str) -> int:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with rig.http.request(method, url, data=b"{}", headers=sent) as answer:
            return answer.status

    for method in ("PUT", "POST", "DELETE", "PATCH"):
        before = len(dashboards.paths)
        assert await changed(method) == 403  # no page of ours asks
        assert await changed(method, **own) == 401
        assert await changed(method, x_api_key=viewer) == 403
        assert await changed(method, cookie=f"drishti_token={viewer}", **own) == 403
        assert await changed(method, cookie=f"drishti_token={editor}", **foreign) == 403
        assert await changed(method, cookie=f"drishti_token={editor}", origin="http://localhost:1") == 403
        assert len(dashboards.paths) == before
        assert await changed(method, x_api_key=editor, **foreign) == 201
        assert await changed(method, authorization=f"Bearer {editor}") == 201
        assert await changed(method, cookie=f"drishti_token={editor}", **own) == 201
        assert {headers["x-drishti-tenant"] for headers in dashboards.headers} == {rig.tenant}
    async with rig.http.get(url) as answer:
        assert answer.status == 201


def _put(rig: Rig) -> bytes:
    """The head of a change, as far as its length."""
    return f"PUT /api/dashboard/x HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {rig.admin}\r\n".encode()


async def test_absence_of_the_dashboards_is_said_and_over_when_they_are_back(rig: Rig, dashboards: Dashboards) -> None:
    await dashboards.stop()
    page = f"{rig.url}/api/dashboard/dashboard/system_overview"
    async with rig.http.get(page, headers={"accept": "text/html"}) as answer:
        assert (answer.status, answer.content_type) == (503, "text/html")
        assert 'http-equiv="refresh"' in await answer.text()
    async with rig.http.get(page) as answer:
        assert (answer.status, answer.content_type) == (503, "application/json")
        assert answer.headers["retry-after"] == "2"
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        await rig.http.ws_connect(f"{rig.url}/api/dashboard/ws/echo")
    assert error.value.status == 503
    await dashboards.start()
    async with rig.http.get(page) as answer:
        assert answer.status == 201


async def test_answer_that_breaks_off_breaks_off(rig: Rig, dashboards: Dashboards) -> None:
    async with rig.http.get(f"{rig.url}/api/dashboard/stream") as answer:
        await answer.content.readexactly(5)
        await dashboards.stop()
        with pytest.raises(aiohttp.ClientPayloadError):
            await asyncio.wait_for(answer.content.read(), 5)
