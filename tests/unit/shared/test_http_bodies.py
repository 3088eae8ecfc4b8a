"""A request's body is read within its bound, and what is no JSON is refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request

from drishti.service.http.bodies import InvalidBody, decode_json, read_body


def request(*messages: dict[str, Any]) -> Request:
    left = list(messages)

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_parts_of_exactly_the_bound_is_read() -> None:
    assert await read_body(request(part(b"[1,", more=True), part(b"2]")), 5) == b"[1,2]"


async def test_a_larger_body_is_refused_before_its_end() -> None:
    with pytest.raises(InvalidBody, match="larger than 4 bytes") as refused:
        await read_body(request(part(b"[1,2]", more=True)), 4)
    assert refused.value.status == 413


async def test_a_client_that_leaves_early_is_refused() -> None:
    with pytest.raises(InvalidBody, match="ends too early") as refused:
        await read_body(request(part(b"[1", more=True), {"type": "http.disconnect"}), 100)
    assert refused.value.status == 400


@pytest.mark.parametrize("body", [b"", b"{", b'"\xff"', b"[" * 100_000], ids=["empty", "cut", "no UTF-8", "deep"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidBody, match="the body is no JSON") as refused:
        decode_json(body)
    assert refused.value.status == 400
    assert decode_json(b'{"a": [1]}') == {"a": [1]}
