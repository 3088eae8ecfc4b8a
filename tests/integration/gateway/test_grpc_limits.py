"""The server of gRPC, tried frame by frame: who breaks a limit is answered or closed, and the others go on."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Callable

import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drishti.service.http.limits import Closed, HttpLimits
from gateway.grpc import frames, http2
from gateway.grpc.frames import Code, Kind
from rigs.grpc_server import FAILS, MOST_BYTES, REFUSES, Peer, Server, data, message, serving
from rigs.waiting import wait_until

HASTY = HttpLimits(header_s=2.0, body_s=2.0, answer_s=2.0)


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Server]:
    async with serving() as server:
        yield server


@pytest.fixture(scope="module")
async def hasty() -> AsyncIterator[Server]:
    async with serving(HASTY) as server:
        yield server


@pytest.fixture(autouse=True)
def no_traceback(caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest):
    """Nothing that a client sends may be an error of ours."""
    yield
    if "bug" not in request.node.name:
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]


async def still_serves(server: Server) -> None:
    async with server.peer() as peer:
        await peer.send(peer.request(1), data(1, message(b"x"), ends=True))
        assert (await peer.answer(1))["message"] == "x"


async def test_call_is_answered_and_the_connection_kept(server: Server) -> None:
    async with server.peer(INITIAL_WINDOW_SIZE=1_000_000) as peer:
        await peer.send(frames.window_update(0, 1_000_000))
        for stream, content in ((1, b"hello"), (3, b""), (5, b"x" * 900_000)):
            pieces = [message(content)[at : at + 16_384] for at in range(0, len(content) + 5, 16_384)]
            await peer.send(peer.request(stream))
            for piece in pieces[:-1]:
                await peer.send(data(stream, piece))
            await peer.send(data(stream, pieces[-1], ends=True))
            answer = await peer.answer(stream)
            assert (answer[":status"], answer["grpc-status"]) == ("200", "0")
            assert answer["message"] == content.decode()
    assert not server.application.held


async def test_message_in_small_pieces_with_padding_and_trailers(server: Server) -> None:
    async with server.peer() as peer:
        whole = message(b"hello")
        padded = frames.frame(Kind.DATA, 1, bytes([3]) + whole[2:6] + b"\0\0\0", frames.PADDED)
        trailers = frames.frame(Kind.HEADERS, 1, peer.encoder.encode([("x", "y")]), frames.END_HEADERS | frames.END_STREAM)
        begin = peer.request(1)
        head = frames.frame(Kind.HEADERS, 1, begin[9:19], 0), frames.frame(Kind.CONTINUATION, 1, begin[19:], 0x4)
        await peer.send(*head, data(1, whole[:1]), data(1, b""), data(1, whole[1:2]), padded, data(1, whole[6:]), trailers)
        assert (await peer.answer(1))["message"] == "hello"


async def test_calls_of_one_connection_do_not_wait_for_each_other(server: Server) -> None:
    async with server.peer() as peer:
        for stream in range(1, 41, 2):
            await peer.send(peer.request(stream))
        for stream in range(39, 0, -2):
            await peer.send(data(stream, message(b"%d" % stream), ends=True))
            assert (await peer.answer(stream))["message"] == str(stream)


async def test_refusal_says_why_and_when_to_come_again(server: Server) -> None:
    async with server.peer() as peer:
        await peer.send(peer.request(1, REFUSES))
        answer = await peer.answer(1)
        assert (answer[":status"], answer["grpc-status"]) == ("200", "8")
        assert answer["grpc-message"] == "too much: 100 %25 %E2%9C%93"
        text = answer["grpc-status-details-bin"]
        status = Status.FromString(base64.b64decode(text + "=" * (-len(text) % 4)))
        retry = RetryInfo()
        assert (status.code, status.message) == (8, "too much: 100 % \u2713")
        assert status.details[0].Unpack(retry)
        assert retry.retry_delay.seconds == 3
        reset = await peer.next(Kind.RST_STREAM)
        assert (reset.stream, reset.payload) == (1, bytes(4)), "what is still to come is not wanted, and that is no error"
        await peer.send(data(1, b"x" * 100), peer.request(3), data(3, message(b"y"), ends=True))
        assert (await peer.answer(3))["message"] == "y"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"__path": "/x/y"}, "12"),
        ({"grpc_encoding": "snappy"}, "12"),
    ],
)
async def test_what_is_not_there_is_unimplemented(server: Server, fields: dict[str, str], status: str) -> None:
    async with server.peer() as peer:
        await peer.send(peer.request(1, **fields))
        assert (await peer.answer(1))["grpc-status"] == status


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"__method": "GET"}, "405"),
        ({"content_type": "application/json"}, "415"),
        ({"content_type": "application/grpc+json"}, "415"),
        ({"content_type": "application/grpc-web"}, "415"),
        ({"content_type": ""}, "415"),
    ],
)
async def test_what_is_no_grpc_is_answered_by_http(server: Server, fields: dict[str, str], status: str) -> None:
    async with server.peer() as peer:
        await peer.send(peer.request(1, **fields))
        assert (await peer.answer(1))[":status"] == status


@pytest.mark.parametrize("fields", [{"__path": ""}, {"__status": "200"}, {"X-A": "b"}, {"connection": "close"}])
async def test_malformed_headers_cost_the_call_and_not_the_connection(server: Server, fields: dict[str, str]) -> None:
    async with server.peer() as peer:
        await peer.send(peer.request(1, **fields))
        assert int.from_bytes((await peer.next(Kind.RST_STREAM)).payload, "big") == Code.PROTOCOL_ERROR
        await peer.send(peer.request(3), data(3, message(b"y"), ends=True))
        assert (await peer.answer(3))["message"] == "y"


@pytest.mark.parametrize(
    "parts",
    [
        [b""],
        [b"\0\0\0"],
        [message(b"hello")[:-1]],
        [message(b"hello") + b"more"],
        [message(b"a") + message(b"b")],
        [b"\x02\0\0\0\x01x"],
        [b"POST / HTTP/1.1\r\n\r\n"],
        [message(b"hello", compressed=True)],
    ],
)
async def test_what_is_no_message_is_an_invalid_argument(server: Server, parts: list[bytes]) -> None:
    async with server.peer() as peer:
        await peer.send(peer.request(1))
        await peer.send(*(data(1, part) for part in parts[:-1]), data(1, parts[-1], ends=True))
        assert (await peer.answer(1))["grpc-status"] == "3"
    async with server.peer() as peer:
        await peer.send(peer.request(1, ends=True))
        assert (await peer.answer(1))["grpc-status"] == "3", "no message at all"
    assert not server.application.held


async def test_message_too_large_is_refused_by_its_first_bytes(server: Server) -> None:
    async with server.peer() as peer:
        await peer.send(peer.request(1), data(1, b"\0" + (MOST_BYTES + 1).to_bytes(4, "big")))
        answer = await peer.answer(1)
        assert answer["grpc-status"] == "8"
        assert "grpc-status-details-bin" not in answer, "sent again it would be as large"
        assert not server.application.held


async def test_bug_costs_one_call(server: Server) -> None:
    async with server.peer() as peer:
        await peer.send(peer.request(1, FAILS), data(1, message(b"x"), ends=True))
        assert (await peer.answer(1))["grpc-status"] == "13"
        await peer.send(peer.request(3), data(3, message(b"y"), ends=True))
        assert (await peer.answer(3))["message"] == "y"
    assert 500 in server.application.ended


async def test_answer_waits_for_the_windows_of_the_client(server: Server) -> None:
    async with server.peer(INITIAL_WINDOW_SIZE=3) as peer:
        await peer.send(peer.request(1), data(1, message(b"hello"), ends=True))
        await peer.send(frames.frame(Kind.PING, 0, b"12345678"))
        await peer.next(Kind.PING)
        await peer.send(frames.window_update(1, 1000))
        assert (await peer.answer(1))["message"] == "hello"
        await peer.send(peer.request(3), data(3, message(b"hello"), ends=True))
        await peer.send(frames.settings([(frames.Setting.INITIAL_WINDOW_SIZE, 65_535)]))
        assert (await peer.answer(3))["message"] == "hello"


async def test_client_that_resets_its_call_is_not_answered(server: Server) -> None:
    application = server.application
    application.go_on.clear()
    async with server.peer() as peer:
        await peer.send(peer.request(1), data(1, message(b"a"), ends=True), peer.request(3), data(3, message(b"b")[:3]))
        ended = len(application.ended)
        await peer.send(frames.reset(1, Code.NO_ERROR), frames.reset(3, Code.NO_ERROR))
        await wait_until(lambda: application.ended[ended:], equals=[499])
        application.go_on.set()
        await wait_until(lambda: application.ended[ended:], equals=[499, 200])
        await peer.send(peer.request(5), data(5, message(b"c"), ends=True))
        assert (await peer.answer(5))["message"] == "c"


async def test_client_that_leaves_gives_back_what_it_held(server: Server) -> None:
    async with server.peer() as peer:
        await peer.send(peer.request(1), data(1, message(b"x" * 1000)[:500]))
        await wait_until(lambda: list(server.application.held.values()), equals=[500])
    await wait_until(lambda: not server.application.held)


SETTINGS = frames.settings([])
HEADERS = frames.frame(Kind.HEADERS, 1, b"\x83\x86\x84", frames.END_HEADERS)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frames.frame(Kind.PING, 0, bytes(8)), Code.PROTOCOL_ERROR),
        (SETTINGS + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01", Code.FRAME_SIZE_ERROR),
        (SETTINGS + b"\x01\x00\x01\x00\x00\x00\x00\x00\x01", Code.FRAME_SIZE_ERROR),
        (SETTINGS + data(0, b"x"), Code.PROTOCOL_ERROR),
        (SETTINGS + data(1, b"x"), Code.PROTOCOL_ERROR),
        (SETTINGS + frames.frame(Kind.HEADERS, 0, b"\x83", frames.END_HEADERS), Code.PROTOCOL_ERROR),
        (SETTINGS + frames.frame(Kind.HEADERS, 2, b"\x83", frames.END_HEADERS), Code.PROTOCOL_ERROR),
        (SETTINGS + frames.frame(Kind.HEADERS, 1, b"\x83", 0) + frames.frame(Kind.PING, 0, bytes(8)), Code.PROTOCOL_ERROR),
        (
            SETTINGS + frames.frame(Kind.HEADERS, 1, b"\x83", 0) + frames.frame(Kind.CONTINUATION, 3, b"\x83"),
            Code.PROTOCOL_ERROR,
        ),
        (SETTINGS + frames.frame(Kind.CONTINUATION, 1, b"\x83", frames.END_HEADERS), Code.PROTOCOL_ERROR),
        (SETTINGS + frames.frame(Kind.HEADERS, 1, b"\xff\xff\xff\xff", frames.END_HEADERS), Code.COMPRESSION_ERROR),
        (SETTINGS + frames.frame(Kind.HEADERS, 1, b"\x00\x7f", frames.END_HEADERS), Code.COMPRESSION_ERROR),
        (SETTINGS + frames.frame(Kind.HEADERS, 1, b"\x09x", frames.END_HEADERS | frames.PADDED), Code.PROTOCOL_ERROR),
        (SETTINGS + frames.frame(Kind.HEADERS, 1, b"x", frames.END_HEADERS | frames.PRIORITY_FIELDS), Code.FRAME_SIZE_ERROR),
        (SETTINGS + frames.frame(Kind.PUSH_PROMISE, 1, bytes(8), frames.END_HEADERS), Code.PROTOCOL_ERROR),
        (SETTINGS + frames.frame(Kind.PING, 0, b"short"), Code.FRAME_SIZE_ERROR),
        (SETTINGS + frames.frame(Kind.PING, 1, bytes(8)), Code.PROTOCOL_ERROR),
        (SETTINGS + frames.frame(Kind.SETTINGS, 0, b"short"), Code.FRAME_SIZE_ERROR),
        (SETTINGS + frames.frame(Kind.SETTINGS, 0, bytes(6), frames.ACK), Code.FRAME_SIZE_ERROR),
        (SETTINGS + frames.frame(Kind.SETTINGS, 1), Code.PROTOCOL_ERROR),
        (SETTINGS + frames.settings([(frames.Setting.INITIAL_WINDOW_SIZE, 2**31)]), Code.FLOW_CONTROL_ERROR),
        (SETTINGS + frames.settings([(frames.Setting.MAX_FRAME_SIZE, 1)]), Code.PROTOCOL_ERROR),
        (SETTINGS + frames.window_update(0, 0), Code.PROTOCOL_ERROR),
        (SETTINGS + frames.window_update(0, 2**31 - 1), Code.FLOW_CONTROL_ERROR),
        (SETTINGS + frames.window_update(9, 1), Code.PROTOCOL_ERROR),
        (SETTINGS + frames.frame(Kind.WINDOW_UPDATE, 0, b"x"), Code.FRAME_SIZE_ERROR),
        (SETTINGS + frames.reset(1, Code.NO_ERROR), Code.PROTOCOL_ERROR),
        (SETTINGS + HEADERS + frames.frame(Kind.RST_STREAM, 1, b"x"), Code.FRAME_SIZE_ERROR),
        (SETTINGS + frames.frame(Kind.PRIORITY, 0, bytes(5)), Code.PROTOCOL_ERROR),
    ],
)
async def test_frame_that_cannot_be_ends_the_connection(server: Server, sent: bytes, code: Code) -> None:
    async with server.peer(greeted=False) as peer:
        await peer.send(frames.PREFACE + sent)
        assert await peer.error() == code
    await still_serves(server)


@pytest.mark.parametrize(
    "flood",
    [
        frames.frame(Kind.PING, 0, bytes(8)),
        frames.settings([]),
        frames.window_update(0, 1),
        frames.frame(Kind.PRIORITY, 1, bytes(5)),
        frames.frame(0x77, 0, b""),
    ],
)
async def test_flood_of_frames_that_ask_for_nothing_ends_the_connection(server: Server, flood: bytes) -> None:
    async with server.peer() as peer:
        sending = asyncio.create_task(peer.send(*[flood * 100] * 100))
        assert await peer.error() == Code.ENHANCE_YOUR_CALM
        sending.cancel()
    await still_serves(server)


async def test_flood_of_requests_that_are_reset_ends_the_connection(server: Server) -> None:
    async with server.peer() as peer:
        for stream in range(1, 2_001, 2):
            await peer.send(peer.request(stream) + frames.reset(stream, Code.NO_ERROR))
        assert await peer.error() == Code.ENHANCE_YOUR_CALM
    await wait_until(lambda: not server.application.held)
    assert server.connections.closed[Closed.FLOOD]
    await still_serves(server)


async def ends_as_a_flood(server: Server, peer: Peer, *sent: bytes) -> None:
    """The server closes amid what is sent. Whether the client still reads why depends on what it has not sent yet."""
    floods = server.connections.closed[Closed.FLOOD]
    sending = asyncio.create_task(peer.send(*sent))
    await peer.ends()
    await sending
    assert server.connections.closed[Closed.FLOOD] == floods + 1


@pytest.mark.parametrize(
    "breaks",
    [
        lambda stream: data(stream, b"x" * 2_000),
        lambda stream: frames.window_update(stream, 0),
        lambda stream: frames.window_update(stream, 2**31 - 1),
    ],
)
async def test_flood_of_requests_that_the_server_must_reset_ends_the_connection(
    server: Server, breaks: Callable[[int], bytes]
) -> None:
    """A client may have the server reset what is being answered, too, and so have more answered at once than allowed."""
    server.application.go_on.clear()
    begun = server.application.begun
    try:
        async with server.peer() as peer:
            streams = range(1, 2_001, 2)
            sent = [peer.request(stream) + data(stream, message(b"x"), ends=True) + breaks(stream) for stream in streams]
            await ends_as_a_flood(server, peer, *sent)
    finally:
        server.application.go_on.set()
    assert server.application.begun - begun < 400
    await wait_until(lambda: not server.application.held)
    await still_serves(server)


async def test_long_header_blocks_cost_by_their_length(server: Server) -> None:
    """Each takes milliseconds to decode, and no key is needed for any."""
    async with server.peer() as peer:
        block = peer.encoder.encode([(f"x-{n}", "a1" * 1_200) for n in range(5)], huffman=True)
        sent = [frames.frame(Kind.HEADERS, stream, block, frames.END_HEADERS) for stream in range(1, 401, 2)]
        await ends_as_a_flood(server, peer, *sent)
    await still_serves(server)


async def test_no_more_of_a_refused_request_is_read_than_its_window_had_room_for(server: Server) -> None:
    async with server.peer() as peer:
        await peer.send(peer.request(1, REFUSES))
        await peer.send(*[data(1, b"x" * 16_384)] * (http2.STREAM_WINDOW // 16_384))
        await peer.send(peer.request(3), data(3, message(b"y"), ends=True))
        assert (await peer.answer(3))["message"] == "y"
        await peer.send(data(1, b"x" * 2_000))
        assert await peer.error() == Code.FLOW_CONTROL_ERROR
    await still_serves(server)


async def test_flood_of_small_data_ends_the_connection(server: Server) -> None:
    padded = frames.frame(Kind.DATA, 1, bytes([255]) + bytes(256), frames.PADDED)
    async with server.peer() as peer:
        await ends_as_a_flood(server, peer, peer.request(1), data(1, message(b"x" * 100_000)[:10]), *[padded] * 5_000)
    await wait_until(lambda: not server.application.held)


async def test_settings_may_not_make_the_window_of_a_stream_too_large(server: Server) -> None:
    async with server.peer() as peer:
        await peer.send(peer.request(1), frames.window_update(1, 2**31 - 1 - frames.DEFAULT_WINDOW))
        await peer.send(frames.settings([(frames.Setting.INITIAL_WINDOW_SIZE, frames.DEFAULT_WINDOW + 1)]))
        assert await peer.error() == Code.FLOW_CONTROL_ERROR


async def test_flood_of_empty_data_ends_the_connection(server: Server) -> None:
    async with server.peer() as peer:
        await peer.send(peer.request(1), data(1, b"") * 3000)
        assert await peer.error() == Code.ENHANCE_YOUR_CALM


async def test_header_block_is_bounded(server: Server) -> None:
    async with server.peer() as peer:
        first = frames.frame(Kind.HEADERS, 1, b"\x83", 0)
        more = [frames.frame(Kind.CONTINUATION, 1, b"\x00" * 16_000)] * 4
        await peer.send(first, *more)
        assert await peer.error() == Code.ENHANCE_YOUR_CALM
    async with server.peer() as peer:
        entry = peer.encoder.encode([("a" * 40, "b" * 3000)])
        await peer.send(frames.frame(Kind.HEADERS, 1, entry + b"\xbe" * 20, frames.END_HEADERS))
        assert await peer.error() == Code.ENHANCE_YOUR_CALM, "a few bytes that stand for many"


async def test_calls_beyond_those_allowed_at_once_are_refused_to_be_sent_elsewhere(server: Server) -> None:
    async with server.peer() as peer:
        last = 2 * http2.STREAMS + 1
        for stream in range(1, last + 1, 2):
            await peer.send(peer.request(stream))
        reset = await peer.next(Kind.RST_STREAM)
        assert (reset.stream, int.from_bytes(reset.payload, "big")) == (last, Code.REFUSED_STREAM)
        await peer.send(data(1, message(b"x"), ends=True))
        assert (await peer.answer(1))["message"] == "x"


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /v1/traces HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32),  # the hello of TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\n\r",
        b"\x00",
    ],
)
async def test_what_is_no_http2_is_told_where_it_belongs(server: Server, sent: bytes) -> None:
    async with server.peer(greeted=False) as peer:
        await peer.send(sent)
        assert b"OTLP/gRPC" in await peer.reader.read()
    await still_serves(server)


async def test_silent_connections_and_late_messages_end_in_time(hasty: Server) -> None:
    async with hasty.peer(greeted=False) as silent, hasty.peer(greeted=False) as half, hasty.peer() as slow:
        await half.send(frames.PREFACE[:10])
        await slow.send(slow.request(1), data(1, message(b"hello")[:6]))
        assert (await slow.answer(1))["grpc-status"] == "4"
        assert await silent.ends() == await half.ends() == []
        await slow.send(slow.request(3), data(3, message(b"y"), ends=True))
        assert (await slow.answer(3))["message"] == "y", "only the call was late"
    assert not hasty.application.held


async def test_header_block_that_does_not_end_is_closed_in_time(hasty: Server) -> None:
    async with hasty.peer() as peer:
        await peer.send(frames.frame(Kind.HEADERS, 1, b"\x83", 0))
        await peer.ends()


async def test_client_that_does_not_take_its_answer_is_reset_in_time(hasty: Server) -> None:
    async with hasty.peer(INITIAL_WINDOW_SIZE=0) as peer:
        await peer.send(peer.request(1), data(1, message(b"hello"), ends=True))
        assert (await peer.next(Kind.RST_STREAM)).stream == 1


async def test_a_newcomer_is_served_where_others_only_hold_connections() -> None:
    async with serving(HttpLimits(connections=5)) as server:
        waiting = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(10)]
        for _ in range(5):
            await still_serves(server)
        assert server.connections.closed[Closed.EVICTED]
        for _, writer in waiting:
            writer.transport.abort()


async def test_at_shutdown_calls_that_have_begun_are_answered_and_no_other_begins() -> None:
    async with serving() as server:
        server.application.go_on.clear()
        async with server.peer() as peer, server.peer() as idle:
            await peer.send(peer.request(1), data(1, message(b"hello"), ends=True))
            await wait_until(lambda: server.application.begun)
            server.stop.set()
            goaway = await peer.next(Kind.GOAWAY)
            assert (goaway.payload[:4], goaway.payload[4:8]) == ((1).to_bytes(4, "big"), bytes(4))
            assert [frame.kind for frame in await idle.ends()][-1:] == [Kind.GOAWAY]
            await peer.send(peer.request(3))
            refused = await peer.next(Kind.RST_STREAM)
            assert (refused.stream, int.from_bytes(refused.payload, "big")) == (3, Code.REFUSED_STREAM)
            assert not server.task.done()
            server.application.go_on.set()
            assert (await peer.answer(1))["message"] == "hello"
            assert await peer.ends() == []
        await wait_until(server.task.done)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.builds(
                frames.frame,
                st.integers(0, 11),
                st.sampled_from([0, 1, 3, 5]),
                st.binary(max_size=30),
                st.integers(0, 255),
            ),
            st.just(HEADERS),
        ),
        max_size=8,
    )
)
async def test_whatever_comes_the_server_goes_on(server: Server, parts: list[bytes]) -> None:
    async with server.peer() as peer:
        await peer.send(b"".join(parts))
        await peer.send(frames.frame(Kind.PING, 0, b"\xff" * 8))
    await still_serves(server)
