"""The middleware: what it tells of a request, and that the request does not notice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

import drishti
from drishti.analytics import Analytics, AnalyticsEvent
from drishti.asgi import DrishtiMiddleware, describe_request
from drishti.events import RequestEvent
from drishti.telemetry.spans import current_traceparent, traceparent_of
from rigs.asgi import Sink, call, scope_of
from rigs.sdk_servers import Gateway
from rigs.sdk_spans import Spans

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def sink() -> Sink:
    return Sink()


async def item(request: Request) -> JSONResponse:
    describe_request(request, user_id="user123", session_id="s1", model="sage")
    return JSONResponse({"id": request.path_params["id"]})


async def fail(_request: Request) -> JSONResponse:
    raise LookupError("what the user wrote")


async def unavailable(_request: Request) -> JSONResponse:
    return JSONResponse({}, status_code=503)


ROUTES = [
    Route("/items/{id}", item),
    Route("/files/{path:path}", unavailable),
    Route("/fail", fail),
    Mount("/tenants/{tenant}", routes=[Route("/items/{id:int}", item)]),
    Mount("/static", app=PlainTextResponse("file")),
]


@pytest.mark.parametrize(
    ("path", "method", "status", "route"),
    [
        ("/items/42", "GET", 200, "/items/{id}"),
        ("/items/42", "POST", 405, "/items/{id}"),
        ("/files/a/b/c", "GET", 503, "/files/{path}"),
        ("/tenants/acme/items/7", "GET", 200, "/tenants/{tenant}/items/{id}"),
        ("/static/x.css", "GET", 200, "/static/*"),
        ("/nowhere/42", "GET", 404, "unmatched"),
        ("/items/42", "BREW", 405, "/items/{id}"),
    ],
)
async def test_a_request_is_reported_by_its_template(sink: Sink, path: str, method: str, status: int, route: str) -> None:
    app = DrishtiMiddleware(Starlette(routes=ROUTES), service="My Shop", sink=sink)
    await call(app, path, method)
    request = sink.only
    assert (request.service, request.status, request.route) == ("my-shop", status, route)
    assert request.method == ("_OTHER" if method == "BREW" else method)
    assert request.error == ("503" if status == 503 else None)
    assert request.timestamp is not None


async def test_a_request_is_of_the_moment_in_which_its_answer_ended(sink: Sink) -> None:
    async def slow(_request: Request) -> PlainTextResponse:
        await asyncio.sleep(0.2)
        return PlainTextResponse("at last")

    asked = datetime.now(UTC)
    await call(DrishtiMiddleware(Starlette(routes=[Route("/slow", slow)]), sink=sink), "/slow")
    assert sink.only.timestamp is not None
    assert asked + timedelta(seconds=0.2) <= sink.only.timestamp <= datetime.now(UTC)


async def test_a_proxys_prefix_is_no_part_of_the_template(sink: Sink) -> None:
    app = DrishtiMiddleware(Starlette(routes=ROUTES), sink=sink)
    await call(app, "/proxy/tenants/acme/items/7", root_path="/proxy")
    assert sink.only.route == "/tenants/{tenant}/items/{id}"


async def test_a_fastapi_application_tells_the_templates_of_its_routers_and_mounts(sink: Sink) -> None:
    router = APIRouter(prefix="/quotes")

    @router.get("/{quote_id}")
    async def quote(quote_id: int) -> int:
        return quote_id

    mounted = FastAPI()
    mounted.include_router(router)
    app = FastAPI()
    app.include_router(router, prefix="/api")
    app.mount("/v2", mounted)
    app.add_middleware(DrishtiMiddleware, sink=sink)
    for path in ("/api/quotes/7", "/v2/quotes/7"):
        await call(app, path)
    assert [r.route for r in sink.requests] == ["/api/quotes/{quote_id}", "/v2/quotes/{quote_id}"]


async def test_who_asked_and_which_model_answered_are_in_the_event(sink: Sink) -> None:
    await call(DrishtiMiddleware(Starlette(routes=ROUTES), sink=sink), "/items/1")
    assert (sink.only.user_id, sink.only.session_id, sink.only.model) == ("user123", "s1", "sage")


async def test_an_exception_counts_as_500_and_goes_on(sink: Sink) -> None:
    async def app(*_: Any) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await call(DrishtiMiddleware(app, sink=sink), "/")
    assert (sink.only.status, sink.only.error) == (500, "LookupError")


async def test_an_exception_inside_a_framework_counts_as_500(sink: Sink) -> None:
    app = Starlette(routes=ROUTES)
    app.add_middleware(DrishtiMiddleware, sink=sink)
    with pytest.raises(LookupError):
        await call(app, "/fail")
    assert (sink.only.status, sink.only.error, sink.only.route) == (500, "LookupError", "/fail")


async def test_an_application_that_answers_nothing_counts_as_500(sink: Sink) -> None:
    async def app(*_: Any) -> None: ...

    await call(DrishtiMiddleware(app, sink=sink), "/")
    assert sink.only.status == 500


async def test_a_client_that_goes_away_counts_as_499(sink: Sink) -> None:
    started = asyncio.Event()

    async def app(*_: Any) -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(call(DrishtiMiddleware(app, sink=sink), "/"))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (sink.only.status, sink.only.error) == (499, "CancelledError")


async def test_a_streamed_body_is_measured_to_its_end_and_not_beyond(sink: Sink) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"a"
        assert sink.requests == []
        await asyncio.sleep(0.05)
        yield b"b"

    async def later() -> None:
        assert len(sink.requests) == 1

    app = StreamingResponse(body(), background=BackgroundTask(later))
    await call(DrishtiMiddleware(app, sink=sink), "/")
    assert sink.only.duration_ms >= 50


async def test_a_stream_that_breaks_keeps_its_status_and_tells_the_error(sink: Sink) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"a"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await call(DrishtiMiddleware(StreamingResponse(body()), sink=sink), "/")
    assert (sink.only.status, sink.only.error) == (200, "ConnectionError")


async def test_websockets_and_excluded_paths_pass_through(sink: Sink) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["type"], receive, send))

    middleware = DrishtiMiddleware(app, sink=sink, exclude=["/healthz"])
    receive, send = object(), object()
    proxied = {"type": "http", "path": "/proxy/healthz", "root_path": "/proxy"}
    for scope in ({"type": "websocket", "path": "/"}, {"type": "http", "path": "/healthz"}, proxied):
        await middleware(scope, receive, send)  # type: ignore[arg-type]
    assert seen == [(t, receive, send) for t in ("websocket", "http", "http")]
    assert sink.requests == []


class BrokenSink:
    def track_request(self, request: RequestEvent) -> bool:
        raise RuntimeError(request.event_id)


async def test_a_failing_measurement_leaves_the_answer_alone(caplog: pytest.LogCaptureFixture) -> None:
    sent = await call(DrishtiMiddleware(PlainTextResponse("fine"), sink=BrokenSink()), "/")
    assert sent[-1]["body"] == b"fine"
    assert "could not be measured" in caplog.text


async def traced(spans: Spans, sink: Sink, path: str, **headers: str) -> ReadableSpan:
    await call(DrishtiMiddleware(Starlette(routes=ROUTES), sink=sink), path, headers=headers)
    (span,) = spans.all()
    return span


async def test_one_server_span_carries_the_conventions_names(spans: Spans, sink: Sink) -> None:
    span = await traced(spans, sink, "/items/42")
    assert (span.name, span.kind) == ("GET /items/{id}", trace.SpanKind.SERVER)
    assert span.attributes == {
        "http.request.method": "GET",
        "url.path": "/items/42",
        "url.scheme": "http",
        "http.route": "/items/{id}",
        "http.response.status_code": 200,
    }
    assert sink.only.traceparent is not None
    assert f"{span.context.trace_id:032x}" in sink.only.traceparent
    assert not trace.get_current_span().get_span_context().is_valid


async def test_a_request_goes_on_in_the_callers_trace(spans: Spans, sink: Sink) -> None:
    span = await traced(spans, sink, "/items/42", traceparent=TRACEPARENT, tracestate="vendor=1")
    assert f"{span.context.trace_id:032x}" == TRACEPARENT[3:35]
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == TRACEPARENT[36:52]
    assert span.context.trace_state.get("vendor") == "1"


async def test_a_malformed_traceparent_starts_a_trace_of_its_own(spans: Spans, sink: Sink) -> None:
    span = await traced(spans, sink, "/items/42", traceparent="nonsense")
    assert span.parent is None


async def test_a_failed_request_is_an_error_without_its_message(spans: Spans, sink: Sink) -> None:
    app = DrishtiMiddleware(Starlette(routes=ROUTES).router, sink=sink)
    with pytest.raises(LookupError):
        await call(app, "/fail")
    (span,) = spans.all()
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes["error.type"] == "LookupError"
    assert "exception.message" not in (span.events[0].attributes or {})


async def test_an_answer_of_503_is_an_error_of_that_name(spans: Spans, sink: Sink) -> None:
    span = await traced(spans, sink, "/files/x")
    assert span.attributes is not None
    assert span.attributes["error.type"] == "503"
    assert span.status.status_code is trace.StatusCode.ERROR


@pytest.mark.parametrize("instrumented", [True, False])
async def test_fastapis_own_tracing_and_ours_make_one_server_span(spans: Spans, sink: Sink, instrumented: bool) -> None:
    app = FastAPI()

    @app.get("/items/{number}")
    async def numbered(number: int) -> int:
        return number

    if instrumented:
        drishti.instrument(app, sink=sink)
    else:
        app.add_middleware(DrishtiMiddleware, sink=sink)
    await call(app, "/items/7")
    (server,) = [s for s in spans.all() if s.kind is trace.SpanKind.SERVER]
    assert server.name == "GET /items/{number}"
    assert instrumented == (len(spans.all()) == 1)
    assert sink.only.traceparent == traceparent_of(trace.NonRecordingSpan(server.context))


async def test_without_a_provider_the_callers_trace_still_reaches_the_events(sink: Sink) -> None:
    seen: list[str | None] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(current_traceparent())
        await PlainTextResponse("")(scope, receive, send)

    await call(DrishtiMiddleware(app, sink=sink), "/", headers={"traceparent": TRACEPARENT})
    assert seen == [TRACEPARENT]
    assert sink.only.traceparent == TRACEPARENT


@pytest.mark.parametrize("kind", [FastAPI, Starlette])
@pytest.mark.parametrize("served_before", [False, True])
async def test_instrument_measures_once_and_keeps_the_application(kind: Any, served_before: bool, sink: Sink) -> None:
    app = kind()
    app.add_route("/items/{id}", item)
    if served_before:
        await call(app, "/items/1")
    assert drishti.instrument(app, service="shop", sink=sink) is app
    assert drishti.instrument(app) is app
    await call(app, "/items/1")
    assert (sink.only.route, sink.only.status, sink.only.service) == ("/items/{id}", 200, "shop")


async def test_instrument_wraps_any_other_application() -> None:
    plain = PlainTextResponse("fine")
    app = drishti.instrument(plain, service="shop")
    assert isinstance(app, DrishtiMiddleware)
    assert drishti.instrument(app) is app
    assert (await call(app, "/"))[-1]["body"] == b"fine"


class Guard:
    """A middleware that takes its time and refuses whoever has no key."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.05)
        key = scope["type"] != "http" or any(name == b"x-key" for name, _ in scope["headers"])
        await (self.app if key else PlainTextResponse("who are you?", 401))(scope, receive, send)


