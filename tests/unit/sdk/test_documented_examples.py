"""The programs on the SDK's page run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace as Object
from typing import Any

import pytest

import drishti

PAGE = Path(__file__).parents[3] / "docs" / "sdk.md"
PROGRAMS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


class Client:
    """As OpenAI's, as far as the page uses it."""

    def __init__(self) -> None:
        self.chat = Object(completions=self)

    def create(self, *, stream: bool = False, **_: Any) -> Any:
        answer = Object(model="gpt-4o", choices=[], usage=Object(prompt_tokens=1, completion_tokens=2))
        return iter([answer]) if stream else answer


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_a_documented_program_runs(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    with drishti.capture() as captured:
        exec(compile(PROGRAMS[number], f"{PAGE.name}:{number}", "exec"), {"client": Client(), "messages": []})
    assert captured.spans
    assert all(span.end_time is not None for span in captured.spans)


def test_there_are_programs() -> None:
    assert len(PROGRAMS) >= 2
