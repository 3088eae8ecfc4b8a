"""What can be set, and the defaults."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from drishti.service.disk import folders_setting, reserve_setting
from drishti.service.http.limits import HttpLimits
from drishti.settings import BusSettings, Secret, group, run_id_setting, setting, test_routes_setting


@dataclass(frozen=True, kw_only=True)
class AnalyticsSettings:
    """Settings of analytics; all but the database's address have defaults that fit one machine."""

    host: str = setting("ANALYTICS_HEALTH_HOST", "address on which analytics answers health checks", "127.0.0.1")
    port: int = setting("ANALYTICS_HEALTH_PORT", "port of analytics' health checks", 8002)
    database_url: Secret = setting("DATABASE_URL", "address of PostgreSQL, with user and password")
    publish_every_s: float = setting(
        "ANALYTICS_PUBLISH_EVERY_S", "seconds between two publications of the windows that changed, at least", 0.1
    )
    linger_s: float = setting(
        "ANALYTICS_LINGER_S", "seconds between two transactions of less than a full batch, at least", 0.02
    )
    batch_items: int = setting("ANALYTICS_BATCH_ITEMS", "events and requests in one transaction, at most about", 20_000)
    max_series: int = setting(
        "ANALYTICS_MAX_SERIES",
        "series of one metric in one hour, of all replicas; further ones are counted together as `other`",
        1_000,
    )
    max_tenants: int = setting(
        "ANALYTICS_MAX_TENANTS", "tenants that are counted at once; messages of further ones become dead letters", 100
    )
    published_series: int = setting(
        "ANALYTICS_PUBLISHED_SERIES",
        "series of one metric, window and set of labels on the bus; further ones are published together as `other`",
        500,
    )
    events_days: float = setting("ANALYTICS_EVENTS_DAYS", "days for which events and requests are kept", 30.0)
    logs_days: float = setting("ANALYTICS_LOGS_DAYS", "days for which log records are kept", 3.0)
    errors_days: float = setting(
        "ANALYTICS_ERRORS_DAYS", "days for which each span with an error is kept among the errors; their groups stay", 7.0
    )
    rollups_1s_days: float = setting("ANALYTICS_ROLLUPS_1S_DAYS", "days for which rollups by second are kept", 2.0)
    rollups_1m_days: float = setting("ANALYTICS_ROLLUPS_1M_DAYS", "days for which rollups by minute are kept", 30.0)
    rollups_1h_days: float = setting("ANALYTICS_ROLLUPS_1H_DAYS", "days for which rollups by hour are kept", 730.0)
    seen_days: float = setting(
        "ANALYTICS_SEEN_DAYS", "days for which an event's id is remembered; not less than the streams keep it, which is 3", 4.0
    )
    spans_hours: float = setting("ANALYTICS_SPANS_HOURS", "hours for which every span is kept", 24.0)
    spans_mb: int = setting(
        "ANALYTICS_SPANS_MB",
        "megabytes on disk that spans may take, kept ones and what they refer to included; beyond, the oldest go first",
        4_096,
    )
    llm_prices: Path | None = setting(
        "ANALYTICS_LLM_PRICES",
        "file with the prices of language models, instead of the one that is shipped (docs/llm-metrics.md)",
        None,
    )
    traces_days: float = setting(
        "ANALYTICS_TRACES_DAYS", "days for which chosen traces are kept whole, and the sums of all traces by minute", 14.0
    )
    disk_folders: tuple[str, ...] = folders_setting()
    disk_reserve_mb: int = reserve_setting()
    run_id: str = run_id_setting()
    test_routes: bool = test_routes_setting()
    bus: BusSettings = group(BusSettings)
    http: HttpLimits = group(HttpLimits, required=False)

    def __post_init__(self) -> None:
        if problem := _wrong(self.database_url.reveal()):
            raise ValueError(f"DATABASE_URL: {problem}")
        positive = {
            "ANALYTICS_PUBLISH_EVERY_S": self.publish_every_s,
            "ANALYTICS_BATCH_ITEMS": self.batch_items,
            "ANALYTICS_MAX_SERIES": self.max_series,
            "ANALYTICS_MAX_TENANTS": self.max_tenants,
            "ANALYTICS_PUBLISHED_SERIES": self.published_series,
            "ANALYTICS_EVENTS_DAYS": self.events_days,
            "ANALYTICS_LOGS_DAYS": self.logs_days,
            "ANALYTICS_ERRORS_DAYS": self.errors_days,
            "ANALYTICS_ROLLUPS_1S_DAYS": self.rollups_1s_days,
            "ANALYTICS_ROLLUPS_1M_DAYS": self.rollups_1m_days,
            "ANALYTICS_ROLLUPS_1H_DAYS": self.rollups_1h_days,
            "ANALYTICS_SPANS_HOURS": self.spans_hours,
            "ANALYTICS_SPANS_MB": self.spans_mb,
            "ANALYTICS_TRACES_DAYS": self.traces_days,
        }
        for name, value in positive.items():
            if value <= 0:
                raise ValueError(f"{name}: must be more than 0")
        if self.linger_s < 0:
            raise ValueError("ANALYTICS_LINGER_S: must be 0 or more")
        if self.seen_days < 3:
            raise ValueError("ANALYTICS_SEEN_DAYS: must be 3 or more, or an event that is delivered again counts twice")

    @property
    def kept_days(self) -> dict[str, float]:
        """Days for which rollups are kept, by resolution."""
        return {"1s": self.rollups_1s_days, "1m": self.rollups_1m_days, "1h": self.rollups_1h_days}


def _wrong(url: str) -> str:
    """What is wrong with an address of PostgreSQL, without a word of it, since it holds a password; empty: nothing."""
    encode = "characters like / # ? @ : in its password must be percent-encoded"
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return f"is no address; {encode}"
    if parts.scheme not in ("postgresql", "postgres"):
        return "must begin with postgresql://"
    for host in parts.netloc.rpartition("@")[2].split(","):
        port = host.rpartition("]")[2].partition(":")[2]
        if port and not port.isdigit():
            return f"has a port that is no number; {encode}"
    return ""
