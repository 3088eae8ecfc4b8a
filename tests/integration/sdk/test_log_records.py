"""Log records of an application go where its spans go, once, and what is printed stays as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rigs.otlp_receiver import Receiver

LOGS = """
import logging

import drishti
from drishti.tracing import TracedSpan

%s
drishti.instrument(service="shop")
log = logging.getLogger("orders")
with TracedSpan("order"):
    log.error("order %%d could not be paid", 4711)
with drishti.capture():
    log.error("in a test")
%s
"""

OWN = """
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

provider = LoggerProvider(Resource.create({"service.name": "shop"}))
provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
logging.getLogger().addHandler(LoggingHandler(logger_provider=provider))
"""

FORKED = """
import multiprocessing

worker = multiprocessing.get_context("fork").Process(target=log.warning, args=("from a worker",))
worker.start()
worker.join()
"""


def run(script: str, folder: Path, **more: str) -> str:
    """What a program that ends by itself printed."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DRISHTI_", "OTEL_", "NATS_"))}
    (folder / "script.py").write_text(script)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder,
        env={**clean, "OTEL_METRICS_EXPORTER": "none", **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stderr


def bodies(receiver: Receiver) -> list[tuple[str, str]]:
    return [(service, record.body.string_value) for service, record in receiver.logged]


PAID = ("shop", "order 4711 could not be paid")


def test_records_are_sent_with_their_trace_and_still_printed(tmp_path: Path, receiver: Receiver) -> None:
    printed = run(LOGS % ("", FORKED), tmp_path, DRISHTI_URL=receiver.url, DRISHTI_API_KEY="a-key")
    assert sorted(bodies(receiver)) == [("shop", "from a worker"), PAID]
    (span,) = receiver.named("order")
    (paid,) = [record for _, record in receiver.logged if record.body.string_value == PAID[1]]
    assert (paid.trace_id, paid.span_id) == (span.trace_id, span.span_id)
    assert {headers.get("authorization") for path, headers in receiver.requests if path == "/v1/logs"} == {"Bearer a-key"}
    assert printed.splitlines() == [PAID[1], "in a test", "from a worker"]


def test_those_of_an_application_that_sends_its_own_are_sent_once(tmp_path: Path, receiver: Receiver) -> None:
    run(LOGS % (OWN, "provider.shutdown()"), tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert bodies(receiver) == [PAID, ("shop", "in a test")]


@pytest.mark.parametrize(
    "environ",
    [{"OTEL_LOGS_EXPORTER": "none"}, {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "logging"}, {"OTEL_SDK_DISABLED": "true"}],
    ids=lambda environ: next(iter(environ)),
)
def test_none_are_sent_where_they_are_turned_off(environ: dict[str, str], tmp_path: Path, receiver: Receiver) -> None:
    printed = run(LOGS % ("", ""), tmp_path, DRISHTI_URL=receiver.url, **environ)
    assert bodies(receiver) == []
    assert printed.splitlines() == [PAID[1], "in a test"]


LOUD = """
import logging

logging.getLogger().setLevel(logging.DEBUG)

import drishti
from opentelemetry import _logs
from opentelemetry._logs import LogRecord, SeverityNumber

drishti.instrument(service="shop")
logging.getLogger("openai._base_client").debug("Request options: {'messages': ['who am I?']}")
events = _logs.get_logger("opentelemetry.instrumentation.openai_v2")
events.emit(LogRecord(event_name="gen_ai.user.message", severity_number=SeverityNumber.INFO, body={"content": "who am I?"}))
logging.getLogger("orders").info("paid")
_logs.get_logger_provider().force_flush()
logging.getLogger("orders").info("shipped")
"""


def test_neither_bodies_nor_prompts_that_nobody_logged_are_sent(tmp_path: Path, receiver: Receiver) -> None:
    run(LOUD, tmp_path, DRISHTI_URL=receiver.url)
    assert bodies(receiver) == [("shop", "paid"), ("shop", "shipped")]


def test_details_are_sent_where_they_are_asked_for(tmp_path: Path, receiver: Receiver) -> None:
    run(LOUD, tmp_path, DRISHTI_URL=receiver.url, OTEL_PYTHON_LOG_HANDLER_LEVEL="debug")
    assert ("shop", "Request options: {'messages': ['who am I?']}") in bodies(receiver)
    assert not any("content" in body or "urllib3" in body for _, body in bodies(receiver))


def test_a_failure_to_send_is_not_sent_in_its_turn(tmp_path: Path, receiver: Receiver) -> None:
    receiver.refused["/v1/logs"] = 400
    printed = run(LOUD, tmp_path, DRISHTI_URL=receiver.url, OTEL_PYTHON_LOG_HANDLER_LEVEL="debug")
    assert "Failed to export logs" in printed
    assert {record.body.string_value for _, record in receiver.logged} <= {
        "Request options: {'messages': ['who am I?']}",
        "paid",
        "shipped",
    }
