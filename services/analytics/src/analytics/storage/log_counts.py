"""Log records counted by service, template and severity, in each minute and each hour, as rows for the database. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
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

_Key = tuple[str, bool, datetime, str, int, int]


def rows(items: Iterable[tuple[str, datetime, LogRecord]]) -> list[tuple[Any, ...]]:
    """Rows for ``put_log_counts`` out of tenants, times and records. Each key comes once, in their order: two replicas that add
    to the same rows never wait for each other in a circle."""
    found: dict[_Key, tuple[int, datetime, datetime]] = {}
    for tenant, time, record in items:
        minute = time.replace(second=0, microsecond=0)
        rest = record.service, record.template.id, record.severity
        for key in ((tenant, False, minute, *rest), (tenant, True, minute.replace(minute=0), *rest)):
            if (known := found.get(key)) is None:
                found[key] = 1, time, time
            else:
                count, first, last = known
                found[key] = count + 1, min(first, time), max(last, time)
    return [(*key, *counted) for key, counted in sorted(found.items())]
