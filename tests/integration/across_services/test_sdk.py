"""An application with the SDK and no setting but Drishti's address and key: its spans count, and each call of a model once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs.programs import outcome
from rigs.waiting import wait_until

PROGRAM = """
from opentelemetry import trace

import drishti
from drishti.tracing import trace_operation

drishti.instrument(service="assistant")
client = trace.get_tracer("opentelemetry.instrumentation.openai_v2")


@trace_operation("guidance")
def guidance(number):
    with drishti.llm_call(model="gpt-4o", provider="openai") as call:
        known = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
        with client.start_as_current_span("chat gpt-4o", attributes=known):
            pass
        call.record(input_tokens=1000, output_tokens=100)


for number in range(5):
    guidance(number)
"""


async def test_spans_arrive_and_each_call_counts_once(own_nats: NatsServer, postgres_url: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DRISHTI_", "OTEL_", "NATS_"))}
    async with (
        analytics_rig.rig(own_nats, postgres_url) as analytics,
        analytics.running(),
        gateway_rig.running(own_nats) as gateway,
    ):
        environ = {**clean, "DRISHTI_URL": gateway.url, "DRISHTI_API_KEY": await gateway.key("producer", analytics.tenant)}
        assert await outcome(sys.executable, "program.py", cwd=tmp_path, env=environ) == (0, "", "")

        async def counted() -> tuple[float | None, float | None]:
            return await analytics.total("llm_requests", "count"), await analytics.total("span_duration_ms", "count")

        await wait_until(counted, "calls and spans to count", equals=(5, 15))
        await analytics.wait_settled()
        assert await counted() == (5, 15)
        assert await analytics.total("llm_tokens", "sum") == 5 * 1100
