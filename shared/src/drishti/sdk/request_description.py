"""What an application says about a request of its own, for the request's event: who asked, and which model answered."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

from drishti.errors import InvalidPayload
from drishti.events import RequestEvent
from drishti.sdk.event_encoding import EventEncoder

log = logging.getLogger(__name__)

DESCRIPTION = "drishti.request"
"""In the scope of a request: the fields of its event that the application gave."""

_encoder = EventEncoder(RequestEvent)
_undescribed: set[str] = set()


def describe_request(
    request: Any, *, user_id: str | None = None, session_id: str | None = None, model: str | None = None
) -> None:
    """Adds to the request's event who asked and which model answered. ``request`` is a scope, or what has one.

    A value that cannot be what is meant is left out, and the log says so once: the request counts without it.
    """
    known = {"user_id": user_id, "session_id": session_id, "model": model}
    scope = getattr(request, "scope", request)
    if not isinstance(scope, MutableMapping):
        log.warning("a request is described by itself or its scope, not by %s", type(request).__qualname__)
        return
    for name, value in known.items():
        if value is not None and _fits(name, value):
            scope.setdefault(DESCRIPTION, {})[name] = value


def _fits(name: str, value: Any) -> bool:
    """Whether an event with this field would be accepted."""
    try:
        _encoder.encode(
            RequestEvent(event_id="x", service="x", method="GET", route="/", status=200, duration_ms=0.0, **{name: value})
        )
    except Exception as error:
        reason = error if isinstance(error, InvalidPayload) else type(error).__qualname__
        if name not in _undescribed:  # once: it may be so with every request
            _undescribed.add(name)
            log.warning("requests are described without their %s: %s", name, reason)
        return False
    return True
