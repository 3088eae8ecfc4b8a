"""The template of a log line or of an error's message: what does not differ between occurrences. Pure, without any state.

How this works
--------------
``Order 4711 of alice@example.com shipped in 12 ms`` is ``Order <*> of <*> shipped in <*> ms``. Everything that is variable by
its form is masked: every word with a digit in it (numbers, identifiers, times, addresses), paths, quoted text, values after
``=``, and lists. A place in the code (``OrderService#361``, ``views.py:42``) is not: it tells one statement from another. What
follows the first line does not count, but for the error that a Python traceback ends with. A structured line (an object of
JSON, ``key=value`` pairs) counts by its message, or by its keys where it has none.

The template is a function of the line alone, and its id a hash of it: so every replica, today and after a restart, gives a
line the same id, and nothing has to be kept or shared. What it cannot know is that a plain word is variable (``User alice
logged in``): :mod:`analytics.logs.merging` finds that among all templates of a service, when somebody asks.

No more than :data:`MAX_CHARACTERS` of a line are read, in time that grows with their number, so no line costs much.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

MASK = "<*>"

MAX_CHARACTERS = 2_000
"""Of a line that are read."""

MAX_STRUCTURED = 8_192
"""Characters of a line that may be an object of JSON; a longer one is read as plain text."""

MAX_TEMPLATE = 300
"""Characters of a template."""

SAMPLE = 200
"""Characters that tell whether a line is a text at all."""

MAX_KEYS = 24
"""Keys of an object without a message that its template names."""

MAX_DEPTH = 4
"""Objects inside one another, and messages that are objects again, that are looked into."""

_MESSAGE_KEYS = ("message", "msg", "log", "event", "body", "text", "error", "err")
_LEVEL_KEYS = ("level", "severity", "lvl", "levelname")

_M = "\x01"
"""Stands for :data:`MASK` while a line is worked on: one character, which no log line has."""

_QUOTED = re.compile(r'"(?:(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) )?[^"\n]*+"')
"""Of a request in a line of an access log the method says something."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*+[A-Za-z]")
"""What a terminal takes for a change of colour."""

_SINGLE_QUOTED = re.compile(r"(?<!\w)'[^'\n]*+'(?!\w)")
_URL = re.compile(r"\b[A-Za-z][A-Za-z+.-]*+://[^\s\"'<>)\]]+")
_QUERY = re.compile(r"\?[^\s\"'<>)\]=]*+=[^\s\"'<>)\]]*+")
_DATE = re.compile(
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d{1,2},? (?:\d{4} )?"
    r"\d\d:\d\d:\d\d[.,\d]*(?: [A-Z]{3,4}\b)?(?: \d{4}\b)?"
)
_WEEKDAY = re.compile(rf"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? {_M}")
_PARTS = re.compile(r"([\s\"'=:,;()\[\]{}<>|#]+)")
_DIGIT = re.compile(r"\d")
_SOURCES = (".py", ".js", ".ts", ".go", ".rs", ".rb", ".cs", ".java", ".kt", ".php", ".cpp", ".c")

_FOLDED = re.compile(rf"\([^()=]*+=[^()]*+\)|\[[^\[\]:,\s]*+(?:, ?[^\[\]:,\s]*+)++\]|\{{[^{{}}{_M}]*+{_M}[^{{}}]*+\}}")
"""What is printed of an object, ``(row=1, column=2)``, and lists."""

_MANY = re.compile(rf"(?:(?<!\w)::)?{_M}(?:[\s,;:|/.+-]*+{_M})*+(?:::(?!\w))?")
_BRACKET = re.compile(r"[\[({})\]]")
_PAIR = re.compile(r"([A-Za-z_][\w.-]*+)=(\"(?:[^\"\\]|\\.)*+\"|[^\s\"]*+)(?:\s+|\Z)")
_MOST_PAIRS = 64


class Template(NamedTuple):
    """``id`` is a hash of ``text``, equal everywhere: a signed number of 64 bits."""

    id: int
    text: str


def template_of(said: Any) -> Template:
    """The template of what a log record says: a text, or a value as OTLP can carry it."""
    text = _template(said, MAX_DEPTH)
    return Template(template_id(text), text)


