"""The pages of an export, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

import msgspec

from drishti.errors import DrishtiError
from drishti.gateway_client import GatewayClient
from drishti.messages.export import ExportPage

_pages = msgspec.json.Decoder(ExportPage)


def pages(client: GatewayClient, rows: str, chosen: Sequence[tuple[str, str]]) -> Iterator[ExportPage]:
    """All pages of ``rows``, of which the parameters ``chosen`` say which. Raises :class:`DrishtiError`, and
    :class:`~drishti.gateway_client.Interrupted`."""
    cursor = ""
    while True:
        parameters = [*chosen, *([("cursor", cursor)] if cursor else [])]
        answer = client.ask("GET", f"/api/export/{rows}/page?{urlencode(parameters)}")
        try:
            page = _pages.decode(answer.body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise DrishtiError("the answer of the gateway cannot be read: is it one of this version?") from None
        yield page
        cursor = page.cursor
        if not cursor:
            return
