"""Secrets inside addresses: user and password, and parameters named as secrets, replaced as the conventions say. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

REDACTED = "REDACTED"

SIGNATURES = ("sig", "signature", "awsaccesskeyid", "key", "pwd", "accountkey", "sharedaccesssignature")
"""Parameters beside those named as secrets: of the conventions for ``url.full``, how keys of APIs are given, and how drivers of
databases name a password; also what ends in ``-signature``."""

LOGIN_BYTES = 4096
"""A longer user and password is not looked for; access tokens of clouds, which are passwords of databases, have some
thousands."""

_LOGIN = re.compile(r"(?<=://)[^/?#]*@|\A[^:/?#]+:.*@(?=(?:tcp|unix)\()", re.DOTALL)
"""Also that of Go's drivers, which give no scheme: ``user:password@tcp(host)/name``."""

_END_OF_LOGIN = re.compile(rb"[?#]")
_PARAMETER = re.compile(r"(?:(?<=[?&;#\s])|\A)([^=&;#?/\s]+)=([^&;#]+?)(?=\s[^=&;#?/\s]+=|[&;#]|\Z)")
"""A value ends also where another parameter begins after a space, as in connection strings: ``host=db password=…``."""

_ENCODED_LETTER = re.compile(rb"%[4-7][0-9A-Fa-f]")


def logins(payload: bytes) -> Iterator[int]:
    """Where in ``payload`` an address may have a user or password. Cheap where ``@`` is rare; ids are bytes, and have some."""
    at = payload.find(b"@")
    while at >= 0:
        slash = payload.rfind(b"/", max(0, at - LOGIN_BYTES), at)
        if slash >= 2 and payload[slash - 2 : slash] == b":/" and _END_OF_LOGIN.search(payload, slash, at) is None:
            yield at
        at = payload.find(b"@", at + 1)


def encoded_letters(payload: bytes) -> Iterator[int]:
    """Where in ``payload`` an address may have a letter as ``%74``, which hides a name from a search for it. Hardly
    anybody writes letters so."""
    if b"%" in payload:
        yield from (match.start() for match in _ENCODED_LETTER.finditer(payload))


def redacted(address: str, is_secret: Callable[[str], bool]) -> str:
    """``address`` (or a query alone) without them; ``is_secret`` judges a parameter's name."""

    def without_value(parameter: re.Match[str]) -> str:
        name = unquote(parameter[1]).lower()
        secret = name in SIGNATURES or name.endswith("-signature") or is_secret(name)
        return f"{parameter[1]}={REDACTED}" if secret else parameter[0]

    if "@" in address:
        address = _LOGIN.sub(f"{REDACTED}:{REDACTED}@", address)
    return _PARAMETER.sub(without_value, address) if "=" in address else address
