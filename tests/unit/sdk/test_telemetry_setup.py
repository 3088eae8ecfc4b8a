"""Where an application's spans and metrics go: what OpenTelemetry's variables say, else to Drishti."""

from __future__ import annotations

import sys

import pytest

from drishti.errors import SettingsError
from drishti.telemetry import setup


@pytest.mark.parametrize(
    ("module", "configure"),
    [
        ("opentelemetry.exporter.otlp.proto.grpc.trace_exporter", setup._span_exporter),
        ("opentelemetry.exporter.otlp.proto.grpc.metric_exporter", setup._metric_exporter),
    ],
)
def test_grpc_without_its_packages_says_what_to_install(
    module: str, configure: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SettingsError, match=r"drishti\[grpc\]"):
        configure()  # type: ignore[operator]
