"""What can be set, and the defaults."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from drishti.service.disk import folders_setting, reserve_setting
from drishti.service.http.limits import HttpLimits
from drishti.settings import BusSettings, Secret, group, run_id_setting, setting, test_routes_setting


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """Settings of the gateway; all have defaults that fit one machine."""

    host: str = setting("GATEWAY_HOST", "address on which the gateway listens", "127.0.0.1")
    port: int = setting("GATEWAY_PORT", "port that is open to the public", 8000)
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
        "tenants, separated by commas, of whose spans and logs attributes named as content of messages are kept; `*`: all",
        (),
    )
    keep_credentials: tuple[str, ...] = setting(
        "GATEWAY_KEEP_CREDENTIALS",
        "tenants, separated by commas, of whose spans and logs attributes named as secrets are kept; `*`: all",
        (),
    )
    in_flight_requests: int = setting("GATEWAY_MAX_IN_FLIGHT_REQUESTS", "how many requests may bring data at once", 2048)
    events_per_s: float = setting(
        "GATEWAY_EVENTS_PER_S", "how many events per second one API key may send on average; 0: any", 0.0
    )
    query_timeout_s: float = setting("GATEWAY_QUERY_TIMEOUT_S", "how long analytics may take to answer a question", 10.0)
    cors_origins: tuple[str, ...] = setting(
        "GATEWAY_CORS_ORIGINS", "origins whose pages may call the gateway, separated by commas; empty: none", ()
    )
    disk_folders: tuple[str, ...] = folders_setting()
    disk_reserve_mb: int = reserve_setting()
    run_id: str = run_id_setting()
    test_routes: bool = test_routes_setting()
    bus: BusSettings = group(BusSettings)
    http: HttpLimits = group(HttpLimits, required=False)

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