def template_id(text: str) -> int:
    """The id of the template that has this text."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big", signed=True)


def _template(said: Any, depth: int) -> str:
    if isinstance(said, str):
        return _of_text(said, depth)
    if isinstance(said, Mapping):
        return _of_object(said, depth)
    return "" if said is None else MASK


def _of_text(line: str, depth: int) -> str:
    start = line[:1]
    if start == "{" or start.isspace():
        line = line.strip()
        if depth and line.startswith("{") and len(line) <= MAX_STRUCTURED:
            try:
                return _of_object(msgspec.json.decode(line.encode("utf-8", "replace")), depth - 1)
            except (msgspec.DecodeError, RecursionError):
                pass  # no object: a plain line that begins like one
    if "\n" in line:
        line = _telling_line(line)
    cut = len(line) > MAX_CHARACTERS
    if cut:
        line = line[:MAX_CHARACTERS]
        line = line[: max(line.rfind(" "), MAX_CHARACTERS // 2)]  # its last word is perhaps half of one
    if "\x1b" in line:
        line = _COLOUR.sub("", line)
    if _is_binary(line):
        return MASK
    if depth and "=" in line and _PAIR.match(line) and (pairs := _pairs(line)) is not None:
        return _of_object(pairs, depth - 1)
    return _masked(line, cut=cut)


def _telling_line(lines: str) -> str:
    """The first line that has a letter; of a Python traceback the last one."""
    if "Traceback (most recent call last)" in lines[:MAX_CHARACTERS]:
        return lines[-MAX_CHARACTERS:].rstrip().rpartition("\n")[2].strip()
    for line in lines[: 4 * MAX_CHARACTERS].splitlines():
        if any(map(str.isalpha, line)):
            return line
    return lines


def _of_object(said: Mapping[str, Any], depth: int) -> str:
    level = next((value for key in _LEVEL_KEYS if isinstance(value := said.get(key), str)), "")
    level = f"{level.upper()} " if level.isalpha() and len(level) <= 16 else ""
    for key in _MESSAGE_KEYS:
        value = said.get(key)
        if isinstance(value, str) and value:
            return (level + _of_text(value, depth))[:MAX_TEMPLATE]
    names = sorted(name[:64] for name in said)
    keys = " ".join(f"{_masked(name)}={MASK}" for name in names[:MAX_KEYS])
    return (level + keys + (" …" if len(names) > MAX_KEYS else ""))[:MAX_TEMPLATE]


def _pairs(line: str) -> dict[str, str] | None:
    """The pairs of a line that has nothing else, such as ``level=info msg="it is done" took=3ms``."""
    found: dict[str, str] = {}
    at = 0
    while at < len(line) and len(found) < _MOST_PAIRS:
        match = _PAIR.match(line, at)
        if match is None:
            return None
        key, value = match.groups()
        found.setdefault(key, value[1:-1].replace('\\"', '"') if value[:1] == '"' else value)
        at = match.end()
    return found if len(found) > 1 else None


def _masked(line: str, *, cut: bool = False) -> str:
    """``line`` with every value masked."""
    if '"' in line:
        line = _QUOTED.sub(_unquoted, line)
    if "'" in line:
        line = _SINGLE_QUOTED.sub(_M, line)
    if "://" in line:
        line = _URL.sub(_M, line)
    if "?" in line:
        line = _QUERY.sub("", line)
    dated = _DATE.sub(_M, line)
    if dated != line:
        line = _WEEKDAY.sub(_M, dated)
    parts = _PARTS.split(line)
    last = len(parts) - 1
    for at in range(0, last + 1, 2):
        word = parts[at]
        before = parts[at - 1] if at else ""
        if word.isalpha():
            if before and (before == "=" or (before[-2:] == ": " and at < last and parts[at + 1][0] == "]")):
                parts[at] = _M
        elif word and _is_variable(word, before, parts, at):
            parts[at] = _M
    line = "".join(parts)
    if "(" in line or "[" in line or "{" in line:
        for _ in range(MAX_DEPTH):
            line, folded = _FOLDED.subn(_M, line)
            if not folded:
                break
        if cut:
            line = _before_unclosed(line)
    line = _MANY.sub(_M, line)
    return " ".join(line.split()).replace(_M, MASK)[:MAX_TEMPLATE]


def _unquoted(quoted: re.Match[str]) -> str:
    return f'"{quoted[1]} {_M}"' if quoted[1] else _M


def _is_binary(line: str) -> bool:
    """Whether a line is hardly a text: a tenth of its beginning are characters that nobody can read."""
    begin = line[:SAMPLE]
    return not begin.isprintable() and sum(not (one.isprintable() or one.isspace()) for one in begin) * 10 > len(begin)


def _is_variable(word: str, before: str, parts: list[str], at: int) -> bool:
    """Whether ``word``, which is not of letters alone, differs from one occurrence to the next."""
    if before == "=" or "@" in word or "\\" in word or (word[0] in "/~" and len(word) > 1):
        return True
    if _DIGIT.search(word) is None:
        return before[-2:] == ": " and at + 1 < len(parts) and parts[at + 1][0] == "]"
    if before == "#":  # a line of code, behind the name of a class
        return not (word.isdigit() and parts[at - 2][-1:].isalnum())
    if before == ":":  # or of a file
        return not (word.isdigit() and parts[at - 2].endswith(_SOURCES))
    # the class itself
    return not (at + 2 < len(parts) and parts[at + 1] == "#" and parts[at + 2].isdigit() and word[0].isalpha())


def _before_unclosed(line: str) -> str:
    """``line`` up to the first bracket that nothing closes: how much of it is left in a cut line depends on its values."""
    opened: list[int] = []
    for match in _BRACKET.finditer(line):
        if match[0] in "[({":
            opened.append(match.start())
        elif opened:
            opened.pop()
    return line[: opened[0]] + "…" if opened else line
