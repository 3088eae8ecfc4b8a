"""What is relied on of NATS' and OpenTelemetry's libraries beyond what they promise; of uvicorn: ``test_http_protocol.py``.

A failure here after an upgrade means: read the module that is named again beside the new version.
"""

from __future__ import annotations

import inspect

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.kv import KeyValue
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, PeriodicExportingMetricReader


def test_nats_client_decodes_subjects_in_one_place() -> None:
    """``drishti.bus.connection``: a subject that is not UTF-8 must not end the reading."""
    assert list(inspect.signature(Client._build_message).parameters) == ["self", "sid", "subject", "reply", "data", "headers"]
    assert "self._build_message(" in inspect.getsource(Client._process_msg)


def test_nats_message_knows_whether_it_was_settled() -> None:
    """``drishti.bus.connection``: after a failed batch only what was not settled is asked for again."""
    assert Msg(Client(), subject="a", data=b"")._ackd is False
    assert "self._ackd = True" in inspect.getsource(Msg.ack)


def test_nats_bucket_has_the_context_of_its_stream() -> None:
    """``drishti.bus.keys``: a full bucket is given room for a revocation."""
    assert "self._js = js" in inspect.getsource(KeyValue.__init__)


def test_opentelemetry_collects_under_one_lock_and_begins_anew_after_a_fork() -> None:
    """``drishti.telemetry.exporters``."""
    provider = MeterProvider(metric_readers=[InMemoryMetricReader()])
    try:
        assert provider._measurement_consumer._lock.acquire(timeout=1)
        provider._measurement_consumer._lock.release()
    finally:
        provider.shutdown()
    assert list(inspect.signature(PeriodicExportingMetricReader._at_fork_reinit).parameters) == ["self"]
    assert "self._export_lock" in inspect.getsource(PeriodicExportingMetricReader)
    exporter = OTLPMetricExporter(endpoint="http://127.0.0.1:9/")
    try:
        assert exporter._preferred_temporality is not None
        assert exporter._preferred_aggregation is not None
    finally:
        exporter.shutdown()
