"""Reading bodies: sizes are checked as the bytes come, and what was taken from the budget is given back."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import random
import threading
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ClientGone, Refused
from gateway.ingest import bodies
from gateway.ingest.bodies import Held, Sizes, inflate, read_body
from gateway.ingest.fair import Reader
from gateway.ingest.limits import Budget, Rates

SIZES = Sizes(sent=1000, inflated=5000)


async def read(*chunks: bytes, gone: bool = False, budget: Budget | None = None, **headers: str) -> bytes:
    queue: list[dict[str, Any]] = [{"type": "http.request", "body": c, "more_body": True} for c in chunks]
    if gone:
        queue.append({"type": "http.disconnect"})
    else:
        queue[-1]["more_body"] = False

    async def receive() -> dict[str, Any]:
        return queue.pop(0)

    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return await read_body(named, receive, SIZES, Held(budget or Budget(100_000, 10)), Reader("test"), "acme")


async def status_of(*chunks: bytes, **kwargs: Any) -> int:
    with pytest.raises(Refused) as refused:
        await read(*chunks, **kwargs)
    return refused.value.status


async def test_body_in_pieces_is_put_together() -> None:
    assert await read(b"ab", b"", b"cd") == b"abcd"


async def test_declared_size_is_refused_before_a_byte_is_read() -> None:
    assert await status_of(b"", content_length="1001") == 413
    assert await status_of(b"", content_length="9" * 400) == 413


async def test_body_that_grows_beyond_the_limit_is_refused_whatever_was_declared() -> None:
    assert await status_of(b"x" * 600, b"x" * 600, b"x" * 10**6) == 413
    assert await status_of(b"x" * 1001, content_length="3") == 413


async def test_client_that_leaves_is_not_answered() -> None:
    with pytest.raises(ClientGone):
        await read(b"half", gone=True)


CODINGS = [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress)]


@pytest.mark.parametrize(("coding", "compress"), CODINGS)
async def test_what_exporters_compress_is_inflated(coding: str, compress: Any) -> None:
    assert await read(compress(b"x" * 4000), content_encoding=coding) == b"x" * 4000


@pytest.mark.parametrize(("coding", "compress"), CODINGS)
async def test_a_bomb_is_refused_without_being_inflated(coding: str, compress: Any) -> None:
    bomb = compress(b"\0" * 500_000)
    assert len(bomb) < SIZES.sent
    assert await status_of(bomb, content_encoding=coding) == 413


@pytest.mark.parametrize(("coding", "compress"), CODINGS)
@pytest.mark.parametrize("spoil", [lambda b: b[:-3], lambda b: b + b"more", lambda b: b[5:], lambda _: b""])
async def test_what_is_broken_is_refused(spoil: Any, coding: str, compress: Any) -> None:
    assert await status_of(spoil(compress(b"hello")), content_encoding=coding) == 400


@given(st.binary(max_size=300), st.binary(max_size=20))
def test_any_bytes_inflate_or_are_refused(body: bytes, tail: bytes) -> None:
    for sent in (body, gzip.compress(body), gzip.compress(body)[:-1] + tail):
        with contextlib.suppress(Refused):
            assert len(inflate(sent, 100)) <= 100


@given(
    st.binary(max_size=50), st.integers(0, 200), st.integers(0, 9), st.integers(0, 4), st.integers(9, 15), st.integers(10, 5000)
)
def test_however_it_was_compressed_it_is_inflated_and_where_a_bit_is_wrong_refused(
    part: bytes, times: int, level: int, strategy: int, window: int, spoilt: int
) -> None:
    body = part * times
    for coding, bits in ((b"gzip", window + 16), (b"deflate", window)):
        compressor = zlib.compressobj(level, zlib.DEFLATED, bits, 8, strategy)
        sent = bytearray(compressor.compress(body) + compressor.flush())
        assert inflate(bytes(sent), len(body), coding) == body
        sent[spoilt % len(sent) if coding == b"deflate" else max(10, spoilt % len(sent))] ^= 0x10
        with contextlib.suppress(Refused):  # of bits that say nothing there are some
            assert inflate(bytes(sent), len(body), coding) == body


async def test_other_codings_are_refused() -> None:
    assert await status_of(b"x", content_encoding="br") == 415


async def test_body_that_does_not_fit_into_the_budget_is_refused_for_now() -> None:
    budget = Budget(1500, 10)
    budget.take(1000)
    with pytest.raises(Refused) as refused:
        await read(b"x" * 600, budget=budget)
    assert refused.value.status == 429
    assert refused.value.retry_after_s


def test_budget_gives_places_back() -> None:
    budget = Budget(10, 1)
    budget.enter()
    with pytest.raises(Refused):
        budget.enter()
    held = Held(budget)
    held.at_least(10)
    budget.leave(held.count)
    budget.enter()
    budget.take(10)
    assert (budget.bytes, budget.requests, budget.refused) == (10, 1, 1)


def test_key_in_debt_waits_as_long_as_it_is_told() -> None:
    rates = Rates(100)
    rates.check("k", 0.0)
    rates.spend("k", 300, 0.0)
    with pytest.raises(Refused) as refused:
        rates.check("k", 1.0)
    assert refused.value.status == 429
    wait_s = refused.value.retry_after_s
    assert wait_s is not None
    rates.check("k", 1.0 + wait_s)
    rates.check("other", 1.0)


def test_rates_are_off_at_zero() -> None:
    rates = Rates(0)
    rates.spend("k", 10**9, 0.0)
    rates.check("k", 0.0)


async def test_large_bodies_are_inflated_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may become the whole of what is allowed before it is known how large it is: together they would be all of memory."""
    zipped = gzip.compress(random.Random(1).randbytes(2 * bodies.INFLATE_INLINE_BYTES))
    at_once = threading.Semaphore(1)

    def alone(*arguments: Any) -> bytes:
        assert at_once.acquire(blocking=False)
        try:
            return inflate(*arguments)
        finally:
            at_once.release()

    monkeypatch.setattr(bodies, "inflate", alone)
    sizes, reader = Sizes(len(zipped), 10 * len(zipped)), Reader("test")
    headers = {b"content-encoding": b"gzip"}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": zipped}

    held = [Held(Budget(10**9, 100)) for _ in range(20)]
    result = await asyncio.gather(*(read_body(headers, receive, sizes, each, reader, "acme") for each in held))
    assert {len(body) for body in result} == {2 * bodies.INFLATE_INLINE_BYTES}
