"""``drishti.instrument()`` in an application of FastAPI, SQLAlchemy, Redis and httpx: all of them are traced, each once."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import urllib.request
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from drishti_local.ports import free_port
from rigs.otlp_receiver import Receiver, attributes_of
from rigs.programs import blocking_program
from rigs.waiting import wait_until_blocking

SERVED = """
import os

import httpx
import redis.asyncio
from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

import drishti


def engine():
    return create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})


app = FastAPI()
%s


@app.get("/items/{item}")
async def read(item: str) -> dict[str, str]:
    with database.connect() as connection:
        connection.execute(text("SELECT 1"))
    await cache.set(item, "kept")
    async with httpx.AsyncClient() as client:
        await client.post(os.environ["ELSEWHERE"])
    return {"item": item, "kept": (await cache.get(item)).decode()}
"""

CACHE = 'cache = redis.asyncio.from_url(os.environ["REDIS_URL"])\n'
OWN = """
SQLAlchemyInstrumentor().instrument(engine=database)
RedisInstrumentor().instrument(request_hook=lambda span, *_: span.set_attribute("hook", "ours"))
FastAPIInstrumentor.instrument_app(app)
"""

SET_UPS = {
    "no other call": "drishti.instrument(app)\ndatabase = engine()\n" + CACHE,
    "an engine from before": "database = engine()\ndrishti.instrument(app)\n" + CACHE,
    "called twice": "drishti.instrument(app)\ndatabase = engine()\ndrishti.instrument(app)\n" + CACHE,
    "after the application's own": "database = engine()\n" + CACHE + OWN + "drishti.instrument(app)\n",
    "before the application's own": "drishti.instrument(app)\ndatabase = engine()\n" + CACHE + OWN,
}


EXPECTED_LINES = ("Skipping FastAPI instrumentation",)
"""What FastAPI's instrumentation says where Drishti measures the application already."""


def environment(**more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DRISHTI_", "OTEL_", "NATS_"))}
    return {**clean, "OTEL_METRICS_EXPORTER": "none", "OTEL_SERVICE_NAME": "shop", **more}


def spans_of_one_request(set_up: str, folder: Path, receiver: Receiver, redis_url: str, **more: str) -> list[Span]:
    (folder / "served.py").write_text(SERVED % set_up)
    port = free_port()
    environ = environment(REDIS_URL=redis_url, ELSEWHERE=f"{receiver.url}/elsewhere", **more)
    command = [sys.executable, "-m", "uvicorn", "served:app", "--port", str(port), "--log-level", "warning"]
    with (folder / "log").open("wb") as log, blocking_program(*command, cwd=folder, env=environ, stderr=log) as server:

        def answered() -> bool:
            assert server.poll() is None, (folder / "log").read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/items/7", timeout=20) as answer:
                    return bool(answer.status == 200)
            except OSError:
                return False

        wait_until_blocking(answered, "the server to answer", seen=(folder / "log").read_text)
    return receiver.spans  # all of them: the server has ended


def described(span: Span) -> tuple[str, str]:
    """What a span is about: its kind and the system that it asks."""
    known = attributes_of(span)
    system: Any = known.get("db.system.name") or known.get("db.system") or ""
    return Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"), str(system)


@pytest.mark.parametrize("set_up", SET_UPS)
def test_every_library_is_traced_once_whoever_calls_first(
    set_up: str, tmp_path: Path, receiver: Receiver, redis_url: str
) -> None:
    gateway = {"DRISHTI_URL": receiver.url, "DRISHTI_API_KEY": "a-key"}
    spans = spans_of_one_request(SET_UPS[set_up], tmp_path, receiver, redis_url, **gateway)
    (server,) = [span for span in spans if span.kind == Span.SPAN_KIND_SERVER]
    assert {span.trace_id for span in spans} == {server.trace_id}
    counts = Counter(described(span) for span in spans if span.name != "connect")
    assert (counts["CLIENT", "sqlite"], counts["CLIENT", "redis"], counts["CLIENT", ""]) == (1, 2, 1), spans
    assert server.name == "GET /items/{item}"
    hooks = [attributes_of(span).get("hook") for span in spans if described(span) == ("CLIENT", "redis")]
    assert hooks == (["ours", "ours"] if "own" in set_up else [None, None])
    exports = [headers for path, headers in receiver.requests if path == "/v1/traces"]
    assert {headers.get("authorization") for headers in exports} == {"Bearer a-key"}
    called = next(headers for path, headers in receiver.requests if path == "/elsewhere")
    assert called["traceparent"].split("-")[1] == server.trace_id.hex()
    said = [line for line in (tmp_path / "log").read_text().splitlines() if not line.startswith(EXPECTED_LINES)]
    assert said == []


BROKEN = """
class Broken:
    def instrument(self):
        raise RuntimeError("made for another version")
"""


def install_broken(folder: Path) -> None:
    """Installs an instrumentation that fails."""
    (folder / "broken_instrumentation.py").write_text(BROKEN)
    about = folder / "broken_instrumentation-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-instrumentation\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[opentelemetry_instrumentor]\nbroken = broken_instrumentation:Broken\n")


