"""Events as the sample wisdom application sends them: the same kinds, fields and sizes, with ids that never repeat.

Seeded: the same arguments give the same bytes, but for the ids' prefix.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

TYPES = ("dharma_query", "wisdom_generated", "llm_call", "cache_access", "feedback")

_VARIETY = 500
"""Different events of a type; then they come again under other ids."""

_USERS = 400
_TOPICS = ("karma", "dharma", "meditation", "compassion", "impermanence", "duty", "devotion", "breath")
_MODELS = ("sage-large", "sage-small")
_TEXT = (
    "how can I keep my mind still while everything around me moves and nothing seems to last what does the text say "
    "about work without attachment and why is it so hard to forgive a friend who has hurt me more than once"
)
_WORDS = _TEXT.split()


class Events:
    """Makes events whose ids begin with ``prefix``."""

    def __init__(self, prefix: str, *, seed: int = 1) -> None:
        rng = random.Random(seed)
        self._numbers = itertools.count(1)
        self._prefix = prefix
        self._rest = {kind: itertools.cycle([_rest(kind, rng) for _ in range(_VARIETY)]) for kind in TYPES}

    def one(self, event_type: str, at: datetime | None = None) -> bytes:
        """One event as JSON; with ``at`` it carries that time."""
        timestamp = b'"timestamp":"%b",' % at.isoformat().encode() if at is not None else b""
        number = next(self._numbers)
        return b'{"event_id":"%b-%012d",%b%b' % (self._prefix.encode(), number, timestamp, next(self._rest[event_type]))

    def batch(self, event_type: str, size: int) -> bytes:
        """An array of ``size`` events."""
        return b"[" + b",".join(self.one(event_type) for _ in range(size)) + b"]"

    def history(self, count: int, *, size: int, per_s: float, until: datetime) -> Iterator[tuple[str, bytes]]:
        """Messages of ``size`` events of one type each, ``count`` events in all, as if they had come with ``per_s`` a second
        until ``until``, the types by turns: ``(event type, payload)``."""
        begin = until.timestamp() - count / per_s
        for start in range(0, count, size):
            kind = TYPES[(start // size) % len(TYPES)]
            times = (datetime.fromtimestamp(begin + n / per_s, UTC) for n in range(start, min(start + size, count)))
            yield kind, b"[" + b",".join(self.one(kind, at) for at in times) + b"]"


def _rest(kind: str, rng: random.Random) -> bytes:
    """An event's JSON behind its opening brace, without an id."""
    user = rng.randrange(_USERS)
    event = {
        "event_type": kind,
        "user_id": f"user_{user:05d}",
        "session_id": f"session_{user:05d}_{rng.randrange(9)}",
        "service": "wisdom",
        "version": "1.4.2",
        "data": _data(kind, rng),
    }
    return msgspec.json.encode(event)[1:]


def _data(kind: str, rng: random.Random) -> dict[str, object]:
    topic, model = rng.choice(_TOPICS), rng.choice(_MODELS)
    if kind == "dharma_query":
        return {"query": " ".join(rng.choices(_WORDS, k=rng.randint(10, 28))), "topic": topic}
    if kind == "wisdom_generated":
        return {
            "wisdom_score": round(rng.betavariate(16, 4), 3),
            "topic": topic,
            "model": model,
            "length": rng.randint(80, 900),
        }
    if kind == "llm_call":
        return {
            "model": model,
            "input_tokens": round(rng.lognormvariate(5.5, 0.9)),
            "output_tokens": round(rng.lognormvariate(4.8, 0.7)),
            "duration_ms": round(rng.lognormvariate(6.6, 0.6), 2),
            "finish_reason": "stop",
        }
    if kind == "cache_access":
        return {"cache": "answers", "hit": rng.random() < 0.4}
    return {"satisfaction": round(rng.triangular(1, 5, 4.5), 1), "comment": " ".join(rng.choices(_WORDS, k=8))}
