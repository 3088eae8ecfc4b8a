"""What :mod:`drishti.service.http` relies on of uvicorn, httptools and websockets.

A failure here after an upgrade of one of them means: read those modules again beside the new version before anything else. The
tests of ``tests/integration/shared/test_http_limits.py`` say whether the limits still hold.
"""

from __future__ import annotations

import inspect

import httptools
import pytest
import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.server import ServerProtocol


async def _app(scope, receive, send) -> None:
    raise NotImplementedError


def _config() -> uvicorn.Config:
    config = uvicorn.Config(_app, http="httptools", ws="websockets-sansio", lifespan="off", log_config=None)
    config.load()
    return config


@pytest.mark.parametrize(
    ("cls", "method", "parameters"),
    [
        (HttpToolsProtocol, "connection_made", ["self", "transport"]),
        (HttpToolsProtocol, "connection_lost", ["self", "exc"]),
        (HttpToolsProtocol, "data_received", ["self", "data"]),
        (HttpToolsProtocol, "shutdown", ["self"]),
        (HttpToolsProtocol, "handle_websocket_upgrade", ["self"]),
        (HttpToolsProtocol, "_should_upgrade", ["self"]),
        (HttpToolsProtocol, "_start_asgi_task", ["self", "cycle", "app"]),
        (HttpToolsProtocol, "on_message_begin", ["self"]),
        (HttpToolsProtocol, "on_url", ["self", "url"]),
        (HttpToolsProtocol, "on_header", ["self", "name", "value"]),
        (HttpToolsProtocol, "on_headers_complete", ["self"]),
        (HttpToolsProtocol, "on_body", ["self", "body"]),
        (HttpToolsProtocol, "on_message_complete", ["self"]),
        (HttpToolsProtocol, "on_response_complete", ["self"]),
        (WebSocketsSansIOProtocol, "connection_made", ["self", "transport"]),
        (WebSocketsSansIOProtocol, "connection_lost", ["self", "exc"]),
        (WebSocketsSansIOProtocol, "data_received", ["self", "data"]),
        (WebSocketsSansIOProtocol, "shutdown", ["self"]),
        (WebSocketsSansIOProtocol, "send_receive_event_to_app", ["self"]),
        (WebSocketsSansIOProtocol, "handle_parser_exception", ["self"]),
        (WebSocketsSansIOProtocol, "keepalive_timeout", ["self"]),
        (WebSocketsSansIOProtocol, "start_keepalive", ["self"]),
        (WebSocketsSansIOProtocol, "send_keepalive_ping", ["self"]),
        (WebSocketsSansIOProtocol, "handle_pong", ["self", "event"]),
        (WebSocketsSansIOProtocol, "pause_writing", ["self"]),
        (WebSocketsSansIOProtocol, "resume_writing", ["self"]),
    ],
)
def test_what_is_overridden_or_called_is_still_there(cls: type, method: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(cls, method)).parameters) == parameters


async def test_attributes_that_are_read_or_set_are_still_there() -> None:
    config = _config()
    http = HttpToolsProtocol(config, ServerState(), {})
    for name in ("parser", "transport", "flow", "cycle", "pipeline", "loop", "client", "server_state", "headers"):
        assert hasattr(http, name), name
    assert http.expect_100_continue is False
    socket = WebSocketsSansIOProtocol(config, ServerState(), {})
    for name in ("conn", "frames", "curr_msg_data_type", "handshake_initiated", "handshake_complete", "close_sent"):
        assert hasattr(socket, name), name
    assert (socket.pending_ping_payload, socket.transport) == (None, None)
    assert (socket.disconnected, socket.writable.is_set()) == (False, True)
    assert (socket.conn.max_message_size, socket.conn.handshake_exc) == (config.ws_max_size, None)
    assert {"fail", "data_to_send"} <= set(dir(ServerProtocol))
    assert {"pause_reading", "resume_reading"} <= set(dir(FlowControl))
    cycle = inspect.getsource(RequestResponseCycle)
    for name in ("disconnected", "message_event", "more_body", "body", "response_started", "response_complete", "keep_alive"):
        assert f"self.{name}" in cycle, name


def test_uvicorn_handles_headers_bodies_and_their_end_as_it_is_done_in_its_place() -> None:
    """These three are written again in the subclass, for speed."""
    assert _body_of(HttpToolsProtocol.on_header) == [
        "name = name.lower()",
        'if name == b"expect" and value.lower() == b"100-continue":',
        "self.expect_100_continue = True",
        "self.headers.append((name, value))",
    ]
    assert _body_of(HttpToolsProtocol.on_body) == [
        "if (self.parser.should_upgrade() and self._should_upgrade()) or self.cycle.response_complete:",
        "return",
        "self.cycle.body += body",
        "if len(self.cycle.body) > HIGH_WATER_LIMIT:",
        "self.flow.pause_reading()",
        "self.cycle.message_event.set()",
    ]
    assert _body_of(HttpToolsProtocol.on_message_complete) == [
        "if (self.parser.should_upgrade() and self._should_upgrade()) or self.cycle.response_complete:",
        "return",
        "self.cycle.more_body = False",
        "self.cycle.message_event.set()",
    ]


def test_server_leaves_signals_alone_where_it_is_told_to() -> None:
    """The service has one pair of signal handlers for everything that it runs."""
    assert "with self.capture_signals():" in _body_of(uvicorn.Server.serve)


def test_parser_says_where_an_upgrade_begins() -> None:
    class Callbacks:
        def on_header(self, name: bytes, value: bytes) -> None:
            pass

    head = b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    with pytest.raises(httptools.HttpParserUpgrade) as upgrade:
        httptools.HttpRequestParser(Callbacks()).feed_data(memoryview(head + b"rest"))
    assert upgrade.value.args == (len(head),)


def _body_of(function) -> list[str]:
    return [line.strip() for line in inspect.getsource(function).splitlines()[1:] if line.strip()]
