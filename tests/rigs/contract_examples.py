"""The committed examples of messages, and a message as a consumer's handler gets it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "shared" / "contracts" / "examples"

STORED_AT = datetime(2026, 9, 21, 14, 14, tzinfo=UTC)


def paths(kind: str) -> list[Path]:
    """Every example of one kind, of every version."""
    return sorted(path for path in (EXAMPLES / kind).glob("*/*") if path.is_file())


def payloads(kind: str) -> list[Any]:
    """The same as parameters of a test: there is at least one."""
    result = [pytest.param(path.read_bytes(), id=f"{path.parent.name}-{path.stem}") for path in paths(kind)]
    assert result, f"no example of {kind}"
    return result


def delivered(subject: str, payload: bytes, stored_at: datetime = STORED_AT) -> Any:
    """A message as nats-py hands it over."""
    sequence = SimpleNamespace(stream=1, consumer=1)
    metadata = SimpleNamespace(timestamp=stored_at, sequence=sequence, stream="", num_delivered=1, num_pending=0)
    return SimpleNamespace(subject=subject, data=payload, headers=None, metadata=metadata)


class RefusesNothing:
    """A bus on which a refusal is the end of the test."""

    name = "a consumer of examples"

    async def refuse(self, _msg: Any, reason: str, *, by: str, payload: bytes | None = None) -> None:
        raise AssertionError(f"{by} refused {payload!r}: {reason}")
