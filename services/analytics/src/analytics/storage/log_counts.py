"""Log records counted by service, template and severity, in each minute and each hour, as rows for the database. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from analytics.logs.record import LogRecord
from analytics.storage.tables import Table

LOG_COUNTS = Table("log_counts", options="fillfactor = 70, autovacuum_vacuum_scale_factor = 0.1")
"""Its rows are put by ``put_log_counts``, which adds to those that are there."""

OF_SERVICE = 500
"""Rows of one service in a minute, or in an hour; what is new beyond is counted as other."""

OF_TENANT = 2_000
"""Rows of all services of a tenant, in the same way."""

LIMITS = (OF_SERVICE, OF_TENANT)

MINUTE_S, HOUR_S = 60, 3600

_Key = tuple[str, int, str, int, int]


def rows(items: Iterable[tuple[str, int, datetime, LogRecord]]) -> list[tuple[Any, ...]]:
    """Rows for ``put_log_counts`` out of tenants, seconds since 1970, times and records; each key comes once."""
    minutes: dict[_Key, list[Any]] = {}
    for tenant, second, time, record in items:
        key = tenant, second // MINUTE_S * MINUTE_S, record.service, record.template.id, record.severity
        known = minutes.get(key)
        if known is None:
            minutes[key] = [1, time, time]
        else:
            known[0] += 1
            if time < known[1]:
                known[1] = time
            elif time > known[2]:
                known[2] = time
    hours: dict[_Key, list[Any]] = {}
    for (tenant, second, service, template, severity), (count, first, last) in minutes.items():
        of_hour = hours.setdefault((tenant, second // HOUR_S * HOUR_S, service, template, severity), [0, first, last])
        of_hour[:] = of_hour[0] + count, min(of_hour[1], first), max(of_hour[2], last)
    return [
        (tenant, hourly, datetime.fromtimestamp(second, UTC), *rest, *counted)
        for hourly, found in ((False, minutes), (True, hours))
        for (tenant, second, *rest), counted in sorted(found.items())
    ]
