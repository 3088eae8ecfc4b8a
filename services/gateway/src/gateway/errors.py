"""Why a request is not served as asked."""

from __future__ import annotations

from collections.abc import Mapping

from drishti.errors import DrishtiError

RETRY_AFTER_S = 1


class Refused(DrishtiError):
    """An answer instead of a result. ``retry_after_s`` says when to retry, where that may help; ``details`` go with it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        field: str = "",
        retry_after_s: float | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        self.status = status
        self.message = message
        self.field = field
        self.retry_after_s = retry_after_s
        self.details = details or {}
        super().__init__(message)


class ClientGone(DrishtiError):
    """The client left before it had sent everything; nobody is there to be answered."""
