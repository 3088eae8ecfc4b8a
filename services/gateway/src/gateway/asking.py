"""Questions to analytics by request/reply, and why there is no answer, as this gateway's own refusals."""

from __future__ import annotations

import msgspec

from drishti.errors import BusUnavailable, QueryError
from drishti.events import QueryFailure, encode
from drishti.messages import subjects
from drishti.telemetry import trace_context
from gateway.errors import RETRY_AFTER_S, Refused
from gateway.link import Link

_failure = msgspec.json.Decoder(QueryFailure)

_STATUS = {"invalid": 422, "unknown": 404, "conflict": 409, "timeout": 504, "unavailable": 503}
_STATUS_OF_UNKNOWN = 503
"""Of a code that this version does not know: a later one says why it has no answer."""


async def ask(link: Link, name: str, question: msgspec.Struct, timeout_s: float) -> bytes:
    """The answer to ``question`` of the kind ``name``, as it came. Raises :class:`Refused` (404, 409, 422, 503, 504)."""
    headers = trace_context.headers_of() or None
    try:
        msg = await link.bus.request(subjects.query(name), encode(question), timeout_s=timeout_s, headers=headers)
    except BusUnavailable as error:
        raise Refused(503, str(error), retry_after_s=RETRY_AFTER_S) from None
    except QueryError as error:
        if error.code == "timeout":
            raise Refused(504, f"analytics gave no answer within {timeout_s:g} s") from None
        raise Refused(503, "analytics is not there at the moment", retry_after_s=RETRY_AFTER_S) from None
    if (msg.headers or {}).get("Drishti-Status") == "error":
        failure = _failure.decode(msg.data)
        retry_after_s = RETRY_AFTER_S if failure.code == "unavailable" else None
        about = {"character": failure.character, "length": failure.length, "nearest": failure.nearest or None}
        details = {name: value for name, value in about.items() if value is not None}
        status = _STATUS.get(failure.code, _STATUS_OF_UNKNOWN)
        raise Refused(status, failure.error, field=failure.field, retry_after_s=retry_after_s, details=details)
    return msg.data
