"""Errors of spans as rows of tables. Pure: what the columns mean is said in the migration.

A group is put together with the spans that have its error, by a function in the database: whether a span is an error of its own
or passes that of a child on (:mod:`analytics.spans.failures`) shows when both are there, and they come in any order and to any
replica.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from analytics.spans import conventions
from analytics.spans.fingerprints import SpanError, error_of, has_error
from analytics.spans.span import Span, SpanKind
from analytics.storage.tables import Table

ERRORS = Table("span_errors")
"""Its rows are put by ``put_span_errors``, which counts them in their groups."""

MAX_GROUPS = 2_000
"""Kinds of errors of a tenant; further ones are counted together as ``other``."""

MAX_OF_PLACE = 50
"""Kinds of errors that differ by their messages alone; further ones are counted together, whatever the message says."""

LIMITS = (MAX_GROUPS, MAX_OF_PLACE)

MAX_FRAMES = 20
"""Frames of a group that are kept to be shown."""

MAX_TEXT = 256
"""Characters of a version and of an entry."""

MAX_ANCESTORS = 64
"""Parents that are asked for the user and the entry of a request."""

_ENTRIES = (SpanKind.SERVER, SpanKind.CONSUMER)

_encode = msgspec.json.Encoder().encode


def rows(items: Iterable[tuple[str, datetime, Span]]) -> list[tuple[Any, ...]]:
    """Rows for ``put_span_errors`` out of tenants, starts and spans: children before their parents."""
    given = items if isinstance(items, Sequence) else list(items)
    failing = [item for item in given if has_error(item[2])]
    if not failing:
        return []
    traces = {(tenant, span.trace_id) for tenant, _, span in failing}
    together = {(tenant, span.trace_id, span.span_id): span for tenant, _, span in given if (tenant, span.trace_id) in traces}
    described: set[tuple[str, bytes]] = set()
    found: list[tuple[Any, ...]] = []
    for tenant, started, span in sorted(failing, key=lambda item: -_depth(item[0], item[2], together)):
        error = error_of(span)
        if error is None:
            continue
        key = tenant, error.fingerprint
        about = None if key in described else _about(error, span)
        described.add(key)
        entry, user = _request(tenant, span, together)
        found.append(
            (
                tenant,
                started,
                min(error.at_ns, 2**63 - 1),
                signed(error.fingerprint),
                signed(error.place),
                span.trace_id,
                span.span_id,
                span.parent_id,
                error.handled,
                span.service,
                entry,
                _version(span),
                user,
                about,
            )
        )
    return found


def signed(fingerprint: bytes) -> int:
    """A fingerprint as the column has it."""
    return int.from_bytes(fingerprint, "big", signed=True)


def unsigned(fingerprint: int) -> str:
    """A fingerprint of the column as addresses have it."""
    return fingerprint.to_bytes(8, "big", signed=True).hex()


def _about(error: SpanError, span: Span) -> str:
    about = {
        "service": error.service,
        "type": error.type,
        "title": error.title,
        "culprit": error.culprit,
        "operation": error.operation,
        "service_name": span.service_name,
        "message": error.message,
        "raised_as": error.raised_as,
        "handled": error.handled,
        "frames": [frame._asdict() for frame in error.frames[:MAX_FRAMES]],
    }
    return _encode(about).decode()


def _request(tenant: str, span: Span, together: Mapping[tuple[str, bytes, bytes], Span]) -> tuple[str | None, str | None]:
    """The operation by which the request came in, and its user, out of the span and those above it."""
    entry = user = None
    above: Span | None = span
    for _ in range(MAX_ANCESTORS):
        if above is None:
            break
        if above.kind in _ENTRIES or above.parent_id is None:
            entry = above.operation[:MAX_TEXT]
        if user is None:
            user = conventions.text(above.attributes, conventions.USER_ID)
        above = None if above.parent_id is None else together.get((tenant, above.trace_id, above.parent_id))
    return entry, None if user is None else user[: conventions.MAX_ID]


def _depth(tenant: str, span: Span, together: Mapping[tuple[str, bytes, bytes], Span]) -> int:
    """How many of the spans above it are there."""
    above = span
    for depth in range(MAX_ANCESTORS):
        parent = None if above.parent_id is None else together.get((tenant, above.trace_id, above.parent_id))
        if parent is None:
            return depth
        above = parent
    return MAX_ANCESTORS


def _version(span: Span) -> str | None:
    version = span.resource.attributes.get("service.version")
    return str(version)[:MAX_TEXT] if isinstance(version, str | int | float) and version != "" else None
