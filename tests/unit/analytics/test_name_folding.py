"""Names without ids: bounded, idempotent, and the same for all ids of one kind."""

from __future__ import annotations

import base64
import random
import string
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.spans.name_folding import MAX_OPERATION, fold_host, fold_name, fold_path, fold_unit

_SMALL, _LETTERS, _URL = (
    string.ascii_lowercase,
    string.ascii_letters + string.digits,
    string.ascii_letters + string.digits + "-_",
)


def _from(letters: str, size: int) -> Callable[[random.Random], str]:
    return lambda rng: "".join(rng.choices(letters, k=size))


ALWAYS: dict[str, Callable[[random.Random], str]] = {
    "number": lambda rng: str(rng.randrange(10 ** rng.randrange(1, 19))),
    "uuid": lambda rng: str(uuid.UUID(int=rng.getrandbits(128))),
    "uuid without hyphens": lambda rng: uuid.UUID(int=rng.getrandbits(128)).hex,
    "trace id": lambda rng: f"{rng.getrandbits(64):016x}",
    "digest": lambda rng: rng.randbytes(32).hex(),
    "ulid": _from("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 26),
    "order": lambda rng: f"order-{rng.randrange(10**6)}",
    "user": lambda rng: f"user{rng.randrange(100, 10**6)}",
    "date": lambda rng: f"20{rng.randrange(100):02}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
    "time": lambda rng: (
        f"2024-01-02T{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}.{rng.randrange(999)}Z"
    ),
    "email": lambda rng: f"{_from(_SMALL, 6)(rng)}.{_from(_SMALL, 5)(rng)}+{rng.randrange(99)}@example.com",
    "address": lambda rng: ".".join(str(rng.randrange(256)) for _ in range(4)),
    "coordinates": lambda rng: f"{rng.uniform(-90, 90):.4f},{rng.uniform(-180, 180):.4f}",
    "telephone": lambda rng: f"+49{rng.randrange(10**10):010}",
}
"""Ids of which every one is recognised."""

MOSTLY: dict[str, Callable[[random.Random], str]] = {
    "short hash": _from("0123456789abcdef", 8),
    "ksuid": _from(_LETTERS, 27),
    "nanoid": _from(_URL, 21),
    "base64": lambda rng: base64.urlsafe_b64encode(rng.randbytes(16)).decode().rstrip("="),
    "token": lambda rng: ".".join(base64.urlsafe_b64encode(rng.randbytes(40)).decode().rstrip("=") for _ in range(3)),
    "customer": lambda rng: f"cus_{_from(_LETTERS, 14)(rng)}",
    "base36": _from(_SMALL + string.digits, 10),
    "pod": lambda rng: f"web-{_from('bcdfghjklmnpqrstvwxz2456789', 10)(rng)}-{_from('bcdfghjklmnpqrstvwxz2456789', 5)(rng)}",
}
"""Random texts, a few of which look like words."""


@pytest.mark.parametrize("kind", ALWAYS)
def test_names_that_differ_in_an_id_are_one(kind: str) -> None:
    rng = random.Random(kind)
    ids = [ALWAYS[kind](rng) for _ in range(300)]
    assert len({fold_path(f"/api/v1/things/{an_id}/parts") for an_id in ids}) == 1
    assert len({fold_name(f"send thing {an_id} now") for an_id in ids}) == 1


@pytest.mark.parametrize("kind", MOSTLY)
def test_random_texts_are_nearly_all_one(kind: str) -> None:
    rng = random.Random(kind)
    paths = [fold_path(f"/things/{MOSTLY[kind](rng)}") for _ in range(1000)]
    assert sum(path in ("/things/{id}", "/things/cus_{id}", "/things/web-{id}") for path in paths) > 930


@pytest.mark.parametrize(
    "name",
    [
        "get_user_by_id",
        "getUserByIdAndName",
        "HTTPRequestHandler.handleRequest",
        "com.example.shop.CheckoutServiceImpl.placeOrderInternal",
        "oauth2",
        "/api/v2/users/{user_id}/orders/:id/<int:page>",
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        "v1beta1",
        "k8s i18n ec2 s3 python3 sha256 base64 http2 mqtt5",
        "middleware - express.json",
        "<anonymous>",
        "LangGraph.invoke",
        "/index.php",
        "forgot-password-confirmation",
        "peer2peer",
        "Übersicht laden",
        "注文を送る",
        "",
        "/",
    ],
)
def test_words_stay(name: str) -> None:
    assert fold_name(name) == name


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("GET /users/7/orders/3f2a9c1e?full=1#top", "GET /users/{id}/orders/{id}"),
        ("Task-17", "Task-{id}"),
        ("call http://user:secret@shop.example.com:8080/a/12?token=1 again", "call http://shop.example.com/a/{id} again"),
        ("/search/%E2%82%AC5", "/search/{id}"),
        ("/blog/how-to-fold-the-paths-of-urls", "/blog/{slug}"),
        ("/static/main.3f2a9c1e.js", "/static/main.{id}.js"),
        ("reports/2024-01-31", "reports/{date}"),
        ("  many   spaces\tand\nlines ", "many spaces and lines"),
    ],
)
def test_what_is_folded(name: str, folded: str) -> None:
    assert fold_name(name) == folded


def test_hosts_are_folded_without_ports() -> None:
    assert fold_host("API.example.com:8443") == "api.example.com"
    assert fold_host("10.20.30.40:6379") == fold_host("192.168.0.1") == "{ip}"
    assert fold_host("[2001:db8::1]:80") == "{ip}"
    assert fold_host("web-7d9f8c6b5d-x2x4z") == "web-{id}"


def test_a_long_name_keeps_its_beginning() -> None:
    assert fold_path("/a" * 100) == "/a" * 10 + "/…"
    name = fold_name(" ".join(["word"] * 100))
    assert name.startswith("word word")
    assert name.endswith(" …")
    assert len(name) <= MAX_OPERATION
    assert len(fold_name("com.example." * 40)) <= MAX_OPERATION


_NAMES = st.one_of(
    st.text(max_size=300),
    st.text(st.sampled_from(_URL + "./ :{}%@…?#é"), max_size=200),
    st.lists(st.from_regex(r"[a-zA-Z0-9_-]{1,30}", fullmatch=True), max_size=12).map("/".join),
    st.lists(st.from_regex(r"[a-zA-Z0-9]{1,40}", fullmatch=True), max_size=40).map(".".join),
)


@given(_NAMES)
def test_folding_is_bounded_and_idempotent(name: str) -> None:
    for fold in (fold_name, fold_path, fold_unit):
        folded = fold(name)
        assert len(folded) <= MAX_OPERATION
        assert fold(folded) == folded
