"""Addresses as people give them. Errors quote nothing of one: what stands in the wrong place may be a password."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from drishti.telemetry.destinations import Gateway

_PRINTABLE = re.compile(r"[!-~]+\Z")


def address(url: str, scheme: str) -> SplitResult:
    """The parts of ``url``, which may lack its ``scheme``. Raises ``ValueError``."""
    url = url.strip()
    try:
        parts = urlsplit(url if "//" in url else f"{scheme}://{url}")
        _ = parts.port
    except ValueError:
        raise ValueError("an address of Drishti has no valid host and port: percent-encode what is special in it") from None
    return parts


def gateway_at(url: str, api_key: str) -> Gateway:
    """The gateway that ``DRISHTI_URL`` and ``DRISHTI_API_KEY`` name. Raises ``ValueError`` where they cannot."""
    parts = address(url, "http")
    if parts.scheme not in ("http", "https") or not parts.hostname or not _PRINTABLE.match(parts.hostname + parts.path):
        raise ValueError("DRISHTI_URL is not an http or https address, percent-encoded where it is not ASCII")
    api_key = api_key.strip()  # a file that it was read from ends in a newline
    if api_key and not _PRINTABLE.match(api_key):
        raise ValueError("DRISHTI_API_KEY holds characters that no key has")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Gateway(f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "") + parts.path.rstrip("/"), api_key)
