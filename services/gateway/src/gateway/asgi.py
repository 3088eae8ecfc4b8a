"""The names of ASGI's parts, and where the gateway keeps its own beside the server's in a scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TENANT = "drishti.tenant"
"""Key in the scope: the tenant of the caller, once known; the request event is published for it."""

OWN_SERVICE = "drishti.own_service"
"""Key in the scope, true where one of Drishti's services sent the request: such requests are no traffic of an application."""

Headers = dict[bytes, bytes]
"""Names in lower case; of a repeated header the last one."""


def headers_of(scope: Scope) -> Headers:
    return dict(scope["headers"])
