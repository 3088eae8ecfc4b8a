"""What the name of an attribute says about its value: content of messages, a secret, an address. Pure.

Names are compared in any case; in names of secrets ``-``, ``.`` and a space are as good as ``_``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

CONTENT = (
    # OpenTelemetry's conventions for generative AI, old and new, and OpenLLMetry
    "gen_ai.prompt*",
    "gen_ai.completion*",
    "*.messages",
    "*.messages.*",
    "gen_ai.system_instructions*",
    "gen_ai.content*",
    "gen_ai.input",
    "gen_ai.output",
    "gen_ai.tool.call.arguments*",
    "gen_ai.tool.call.result*",
    "gen_ai.retrieval.documents*",
    "traceloop.entity.input*",
    "traceloop.entity.output*",
    # OpenInference
    "input.value",
    "output.value",
    "llm.input_messages*",
    "llm.output_messages*",
    "llm.prompt",
    "llm.prompts*",
    "llm.prompt_template*",
    "llm.completions*",
    "message.content*",
    "tool.parameters",
    "retrieval.documents*",
    "reranker.input_documents*",
    "reranker.output_documents*",
    "reranker.query",
    "document.content",
    "embedding.text",
    "embedding.embeddings*",
    # other libraries for language models
    "ai.prompt*",
    "ai.response.text",
    "ai.response.object",
    "ai.response.toolcalls",
    "ai.toolcall.args",
    "ai.toolcall.result",
    "langfuse.*.input",
    "langfuse.*.output",
    "mlflow.spaninputs",
    "mlflow.spanoutputs",
    # bodies of requests
    "http.request.body",
    "http.request.body.content",
    "http.request.body.text",
    "http.response.body",
    "http.response.body.content",
    "http.response.body.text",
)
"""Names of what people and models say; ``*`` stands for anything. A number is none of it:
``gen_ai.prompt_tokens``."""

SECRETS = (
    "*authorization",
    "*cookie*",
    "*password*",
    "*passwd*",
    "*passphrase*",
    "*secret*",
    "*api_key*",
    "*apikey*",
    "*access_key*",
    "*accesskey*",
    "*private_key*",
    "*privatekey*",
    "*signing_key*",
    "*encryption_key*",
    "*subscription_key*",
    "*_pwd",
    "*credential*",
)
"""Names of what lets somebody in; ``_`` stands for any separator."""

TOKENS = ("*token",)
"""Secrets too, unless the value is a number: that is a count or a time (``time_to_first_token``)."""

URLS = (
    *("url.full", "url.query", "url.original", "http.url", "http.target", "http.request.header.referer", "*.url", "*.uri"),
    *("*_url", "*_uri", "*.location", "*connection_string", "*.dsn"),
)
"""Names of addresses, and of parts of them."""

FRAGMENTS = (
    *("ai.prompt", "ai.completion", ".messages", "instructions", "gen_ai.content", "gen_ai.input", "gen_ai.output"),
    *("tool.call.", "documents", "entity.input", "entity.output", "put.value", "_messages", "llm.prompt", "llm.completions"),
    *("message.content", "tool.parameters", "reranker.query", "document.content", "embedding.", "ai.response.", "toolcall."),
    *("langfuse.", "mlflow.span", "request.body", "response.body"),
    *("authorization", "cookie", "passw", "passphrase", "secret", "apikey", "api_key", "api-key", "api.key", "api key"),
    *("access_key", "access-key", "access.key", "access key", "accesskey", "private", "signing", "encryption", "credential"),
    *("subscription_key", "subscription-key", "subscription.key", "subscription key", "_pwd", "-pwd", ".pwd", " pwd"),
    *("token", "sig=", "signature=", "keyid=", "key=", "pwd=", "@tcp(", "@unix("),
)
"""In lower case. What is found by one of them and is no such name costs time, and nothing else."""

EVENTS_OF_CONTENT = (
    *("gen_ai.system.message", "gen_ai.user.message", "gen_ai.assistant.message", "gen_ai.tool.message", "gen_ai.choice"),
    *("gen_ai.content.prompt", "gen_ai.content.completion"),
)
"""Log records of these names hold a message in their body."""

CACHED_CHARACTERS = 128
"""Names up to this length are judged once; what exporters send are some hundreds of names."""

Kind = Literal["plain", "content", "secret", "token", "url"]
"""What the name of an attribute says about its value."""


@dataclass(frozen=True)
class _Names:
    """Patterns, by where their ``*`` is."""

    exact: frozenset[str]
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    within: tuple[str, ...]
    both: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, patterns: Iterable[str]) -> _Names:
        exact, starts, ends, within, both = set(), [], [], [], []
        for pattern in patterns:
            head, *rest = pattern.split("*")
            if not rest:
                exact.add(pattern)
            elif len(rest) == 2:
                within.append(rest[0])
            elif head and rest[0]:
                both.append((head, rest[0]))
            elif head:
                starts.append(head)
            else:
                ends.append(rest[0])
        return cls(frozenset(exact), tuple(starts), tuple(ends), tuple(within), tuple(both))

    def match(self, name: str) -> bool:
        return (
            name in self.exact
            or name.startswith(self.starts)
            or name.endswith(self.ends)
            or any(part in name for part in self.within)
            or any(name.startswith(head) and name.endswith(tail) for head, tail in self.both)
        )


_CONTENT, _SECRETS, _TOKENS, _URLS = _Names.of(CONTENT), _Names.of(SECRETS), _Names.of(TOKENS), _Names.of(URLS)
_SEPARATORS = str.maketrans("-. ", "___")


def kind_of(name: str) -> Kind:
    return _cached_kind(name) if len(name) <= CACHED_CHARACTERS else _kind(name)


def _kind(name: str) -> Kind:
    name = name.encode().lower().decode()  # ASCII alone, as in the search for fragments
    if _CONTENT.match(name):
        return "content"
    is_url = _URLS.match(name)
    name = name.translate(_SEPARATORS)
    if _SECRETS.match(name):
        return "secret"
    if _TOKENS.match(name):
        return "token"
    return "url" if is_url else "plain"


_cached_kind = lru_cache(maxsize=4096)(_kind)


def is_secret(name: str) -> bool:
    return kind_of(name) in ("secret", "token")
