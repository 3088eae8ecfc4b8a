"""Batches of events to the gateway, as fast as it takes them."""

from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from drishti.errors import DrishtiError

TIMEOUT_S = 60.0
TRIES = 60
WAIT_MOST_S = 30.0
"""How often one batch is sent while the gateway cannot take it, and how long is waited in between at most."""

ANSWER_BYTES = 16 << 20
AGAIN = frozenset({429, 502, 503, 504})


class Interrupted(Exception):
    """Somebody stopped the import."""


class Rejection(NamedTuple):
    """Why the gateway did not take the event at ``place``; ``field`` of it is to blame, where one is."""

    place: int
    field: str
    error: str


class Sender:
    """Sends to the gateway at ``url``. Whenever it has to wait it says why to ``waits``; ``stop`` ends that."""

    def __init__(self, url: str, key: str, stop: threading.Event, waits: Callable[[str], None]) -> None:
        self._url = f"{url}/api/events"
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._stop = stop
        self._waits = waits

    def send(self, events: Sequence[bytes]) -> list[Rejection]:
        """Returns once the bus has every event that is not rejected. Raises :class:`DrishtiError`."""
        answer = self._post(b"[" + b",".join(events) + b"]")
        if answer is not None:
            return _rejections(answer, len(events))
        if len(events) == 1:
            return [Rejection(0, "", "is larger than a request may be")]
        half = len(events) // 2
        first, second = self.send(events[:half]), self.send(events[half:])
        return [*first, *(one._replace(place=one.place + half) for one in second)]

    def _post(self, body: bytes) -> dict[str, Any] | None:
        """The answer; ``None`` where the gateway takes less at once."""
        problem = ""
        for _ in range(TRIES):
            try:
                # The scheme was checked in `query_cli.address`.
                asked = urllib.request.Request(self._url, data=body, headers=self._headers)  # noqa: S310 - as above
                with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as response:  # noqa: S310 - as above
                    return _decoded(response.read(ANSWER_BYTES))
            except urllib.error.HTTPError as error:
                with error:
                    answer = _decoded(error.read(ANSWER_BYTES))
                if error.code == 413:
                    return None
                if error.code == 422 and "rejected" in answer:
                    return answer
                problem = str(answer.get("error") or f"the gateway answered with status {error.code}")
                if error.code not in AGAIN:
                    raise DrishtiError(problem) from None
                wait_s = _seconds(error.headers.get("retry-after"))
            except (OSError, http.client.HTTPException) as error:
                reason = error.reason if isinstance(error, urllib.error.URLError) else error
                problem, wait_s = f"the gateway does not answer ({reason})", 1.0
            self._waits(problem)
            if self._stop.wait(min(WAIT_MOST_S, wait_s)):
                raise Interrupted
        raise DrishtiError(problem)


def _rejections(answer: dict[str, Any], sent: int) -> list[Rejection]:
    try:
        found = [Rejection(int(one["index"]), str(one["field"]), str(one["error"])) for one in answer["rejected"]]
        if int(answer["accepted"]) + len(found) == sent and all(0 <= one.place < sent for one in found):
            return found
    except (KeyError, TypeError, ValueError):
        pass
    raise DrishtiError("the answer of the gateway cannot be read: does DRISHTI_URL lead to one of this version?")


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(text: str | None) -> float:
    try:
        return max(0.1, float(text or 1))
    except ValueError:
        return 1.0
