"""What a statement of a database does: its class and its first table, ``SELECT orders``; never a literal of it. Pure.

Read by its words, not parsed: comments and literals are removed, then the verb and the table after it are looked for, those of
the main query after common table expressions. Redis and other stores of keys have commands instead: the command counts.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from analytics.spans.name_folding import fold_unit

MAX_READ = 4_096
"""Characters of a statement that are read."""

MAX_NAME = 512
"""Characters of a table's name that are read."""

_CACHED = 8_192

COMMANDS = frozenset({"redis", "valkey", "memcached", "keydb", "dragonfly"})
"""Systems whose statements are commands with keys."""

PIPELINE = "PIPELINE"
"""The class of several commands in one."""


OTHER_STATEMENT = "STATEMENT"
"""The class of what has no known verb."""


class Statement(NamedTuple):
    """``verb`` is its class, in capitals; ``table`` is what it is done to, empty where nobody can say."""

    verb: str
    table: str

    @property
    def is_known(self) -> bool:
        return self.verb != OTHER_STATEMENT

    def __str__(self) -> str:
        return f"{self.verb} {self.table}" if self.table else self.verb


VERBS = frozenset(
    {
        "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "UPSERT", "CREATE", "ALTER", "DROP", "TRUNCATE", "COPY",
        "CALL", "EXEC", "EXECUTE", "EXPLAIN", "ANALYZE", "VACUUM", "BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT",
        "RELEASE", "SET", "SHOW", "LOCK", "GRANT", "REVOKE", "DECLARE", "FETCH", "CLOSE", "LISTEN", "NOTIFY", "UNLISTEN",
        "REFRESH", "REINDEX", "CLUSTER", "DO", "VALUES", "PREPARE", "DEALLOCATE", "DISCARD", "USE", "DESCRIBE", "PRAGMA",
        "ATTACH", "DETACH", "LOAD", "MATCH", "OPTIMIZE", "IMPORT", "EXPORT", "COMMENT", "RESET", "END", "ABORT",
        "CHECKPOINT",
    }
)  # fmt: skip
_PART = r"(?:\"[^\"]{1,128}\"|`[^`]{1,128}`|\[[^\]]{1,128}\]|[\w$#@]+)"
_NAME = rf"({_PART}(?:\s?\.\s?{_PART}){{0,3}})"


def _keyword(word: str) -> str:
    """``word`` in any case, as a word of its own. It begins with a set of characters, which are searched for fast."""
    first, rest = word[0], word[1:]
    return rf"[{first.lower()}{first}](?<!\w.)(?i:{rest})\b\s*"


_NOISE = re.compile(
    r"[-/'$](?:(?<=/)\*.*?(?:\*/|\Z)|(?<=-)-[^\n]*|(?<=')[^']*(?:''[^']*)*(?:'|\Z)|(?<=\$)(\w{0,64})\$.*?(?:\$\1\$|\Z))",
    re.DOTALL,
)
"""Comments and literals."""

_NO_SOURCE = re.compile(
    r"(?<![\w.])(?:[eE](?i:XTRACT)|[tT](?i:RIM)|[sS](?i:UBSTRING)|[oO](?i:VERLAY))\s{0,9}\([^()]{0,1000}\)"
    r"|(?<!\w)[dD](?i:ISTINCT)\s{1,9}(?i:FROM)(?!\w)"
)
"""Where FROM names no table."""

_VERB = re.compile(r"[\s(;]*([A-Za-z]+)")
_FROM = re.compile(_keyword("FROM") + rf"(?i:ONLY\s+)?{_NAME}")
_INTO = re.compile(_keyword("INTO") + rf"(?i:TABLE\s+)?{_NAME}")
_TABLES = {
    "SELECT": _FROM,
    "DELETE": _FROM,
    "INSERT": _INTO,
    "REPLACE": _INTO,
    "UPSERT": _INTO,
    "MERGE": _INTO,
    "UPDATE": re.compile(_keyword("UPDATE") + rf"(?i:ONLY\s+|LOW_PRIORITY\s+|IGNORE\s+|OR\s+\w+\s+)?{_NAME}"),
    "TRUNCATE": re.compile(_keyword("TRUNCATE") + rf"(?i:TABLE\s+)?(?i:ONLY\s+)?{_NAME}"),
    "COPY": re.compile(_keyword("COPY") + _NAME),
    "CALL": re.compile(_keyword("CALL") + _NAME),
    "EXEC": re.compile(_keyword("EXEC") + _NAME),
    "EXECUTE": re.compile(_keyword("EXECUTE") + _NAME),
    "LOCK": re.compile(_keyword("LOCK") + rf"(?i:TABLES?\s+)?{_NAME}"),
}
_SCHEMA_CHANGE = re.compile(
    r"(?i:(?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?"
    r"(?:(?:GLOBAL|LOCAL|TEMP|TEMPORARY|UNLOGGED|UNIQUE|MATERIALIZED|EXTERNAL)\s+){0,3}"
    r"(TABLE|INDEX|VIEW|SCHEMA|DATABASE|SEQUENCE|FUNCTION|TRIGGER|TYPE|ROLE|USER|EXTENSION)\b"
    rf"(?:\s+CONCURRENTLY)?(?:\s+IF\s+(?:NOT\s+)?EXISTS)?)\s*{_NAME}?"
)
_EXPRESSION = re.compile(r"(?<![\w\"`])([\w\"`]{1,128})\s+(?:\([^()]{0,1000}\)\s*)?(?i:AS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?)\(")
_MAIN = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
_PARENTHESES = re.compile(r"[()]")
_COMMAND = re.compile(r"[A-Za-z][A-Za-z_.]*")

