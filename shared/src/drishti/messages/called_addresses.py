"""What the test-only route ``/test/trace-context`` of the gateway asks of a worker behind the bus: to call others.

Not in the catalogue: where ``DRISHTI_TEST_ROUTES`` is not set, nobody listens.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

TRACE_CONTEXT = "trace_context"
"""The question's name, as in ``query.v1.trace_context``."""


class Call(Struct, frozen=True):
    """``arguments`` are posted to ``url`` as JSON."""

    url: Annotated[str, Meta(pattern=r"^http://[!-~]{1,2000}$")]
    arguments: Any


class Calls(Struct, frozen=True):
    """One after the other."""

    calls: list[Call]


class Called(Struct, frozen=True):
    """The status of each answer; 0 where there was none."""

    statuses: list[int]
