"""Batches to a gateway that is away, is full, takes less at once, or is none."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from drishti.errors import DrishtiError
from drishti.gateway_client import GatewayClient, Interrupted
from drishti.importing.sending import Rejection, Sender
from rigs.posts import PostServer

Post = Callable[[str, dict[str, str], bytes], tuple[int, dict[str, str], Any]]


@pytest.fixture
def posts() -> Iterator[Callable[[Post], str]]:
    servers: list[PostServer] = []

    def serve(post: Post) -> str:
        servers.append(PostServer(post))
        return servers[-1].url

    yield serve
    for server in servers:
        server.close()


def sender(url: str, waited: list[str] | None = None, stop: threading.Event | None = None) -> Sender:
    return Sender(GatewayClient(url, "key", stop or threading.Event(), ([] if waited is None else waited).append))


def accepted(body: bytes) -> tuple[int, dict[str, str], Any]:
    return 202, {}, {"accepted": len(json.loads(body)), "rejected": []}


def test_a_batch_is_sent_again_as_long_as_there_is_no_room(posts: Callable[[Post], str]) -> None:
    answers = [
        (429, {"Retry-After": "0"}, {"error": "too much"}),
        (503, {}, b"<html>"),
        (503, {"Retry-After": "soon"}, {"error": "no bus"}),
    ]
    bodies: list[bytes] = []

    def post(_path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], Any]:
        assert headers["authorization"] == "Bearer key"
        bodies.append(body)
        return answers[len(bodies) - 1] if len(bodies) <= len(answers) else accepted(body)

    waited: list[str] = []
    assert sender(posts(post), waited).send([b'{"a":1}', b'{"a":2}']) == []
    assert set(bodies) == {b'[{"a":1},{"a":2}]'}
    assert waited == ["too much", "the gateway answered with status 503", "no bus"]


def test_a_batch_that_is_too_large_is_sent_in_halves_and_rejections_keep_their_places(posts: Callable[[Post], str]) -> None:
    def post(_path: str, _headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], Any]:
        numbers = json.loads(body)
        if len(numbers) > 2 or numbers == [7]:
            return 413, {}, {"error": "more than 2 events"}
        wrong = [{"index": i, "field": "f", "error": "odd"} for i, number in enumerate(numbers) if number % 2]
        right = len(numbers) - len(wrong)
        return 202 if right else 422, {}, {"accepted": right, "rejected": wrong}

    found = sender(posts(post)).send([str(number).encode() for number in range(8)])
    odd = [Rejection(place, "f", "odd") for place in (1, 3, 5, 7)]
    assert found == odd
    assert sender(posts(post)).send([b"7"]) == [Rejection(0, "", "is larger than a request may be")]


@pytest.mark.parametrize(
    ("status", "content", "problem"),
    [
        (401, {"error": "no valid key"}, "no valid key"),
        (500, b"", "status 500"),
        (200, b"<html>Welcome</html>", "cannot be read"),
        (202, {"accepted": 0, "rejected": []}, "cannot be read"),
        (422, {"accepted": 0, "rejected": [{"index": 9, "field": "", "error": ""}]}, "cannot be read"),
        (202, [], "cannot be read"),
    ],
)
def test_an_answer_that_does_not_say_that_all_is_stored_is_an_error(
    posts: Callable[[Post], str], status: int, content: Any, problem: str
) -> None:
    with pytest.raises(DrishtiError, match=problem):
        sender(posts(lambda *_: (status, {}, content))).send([b"1"])


def test_who_waits_can_be_stopped(posts: Callable[[Post], str]) -> None:
    stop = threading.Event()
    url = posts(lambda *_: (429, {"Retry-After": "600"}, {"error": "full"}))
    with pytest.raises(Interrupted):
        Sender(GatewayClient(url, "key", stop, lambda _problem: stop.set())).send([b"1"])
