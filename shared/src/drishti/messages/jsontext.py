"""What the JSON text of an event may carry, and how an array is cut into items where some of them are not JSON. Pure.

How this works
--------------
JSON can carry what later steps cannot: PostgreSQL stores no U+0000 and no half of a surrogate pair, msgspec reads no NaN, and
every parser has its own limit of nesting. One bad item must not cost the others of its message anything, so:

- :func:`may_hold_faults` looks at the text of a whole message, at the speed of a search for bytes. Nearly always it answers
  no, and decoding is all that is left to do.
- :func:`cut` cuts an array at its commas by brackets and quotes alone. What stands between two commas need not be JSON.
- :func:`fault` says what is wrong with the text of one item, and in which field.

Gateway, analytics and SDK ask the same functions, so that what one accepts no other refuses.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import msgspec

from drishti.errors import InvalidPayload

MAX_DEPTH = 500
"""Objects and arrays within each other, the event itself counted. Parsers stop at about 1,000, some of it already in use."""

MAX_DIGITS = 4300
"""Of an integer: more are not read by Python itself."""

MAX_CONTAINERS = 100_000
"""Objects and arrays of a text that is decoded in one call. While they are built no other thread runs, and Python's collector
goes through them again and again: a million take seconds where the same number in portions takes a third of one."""

_BOM = b"\xef\xbb\xbf"
_NUL = b"\\u0000"

_NOT_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))
_ALIKE = bytes.maketrans(b"{}", b"[]")
_PASSES = 8
"""Levels of nesting that are taken away together; what is left after that is looked at exactly."""

_MAX_STEPS = 200_000
"""Changes of nesting that :func:`cut` follows, about 60 ms of work: text that is not JSON may not cost more."""

_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_TO_BRACKETS = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+([\[{]++|[\]}]++)", re.DOTALL)
_COMMA = re.compile(_STRING + rb"|,", re.DOTALL)
_LAST_KEY = re.compile(rb'("(?:[^"\\]++|\\.)*+")\s*:\s*\Z', re.DOTALL)
_MAY_BE_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_HALVES = re.compile(
    rb"(?<!\\)((?:\\\\)*+)\\u(?:[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|([dD][89a-fA-F][0-9a-fA-F]{2}))"
)
"""Escapes of a surrogate pair, or (the second group) of half of one; before them pairs of backslashes, which are text."""
_NOT_UTF8 = re.compile("[\udc80-\udcff]")

_raw_items = msgspec.json.Decoder(list[msgspec.Raw])
_UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def text_of(payload: bytes) -> bytes:
    """``payload`` without a byte order mark, which some programs write before UTF-8."""
    return payload[3:] if payload.startswith(_BOM) else payload


def is_array(text: bytes) -> bool:
    return (text[:64].lstrip()[:1] or text.lstrip()[:1]) == b"["


def is_dense(text: bytes) -> bool:
    """Whether the items of ``text`` are better decoded one by one."""
    return len(text) > 2 * MAX_CONTAINERS and text.count(b"{") + text.count(b"[") > MAX_CONTAINERS


def is_utf8(text: bytes) -> bool:
    """The decoder does not look into the fields that it skips; other readers do."""
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def may_hold_faults(text: bytes, items: int) -> bool:
    """Whether :func:`fault` must be asked about each of the ``items`` of ``text``, all of which the decoder takes."""
    return may_hold_bad_characters(text) or (len(text) > 2 * MAX_DEPTH and _may_be_deep(text, items))


def may_hold_bad_characters(text: bytes) -> bool:
    """The same, where the decoder's types leave no room for deep nesting."""
    # The search for one byte is thirty times as fast as that for six, and most text has no escape at all.
    return (b"\\" in text and _NUL in text) or (not text.isascii() and not is_utf8(text))


def _may_be_deep(text: bytes, items: int) -> bool:
    brackets = text.translate(_ALIKE, _NOT_BRACKETS)
    # Each of the others has a pair of its own, so the deepest can have no more than what is left.
    if len(brackets) <= 2 * (MAX_DEPTH + items - 1):
        return False
    for _ in range(_PASSES):
        brackets = brackets.replace(b"[]", b"")
    return len(brackets) > MAX_DEPTH


def _brackets(text: bytes) -> int:
    return len(text.translate(None, _NOT_BRACKETS)) if len(text) > MAX_DEPTH else 0


def fault(item: bytes) -> InvalidPayload | None:
    """Why no later step can take the text of one item, with the field; ``None`` where only the decoder may object."""
    if _brackets(item) > MAX_DEPTH and (field := _deep_field(item)) is not None:
        return InvalidPayload(f"nested more than {MAX_DEPTH} levels deep", field)
    if not is_utf8(item):
        marked = _NOT_UTF8.sub(r"\\u0000", item.decode("utf-8", "surrogateescape")).encode()
        return InvalidPayload("the text is not UTF-8", _field_with_nul(marked) or "")
    if b"\\" not in item:
        return None
    if _MAY_BE_HALF.search(item) is not None and (marked := _HALVES.sub(_mark_half, item)) != item:
        return InvalidPayload(
            "text must not contain half of a surrogate pair (\\ud800 to \\udfff)", _field_with_nul(marked) or ""
        )
    if _NUL in item and (field := _field_with_nul(item)) is not None:
        return InvalidPayload("text must not contain the character U+0000", field)
    return None


