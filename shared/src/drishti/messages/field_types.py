"""Types of the fields that several messages have, with their patterns and limits. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

# To Python, $ also stands before a last newline, which neither a subject nor a header may hold.
TOKEN = r"^[a-z0-9_-]{1,64}$(?!\n)"  # noqa: S105  (no password: a token of a subject)
TRACEPARENT = r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$(?!\n)"

Token = Annotated[str, Meta(pattern=TOKEN, description="one token of a subject: a-z, 0-9, _ and -")]
MAX_WITHOUT = 16
"""Services that one question leaves out."""

WithoutService = Annotated[list[Token], Meta(max_length=MAX_WITHOUT, description="tokens of services that are left out")]
Identifier = Annotated[str, Meta(min_length=1, max_length=256)]
ServiceName = Annotated[
    str, Meta(max_length=256, description="`service` as it was given, for people; where it is another text")
]
ServiceNames = Annotated[dict[str, str], Meta(description="the names that services were given, by their tokens; where known")]
Traceparent = Annotated[str, Meta(pattern=TRACEPARENT, description="W3C trace context of the work that this message tells of")]
Instant = Annotated[datetime, Meta(tz=True, description="ISO 8601 with an offset")]
EpochMs = Annotated[int, Meta(description="milliseconds since 1970-01-01T00:00Z")]
Resolution = Literal["1s", "1m", "1h"]
Step = Literal[
    "1s", "10s", "15s", "30s", "1m", "5m", "10m", "15m", "30m", "1h", "3h", "6h", "12h", "1d", "1w"
]  # fmt: skip

RESOLUTION_MS: dict[str, int] = {"1s": 1_000, "1m": 60_000, "1h": 3_600_000}


MAX_ALTERNATIVES = 50
"""Texts of one condition of which any may be meant: as many as a variable of a dashboard has values."""


def any_of(one: str, several: Iterable[str]) -> list[str]:
    """The texts of a condition that is given once or several times; none: anything meets it."""
    return [text for text in (one, *several) if text]


OPEN_ENUM = "x-extensible-enum"
"""The keyword of a JSON Schema for the values of a text that are known so far."""


def known_values(*values: str) -> Meta:
    """An open enum: the values that are known today. Readers take any text; a new value is no new version of the message."""
    return Meta(max_length=64, extra_json_schema={OPEN_ENUM: sorted(values)})
