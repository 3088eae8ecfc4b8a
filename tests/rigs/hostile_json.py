"""JSON, and nearly JSON, that some program sends: items which every entrance must take or refuse alike."""

from __future__ import annotations

from hypothesis import strategies as st

BAD_VALUES: dict[str, bytes] = {
    "nul": b'"a\\u0000b"',
    "nul within": b'{"k": ["x", {"deep": "\\u0000"}]}',
    "nul behind an escaped backslash": b'"\\\\\\u0000"',
    "nul in a key": b'{"a\\u0000": 1}',
    "raw nul": b'"\x00"',
    "raw control character": b'"\x1f"',
    "high half": b'"\\ud800"',
    "low half": b'"\\uDC00 and more"',
    "two high halves": b'"\\ud83d\\ud83d"',
    "half in a key": b'{"\\udfff": 1}',
    "half at the end of a text": b'"x\\uD83D"',
    "not utf-8": b'"\xff"',
    "half in utf-8": b'"\xed\xa0\x80"',
    "overlong utf-8": b'"\xc0\x80"',
    "not utf-8 in a key": b'{"\xfe": 1}',
    "too large a number": b"1e999",
    "too small a number": b"-1e999",
    "too long a number": b"9" * 5000,
    "not a number": b"NaN",
    "infinity": b"[1, -Infinity]",
    "arrays of 10,000 levels": b"[" * 10_000 + b"]" * 10_000,
    "objects of 1,500 levels": b'{"a":' * 1500 + b"1" + b"}" * 1500,
    "501 levels": b"[" * 499 + b"]" * 499,
    "a comma too much": b"[1,]",
    "no value": b"",
    "a single quote": b"'x'",
    "an unknown escape": b'"\\x41"',
}
"""Values of a key of ``data`` for which the event must be refused."""

GOOD_VALUES: dict[str, bytes] = {
    "escaped backslash before u0000": b'"\\\\u0000"',
    "escaped backslash before a half": b'"\\\\ud800"',
    "pair": b'"\\ud83d\\ude00"',
    "emoji": '"😀 ﷽ \U0010ffff"'.encode(),
    "escaped control characters": b'"\\u0001\\u001f\\n\\t\\u007f"',
    "no character": b'"\xef\xbf\xbf\xef\xb7\x90"',
    "line separators": b'"\\u2028\xe2\x80\xa9"',
    "brackets in a text": b'"' + b"[{" * 600 + b'"',
    "commas and quotes in a text": b'"a,\\"],[{\\\\"',
    "64 bits and one": b"18446744073709551616",
    "400 digits": b"1" + b"0" * 400,
    "4,000 digits": b"9" * 4000,
    "tiny": b"[1e-999, 5e-324, -0, -0.0, 1.7976931348623157e308]",
    "long fraction": b"0." + b"1" * 3000,
    "498 levels": b"[" * 498 + b"]" * 498,
    "equal keys": b'{"a": 1, "a": "x"}',
    "empty key": b'{"": {"": ""}}',
    "long key": b'{"' + b"k" * 20_000 + b'": 1}',
    "null": b"null",
}

EDGES_OF_EVENTS: list[bytes] = [
    b'{"event_id": "%s", "event_type": "t", "event_id": "%s-again"}',
    b'{"event_id": "%s\\n\\t\\u0001\\u007f ", "event_type": "t"}',
    b'{"event_id": "%s", "event_type": "t", "user_id": "", "session_id": "", "version": "", "data": {}}',
    b'{"event_id": "%s", "event_type": "t", "user_id": "u\\u0001\\ud83d\\ude00", "session_id": " "}',
    b'{"event_id": "%s", "event_type": "t", "later": {"n": 1e999, "deep": [[[[]]]]}}',
    b'{"event_id": "%s", "event_type": "t", "timestamp": null, "user_id": null}',
    *(
        b'{"event_id": "%s", "event_type": "feedback", "data": ' + data + b"}"
        for data in (
            b'{"satisfaction": 1.7976931348623157e308, "topic": "\\u0001 \\ud83d\\ude00"}',
            b'{"satisfaction": -1.7976931348623157e308, "wisdom_score": 5e-324}',
            b'{"satisfaction": 3.0}',
            b'{"satisfaction": 1' + b"0" * 400 + b', "topic": ["x"]}',
            b'{"topic": "' + "\U0010ffff".encode() * 1000 + b'"}',
        )
    ),
    b'{"event_id": "%s", "event_type": "llm_call", "data": {"model": "\\u2028", "duration_ms": 1e308, "input_tokens": 1e308}}',
]
"""Events at the edge of what is allowed; ``%s`` is an id."""


def event(value: bytes, event_id: str = "e") -> bytes:
    """An event whose ``data.value`` is this text."""
    return b'{"event_id": "%s", "event_type": "t", "data": {"value": %s}}' % (event_id.encode(), value)


_scraps = st.sampled_from(
    [
        b"\\u0000",
        b"\\\\u0000",
        b"\\ud800",
        b"\\udc00",
        b"\\ud83d\\ude00",
        b"\\\\",
        b'\\"',
        b"\\n",
        b"a",
        b"\xff",
        b"\xc3\xa4",
        b"[",
        b"}",
        b",",
        b"\\",
    ]
)
_texts = st.lists(_scraps, max_size=4).map(lambda scraps: b'"' + b"".join(scraps) + b'"')
_leaves = _texts | st.sampled_from(
    [b"1", b"-0.5e3", b"1e999", b"NaN", b"Infinity", b"null", b"true", b"99999999999999999999", b"", b"x"]
)
_values = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: b"[" + b",".join(items) + b"]")
        | st.lists(st.tuples(_texts, inner), max_size=3).map(
            lambda pairs: b"{" + b",".join(b"%s:%s" % pair for pair in pairs) + b"}"
        )
    ),
    max_leaves=4,
)


@st.composite
def items(draw: st.DrawFn) -> bytes:
    """One item: most are events, some with something hostile in one of their fields."""
    if draw(st.integers(0, 9)) == 0:
        return draw(_values)
    fields = {b"event_id": b'"e"', b"event_type": b'"t"'}
    for name in draw(
        st.lists(
            st.sampled_from([b"event_id", b"user_id", b"session_id", b"version", b"data", b"service", b"later"]), max_size=2
        )
    ):
        fields[name] = b'{"k":' + draw(_values) + b"}" if name == b"data" else draw(_values | _texts)
    return b"{" + b",".join(b'"%s":%s' % pair for pair in fields.items()) + b"}"
