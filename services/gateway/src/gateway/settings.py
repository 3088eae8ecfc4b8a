"""What can be set, and the defaults."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from drishti.service.disk import folders_setting, reserve_setting
from drishti.service.http.limits import HttpLimits
from drishti.settings import BusSettings, Secret, group, run_id_setting, setting, test_routes_setting

SIGNALS = ("traces", "metrics", "logs")
"""What OTLP carries, by the last part of its address."""

NOWHERE = "none"

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_HEADER_VALUE = re.compile(r"[ -~]*")


@dataclass(frozen=True, kw_only=True)
class ForwardSettings:
    """Where what comes by OTLP is forwarded to, once it is stored."""

    url: str = setting(
        "DRISHTI_FORWARD_OTLP",
        "base address of an OTLP/HTTP endpoint (`http://jaeger:4318`) to which all that comes by OTLP goes on; `none`",
        "",
    )
    headers: Secret = setting(
        "DRISHTI_FORWARD_OTLP_HEADERS", "headers sent there, as `name=value,name=value` with values percent-encoded", Secret()
    )
    signals: tuple[str, ...] = setting("DRISHTI_FORWARD_OTLP_SIGNALS", "what of it: traces, metrics, logs", SIGNALS)
    queue_bytes: int = setting(
        "DRISHTI_FORWARD_OTLP_QUEUE_BYTES", "how many bytes of each signal may wait to be forwarded", 16 * 1024 * 1024
    )

    def __post_init__(self) -> None:
        if self.url.lower() == NOWHERE:
            object.__setattr__(self, "url", "")
        self.sent_headers()
        if unknown := [name for name in self.signals if name not in SIGNALS]:
            raise ValueError(f"DRISHTI_FORWARD_OTLP_SIGNALS: {unknown[0]!r} is none of {', '.join(SIGNALS)}")
        if self.queue_bytes < 1:
            raise ValueError("DRISHTI_FORWARD_OTLP_QUEUE_BYTES: must be 1 or more")
        if not self.url:
            return
        try:
            parts = urlsplit(self.url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise ValueError(f"DRISHTI_FORWARD_OTLP: {error}") from None
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError("DRISHTI_FORWARD_OTLP: must be an address that begins with http:// or https://")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError(
                "DRISHTI_FORWARD_OTLP: must be an address alone; what proves who sends goes into DRISHTI_FORWARD_OTLP_HEADERS"
            )
        if parts.path.rstrip("/").endswith(tuple(f"/v1/{signal}" for signal in SIGNALS)):
            raise ValueError("DRISHTI_FORWARD_OTLP: must be the base address, to which /v1/traces and the like are added")

    def address(self, signal: str) -> str:
        return f"{self.url.rstrip('/')}/v1/{signal}"

    def sent_headers(self) -> dict[str, str]:
        """Names in lower case; raises ``ValueError`` where the variable holds none."""
        headers = {}
        for pair in filter(None, (part.strip() for part in self.headers.reveal().split(","))):
            name, equals, value = pair.partition("=")
            name, value = unquote(name).strip().lower(), unquote(value).strip()
            if not equals or not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise ValueError("DRISHTI_FORWARD_OTLP_HEADERS: must be name=value, name=value, with values percent-encoded")
            headers[name] = value
        return headers

    def leads_to(self, host: str, port: int) -> bool:
        """Whether the address is certainly that of a server at ``host`` and ``port`` on this machine."""
        parts = urlsplit(self.url)
        to_port = parts.port or (443 if parts.scheme == "https" else 80)
        to_host = (parts.hostname or "").lower()
        everywhere = host in ("0.0.0.0", "::", "")  # noqa: S104 - compared, not listened on
        return to_port == port and (to_host == host.lower() or (is_loopback(to_host) and (everywhere or is_loopback(host))))


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """Settings of the gateway; all have defaults that fit one machine."""

    host: str = setting("GATEWAY_HOST", "address on which the gateway listens", "127.0.0.1")
    port: int = setting("GATEWAY_PORT", "port that is open to the public", 8000)
    otlp_grpc_port: int | None = setting("GATEWAY_OTLP_GRPC_PORT", "port that takes OTLP/gRPC; unset: none", None)
    dashboard_url: str = setting(
        "DASHBOARD_STREAM_URL", "address of dashboard-stream, to which /api/dashboard goes on", "http://127.0.0.1:8001"
    )
    dashboard_secret: Secret = setting(
        "DASHBOARD_STREAM_SECRET", "what dashboard-stream wants to see from the gateway, where it wants to", Secret()
    )
    body_bytes: int = setting("GATEWAY_MAX_BODY_BYTES", "how large a request's body may be, as it is sent", 1024 * 1024)
    inflated_bytes: int = setting("GATEWAY_MAX_INFLATED_BYTES", "how large a gzip body may be, inflated", 4 * 1024 * 1024)
    events: int = setting("GATEWAY_MAX_EVENTS", "how many events one request may bring", 10_000)
    in_flight_bytes: int = setting(
        "GATEWAY_MAX_IN_FLIGHT_BYTES", "how many bytes of bodies may wait for the bus at once", 64 * 1024 * 1024
    )
    otlp_body_bytes: int = setting(
        "GATEWAY_MAX_OTLP_BODY_BYTES", "how large the body of an OTLP request may be, as it is sent", 20 * 1024 * 1024
    )
    otlp_inflated_bytes: int = setting(
        "GATEWAY_MAX_OTLP_INFLATED_BYTES", "how large a gzip body of an OTLP request may be, inflated", 40 * 1024 * 1024
    )
    otlp_in_flight_bytes: int = setting(
        "GATEWAY_MAX_OTLP_IN_FLIGHT_BYTES", "how many bytes of OTLP requests may wait for the bus at once", 64 * 1024 * 1024
    )
    keep_content: tuple[str, ...] = setting(
        "GATEWAY_KEEP_CONTENT",
        "tenants, separated by commas, of whose OTLP data attributes named as content of messages are kept; `*`: all",
        (),
    )
    keep_credentials: tuple[str, ...] = setting(
        "GATEWAY_KEEP_CREDENTIALS",
        "tenants, separated by commas, of whose OTLP data attributes named as secrets are kept; `*`: all",
        (),
    )
    in_flight_requests: int = setting("GATEWAY_MAX_IN_FLIGHT_REQUESTS", "how many requests may bring data at once", 2048)
    events_per_s: float = setting(
        "GATEWAY_EVENTS_PER_S", "how many events per second one API key may send on average; 0: any", 0.0
    )
    query_timeout_s: float = setting("GATEWAY_QUERY_TIMEOUT_S", "how long analytics may take to answer a question", 10.0)
    jaeger_ui_url: str = setting(
        "JAEGER_UI_URL", "address of Jaeger's pages (`http://localhost:16686`), to which traces are linked; empty: no links", ""
    )
    cors_origins: tuple[str, ...] = setting(
        "GATEWAY_CORS_ORIGINS", "origins whose pages may call the gateway, separated by commas; empty: none", ()
    )
    disk_folders: tuple[str, ...] = folders_setting()
    disk_reserve_mb: int = reserve_setting()
    run_id: str = run_id_setting()
    test_routes: bool = test_routes_setting()
    bus: BusSettings = group(BusSettings)
    http: HttpLimits = group(HttpLimits, required=False)
    forward: ForwardSettings = group(ForwardSettings, required=False)

    def __post_init__(self) -> None:
        for name, env in (
            ("body_bytes", "GATEWAY_MAX_BODY_BYTES"),
            ("inflated_bytes", "GATEWAY_MAX_INFLATED_BYTES"),
            ("events", "GATEWAY_MAX_EVENTS"),
            ("in_flight_bytes", "GATEWAY_MAX_IN_FLIGHT_BYTES"),
            ("otlp_body_bytes", "GATEWAY_MAX_OTLP_BODY_BYTES"),
            ("otlp_inflated_bytes", "GATEWAY_MAX_OTLP_INFLATED_BYTES"),
            ("otlp_in_flight_bytes", "GATEWAY_MAX_OTLP_IN_FLIGHT_BYTES"),
            ("in_flight_requests", "GATEWAY_MAX_IN_FLIGHT_REQUESTS"),
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{env}: must be 1 or more")
        if self.query_timeout_s <= 0:
            raise ValueError("GATEWAY_QUERY_TIMEOUT_S: must be more than 0")
        if self.events_per_s < 0:
            raise ValueError("GATEWAY_EVENTS_PER_S: must be 0 or more")
        if not self.dashboard_url.startswith(("http://", "https://")):
            raise ValueError("DASHBOARD_STREAM_URL: must begin with http:// or https://")
        if self.jaeger_ui_url and not self.jaeger_ui_url.startswith(("http://", "https://")):
            raise ValueError("JAEGER_UI_URL: must begin with http:// or https://")
        if self.forward.url and self.forward.leads_to(self.host, self.port):
            raise ValueError(
                "DRISHTI_FORWARD_OTLP: is the address of this gateway, which would send all to itself again and again"
            )

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the gateway; dashboards are open then."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether ``host``, a name or an address without port, means this machine whoever asks."""
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
