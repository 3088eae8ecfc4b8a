"""Names without what makes every call different: ids, dates and addresses in them become placeholders. Pure.

A name is split into units (the words of a name, the segments of a path), and a unit into tokens (runs of letters and digits).
What a token looks like decides: a number, a hexadecimal or random text is :data:`ID`; a word is kept.
``/users/7/orders/3f2a9c1e`` becomes ``/users/{id}/orders/{id}``. A word may have up to two digits: ``v2``, ``oauth2``;
and what differs in meaning stays: ``v1.2``, ``HTTP 404``.

Folding is idempotent, and names that differ in their ids alone come to the same. Whether a text is an id can only be guessed:
words that look like ids are folded, and a random text without digits that looks like a word stays.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

ID, DATE, EMAIL, IP, SLUG = "{id}", "{date}", "{email}", "{ip}", "{slug}"
"""What stands for a number, an identifier or a random text; for a date or time; for an address; for a title in a path."""

MAX_OPERATION = 128
"""Characters of the name of an operation; what is beyond ends in an ellipsis."""

MAX_READ = 512
"""Characters of a name or path that are read."""

CUT = "…"

MAX_SEGMENTS = 10
"""Of a path; the rest is cut off."""

LONGEST_WORD = 32
"""Longer tokens are no words."""

SLUG_WORDS = 5
"""A segment of so many words with hyphens between them is a title, not a route."""

_CACHED = 4_096

_KEPT = frozenset(
    {
        "sha224", "sha256", "sha384", "sha512", "h264", "h265", "x264", "x265", "iso8601", "rfc3339", "rfc822", "log4j2",
        "http1", "http2", "http3", "https", "ipv4", "ipv6", "base32", "base64", "crc32", "mqtt3", "mqtt5", "web3js", "int32",
        "int64", "float32", "float64",
    }
)  # fmt: skip
"""Words that look like ids."""

_RARE_PAIRS = frozenset(
    first + second
    for first, seconds in {
        "a": "hjoq", "b": "ghknqvwxz", "c": "bfgjnqvwxz", "d": "hkqwz", "f": "bcdhjkmpqvwxz", "g": "bjkqvwxz",
        "h": "cfghjkpqvwxz", "i": "hjwy", "j": "bcdfghjklmnpqrtvwxyz", "k": "bcghjkmqvxz", "l": "hjkqwxz", "m": "fhjqvwxz",
        "n": "qxz", "o": "qz", "p": "bjqvwxz", "q": "abcdefghijkmnopqrtvwxyz", "r": "jqxz", "s": "bjxz", "t": "bjkqx",
        "u": "hjkquvwyz", "v": "bcdfghjklnpqrstuvwxyz", "w": "bcfgjkmpquvwxyz", "x": "bdghjknqruvwxyz", "y": "fhjkquvxy",
        "z": "bcdfghjklmnpqrstuvwxyz",
    }.items()
    for second in seconds
)  # fmt: skip
"""Neighbours that are hardly ever found in the words of programs: fewer than one of 12,000 pairs, counted over the identifiers
of Python packages. Of random letters every third pair is one of them."""

_EMAIL = re.compile(r"[^\s/@<>\"']+@[^\s/@<>\"']+\.[A-Za-z]{2,}")
_WHOLE = re.compile(
    r"(?P<uuid>[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})"
    r"|(?P<pod>(?<=-)[bcdfghjklmnpqrstvwxz2456789]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$)"
    r"|(?P<date>(?<!\d)(?:19|20)\d\d-\d\d(?:-\d\d(?:[T_]\d\d[:.]?\d\d(?:[:.]?\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?)?(?![\d-]))"
    r"|(?P<ip>(?<![\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\d.])(?::\d+)?)"
)
_PLACEHOLDERS = {"uuid": ID, "pod": ID, "date": DATE, "ip": IP}

_TOKEN = re.compile(r"[^\W_]+")
_RANDOM_TEXT = re.compile(r"[A-Za-z0-9_\-+=]{16,}")
_IDS = re.compile(r"\{id\}(?:[-_.:~,+=]*\{id\})+")
_EDGES = "-_.:~,+="
_NUMBERED_VERSION = re.compile(r"[vV]\d{1,3}(?:(?:alpha|beta|rc)\d{0,2})?")
_DOTTED_VERSION = re.compile(r"[vV]\d{1,3}(?:\.\d{1,3}){1,2}")
_STATUS_WORDS = frozenset({"http", "https", "status", "code"})
_LIST = re.compile(r"\{id\}(?:,? ?\{id\})+")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")
_DIGITS = re.compile(r"\d+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")
_ROUTE_SEGMENT = re.compile(r"[A-Za-z0-9_.~:,()*$!'+={}<>\[\]@;|&-]*")


def fold_name(name: str) -> str:
    """A name of words, some of which may be paths or addresses: ``order 1234 sent`` is ``order {id} sent``."""
    return _fold_name(name if len(name) <= MAX_READ else _cut(name))


def fold_path(path: str) -> str:
    """The path of a URL, without query and fragment: ``/users/7?full=1`` is ``/users/{id}``."""
    return _fold_path(path.partition("?")[0].partition("#")[0][:MAX_READ])


def fold_host(host: str) -> str:
    """The name of a host, without its port."""
    return _fold_host(host[:MAX_READ])


def fold_unit(text: str) -> str:
    """One word or segment. A unit that is too long keeps its first tokens."""
    if len(text) < 7 and text.isalpha():
        return text
    return _fold_unit(text if len(text) <= MAX_READ else _cut(text))


@lru_cache(_CACHED)
def _fold_name(name: str) -> str:
    words = name.split()
    units = [
        word if at and len(word) == 3 and _is_status(word, words[at - 1]) else _word(word) for at, word in enumerate(words)
    ]
    if name.count(",") > 1:
        units = _LIST.sub(ID, " ".join(units)).split(" ")
    return _bounded(units, " ")


def _is_status(word: str, before: str) -> bool:
    """Whether a number is a status of HTTP, of which there are few."""
    return word.isascii() and word.isdigit() and word[0] in "12345" and before.rstrip(":").lower() in _STATUS_WORDS


@lru_cache(_CACHED)
def _fold_path(path: str) -> str:
    segments = [segment(part) for part in path.split("/", MAX_SEGMENTS + 1)]
    if len(segments) > MAX_SEGMENTS + 1:
        segments[-1] = CUT
    return _bounded(segments, "/") or "/"


@lru_cache(_CACHED)
def _fold_host(host: str) -> str:
    host = host.lower()
    if host.count(":") > 1:
        return IP
    return fold_unit(host.partition(":")[0])


@lru_cache(_CACHED)
def segment(text: str) -> str:
    """One segment of a path. What is escaped or in another script is a value; so is a title."""
    if len(text) < 7 and text.isalpha() and text.isascii():
        return text
    if len(text) > 2 * MAX_OPERATION or not _ROUTE_SEGMENT.fullmatch(text):
        return text if text == CUT else ID
    folded = fold_unit(text)
    return SLUG if folded.count("-") >= SLUG_WORDS - 1 and "{" not in folded[1:-1] else folded


@lru_cache(_CACHED)
def _fold_unit(text: str) -> str:
    folded = _fold_once(text)
    while folded != text:  # what is folded can leave a rest that is an id by itself
        text, folded = folded, _fold_once(folded)
    return folded


def _fold_once(text: str) -> str:
    if text.endswith(CUT):
        return _tokens(text)
    if _DOTTED_VERSION.fullmatch(text):
        return text
    folded = _EMAIL.sub(EMAIL, text) if "@" in text else text
    if "-" in folded or "." in folded:
        folded = _WHOLE.sub(_placeholder, folded)
    folded = _tokens(_RANDOM_TEXT.sub(_random, folded))
    return folded if len(folded) <= MAX_OPERATION else _cut(folded, MAX_OPERATION)


def _cut(text: str, size: int = MAX_READ) -> str:
    """The first ``size`` characters but for a part of a token, which could be folded otherwise than the whole."""
    kept = text[: size - 1]
    while kept and (kept[-1].isalnum() or kept[-1] == "{"):
        kept = kept[:-1]
    return kept + CUT


def _bounded(units: list[str], between: str) -> str:
    """The first of ``units`` that fit."""
    whole = between.join(units)
    if len(whole) <= MAX_OPERATION:
        return whole
    size, kept = len(CUT), []
    for unit in units:
        size += len(unit) + len(between)
        if size > MAX_OPERATION:
            break
        kept.append(unit)
    return between.join([*kept, CUT]) if kept else units[0]


def _word(word: str) -> str:
    if "/" not in word:
        return fold_unit(word)
    scheme, found, rest = word.partition("://")
    if found:
        host, slash, path = rest.partition("/")
        return f"{scheme}://{fold_host(host.rpartition('@')[2])}{fold_path(slash + path) if slash else ''}"
    return fold_path(word)


def _placeholder(match: re.Match[str]) -> str:
    return _PLACEHOLDERS[match.lastgroup or "uuid"]


def _tokens(text: str) -> str:
    folded = _IDS.sub(ID, _TOKEN.sub(_token, text))
    if ID in folded and len(rest := folded.replace(ID, "").strip(_EDGES)) < 3 and (not rest or rest.isalnum()):
        return ID  # but for a letter or two
    return folded


def _random(match: re.Match[str]) -> str:
    return ID if _is_random(match[0]) else match[0]


def _token(match: re.Match[str]) -> str:
    token = match[0]
    return ID if _is_id(token) else token


@lru_cache(_CACHED)
def _is_id(token: str) -> bool:
    """Whether a run of letters and digits is an identifier rather than a word."""
    size = len(token)
    if token.isalpha() and size < 7:
        return False
    if size > 2 * LONGEST_WORD or token.isdigit():
        return True
    if _NUMBERED_VERSION.fullmatch(token) or token.lower() in _KEPT:
        return False
    numbers = _DIGITS.findall(token)
    digits = sum(map(len, numbers))
    if digits >= 3:
        return True
    if not token.isascii():
        return False
    hexadecimal = _HEXADECIMAL.fullmatch(token) is not None
    parts = _PART.findall(token)
    rare, mean = _rare(parts), (size - digits) / len(parts)
    if digits:
        return (
            (hexadecimal and digits == 2 and size >= 6)
            or (len(numbers) == 2 and size >= 4)
            or (size >= 5 and (rare > 0 or not _VOWEL.search(token)))
            or (size >= 8 and mean < 2.4)
        )
    if hexadecimal and size >= 8:
        return True
    if len(parts) > 1:
        return size >= 8 and (mean < 1.8 or (mean < 2.8 and rare > 0))
    return size > LONGEST_WORD or (rare >= 2 and rare * 4 >= size)


def _is_random(text: str) -> bool:
    """Whether a long text of the letters of base64 is random rather than words: capitals are too many, or pairs too rare."""
    parts = _PART.findall(text)
    if len(parts) < 2 or text == text.lower() or text == text.upper():
        return False
    rare, letters, digits = _rare(parts), sum(map(len, parts)), sum(map(str.isdigit, text))
    mean = letters / len(parts)
    return mean < 2 or (mean < 3 and (rare > 0 or digits > 1)) or (mean < 4 and rare * 6 >= letters)


def _rare(parts: list[str]) -> int:
    """How many neighbours in ``parts`` are rare."""
    return sum(pair in _RARE_PAIRS for part in parts for pair in map("".join, pairwise(part.lower())))