class Guarded(FastAPI):
    """Refuses before FastAPI sees a request."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await Guard(super().__call__)(scope, receive, send)


def added(kind: Any) -> Any:
    def build(sink: Sink) -> Any:
        app = kind()
        drishti.instrument(app, sink=sink)
        app.add_middleware(Guard)
        return app

    return build


def decorated(sink: Sink) -> Any:
    app = drishti.instrument(FastAPI(), sink=sink)

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Any:
        await asyncio.sleep(0.05)
        return await call_next(request) if "x-key" in request.headers else PlainTextResponse("who are you?", 401)

    return app


def subclass(sink: Sink) -> Any:
    app = drishti.instrument(Guarded(), sink=sink)
    assert isinstance(app, Guarded)
    assert drishti.instrument(app) is app
    return app


@pytest.mark.parametrize("build", [added(FastAPI), added(Starlette), decorated, subclass])
async def test_all_middleware_is_measured_whenever_it_is_added(sink: Sink, build: Any) -> None:
    app = build(sink)
    app.add_route("/items/{id}", item)
    await call(app, "/items/1", headers={"x-key": "k"})
    await call(app, "/items/1")
    await call(app, "/nowhere")
    assert [(r.route, r.status) for r in sink.requests] == [("/items/{id}", 200), ("/items/{id}", 401), ("unmatched", 401)]
    assert all(r.duration_ms >= 50 for r in sink.requests)


async def test_an_error_that_a_handler_answers_is_seen_as_it_is_answered(sink: Sink) -> None:
    app = Starlette(routes=ROUTES, exception_handlers={LookupError: lambda *_: PlainTextResponse("not here", 404)})
    await call(drishti.instrument(app, sink=sink), "/fail")
    assert (sink.only.status, sink.only.error) == (404, None)


async def test_an_unhandled_error_is_seen_as_500_with_its_type(sink: Sink) -> None:
    app = Starlette(routes=ROUTES, exception_handlers={Exception: lambda *_: PlainTextResponse("sorry", 500)})
    with pytest.raises(LookupError):
        await call(drishti.instrument(app, sink=sink), "/fail")
    assert (sink.only.status, sink.only.error, sink.only.route) == (500, "LookupError", "/fail")


async def test_a_request_to_a_mounted_instrumented_application_counts_once(sink: Sink) -> None:
    inner_sink = Sink()
    inner = drishti.instrument(Starlette(routes=[Route("/{name}", item_name)]), sink=inner_sink)
    app = drishti.instrument(Starlette(routes=[Mount("/users", inner)]), sink=sink, exclude=["/users/secret"])
    await call(app, "/users/users")
    await call(app, "/users/secret")
    assert sink.only.route == "/users/{name}"
    assert inner_sink.requests == []


async def item_name(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.path_params["name"])


async def test_an_instrumented_application_mounted_in_another_tells_its_own_templates(sink: Sink) -> None:
    inner = drishti.instrument(Starlette(routes=ROUTES), sink=sink)
    app = Starlette(routes=[Mount("/{id}", inner)])
    for path in ("/7/items/7", "/7/tenants/7/items/7", "/7/nowhere"):
        await call(app, path)
    assert [r.route for r in sink.requests] == ["/items/{id}", "/tenants/{tenant}/items/{id}", "unmatched"]


async def test_a_client_that_leaves_while_it_sends_is_no_error_of_the_application(sink: Sink) -> None:
    async def reads(request: Request) -> PlainTextResponse:
        return PlainTextResponse(await request.body())

    app = drishti.instrument(Starlette(routes=[Route("/", reads, methods=["POST"])]), sink=sink)

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None: ...

    with pytest.raises(ClientDisconnect):
        await app(scope_of("/", "POST"), receive, send)
    assert (sink.only.status, sink.only.error, sink.only.route) == (499, "ClientDisconnect", "/")


async def test_trailers_belong_to_an_answer(sink: Sink) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})
        await send({"type": "http.response.body", "body": b"a"})
        assert sink.requests == []
        await send({"type": "http.response.trailers", "headers": []})
        assert len(sink.requests) == 1

    await call(DrishtiMiddleware(app, sink=sink), "/")


async def test_what_was_tracked_is_sent_before_the_server_hears_that_the_shutdown_is_complete() -> None:
    with Gateway((202, {}, {"accepted": 1})) as gateway:
        client = Analytics(url=gateway.url, linger_s=30)
        app = drishti.instrument(Starlette(routes=ROUTES), sink=client)
        client.track(AnalyticsEvent(event_id="e1", event_type="feedback"))
        messages = [{"type": "lifespan.shutdown"}, {"type": "lifespan.startup"}]
        seen: list[tuple[str, int]] = []

        async def receive() -> Any:
            return messages.pop()

        async def send(message: Any) -> None:
            seen.append((message["type"], len(gateway.bodies)))

        await app({"type": "lifespan", "state": {}}, receive, send)
        client.close_blocking()
    assert seen == [("lifespan.startup.complete", 0), ("lifespan.shutdown.complete", 1)]


async def test_a_mounted_fastapi_application_adds_no_server_span(spans: Spans, sink: Sink) -> None:
    app, mounted = FastAPI(), FastAPI()
    mounted.add_route("/items/{id}", item)
    app.mount("/v2", mounted)
    drishti.instrument(app, sink=sink)
    await call(app, "/v2/items/7")
    (server,) = spans.all()
    assert server.name == "GET /v2/items/{id}"


async def test_a_wrapped_application_answers_for_itself() -> None:
    class Framework:
        def __init__(self) -> None:
            self.handlers: list[Any] = []

        def route(self, handler: Any) -> Any:
            self.handlers.append(handler)
            return handler

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    framework = Framework()
    app = drishti.instrument(framework)
    app.route(item)
    assert framework.handlers == [item]
    with pytest.raises(AttributeError):
        _ = app.nothing


class Wsgi:
    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"served"]


def test_what_is_no_asgi_application_is_returned_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    for app in (Wsgi(), Wsgi().__call__, None, "app:app"):
        assert drishti.instrument(app) is app
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["not instrumented"] * 4


async def test_nothing_that_an_application_gives_by_mistake_stops_it(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        anything: Any = None
        describe_request(anything, user_id="u")
        describe_request(scope, user_id="u")
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    sink = Sink()
    number: Any = 5
    served = drishti.instrument(app, service=number, exclude="/health", sink=sink)
    for path in ("/health", "/h", "/asked"):
        await call(served, path)
    assert [(r.service, r.user_id, r.status) for r in sink.requests] == [("5", "u", 204)] * 2
    assert "not by NoneType" in caplog.text


@pytest.mark.parametrize("bad", [["u"], object(), "u" * 5000, {}])
async def test_a_description_that_no_event_can_hold_costs_no_request(sink: Sink, bad: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        describe_request(scope, user_id=bad, model="m1")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    await call(drishti.instrument(app, sink=sink), "/")
    assert (sink.only.user_id, sink.only.model, sink.only.status) == (None, "m1", 200)


async def test_a_status_that_is_no_number_breaks_no_answer(sink: Sink) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": "200", "headers": []})
        await send({"type": "http.response.body"})

    assert len(await call(drishti.instrument(app, sink=sink), "/")) == 2
    assert sink.only.status == 500
