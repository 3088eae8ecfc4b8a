"""A question in a URL becomes a typed one. Pure.

``metric`` and ``aggregate`` are needed; ``from``, ``to``, ``resolution`` and ``group_by`` have defaults; every other parameter
is a filter: ``dimension=value``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

import msgspec

from drishti.errors import QueryError
from drishti.events import RESOLUTION_MS, Query
from drishti.messages import subjects

DEFAULT_RANGE_MS = 3_600_000
MAX_PARAMETERS = 32

_EPOCH_MS = re.compile(r"-?\d{1,15}\Z")
_METRIC_NAME = re.compile(r"[A-Za-z0-9_./-]{1,255}\Z")
"""As OpenTelemetry names instruments; a metric of another name is asked for by its token."""

_RESERVED = ("metric", "aggregate", "from", "to", "resolution", "group_by")


def parse(parameters: Iterable[tuple[str, str]], *, tenant: str, now_ms: int) -> Query:
    """The question that ``parameters`` ask; raises :class:`QueryError` that names the wrong one."""
    given: dict[str, str] = {}
    group_by: list[str] = []
    for count, (name, value) in enumerate(parameters):
        if count == MAX_PARAMETERS:
            raise QueryError(f"more than {MAX_PARAMETERS} parameters", field=name)
        if name == "group_by":
            group_by += [part.strip() for part in value.split(",") if part.strip()]
        elif name in given:
            raise QueryError("given twice", field=name)
        else:
            given[name] = value
    for name in ("metric", "aggregate"):
        if not given.get(name):
            raise QueryError("is missing", field=name)
    to_ms = instant(given["to"], "to") if "to" in given else now_ms
    from_ms = instant(given["from"], "from") if "from" in given else to_ms - DEFAULT_RANGE_MS
    if from_ms >= to_ms:
        raise QueryError("must lie before `to`", field="from")
    resolution = given.get("resolution")
    if resolution is not None and resolution not in RESOLUTION_MS:
        raise QueryError(f"must be one of {', '.join(RESOLUTION_MS)}", field="resolution")
    question = {
        "tenant": tenant,
        "metric": subjects.token(given["metric"]) if _METRIC_NAME.match(given["metric"]) else given["metric"],
        "aggregate": given["aggregate"],
        "from": from_ms,
        "to": to_ms,
        "resolution": resolution,
        "group_by": list(dict.fromkeys(group_by)),
        "filters": {name: value for name, value in given.items() if name not in _RESERVED},
    }
    try:
        return msgspec.convert(question, Query)
    except msgspec.ValidationError:
        raise QueryError("must be a name of a-z, 0-9, _ and -", field="metric") from None


def instant(text: str, field: str) -> int:
    """Milliseconds since 1970 of ``text``: such a number, or ISO 8601 with an offset."""
    if _EPOCH_MS.match(text):
        return int(text)
    try:
        # In a URL, a + that was not escaped arrives as a space.
        at = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
        if at.tzinfo is not None:
            return round(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise QueryError(f"{text[:40]!r} is neither epoch milliseconds nor ISO 8601", field=field) from None
    raise QueryError("an offset is missing, such as Z", field=field)
