"""Templates of messages."""

from __future__ import annotations

import pytest

from analytics.spans.message_templates import MAX_WORDS, template


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("user 123 not found", "user <n> not found"),
        ("took -1.5e3 ms, 30s at most", "took <n> ms, <n>s at most"),
        ("connect to 10.0.0.1:5432 and fe80::1 failed", "connect to <ip> and <ip> failed"),
        ("order 5f2b1c9e-1234-4abc-9def-001122334455 of 2024-01-02T03:04:05.678Z", "order <id> of <time>"),
        ("trace 4bf92f3577b34da6a3ce929d0e0e4736", "trace <id>"),
        ("<Order object at 0x7f12ab> is gone", "<Order object at <id>> is gone"),
        ("customer cus_8f3kd0Qx declined", "customer <id> declined"),
        ("can't open /var/lib/shop/data.txt, don't know why", "can't open <path>, don't know why"),
        ("GET https://shop.example/a?b=c: 503", "GET <url>: <n>"),
        ("mail to someone@shop.example bounced", "mail to <email> bounced"),
        ("KeyError: 'price' in \"cart\"", "KeyError: <text> in <text>"),
        ("missing ids 1, 2, 3, 4", "missing ids <n>"),
        ("several\n lines\tand   spaces", "several lines and spaces"),
        ("", ""),
    ],
)
def test_what_differs_between_equal_messages_is_masked(message: str, expected: str) -> None:
    assert template(message) == expected


def test_a_template_is_its_own_template() -> None:
    for message in ("user 123 of 10.0.0.1 at 12:30:01", "ids 1, 2, 3 in /a/b/c", "cus_8f3kd0Qx 0xff 'x'"):
        assert template(template(message)) == template(message)


@pytest.mark.parametrize("part", ["a", "1a", "'", "/", "a:", "1.", "ff:", "\0", "é", "http://", "a@", "-1_a"])
def test_a_megabyte_is_read_within_bounds(part: str) -> None:
    assert len(template(part * 500_000).split()) <= MAX_WORDS
    assert len(template((part + " ") * 300_000).split()) <= MAX_WORDS
