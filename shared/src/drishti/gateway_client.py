"""Requests of the command line to the gateway that are worth waiting for: sent again while it has no room or is away."""

from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, NamedTuple

from drishti.errors import DrishtiError

TIMEOUT_S = 60.0
TRIES = 60
WAIT_MOST_S = 30.0
"""How often one request is sent while the gateway cannot take it, and how long is waited in between at most."""

ANSWER_BYTES = 16 << 20
AGAIN = frozenset({429, 502, 503, 504})


class Interrupted(Exception):
    """Somebody stopped the command."""


class Answer(NamedTuple):
    """What the gateway said; ``document`` is the JSON object of the body, empty where that is none."""

    status: int
    body: bytes
    document: dict[str, Any]


class GatewayClient:
    """Asks the gateway at ``url``. Whenever it has to wait it says why to ``waits``; ``stop`` ends that."""

    def __init__(self, url: str, key: str, stop: threading.Event, waits: Callable[[str], None]) -> None:
        self._url = url
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._stop = stop
        self._waits = waits

    def ask(self, method: str, path: str, body: bytes | None = None, *, takes: frozenset[int] = frozenset()) -> Answer:
        """The answer: one without an error, or with a status that the caller ``takes``. Raises :class:`DrishtiError` with what
        the gateway said, and :class:`Interrupted`."""
        problem = ""
        for _ in range(TRIES):
            try:
                answer, retry_after = self._once(method, path, body)
                if answer.status < 400 or answer.status in takes:
                    return answer
                problem = _problem(answer)
                if answer.status not in AGAIN:
                    raise DrishtiError(problem)
                wait_s = _seconds(retry_after)
            except (OSError, http.client.HTTPException) as error:
                reason = error.reason if isinstance(error, urllib.error.URLError) else error
                problem, wait_s = f"the gateway at DRISHTI_URL does not answer ({reason})", 1.0
            self._waits(problem)
            self.pause(wait_s)
        raise DrishtiError(problem)

    def pause(self, wait_s: float) -> None:
        """Waits; raises :class:`Interrupted`."""
        if self._stop.wait(min(WAIT_MOST_S, wait_s)):
            raise Interrupted

    def _once(self, method: str, path: str, body: bytes | None) -> tuple[Answer, str | None]:
        # The scheme was checked in `query_cli.address`.
        asked = urllib.request.Request(f"{self._url}{path}", data=body, headers=self._headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as response:  # noqa: S310 - as above
                content = response.read(ANSWER_BYTES)
                return Answer(response.status, content, _document(content)), None
        except urllib.error.HTTPError as error:
            with error:
                content = error.read(ANSWER_BYTES)
                return Answer(error.code, content, _document(content)), error.headers.get("retry-after")


def _problem(answer: Answer) -> str:
    error, field = answer.document.get("error"), answer.document.get("field")
    if not error:
        return f"the gateway answered with status {answer.status}"
    return f"{field}: {error}" if field else str(error)


def _document(body: bytes) -> dict[str, Any]:
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
