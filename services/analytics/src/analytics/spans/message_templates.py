"""A message without what makes each one different: the same for every id, number, address and quoted name in it. Pure."""

from __future__ import annotations

import re

MAX_WORDS = 40
"""Words of a message that tell it apart."""

MAX_LENGTH = 1_000
"""Characters of a message that are looked at."""

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\b[a-zA-Z][a-zA-Z0-9+.\-]{1,30}://[^\s\"'<>)\]}]*[^\s\"'<>)\]}:.,;]", "<url>"),
        (r"\b[\w.+\-]{1,64}@[\w\-]{1,64}(?:\.[\w\-]{1,64})+\b", "<email>"),
        (r"\b[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\b", "<id>"),
        (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+\-]\d\d:?\d\d)?)?", "<time>"),
        (r"\b\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\b", "<time>"),
        (r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?![\w.])", "<ip>"),
        (
            r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}(?![\w:])|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){1,6}:[0-9a-fA-F:]*",
            "<ip>",
        ),
        (r"\b0x[0-9a-fA-F]+\b", "<id>"),
        (r"\"[^\"\n]{0,500}\"|(?<!\w)'[^'\n]{0,500}'(?!\w)|`[^`\n]{0,500}`|“[^”\n]{0,500}”|«[^»\n]{0,500}»", "<text>"),
        (r"(?<![\w/.])(?:[A-Za-z]:)?(?:[/\\][\w.\-@+~%$]+){2,}[/\\]?", "<path>"),
        (r"(?<![\w\-])(?=[\w\-]{0,100}?\d[A-Za-z_\-]+\d)[\w\-]{6,200}(?![\w\-])", "<id>"),
        (r"\b(?=[a-f]*\d)[0-9a-f]{8,}\b|\b(?=[A-F]*\d)[0-9A-F]{8,}\b", "<id>"),
        (r"(?<![\w])[+\-]?\d+(?:[.,]\d+)*(?:[eE][+\-]?\d+)?", "<n>"),
        (r"(?<=[A-Za-z_\-])\d+", "<n>"),
    )
)
"""In this order: what a rule has put in place is no text for those after it to change."""

_REPEATED = re.compile(r"(<\w+>)(?:(?:\s*[,;|]\s*|\s+)\1)+")


def template(message: str) -> str:
    """``message`` with its variable parts as ``<n>``, ``<id>``, ``<text>``, ...: one line of at most :data:`MAX_WORDS` words.
    Lists of the same kind of part are one of them, however many there are."""
    text = message[:MAX_LENGTH]
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    text = _REPEATED.sub(r"\1", text)
    words = text.split()
    return " ".join(words[:MAX_WORDS])
