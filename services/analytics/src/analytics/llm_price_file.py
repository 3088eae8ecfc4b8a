"""Reads the file of prices of language models: the operator's, or the one that is shipped (``llm_prices.toml``)."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from analytics.errors import BadPrices
from analytics.spans.llm_prices import PriceTable, parse
from drishti.errors import SettingsError

VARIABLE = "ANALYTICS_LLM_PRICES"
SHIPPED = "llm_prices.toml"


def read_prices(path: Path | None) -> PriceTable:
    """The prices in ``path``, those that are shipped where it is ``None``. Raises :class:`SettingsError`, which names the
    variable, where the file cannot be read or is no table of prices."""
    if path is None:
        return parse((files("analytics") / SHIPPED).read_text(encoding="utf-8"), SHIPPED)
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{VARIABLE}: {path} cannot be read: {error}"]) from error
    except BadPrices as error:
        raise SettingsError([f"{VARIABLE}: {error}"]) from error
