"""Where an application's spans and metrics go: what OpenTelemetry's variables say, else to Drishti."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from drishti.errors import SettingsError
from drishti.sdk.addresses import gateway_at
from drishti.telemetry import setup
from drishti.telemetry.destinations import Destination, Gateway, Signal, destination
from drishti.telemetry.exporters import OncePerMinute

DRISHTI = Gateway("http://drishti:8000", "a-key")
KEY = {"authorization": "Bearer a-key"}
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize(
    ("environ", "traces", "metrics"),
    [
        (
            {},
            Destination(endpoint="http://drishti:8000/v1/traces", headers=KEY),
            Destination(endpoint="http://drishti:8000/v1/metrics", headers=KEY),
        ),
        ({ENDPOINT: "http://collector:4318"}, Destination(), Destination()),
        ({ENDPOINT: "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, Destination(True), Destination(True)),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://jaeger:4318/v1/traces"},
            Destination(),
            Destination(endpoint="http://drishti:8000/v1/metrics", headers=KEY),
        ),
        (
            {"OTEL_TRACES_EXPORTER": "none"},
            None,
            Destination(endpoint="http://drishti:8000/v1/metrics", headers=KEY),
        ),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "None", ENDPOINT: "http://collector:4318"}, None, None),
        ({"OTEL_SDK_DISABLED": "TRUE", ENDPOINT: "http://collector:4318"}, None, None),
        (
            {
                ENDPOINT: "http://collector:4317",
                "OTEL_TRACES_EXPORTER": "otlp_proto_grpc",
                "OTEL_METRICS_EXPORTER": "otlp,none",
            },
            Destination(True),
            None,
        ),
        (
            {"OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20other", "OTEL_EXPORTER_OTLP_METRICS_HEADERS": "x-a=b"},
            Destination(endpoint="http://drishti:8000/v1/traces", headers={}),
            Destination(endpoint="http://drishti:8000/v1/metrics", headers=KEY),
        ),
    ],
)
def test_variables_of_opentelemetry_win_and_drishti_gets_the_rest(
    environ: dict[str, str], traces: Destination | None, metrics: Destination | None
) -> None:
    assert destination(Signal.TRACES, DRISHTI, environ) == traces
    assert destination(Signal.METRICS, DRISHTI, environ) == metrics
    if ENDPOINT not in environ and "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" not in environ:
        assert destination(Signal.TRACES, None, environ) is None


def test_an_exporter_that_is_not_set_up_is_named(caplog: pytest.LogCaptureFixture) -> None:
    assert destination(Signal.TRACES, DRISHTI, {"OTEL_TRACES_EXPORTER": "console,zipkin"}) is None
    assert "console, zipkin" in caplog.text
    with caplog.at_level(logging.WARNING):
        assert destination(Signal.TRACES, DRISHTI, {"OTEL_TRACES_EXPORTER": "otlp,console"}) is not None


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("drishti:8000", "http://drishti:8000"),
        (" https://drishti.example/prefix/ ", "https://drishti.example/prefix"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://user:secret@drishti", "http://drishti"),
    ],
)
def test_the_gateways_address_is_read_as_people_write_it(url: str, read: str) -> None:
    assert gateway_at(url, "a-key\n") == Gateway(read, "a-key")
    assert "a-key" not in repr(gateway_at(url, "a-key"))


def test_the_exporter_is_given_the_gateways_path_and_key() -> None:
    exporter: Any = setup.span_exporter(Destination(endpoint="http://drishti:8000/v1/traces", headers=KEY))
    assert exporter._endpoint == "http://drishti:8000/v1/traces"
    exporter.shutdown()


@pytest.mark.parametrize(
    ("module", "exporter"),
    [
        ("opentelemetry.exporter.otlp.proto.grpc.trace_exporter", setup.span_exporter),
        ("opentelemetry.exporter.otlp.proto.grpc.metric_exporter", setup.metric_exporter),
    ],
)
def test_grpc_without_its_packages_says_what_to_install(
    module: str, exporter: Callable[[Destination], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SettingsError, match=r"drishti\[grpc\]"):
        exporter(Destination(grpc=True))


def test_the_end_does_not_wait_for_somebody_who_is_not_there() -> None:
    release = threading.Event()

    class Waiting:
        def shutdown(self) -> None:
            release.wait()

        def end(self) -> None:
            release.set()

    waiting: Any = Waiting()
    try:
        setup.Telemetry(setup.Traces(waiting, waiting)).shutdown_within(0.01)  # returns, though the provider is still at it
        assert not release.is_set()
    finally:
        release.set()


def test_an_exporter_that_reaches_nobody_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("test.exporter")
    logger.addFilter(OncePerMinute())
    for attempt in range(5):
        logger.warning("transient error %s", attempt)
        logger.error("failed to export")
    assert caplog.messages == ["transient error 0", "failed to export"]
