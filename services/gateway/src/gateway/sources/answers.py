"""What the servers of these SDKs answer, with what was rejected in a field that the SDKs pass over. Pure.

400 ends a request for every SDK, which then calls the application's ``on_error``; 408, 429 and 5xx have it sent again. So 400
is the answer where nothing of a request is valid, and 200 where something is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.answers import Answer, json, refusal_headers
from gateway.errors import Refused
from gateway.ingest.parsing import ParsedEvents, Rejection

Said = dict[str, Any]

_KINDS = {
    400: ("validation_error", "invalid_payload"),
    401: ("authentication_error", "invalid_api_key"),
    403: ("authentication_error", "permission_denied"),
    413: ("validation_error", "payload_too_large"),
    415: ("validation_error", "unsupported_encoding"),
    429: ("throttled_error", "throttled"),
}
_OTHER = ("server_error", "error")


def posthog(parsed: ParsedEvents) -> Answer:
    """``{"status": 1}``, as PostHog answers."""
    return _answer(parsed, {"status": 1}, posthog_refusal)


def posthog_refusal(refused: Refused) -> Answer:
    """``{"type", "code", "detail", "attr"}``, as PostHog has it."""
    kind, code = _KINDS.get(refused.status, _OTHER)
    said = {"type": kind, "code": code, "detail": refused.message, "attr": refused.field or None, **refused.details}
    return json(refused.status, said, refusal_headers(refused))


def segment(parsed: ParsedEvents) -> Answer:
    """``{"success": true}``, as Segment answers."""
    return _answer(parsed, {"success": True}, segment_refusal)


def segment_refusal(refused: Refused) -> Answer:
    """``{"success": false, "code", "message"}``: the SDKs of both read code and message."""
    code = _KINDS.get(refused.status, _OTHER)[1]
    said = {"success": False, "code": code, "message": refused.message, **refused.details}
    return json(refused.status, said, refusal_headers(refused))


def _answer(parsed: ParsedEvents, said: Said, refuse: Callable[[Refused], Answer]) -> Answer:
    if parsed.rejected and not parsed.accepted:
        first = parsed.rejected[0]
        return refuse(Refused(400, _reason(first), field=first.field, details={"rejected": parsed.rejected}))
    return json(200, {**said, "rejected": parsed.rejected} if parsed.rejected else said)


def _reason(first: Rejection) -> str:
    where = f"{first.field}: " if first.field else ""
    return f"nothing in it is valid; event {first.index}: {where}{first.error}"