_read: dict[int, Statement] = {}


def read_statement(text: str, system: str = "") -> Statement:
    """The class and table of ``text``, a statement for a database of this ``system``."""
    key = hash((text, system in COMMANDS))
    known = _read.get(key)
    if known is None:
        if len(_read) >= _CACHED:
            _read.clear()
        known = _read[key] = _command(text) if system in COMMANDS else _statement(text[:MAX_READ])
    return known


def table_name(name: str) -> str:
    """A table's or collection's name as an operation has it: without quotes and without numbers of partitions."""
    return _table_name(name[:MAX_NAME])


@lru_cache(_CACHED)
def _table_name(name: str) -> str:
    plain = re.sub(r"[\"`\[\]\s]", "", name)
    return ".".join(fold_unit(part) for part in plain.split("."))


def _command(text: str) -> Statement:
    lines = text.strip().splitlines()
    if len(lines) > 1:
        return Statement(PIPELINE, "")
    found = _COMMAND.match(lines[0]) if lines else None
    return Statement(found[0].upper()[:32] if found else OTHER_STATEMENT, "")


def _statement(text: str) -> Statement:
    if "'" in text or "--" in text or "/*" in text or "$" in text:
        text = _NOISE.sub(" ", text)
    found = _VERB.match(text)
    verb = found[1].upper() if found else ""
    if verb in ("SELECT", "WITH", "DELETE", "UPDATE", "INSERT"):
        text = _NO_SOURCE.sub(" ", text)
    searched, expressions = text, frozenset[str]()
    if verb == "WITH":
        expressions = frozenset(name.strip('"`').lower() for name in _EXPRESSION.findall(text))
        searched = _without_parentheses(text)
        main = _MAIN.search(searched)
        if main is None:
            return Statement("SELECT", "")
        verb, searched = main[1].upper(), searched[main.start() :]
    elif verb == "SELECT" and "(" in text:
        searched = _without_parentheses(text)
    elif verb in ("EXPLAIN", "PREPARE"):
        main = _MAIN.search(text)
        return Statement(verb, _table(main[1].upper(), text[main.start() :], "", expressions) if main else "")
    if verb not in VERBS:
        return Statement(OTHER_STATEMENT, "")
    if verb in ("CREATE", "ALTER", "DROP"):
        change = _SCHEMA_CHANGE.match(text, found.start(1)) if found else None
        if change is None:
            return Statement(verb, "")
        return Statement(f"{verb} {change[1].upper()}", table_name(change[2] or ""))
    return Statement(verb, _table(verb, searched, text, expressions))


def _table(verb: str, searched: str, whole: str, expressions: frozenset[str]) -> str:
    """The first table that is none of ``expressions``, of the main query if it has one."""
    pattern = _TABLES.get(verb)
    if pattern is None:
        return ""
    for text in (searched, whole):
        for match in pattern.finditer(text):
            name = match[1]
            if name.strip('"`[]').lower() not in expressions and name.upper() not in ("SELECT", "LATERAL", "UNNEST"):
                return table_name(name)
    if verb == "SELECT" or not whole:
        return ""
    return _table("SELECT", whole, "", expressions)


def _without_parentheses(text: str) -> str:
    """``text`` without what is in parentheses, of which a pair stays."""
    kept: list[str] = []
    depth = start = 0
    for match in _PARENTHESES.finditer(text):
        if match[0] == "(":
            if not depth:
                kept.append(text[start : match.start()])
            depth += 1
        elif depth:
            depth -= 1
            start = match.end()
    if not depth:
        kept.append(text[start:])
    return "()".join(kept)