def test_one_that_fails_is_named_once_and_one_that_is_disabled_stays_off(
    tmp_path: Path, receiver: Receiver, redis_url: str
) -> None:
    install_broken(tmp_path)
    spans = spans_of_one_request(
        SET_UPS["called twice"],
        tmp_path,
        receiver,
        redis_url,
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
        DRISHTI_URL="http://127.0.0.1:9",
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="redis, httpx",
    )
    assert {described(span)[1] for span in spans} == {"", "sqlite"}
    assert [span.name for span in spans if described(span) == ("CLIENT", "")] == []
    said = [line for line in (tmp_path / "log").read_text().splitlines() if "broken" in line]
    assert said == ["the instrumentation of broken was not turned on: RuntimeError: made for another version"]
    assert not [headers for _, headers in receiver.requests if "authorization" in headers]


SCRIPT = """
import drishti
from drishti.tracing import trace_operation

drishti.instrument(service="nightly")

@trace_operation("work")
def work() -> None: ...

work()
"""


def run(script: str, folder: Path, environ: Mapping[str, str]) -> str:
    """The standard error of a program that ends by itself."""
    (folder / "script.py").write_text(textwrap.dedent(script))
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stderr


def test_a_script_without_an_application_is_traced_too(tmp_path: Path, receiver: Receiver) -> None:
    environ = environment(DRISHTI_URL=receiver.url)
    environ.pop("OTEL_SERVICE_NAME")
    assert run(SCRIPT, tmp_path, environ) == ""
    assert [(service, span.name) for service, span in receiver.received] == [("nightly", "work")]


LATER = """
import sys

import drishti

drishti.instrument()
assert not {"httpx", "redis", "sqlalchemy"} & set(sys.modules)
from opentelemetry.instrumentation.redis import RedisInstrumentor

assert RedisInstrumentor().is_instrumented_by_opentelemetry
import httpx

from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

assert HTTPXClientInstrumentor().is_instrumented_by_opentelemetry
from sqlalchemy import create_engine, text

with create_engine("sqlite://").connect() as connection:
    connection.execute(text("SELECT 1"))
"""


def test_a_library_is_traced_when_it_is_imported_and_not_imported_to_be_traced(tmp_path: Path, receiver: Receiver) -> None:
    assert run(LATER, tmp_path, environment(DRISHTI_URL=receiver.url)) == ""
    assert [span.name for span in receiver.spans] == ["connect", "SELECT"]


DJANGO = """
import asyncio
import sys

import httpx
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

import drishti

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=())
urlpatterns = [path("items/<str:item>", lambda request, item: HttpResponse(item))]
if sys.argv[1] == "asgi":
    transport = httpx.ASGITransport(drishti.instrument(get_asgi_application()))
else:
    if sys.argv[1] == "before":
        drishti.instrument()
    application = get_wsgi_application()
    if sys.argv[1] != "before":
        assert drishti.instrument(application) is application
    if sys.argv[1] == "twice":
        drishti.instrument(application)
    transport = httpx.WSGITransport(application)


async def ask_later() -> None:
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        print((await client.get("/items/7")).text)


def ask() -> None:
    with httpx.Client(transport=transport, base_url="http://x") as client:
        print(client.get("/items/7").text)


asyncio.run(ask_later()) if sys.argv[1] == "asgi" else ask()
"""


@pytest.mark.parametrize("how", ["before", "after", "twice", "asgi"])
def test_an_application_of_django_is_traced_once(how: str, tmp_path: Path, receiver: Receiver) -> None:
    (tmp_path / "script.py").write_text(DJANGO)
    environ = environment(DRISHTI_URL=receiver.url)
    done = subprocess.run(
        [sys.executable, "script.py", how], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == ("7\n", "")
    servers = [span for span in receiver.spans if span.kind == Span.SPAN_KIND_SERVER]
    assert len(servers) == 1
    assert how == "asgi" or attributes_of(servers[0])["http.route"] == "items/<str:item>"


@pytest.mark.parametrize("off", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}], ids=str)
def test_nothing_is_sent_where_a_variable_says_so(off: dict[str, str], tmp_path: Path, receiver: Receiver) -> None:
    assert run(SCRIPT, tmp_path, environment(DRISHTI_URL=receiver.url, **off)) == ""
    assert receiver.requests == []


def test_an_address_that_is_none_is_one_line_and_the_program_goes_on(tmp_path: Path) -> None:
    said = run(SCRIPT, tmp_path, environment(DRISHTI_URL="ftp://drishti", DRISHTI_API_KEY="a-key"))
    assert said.splitlines() == [
        "spans and metrics are not sent to Drishti: DRISHTI_URL is not an http or https address, "
        "percent-encoded where it is not ASCII"
    ]
