"""What can be set, and the defaults."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from drishti.service.disk import folders_setting, reserve_setting
from drishti.service.http.limits import HttpLimits
from drishti.settings import BusSettings, Secret, group, run_id_setting, setting


@dataclass(frozen=True, kw_only=True)
class DashboardSettings:
    """Settings of dashboard-stream; all have defaults that fit one machine."""

    host: str = setting("DASHBOARD_STREAM_HOST", "address on which dashboard-stream listens", "127.0.0.1")
    port: int = setting("DASHBOARD_STREAM_PORT", "port of dashboard-stream; browsers use the gateway's", 8001)
    secret: Secret = setting(
        "DASHBOARD_STREAM_SECRET",
        "what the gateway must send in X-Drishti-Secret; set it where others can reach this port, since the gateway checks "
        "tokens and this service believes its X-Drishti-Tenant",
        Secret(),
    )
    allowed_origins: tuple[str, ...] = setting(
        "DASHBOARD_STREAM_ALLOWED_ORIGINS",
        "hosts (`name` or `name:port`) whose pages may open a WebSocket besides our own, separated by commas",
        (),
    )
    max_clients: int = setting("DASHBOARD_STREAM_MAX_CLIENTS", "open WebSockets; further ones are closed with 4429", 2000)
    slow_s: float = setting(
        "DASHBOARD_STREAM_SLOW_S", "seconds for which a client may read nothing before it is closed with 4408", 10.0
    )
    disk_folders: tuple[str, ...] = folders_setting()
    disk_reserve_mb: int = reserve_setting()
    run_id: str = run_id_setting()
    bus: BusSettings = group(BusSettings)
    http: HttpLimits = group(HttpLimits, required=False)

    def __post_init__(self) -> None:
        if self.max_clients < 1:
            raise ValueError("DASHBOARD_STREAM_MAX_CLIENTS: must be 1 or more")
        if self.slow_s <= 0:
            raise ValueError("DASHBOARD_STREAM_SLOW_S: must be more than 0")
        if wrong := [host for host in self.allowed_origins if "/" in host]:
            raise ValueError(f"DASHBOARD_STREAM_ALLOWED_ORIGINS: {wrong[0]!r} is no host: `name` or `name:port` is wanted")

    @property
    def open_to_others(self) -> bool:
        """Whether other machines may reach the port and nothing proves that a request came through the gateway."""
        if self.secret or self.host == "localhost":
            return False
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return True
