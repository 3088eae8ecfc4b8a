"""Limits of the HTTP server, tried byte by byte on a real one: who breaks them is answered and closed; others go on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import replace

import aiohttp
import pytest

from drishti.service.http import server as http_server
from drishti.service.http.limits import Closed, HttpLimits
from drishti.service.http.refusals import PIPELINED
from rigs.http_server import CHUNKED, GET, HANDSHAKE, HASTY, HOST, Application, Server, serving
from rigs.waiting import DEADLINE_S, wait_until

MASKED = b"\0\0\0\0"
"""A masking key that changes nothing."""


@pytest.fixture(scope="module")
async def server():
    async with serving() as server:
        yield server


@pytest.fixture(scope="module")
async def hasty():
    async with serving(HASTY) as server:
        yield server


@pytest.fixture(autouse=True)
def no_traceback(caplog: pytest.LogCaptureFixture):
    """Nothing that a client sends may be an error of ours."""
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]


async def test_request_within_the_limits_is_served_and_the_connection_kept(server: Server) -> None:
    body = b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello"
    long_header = b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"a" * 32_000 + b"\r\n\r\n"
    many = b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 99 + b"\r\n"
    async with server.peer() as peer:
        for request in (GET, body, long_header, many, GET + GET, CHUNKED + b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n"):
            await peer.send(request)
            for _ in range(request.count(b" HTTP/1.1\r\n")):
                assert (await peer.answer()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "parts",
    [
        (b"GET / HTTP/1.1\r\nX: ", *[b"a" * 20_000] * 3),
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n",),
        (b"GET / HTTP/1.1\r\n" + b"a" * 40_000,),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n",),
        (b"\r\n" * 20_000,),
        (GET, b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000),
        (GET + b"GET / HTTP/1.1\r\nX: ", *[b"a" * 20_000] * 5),
        (HANDSHAKE + b"X: " + b"a" * 40_000,),
        (HANDSHAKE + b"X: " + b"a" * 9_000 + b"\r\n\r\n",),
    ],
    ids=["value", "url", "name", "count", "empty lines", "second request", "pipelined", "handshake", "handshake's line"],
)
async def test_header_that_is_too_long_gets_431_and_a_close(server: Server, parts: tuple[bytes, ...]) -> None:
    said = await server.said(*parts)
    assert said.statuses[-1] == 431


async def test_flood_of_one_header_is_cut_off_before_much_of_it_is_taken(server: Server) -> None:
    """The bound is wide: what the system takes while this process is busy counts too."""
    sent = 0
    async with server.peer(b"GET / HTTP/1.1\r\nX: ") as peer:
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    peer.writer.write(b"a" * 65536)
                    await peer.writer.drain()
                    sent += 65536
    assert sent < 10_000_000
    assert server.connections.closed[Closed.HEADER_SIZE]


async def test_header_that_comes_too_slowly_gets_408_and_a_close_however_many_bytes_come(hasty: Server) -> None:
    async def drip(first: bytes, more: bytes) -> list[int]:
        async with hasty.peer(first) as peer:
            reading = asyncio.create_task(peer.until_closed())
            while not reading.done():
                await peer.send(more)
                await asyncio.sleep(0.2)
            return reading.result().statuses

    actual = await asyncio.gather(
        drip(b"GET / HTTP/1.1\r\n", b"A: b\r\n"),
        drip(b"GET / HTTP/1.1\r\nA: ", b"b"),
        drip(b"G", b""),
        drip(HANDSHAKE, b"A: b\r\n"),
        drip(GET + b"GET / HTTP/1.1\r\n", b"A: b\r\n"),
        drip(GET, b"\r\n"),
    )
    assert actual == [[408], [408], [408], [408], [200, 408], [200, 408]]


async def test_silent_connections_are_closed_without_a_word(hasty: Server) -> None:
    never, after = await asyncio.gather(hasty.said(), hasty.said(GET))
    assert (never.statuses, after.statuses) == ([], [200])


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"garbage\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x12" * 400, 400),
        (b"GET /\0 HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: x\n\n", 400),
        (b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\n\r\n", 400),
        (b"GET http://h HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/3.0\r\n\r\n", 400),
        (b"CONNECT a:80 HTTP/1.1\r\n\r\n", 405),
        (b"POST /echo HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400),
        (b"POST /echo HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400),
        (HANDSHAKE.replace(b"GET", b"POST") + b"\r\n", 405),
        (HANDSHAKE + b"Content-Length: 5\r\n\r\n", 400),
        (HANDSHAKE + b"\r\nGET / HTTP/1.1\r\n\r\n", 400),
        (HANDSHAKE.replace(b"Version: 13", b"Version: 9") + b"\r\n", 400),
        (HANDSHAKE.replace(b"Sec-WebSocket-Key", b"X-Key") + b"\r\n", 400),
    ],
)
async def test_what_is_no_request_is_refused_and_closed(server: Server, request_: bytes, status: int) -> None:
    assert (await server.said(request_)).statuses == [status]


async def test_refusal_comes_after_the_answers_of_the_requests_before_it() -> None:
    application = Application()
    async with serving(application=application) as server:
        slow = b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n"
        async with server.peer(slow + GET + b"garbage\r\n\r\n") as peer:
            application.go_on.set()
            said = await peer.until_closed()
    assert said.statuses == [200, 200, 400]
    assert said.data.index(b"slow") < said.data.index(b"hello")


async def test_many_requests_at_once_on_one_connection_are_answered_up_to_a_limit(server: Server) -> None:
    said = await server.said(GET * 1000)
    assert said.statuses == [200] * (PIPELINED + 1) + [429]


@pytest.mark.parametrize(
    "parts",
    [
        (b"1;a=", *[b"b" * 20_000] * 4),
        (b"0" * 100_000,),
        (b"1\r\nx\r\n0\r\nA: ", *[b"b" * 20_000] * 4),
        (b"1\r\nx\r\n0\r\n" + b"A: b\r\n" * 150,),
        (b"1;" + b"a" * 900 + b"\r\nx\r\n",) * 60,
    ],
    ids=["extension", "size", "trailer", "trailers", "extensions"],
)
async def test_chunks_that_are_mostly_overhead_are_refused(server: Server, parts: tuple[bytes, ...]) -> None:
    unread = CHUNKED.replace(b"/echo", b"/")
    reads, ignores = await asyncio.gather(server.said(CHUNKED, *parts), server.said(unread, *parts))
    assert (reads.statuses, ignores.statuses) == ([400], [200])


async def test_trailers_are_no_headers(server: Server) -> None:
    with_trailer = CHUNKED + b"1\r\nx\r\n0\r\nAuthorization: q\r\n\r\n"
    async with server.peer(with_trailer + b"GET /echo HTTP/1.1\r\n" + HOST + b"\r\n") as peer:
        for _ in range(2):
            assert b"uthorization" not in await peer.answer()


async def test_body_that_nobody_reads_ends_the_connection_unless_it_is_short(server: Server) -> None:
    chunked = CHUNKED.replace(b"/echo", b"/")
    endless = await server.said(chunked, *[b"ffff\r\n" + b"x" * 65535 + b"\r\n"] * 20)
    assert endless.statuses == [200]
    assert b"connection: close" in endless.data
    long = await server.said(b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 5000000\r\n\r\n")
    assert long.statuses == [200]
    waiting = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    assert (await server.said(waiting)).statuses == [200]
    short = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\n"
    assert (await server.said(short, b"hello", GET)).statuses == [200, 200]
    assert (await server.said(short, b"hell")).statuses == [200]


async def test_body_that_does_not_end_in_time_gets_408_however_many_bytes_come(hasty: Server) -> None:
    for head, more in (
        (b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 500000\r\n\r\n", b"x"),
        (CHUNKED, b"1\r\nx\r\n"),
    ):
        async with hasty.peer(head) as peer:
            reading = asyncio.create_task(peer.until_closed())
            while not reading.done():
                await peer.send(more)
                await asyncio.sleep(0.1)
            assert reading.result().statuses == [408]


async def test_upgrade_to_something_else_is_ignored_and_the_body_is_a_body(server: Server) -> None:
    head = (
        b"POST /echo HTTP/1.1\r\n" + HOST + b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nContent-Length: 41\r\n\r\n"
    )
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"[:41]
    for parts in ((head + smuggled + GET,), (head, smuggled + GET)):
        said = await server.said(*parts)
        assert said.statuses == [200, 200]
        assert b'{"bytes":41,' in said.data


async def test_answer_that_nobody_reads_is_given_up(hasty: Server) -> None:
    before = hasty.closed.get(Closed.ANSWER_UNREAD, 0)
    async with hasty.peer(b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n"):
        await wait_until(lambda: hasty.closed.get(Closed.ANSWER_UNREAD, 0) > before)
    feed = HANDSHAKE.replace(b"/ws", b"/feed")
    async with hasty.peer(feed + b"\r\n") as peer:
        await peer.answer()
        ping = await peer.reader.readexactly(6)
        await peer.send(b"\x8a\x84" + MASKED + ping[2:])
        await wait_until(lambda: hasty.closed.get(Closed.ANSWER_UNREAD, 0) > before + 1)


async def test_websocket_is_sent_nothing_before_it_has_answered_a_ping(server: Server) -> None:
    async with server.peer(HANDSHAKE.replace(b"/ws", b"/feed") + b"\r\n") as peer:
        await peer.answer()
        ping = await peer.reader.readexactly(6)
        assert ping.startswith(b"\x89\x04")
        await peer.send(b"\x89\x80" + MASKED)
        assert await peer.reader.readexactly(2) == b"\x8a\x00"  # its own ping is answered, and no message came before
        await peer.send(b"\x8a\x84" + MASKED + ping[2:])
        assert (await peer.reader.readexactly(1)) == b"\x81"


async def test_slow_reader_gets_all_of_its_answer(hasty: Server) -> None:
    async with hasty.peer(b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n") as peer:
        count = 0
        async with asyncio.timeout(DEADLINE_S):
            while piece := await peer.reader.read(1_000_000):
                count += len(piece)
                await asyncio.sleep(0.05)
    assert count > 20_000_000


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ((b"\x81\x82" + MASKED + b"\xff\xfe",), 1007),
        ((b"\x82\xff" + b"\0\0\0\0\0\x10\0\0" + MASKED,), 1009),
        ((b"\x01\x80" + MASKED + (b"\x00\x80" + MASKED) * 100,), 1009),
        (((b"\x89\x80" + MASKED) * 10_000,) * 3, 1008),
        ((b"\x81\x02hi",), 1002),
    ],
    ids=["not text", "too long", "too many fragments", "pings", "not masked"],
)
async def test_websocket_that_sends_what_it_should_not_is_closed(server: Server, frames: tuple[bytes, ...], code: int) -> None:
    async with server.peer(HANDSHAKE + b"\r\n") as peer:
        assert b" 101 " in await peer.answer()
        await peer.send(*frames)
        said = await peer.until_closed()
    if len(frames) == 1:  # else the close may be lost with what was still on its way
        assert code.to_bytes(2, "big") in said.data


async def test_small_frames_count_as_more_than_their_bytes(server: Server) -> None:
    """Reading one takes some tens of microseconds: what 128 kB hold of them would stop everybody else for a second."""
    before = server.connections.closed[Closed.WEBSOCKET_FLOOD]
    async with server.peer(HANDSHAKE + b"\r\n") as peer:
        await peer.answer()
        await peer.send((b"\x81\x81" + MASKED + b"x") * 1_000)
        await peer.until_closed()
    assert server.connections.closed[Closed.WEBSOCKET_FLOOD] == before + 1


async def test_websocket_message_must_end_in_time(hasty: Server) -> None:
    async with hasty.peer(HANDSHAKE + b"\r\n") as peer:
        await peer.answer()
        await peer.send(b"\x01\x80" + MASKED)
        assert (1008).to_bytes(2, "big") in (await peer.until_closed()).data


async def test_silent_websocket_is_closed_and_one_that_answers_pings_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from drishti.service.http import websocket as websocket_protocol

    monkeypatch.setattr(websocket_protocol, "PING_EVERY_S", 0.3)
    monkeypatch.setattr(websocket_protocol, "PONG_WITHIN_S", 3.0)
    async with serving() as server, aiohttp.ClientSession() as http:
        async with http.ws_connect(f"http://127.0.0.1:{server.port}/ws") as honest, server.peer(HANDSHAKE + b"\r\n") as silent:
            reading = asyncio.create_task(honest.receive_str())
            assert b"keepalive ping timeout" in (await silent.until_closed()).data
            await honest.send_str("still here")
            assert await reading == "still here"
        assert server.closed[Closed.WEBSOCKET_SILENT] == 1


async def test_newcomer_is_served_while_others_from_its_address_hold_every_connection() -> None:
    limits = replace(HttpLimits(), connections=20)
    async with serving(limits) as server:
        halves = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(40)]
        for _, writer in halves:
            writer.write(b"GET / HTTP/1.1\r\n")
        for _ in range(30):
            async with server.peer(GET) as peer:
                assert b"200 OK" in await peer.answer()
        assert len(server.connections) <= 20
        assert await asyncio.wait_for(halves[0][0].read(), DEADLINE_S) == b""
        for _, writer in halves:
            writer.transport.abort()
        assert server.closed[Closed.EVICTED] >= 20


async def test_newcomer_is_refused_only_where_all_are_being_served() -> None:
    application = Application()
    async with serving(replace(HttpLimits(), connections=3), application) as server:
        slow = b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n"
        async with server.peer(slow) as one, server.peer(slow) as two, server.peer(slow) as three:
            assert (await server.said(GET)).statuses == [503]
            application.go_on.set()
            for peer in (one, two, three):
                assert b"slow" in await peer.answer()
            assert b"hello" in (await _first_answer(server))
        assert server.closed[Closed.TOO_MANY] == 1


async def test_websockets_leave_connections_to_others() -> None:
    async with serving(replace(HttpLimits(), connections=8)) as server, aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{server.port}/ws"
        open_ = [await http.ws_connect(url) for _ in range(6)]
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await http.ws_connect(url)
        assert b"hello" in await _first_answer(server)
        for socket in open_:
            await socket.close()
        await wait_until(lambda: server.connections.websockets == 0)
        await (await http.ws_connect(url)).close()


async def test_it_ends_soon_while_hostile_connections_are_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "GRACE_S", 120)
    async with serving(HttpLimits()) as server:
        peers = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(5)]
        large = b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n"
        body = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 500\r\n\r\nx"
        for (_, writer), sent in zip(peers, (b"GET /", HANDSHAKE + b"\r\n", large, body, GET), strict=True):
            writer.write(sent)
        await wait_until(lambda: server.connections.websockets == 1)
        began = time.monotonic()
    seconds = time.monotonic() - began
    for _, writer in peers:
        writer.transport.abort()
    assert seconds < 60, "the whole grace was needed"
    assert len(server.connections) == 0


async def _first_answer(server: Server) -> bytes:
    async with server.peer(GET) as peer:
        return await peer.answer()