def mended(text: bytes) -> bytes:
    """``text`` with U+FFFD for what is not UTF-8 and for halves of surrogate pairs, where it is better mended than refused."""
    text = text_of(text)
    whole = text if is_utf8(text) else text.decode("utf-8", "replace").encode()
    return (
        _HALVES.sub(lambda escape: escape[1] + b"\\ufffd" if escape[2] else escape[0], whole)
        if _MAY_BE_HALF.search(whole)
        else whole
    )


def number_fault(item: bytes, *, out_of_range: bool) -> InvalidPayload | None:
    """The same for text that would be JSON but for ``NaN`` and ``Infinity``, which some programs write, or but for a number
    that is ``out_of_range``; ``None`` for any other."""
    if not out_of_range and b"NaN" not in item and b"Infinity" not in item:
        return None
    seen: list[str] = []

    def constant(name: str) -> str:
        seen.append(f"{name} is not a number in JSON")
        return "\0"

    def real(digits: str) -> float | str:
        if math.isfinite(value := float(digits)):
            return value
        seen.append("a number that no double holds")
        return "\0"

    def whole(digits: str) -> int | str:
        if len(digits) <= MAX_DIGITS:
            return 0
        seen.append(f"a number of more than {MAX_DIGITS} digits")
        return "\0"

    try:
        value = json.loads(item, parse_constant=constant, parse_float=real, parse_int=whole)
    except (ValueError, RecursionError):
        return None
    return InvalidPayload(seen[0], _path_to_nul(value) or "") if seen else None


def cut(text: bytes) -> list[bytes]:
    """The items of an array, as they stand there; they need not be JSON.

    Raises :class:`InvalidPayload` where it is not clear where items end: brackets or quotes are left open.
    """
    try:
        return [bytes(item) for item in _raw_items.decode(text)]
    except _UNDECODABLE:
        return _cut_by_brackets(text)


def _cut_by_brackets(text: bytes) -> list[bytes]:
    at = text.index(b"[") + 1
    items: list[bytes] = []
    begin, level, since = at, 1, at  # of the item; of nesting; where the last step of nesting ended
    for _ in range(_MAX_STEPS):
        step = _TO_BRACKETS.match(text, at)
        if step is None:
            raise InvalidPayload(f"item {len(items)} is not JSON: a text or a bracket in it is left open")
        at = step.end()
        run = at - step.start(1)
        if level == 1:
            for comma in _COMMA.finditer(text, since, step.start(1)):
                if comma.group() == b",":
                    items.append(text[begin : comma.start()].strip())
                    begin = comma.end()
        opens = text[at - 1] in b"[{"
        if not opens and run >= level:
            end = step.start(1) + level - 1
            if text[end + 1 :].strip():
                raise InvalidPayload("something follows the end of the array")
            last = text[begin:end].strip()
            return [*items, last] if last or items else []
        level += run if opens else -run
        since = at
    raise InvalidPayload("the array is not JSON")


def _deep_field(item: bytes) -> str | None:
    """The field of an object that is nested too deeply, ``""`` where it is none; ``None`` where nothing is too deep."""
    at = level = begin = 0
    while (step := _TO_BRACKETS.match(item, at)) is not None:
        run = step.end() - step.start(1)
        if item[step.end() - 1] in b"[{":
            if level <= 1 < level + run:
                begin = step.start(1) + 1 - level
            level += run
        else:
            level -= run
        at = step.end()
        if level > MAX_DEPTH:
            key = _LAST_KEY.search(item[max(0, begin - 1000) : begin])
            return _name(key[1]) if key is not None else ""
    return None


def _name(key: bytes) -> str:
    try:
        return str(msgspec.json.decode(key, type=str))
    except _UNDECODABLE:
        return ""


def _mark_half(escape: re.Match[bytes]) -> bytes:
    return escape[1] + _NUL if escape[2] else escape[0]


def _field_with_nul(item: bytes) -> str | None:
    """Where a text holds U+0000: in JSON ``\\\\u0000`` is a backslash and ``u0000``. ``None`` where nothing does."""
    try:
        return _path_to_nul(msgspec.json.decode(item))
    except _UNDECODABLE:
        return None  # no JSON: the decoder says it better


def _path_to_nul(value: Any) -> str | None:
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, str):
            if "\0" in node:
                return path
        elif isinstance(node, dict):
            below = [(f"{path}.{key}" if path else key, part) for key, part in node.items()]
            if (bad := next((name for name, key in zip(below, node, strict=True) if "\0" in key), None)) is not None:
                return bad[0].replace("\0", "\N{REPLACEMENT CHARACTER}")
            waiting += reversed(below)
        elif isinstance(node, list):
            waiting += reversed([(f"{path}.{index}" if path else str(index), part) for index, part in enumerate(node)])
    return None
