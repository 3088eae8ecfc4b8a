"""The file of prices: shipped, the operator's, or refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from analytics.llm_price_file import read_prices
from drishti.errors import SettingsError


def test_the_shipped_prices_are_there() -> None:
    assert read_prices(None).of("gpt-4o") is not None


def test_the_operators_file_is_read_instead(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text('[models."mine"]\ninput = 1.5\n')
    table = read_prices(path)
    assert len(table) == 1
    price = table.of("mine")
    assert price is not None
    assert price.input == 1.5


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "cannot be read"), (b"\xff", "cannot be read"), (b"[models", "no TOML")]
)
def test_a_file_that_is_none_names_the_variable(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "prices.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match="ANALYTICS_LLM_PRICES") as refused:
        read_prices(path)
    assert reason in str(refused.value)


def test_the_service_ends_with_the_reason(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "ANALYTICS_LLM_PRICES": str(tmp_path / "none"),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "analytics"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 2
    assert "ANALYTICS_LLM_PRICES" in ended.stderr
    assert "Traceback" not in ended.stderr
