"""Recorded requests to a web site as events: 10,000 of 1,753 visitors in four days of May 2015, moved to the past weeks."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

LOG = Path("web-logs") / "apache_logs.gz"
REQUESTS, VISITORS = 10_000, 1_753

_LINE = re.compile(r'(\S+) \S+ \S+ \[([^]]+)] "(\S+) (\S+) [^"]*" (\d+) (\d+|-) "([^"]*)" ".*')
_ASSET = re.compile(r"\.(css|js|png|jpe?g|gif|ico|svg|txt|woff|ttf|swf)$")
_FIRST_DAY = datetime(2015, 5, 17, tzinfo=UTC)


def events(data: Path, now: datetime) -> list[dict[str, Any]]:
    """One event for each line in its order: who asks for a page is a visitor by address, at the weekday and time of the log,
    one to two weeks before ``now``."""
    weeks = (now - timedelta(days=7) - _FIRST_DAY) // timedelta(days=7)
    lines = gzip.decompress((data / LOG).read_bytes()).decode().splitlines()
    return [_event(place, line, timedelta(days=7 * weeks)) for place, line in enumerate(lines)]


def _event(place: int, line: str, later: timedelta) -> dict[str, Any]:
    match = _LINE.fullmatch(line)
    assert match, line
    visitor, time, method, url, status, size, referrer = match.groups()
    page = url.partition("?")[0]
    return {
        "event_id": f"line-{place}",
        "event_type": "asset_loaded" if _ASSET.search(page) else "page_view",
        "user_id": visitor,
        "timestamp": (datetime.strptime(time, "%d/%b/%Y:%H:%M:%S %z") + later).isoformat(),
        "service": "site",
        "data": {
            "page": page,
            "method": method,
            "status": int(status),
            "bytes": 0 if size == "-" else int(size),
            "referrer": "" if referrer == "-" else referrer,
        },
    }
