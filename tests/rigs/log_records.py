"""Messages of LOGS for the tests."""

from __future__ import annotations

import time
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs

SERVICE = "Checkout API"
TOKEN = "checkout-api"


def pair(key: str, **value: Any) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(**value))


def record(text: str | None = None, **fields: Any) -> LogRecord:
    """One record, of now where ``fields`` do not say otherwise."""
    given: dict[str, Any] = {"time_unix_nano": time.time_ns(), "severity_number": 9}
    if text is not None:
        given["body"] = AnyValue(string_value=text)
    return LogRecord(**(given | fields))


def message(*records: LogRecord, service: str = SERVICE, **attributes: str) -> ResourceLogs:
    """One message of one scope."""
    whole = ResourceLogs()
    whole.resource.attributes.append(pair("service.name", string_value=service))
    whole.resource.attributes.extend(pair(name.replace("_", "."), string_value=value) for name, value in attributes.items())
    scope = whole.scope_logs.add()
    scope.scope.name = "app.orders"
    scope.log_records.extend(records)
    return whole
