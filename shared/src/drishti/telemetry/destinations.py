"""Where spans, metrics and log records of this process go: to the OTLP endpoint that OpenTelemetry's variables name, else to
Drishti.

``OTEL_*`` variables always win. A signal goes to Drishti's gateway by OTLP/HTTP where an application has an address of it
(``DRISHTI_URL``) and no variable names an endpoint for that signal.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from opentelemetry.util.re import parse_env_headers

log = logging.getLogger(__name__)

_OTLP_EXPORTERS = {"otlp": "", "otlp_proto_http": "http/protobuf", "otlp_proto_grpc": "grpc"}
"""Names in ``OTEL_…_EXPORTER`` that mean OTLP, with the protocol that each asks for."""

_NO_EXPORTER = frozenset({"none", ""})


class Signal(StrEnum):
    TRACES = "TRACES"
    METRICS = "METRICS"
    LOGS = "LOGS"


@dataclass(frozen=True)
class Gateway:
    """Drishti's gateway, as an application reaches it. ``url`` has a scheme and no slash at its end."""

    url: str
    api_key: str = ""

    def __repr__(self) -> str:
        return f"Gateway({self.url})"


@dataclass(frozen=True)
class Destination:
    """One signal's. Without ``endpoint``, the exporter reads its address from the environment, headers and all."""

    grpc: bool = False
    endpoint: str | None = None
    headers: Mapping[str, str] | None = None


def destination(signal: Signal, gateway: Gateway | None = None, environ: Mapping[str, str] | None = None) -> Destination | None:
    """Where ``signal`` goes; ``None`` where nobody wants it."""
    environ = os.environ if environ is None else environ
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    protocol = _exporter_protocol(signal, environ)
    if protocol is None:
        return None
    if _first(environ, f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        protocol = protocol or _first(environ, f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
        return Destination(grpc=protocol == "grpc")
    if gateway is None:
        return None
    return Destination(endpoint=f"{gateway.url}/v1/{signal.lower()}", headers=_headers(signal, gateway, environ))


def _exporter_protocol(signal: Signal, environ: Mapping[str, str]) -> str | None:
    """The protocol that the name of the exporter asks for, "" where it leaves that open; ``None`` where it is not OTLP."""
    variable = f"OTEL_{signal}_EXPORTER"
    names = [name.strip().lower() for name in (environ.get(variable) or "otlp").split(",")]
    known = [_OTLP_EXPORTERS[name] for name in names if name in _OTLP_EXPORTERS]
    if others := [name for name in names if name not in _OTLP_EXPORTERS and name not in _NO_EXPORTER]:
        log.warning("%s: %s is not set up here, only otlp and none are", variable, ", ".join(others))
    return known[0] if known and "none" not in names else None


def _headers(signal: Signal, gateway: Gateway, environ: Mapping[str, str]) -> dict[str, str]:
    """The gateway's key, unless the environment gives another authorization; its other headers are the exporter's to add."""
    given = _first(environ, f"OTEL_EXPORTER_OTLP_{signal}_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
    if not gateway.api_key or "authorization" in parse_env_headers(given, liberal=True):
        return {}
    return {"authorization": f"Bearer {gateway.api_key}"}


def _first(environ: Mapping[str, str], *variables: str) -> str:
    return next((value for name in variables if (value := environ.get(name, "").strip())), "")
