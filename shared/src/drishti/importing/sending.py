"""Batches of events to the gateway, as fast as it takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from drishti.errors import DrishtiError
from drishti.gateway_client import GatewayClient

TOO_LARGE, ALL_WRONG = 413, 422


class Rejection(NamedTuple):
    """Why the gateway did not take the event at ``place``; ``field`` of it is to blame, where one is."""

    place: int
    field: str
    error: str


class Sender:
    """Sends to one gateway."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client

    def send(self, events: Sequence[bytes]) -> list[Rejection]:
        """Returns once the bus has every event that is not rejected. Raises :class:`DrishtiError`."""
        body = b"[" + b",".join(events) + b"]"
        answer = self._client.ask("POST", "/api/events", body, takes=frozenset({TOO_LARGE, ALL_WRONG}))
        if answer.status != TOO_LARGE:
            return _rejections(answer.document, len(events))
        if len(events) == 1:
            return [Rejection(0, "", "is larger than a request may be")]
        half = len(events) // 2
        first, second = self.send(events[:half]), self.send(events[half:])
        return [*first, *(one._replace(place=one.place + half) for one in second)]


def _rejections(answer: dict[str, Any], sent: int) -> list[Rejection]:
    try:
        found = [Rejection(int(one["index"]), str(one["field"]), str(one["error"])) for one in answer["rejected"]]
        if int(answer["accepted"]) + len(found) == sent and all(0 <= one.place < sent for one in found):
            return found
    except (KeyError, TypeError, ValueError):
        pass
    raise DrishtiError(f"the answer of the gateway cannot be read: {answer.get('error') or 'is it one of this version?'}")
