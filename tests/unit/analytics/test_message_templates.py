"""Templates of log lines: what differs from one occurrence to the next is masked, what tells statements apart stays."""

from __future__ import annotations

import json
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.message_templates import MASK, MAX_TEMPLATE, template_id, template_of

SAME = {
    "numbers": ("Order 4711 shipped in 12 ms", "Order 9 shipped in 7.5 ms"),
    "units": ("took 12ms, 3.5GB read, 50% done", "took 9s, 12kB read, 7% done"),
    "uuids": (f"user {uuid.uuid4()} signed in", f"user {uuid.uuid4()} signed in"),
    "hexadecimal": ("object at 0x7f3a2c, commit deadbeef01", "object at 0xff, commit 1badcafe"),
    "addresses": ("client 10.0.0.1:8080 went away", "client 192.168.17.4:55123 went away"),
    "IPv6": ("from fe80::1 to ::1", "from 2001:db8::8a2e:370:7334 to fe80::2"),
    "quoted": ('cannot find "alice" here', 'cannot find "a longer name, with commas" here'),
    "single quotes": ("column 'name' is unknown", "column 'price of it' is unknown"),
    "paths": ("wrote /var/log/app.log", "wrote /tmp/x/y/z"),
    "URLs": ("GET https://a.example/x?y=1 failed", "GET http://b.example:80/long/path failed"),
    "mail": ("sent to alice@example.com", "sent to bob.b@mail.example.org"),
    "times": ("[2023-01-30T14:10:17.130Z] started", "[2024-02-01 09:00:00,123] started"),
    "syslog": ("Jan 30 14:10:17 sshd: closed", "Feb  1 09:00:00 sshd: closed"),
    "dates of Java": ("next at Sat May 04 07:00:00 CST 2013", "next at Mon Jun 10 17:10:59 UTC 2024"),
    "access log": (
        '10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326',
        '10.9.9.9 - - [11/Nov/2001:01:02:03 +0000] "GET /b/c?d=e HTTP/1.1" 404 12',
    ),
    "logfmt": (
        'level=info msg="cart paid" user=alice took=12ms',
        'level=info msg="cart paid" user=bob took=7ms',
    ),
    "objects": ("seat Seat(row=1, name=window) taken", "seat Seat(row=22, name=aisle seat) taken"),
    "nested objects": ("got Trip(id=Id(kind=a, n=1), x=2)", "got Trip(id=Id(kind=b, n=222), x=3)"),
    "lists": ("stations: [shanghai, nanjing]", "stations: [a, b, c, d, e]"),
    "values in brackets": ("[query][name: shanghai]", "[query][name: nanjing]"),
    "JSON": (
        '{"level":"warn","message":"cart 17 is empty","user":"alice"}',
        '{"user":"bob","message":"cart 4 is empty","level":"warn"}',
    ),
    "JSON without a message": ('{"a": 1, "b": {"c": 2}}', '{"b": [], "a": "x"}'),
    "Java stack": (
        "order 17 failed\njava.lang.IllegalStateException: no\n\tat a.b.C.d(C.java:12)",
        "order 4 failed\njava.lang.IllegalStateException: no\n\tat x.y.Z.e(Z.java:1)",
    ),
    "Python stack": (
        'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\nValueError: 17 is too much\n',
        'Traceback (most recent call last):\n  File "b.py", line 99, in h\n    i()\nValueError: 4 is too much',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_lines_of_one_statement_have_one_template(name):
    one, other = SAME[name]
    assert template_of(one) == template_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Order created", "Order deleted"),
        ("INFO OrderService#361 saved", "INFO OrderService#72 saved"),
        ("views.py:42 refused", "views.py:17 refused"),
        ('x "GET /a HTTP/1.1" 200', 'x "POST /a HTTP/1.1" 200'),
        ('level=info msg="cart paid"', 'level=info msg="cart lost"'),
        ("Traceback (most recent call last):\n  x\nValueError: no", "Traceback (most recent call last):\n  x\nKeyError: no"),
    ],
)
def test_lines_of_different_statements_have_different_templates(one, other):
    assert template_of(one).id != template_of(other).id


def test_a_line_of_an_access_log_keeps_its_method_alone():
    line = '10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a?b=1 HTTP/1.0" 200 2326 "http://a.b/c" "Mozilla/5.0 (X11; rv)"'
    assert template_of(line).text == '<*> - - [<*>] "GET <*>" <*>'
    assert template_of(line.replace("GET", "POST")).text == '<*> - - [<*>] "POST <*>" <*>'


def test_what_is_no_text_is_masked_whole():
    assert template_of("\x00\x01\x02\x80\x81 binary \x90\x91\xa0").text == MASK
    assert template_of("\x1b[32mINFO\x1b[0m order 17 paid") == template_of("INFO order 17 paid")


def test_what_a_template_looks_like():
    assert template_of("Order 4711 of alice@example.com shipped in 12 ms").text == "Order <*> of <*> shipped in <*> ms"
    assert template_of("can't open user's file").text == "can't open user's file"
    assert template_of('level=error msg="cannot reach 10.0.0.1" took=3ms').text == "ERROR cannot reach <*>"
    assert template_of({"event": "cart 17 paid", "n": 3}).text == "cart <*> paid"
    assert template_of({"b": 1, "a": [2]}).text == "a=<*> b=<*>"
    assert template_of(17).text == MASK
    assert template_of(None).text == ""


def test_the_id_is_of_the_text_alone_and_never_changes():
    assert template_of("Order 1 shipped").id == template_id("Order <*> shipped") == 7697126140773001647


@given(st.text(max_size=200) | st.text(alphabet="[]{}()=,:'\"<>|# \n\x00\x01a1/\\@.-", max_size=200))
def test_any_text_has_a_bounded_template_and_masked_text_keeps_its_own(line):
    found = template_of(line)
    assert len(found.text) <= MAX_TEMPLATE
    assert found == template_of(line)


@pytest.mark.parametrize(
    "line",
    [
        "x" * 1_000_000, "1" * 1_000_000, "1 " * 500_000, "[" * 500_000, "[," * 500_000, "(=" * 500_000, '"' * 500_000,
        "a=b " * 250_000, "{" * 500_000, '{"a":' * 100_000, "\n" * 1_000_000, "' " * 500_000, "Jan 1 " * 100_000,
        "a://" * 200_000, "\x01, " * 200_000, "\\" * 500_000, '{"message": "' + "{" * 1000 + '"}', 'a="' + '\\"' * 400_000,
    ],
)  # fmt: skip
def test_no_line_is_expensive(line):
    began = time.process_time()
    for _ in range(10):
        template_of(line)
    assert time.process_time() - began < 5  # of the processor, for what takes some milliseconds


def test_a_message_in_a_message_in_a_message_ends():
    line = "deep"
    for _ in range(12):
        line = json.dumps({"message": line})
    assert len(template_of(line).text) <= MAX_TEMPLATE
