"""The samples of the README, run as they are written, against the running product."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import textwrap
import uuid
from pathlib import Path

from rigs.browser import launched, visiting
from rigs.nats_clients import settled
from rigs.product import Product
from rigs.waiting import wait_until

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")

EVENT = {
    "event_id": "unique_id",
    "event_type": "dharma_query",
    "user_id": "user123",
    "data": {"query": "meditation guidance", "satisfaction": 4.5},
}

TRACED = """
import asyncio
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
{sample}
asyncio.run(provide_guidance("how do I begin?"))
inner, outer = exporter.get_finished_spans()
print(inner.name, inner.parent.span_id == outer.context.span_id, outer.name)
"""


def sample(language: str, containing: str) -> str:
    """The one block of the README in ``language`` that contains ``containing``."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (result,) = [block for block in blocks if containing in block]
    return str(result)


async def python(code: str, **environ: str) -> str:
    """Runs ``code`` as a user would; gives what it printed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DRISHTI_", "OTEL_", "NATS_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        env=clean | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def shell(code: str, **environ: str) -> str:
    """The same of a shell's commands; ``set -e`` holds."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return await python(f"import os; os.execvp('bash', ['bash', '-ec', {code!r}])", **{"PATH": path, **environ})


async def stated(product: Product) -> float | None:
    """How often somebody has stated a satisfaction with a question."""
    return await product.total("satisfaction", "count", event_type="dharma_query")


async def test_the_first_event_counts_once_by_whatever_way_it_comes(product: Product) -> None:
    code = sample("python", "track_event")
    for ways in (("DRISHTI_NATS_URL",), ("DRISHTI_URL", "DRISHTI_API_KEY")):
        assert await python(code, **{name: product.client_env[name] for name in ways}) == ""
        await wait_until(lambda: stated(product), "one event", equals=1)
    async with product.nats() as client:
        await client.publish("events.v1.default.dharma_query", json.dumps(EVENT).encode())
        await settled(client)
    marker = f"marker_{uuid.uuid4().hex[:8]}"
    status, _ = await product.post("/api/events", {"event_id": marker, "event_type": "dharma_query", "data": {"topic": marker}})
    assert status == 202
    await wait_until(lambda: product.total("topics", "count", topic=marker), "the marker behind it", equals=1)
    assert await stated(product) == 1
    assert await product.total("satisfaction", "avg", event_type="dharma_query") == 4.5


async def test_the_short_form_of_the_same_event_works(product: Product) -> None:
    code = """
    import asyncio
    from drishti import analytics
    from drishti.analytics import AnalyticsEvent
    event = AnalyticsEvent(event_id="short", event_type="short_form", user_id="user123")
    asyncio.run(analytics.track_event(event))
    """
    await python(textwrap.dedent(code), DRISHTI_NATS_URL=product.client_env["DRISHTI_NATS_URL"])
    await wait_until(lambda: product.total("events", "count", event_type="short_form"), "the event", equals=1)


async def test_decorator_and_span_make_two_spans_one_below_the_other() -> None:
    code = TRACED.format(sample=sample("python", "trace_dharma_operation"))
    assert await python(code) == "wisdom_processing True meditation_guidance\n"


async def test_the_questions_are_answered(product: Product) -> None:
    printed = await shell(sample("sh", "drishti query"), **product.client_env)
    assert "event_type" in printed
    assert '"aggregate":"p95"' in printed
    assert "┤" in printed


async def test_a_plain_websocket_in_a_page_gets_the_whole_picture_first(product: Product) -> None:
    code = sample("javascript", "WebSocket").replace("localhost:8000", product.url.removeprefix("http://"))
    async with launched() as browser, visiting(browser, product.url) as visit:
        await visit.open("system_overview")
        first = await visit.page.evaluate(f"() => new Promise(done => {{ globalThis.updateDashboard = done; {code} }})")
    assert (first["type"], first["dashboard"]) == ("snapshot", "system_overview")
    assert "requests.rate" in first["data"]["values"]
