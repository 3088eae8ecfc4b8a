"""Requests with every kind of trace context that W3C Trace Context speaks of, and what must become of each.

Written from the specification; each request of the W3C's public test suite is among them or of the kind of one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
OTHER = "4bf92f3577b34da6a3ce929d0e0e4736"
KEPT, DROPPED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"

_EVERY_KEY = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
_EVERY_VALUE = "".join(chr(c) for c in range(0x20, 0x7F) if chr(c) not in ",=")
_FULL = ",".join(f"k{n}={n}" for n in range(32))


class Case(NamedTuple):
    """``headers`` as they are sent; whether the trace goes on; what ``tracestate`` is handed on, "" for none."""

    name: str
    headers: tuple[tuple[str, str], ...]
    goes_on: bool
    state: str = ""


def _parent(name: str, value: str, *, goes_on: bool = False) -> Case:
    return Case(name, (("traceparent", value), ("tracestate", "foo=1")), goes_on, "foo=1" if goes_on else "")


def _state(name: str, *values: str, state: str = "") -> Case:
    return Case(name, (("traceparent", DROPPED), *(("tracestate", value) for value in values)), True, state)


CASES = [
    Case("none", (), False),
    Case("kept", (("traceparent", KEPT),), True),
    Case("kept and random", (("traceparent", f"00-{TRACE}-{PARENT}-03"),), True),
    Case("dropped", (("traceparent", DROPPED),), True),
    Case("twice", (("traceparent", KEPT), ("traceparent", f"00-{OTHER}-{PARENT}-01")), False),
    Case("twice the same", (("traceparent", KEPT), ("traceparent", KEPT)), False),
    Case("hyphen in the name", (("trace-parent", KEPT),), False),
    Case("dot in the name", (("trace.parent", KEPT),), False),
    Case("any case", (("TrAcEpArEnT", KEPT), ("TRACESTATE", "foo=1")), True, "foo=1"),
    Case("state alone", (("tracestate", "foo=1,bar=2"),), False),
    Case("hyphen in the name of the state", (("traceparent", KEPT), ("trace-state", "foo=1")), True),
    _parent("version 00 with a dot behind", f"{KEPT}."),
    _parent("version 00 with more", f"{KEPT}-what-the-future-brings"),
    _parent("version 01", f"01-{TRACE}-{PARENT}-01", goes_on=True),
    _parent("version cc", f"cc-{TRACE}-{PARENT}-01", goes_on=True),
    _parent("version cc with more", f"cc-{TRACE}-{PARENT}-01-what-the-future-brings", goes_on=True),
    _parent("version cc with a dot behind", f"cc-{TRACE}-{PARENT}-01.what-the-future-brings"),
    _parent("version cc, long beyond reason", f"cc-{TRACE}-{PARENT}-01-" + "x" * 1000),
    _parent("version ff", f"ff-{TRACE}-{PARENT}-01"),
    _parent("version of no hexadecimal digits", f".0-{TRACE}-{PARENT}-01"),
    _parent("version in upper case", f"CC-{TRACE}-{PARENT}-01"),
    _parent("version of one digit", f"0-{TRACE}-{PARENT}-01"),
    _parent("version of three digits", f"000-{TRACE}-{PARENT}-01"),
    _parent("trace of zeroes", f"00-{'0' * 32}-{PARENT}-01"),
    _parent("trace in upper case", f"00-{TRACE.upper()}-{PARENT}-01"),
    _parent("trace with a dot", f"00-.{TRACE[1:]}-{PARENT}-01"),
    _parent("trace too long", f"00-{TRACE}1-{PARENT}-01"),
    _parent("trace too short", f"00-{TRACE[1:]}-{PARENT}-01"),
    _parent("parent of zeroes", f"00-{TRACE}-{'0' * 16}-01"),
    _parent("parent with a dot", f"00-{TRACE}-.{PARENT[1:]}-01"),
    _parent("parent too long", f"00-{TRACE}-{PARENT}1-01"),
    _parent("parent too short", f"00-{TRACE}-{PARENT[1:]}-01"),
    _parent("flags with a dot", f"00-{TRACE}-{PARENT}-.0"),
    _parent("flags too long", f"00-{TRACE}-{PARENT}-001"),
    _parent("flags too short", f"00-{TRACE}-{PARENT}-1"),
    _parent("empty", ""),
    _parent("whitespace around", f"\t {KEPT} \t", goes_on=True),
    _state("two members", "foo=1,bar=2", state="foo=1,bar=2"),
    _state("three headers in their order", "foo=1,bar=2", "rojo=1,congo=2", "baz=3", state="foo=1,bar=2,rojo=1,congo=2,baz=3"),
    _state("empty header", ""),
    _state("empty header behind", "foo=1", "", state="foo=1"),
    _state("empty header in front", "", "foo=1", state="foo=1"),
    _state("empty members", "foo=1,, ,\t,bar=2", state="foo=1,bar=2"),
    _state("whitespace between members", "foo=1 \t , \t bar=2,\t \tbaz=3", state="foo=1,bar=2,baz=3"),
    _state("whitespace around", "\t foo=1 \t", state="foo=1"),
    _state("a key twice", "foo=1,foo=1", state="foo=1"),
    _state("a key with two values", "foo=1,bar=2,foo=3", state="foo=1,bar=2"),
    _state("a key twice in two headers", "foo=1", "foo=2", state="foo=1"),
    _state("every character", f"{_EVERY_KEY}={_EVERY_VALUE}", state=f"{_EVERY_KEY}={_EVERY_VALUE}"),
    _state("tenant and system", f"{_EVERY_KEY}@a-z0-9_-*/=1", state=f"{_EVERY_KEY}@a-z0-9_-*/=1"),
    _state("key that begins with a digit", "1a=1,foo=1", state="1a=1,foo=1"),
    _state("space in a key", "foo =1,bar=2"),
    _state("upper case in a key", "FOO=1,bar=2"),
    _state("dot in a key", "foo.bar=1,bar=2"),
    _state("at sign behind a key", "foo@=1,bar=2", state="foo@=1,bar=2"),
    _state("at sign in front of a key", "@foo=1,bar=2"),
    _state("two at signs", "foo@@bar=1,bar=2", state="foo@@bar=1,bar=2"),
    _state("three parts", "foo@bar@baz=1,bar=2", state="foo@bar@baz=1,bar=2"),
    _state("system that begins with a digit", "foo@1=1,bar=2", state="foo@1=1,bar=2"),
    _state("32 members", _FULL, state=_FULL),
    _state("33 members", _FULL, "k32=32"),
    _state("33 members, a key twice", _FULL, "k0=32"),
    _state("key of 256", "foo=1", f"{'z' * 256}=1", state=f"foo=1,{'z' * 256}=1"),
    _state("key of 257", "foo=1", f"{'z' * 257}=1"),
    _state("tenant of 241", f"{'t' * 241}@{'v' * 14}=1", state=f"{'t' * 241}@{'v' * 14}=1"),
    _state("tenant of 242", "foo=1", f"{'t' * 242}@v=1", state=f"foo=1,{'t' * 242}@v=1"),
    _state("system of 15", "foo=1", f"t@{'v' * 15}=1", state=f"foo=1,t@{'v' * 15}=1"),
    _state("tenant and system of 257 together", "foo=1", f"{'t' * 128}@{'v' * 128}=1"),
    _state("value of 256", f"foo={'v' * 256}", state=f"foo={'v' * 256}"),
    _state("value of 257", f"foo={'v' * 257}"),
    _state("equals sign in a value", "foo=bar=baz,bar=2"),
    _state("no value", "foo=,bar=3"),
    _state("no equals sign", "foo,bar=3"),
]


def check(case: Case, handed_on: list[dict[str, str]]) -> None:
    """``handed_on``: the headers, names in lower case, of what was called in the course of the request."""
    parents = [re.fullmatch("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", h["traceparent"]) for h in handed_on]
    assert all(parents), handed_on
    ids = [match.groups() for match in parents if match is not None]
    assert len({parent for _, parent, _ in ids}) == len(handed_on), "each call has a parent of its own"
    assert PARENT not in {parent for _, parent, _ in ids}
    traces = {trace for trace, _, _ in ids}
    assert len(traces) == 1
    if case.goes_on:
        assert traces == {TRACE}
        sent = next(value for name, value in case.headers if name.lower() == "traceparent").strip()
        assert {int(flags, 16) & 1 for _, _, flags in ids} == {int(sent[53:55], 16) & 1}
        assert {int(flags, 16) & 2 for _, _, flags in ids} == {int(sent[53:55], 16) & 2}
    else:
        assert not traces & {TRACE, TRACE.upper(), OTHER, "0" * 32}
    assert [h.get("tracestate", "") for h in handed_on] == [case.state] * len(handed_on)
