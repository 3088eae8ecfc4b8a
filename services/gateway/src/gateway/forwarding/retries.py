"""When to try again, as the OTLP specification says. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRYABLE = frozenset({429, 502, 503, 504})
"""Every other status but 2xx would be the answer to the same data again."""

NOT_TAKEN = frozenset({404, 405, 501})
"""The target does not take this signal at all: Jaeger has no address for metrics."""

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
LONGEST_RETRY_AFTER_S = 120.0


def pause_s(attempt: int, retry_after_s: float | None, random: float) -> float:
    """How long to wait after failed ``attempt`` (from 1): exponential, but never less than the target asks for.

    ``random`` in [0, 1) spreads it, so that replicas do not come back together.
    """
    if retry_after_s is not None:
        return min(retry_after_s, LONGEST_RETRY_AFTER_S) * (1 + random / 10)
    return float(min(FIRST_PAUSE_S * 2.0 ** min(attempt - 1, 16), LONGEST_PAUSE_S)) * (1 + random) / 2


def retry_after_s(text: str | None, now: datetime) -> float | None:
    """The seconds that the header ``Retry-After`` says, as a number or a date; ``None`` where it says none."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
