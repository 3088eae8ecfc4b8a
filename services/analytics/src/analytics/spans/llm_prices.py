"""What calls to language models cost: a table of prices, read from the text of a TOML file. Pure.

The file names models and what a million of their tokens costs, in US dollars::

    [models."gpt-4o"]
    input = 2.50
    cached_input = 1.25   # tokens that the provider read from its cache; as much as others if left out
    cache_write = 3.00    # tokens that it wrote to its cache; as much as others if left out
    output = 10.00        # tokens of the answer, those of reasoning among them; nothing if left out
    source = "https://openai.com/api/pricing"
    as_of = 2026-06-30

A model has the price of the longest name that its own name begins with, where what follows is a date or a version
(``gpt-4o-2024-08-06``, ``claude-sonnet-4-5@20250929``, ``-v2:0``, ``-latest``): neither ``gpt-4o-mini`` nor a later model, as
``claude-sonnet-4-5`` is after ``claude-sonnet-4``, has the price of the shorter name. A name that ends in ``*`` stands for
whatever follows. The provider before a name (``openai/``, ``us.anthropic.``) does not matter, nor whether ``4.5`` or ``4-5`` is
written.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from analytics.errors import BadPrices
from analytics.spans.llm_calls import LlmCall

MILLION = 1_000_000
MAX_MODELS = 10_000
_MAX_REMEMBERED = 4_096

_PROVIDER = re.compile(
    r"(?:.*/)?(?:(?:us|eu|apac|jp|au|global)\.)?(?:(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|azure|google|vertex_ai|bedrock)[.:])?"
)
_VERSION = re.compile(r"(?:[-_@](?:20\d\d[-_.]?\d\d[-_.]?\d\d|\d{3,8}|v\d[\d.-]*|0|latest|preview|exp|beta)|:v?\d[\d.]*)+|@.*")
_POINT = re.compile(r"(?<=\d)\.(?=\d)")

Price = Annotated[float, Meta(ge=0, le=1e6)]


class ModelPrice(Struct, frozen=True, forbid_unknown_fields=True):
    """US dollars for a million tokens."""

    input: Price
    output: Price = 0.0
    cached_input: Price | None = None
    cache_write: Price | None = None
    source: str = ""
    as_of: date | None = None


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    models: dict[str, ModelPrice] = {}
    currency: str = "USD"


class PriceTable:
    """Prices by model. ``PriceTable({})`` knows none."""

    def __init__(self, models: Mapping[str, ModelPrice]) -> None:
        self._exact = {_plain(name): price for name, price in models.items() if not name.endswith("*")}
        self._open = {_plain(name[:-1]): price for name, price in models.items() if name.endswith("*")}
        self._found: dict[str, ModelPrice | None] = {}

    def __len__(self) -> int:
        return len(self._exact) + len(self._open)

    def of(self, model: str) -> ModelPrice | None:
        """The price of ``model``; ``None`` where the table has none."""
        try:
            return self._found[model]
        except KeyError:
            if len(self._found) >= _MAX_REMEMBERED:
                self._found.clear()
            price = self._found[model] = self._search(_plain(model))
            return price

    def _search(self, name: str) -> ModelPrice | None:
        for size in range(len(name), 0, -1):
            beginning, rest = name[:size], name[size:]
            if beginning in self._exact and (not rest or _VERSION.fullmatch(rest)):
                return self._exact[beginning]
            if beginning in self._open:
                return self._open[beginning]
        return self._open.get("")

    def cost_usd(self, call: LlmCall, model: str) -> float | None:
        """What ``call`` of ``model`` cost; ``None`` where the price or the tokens are not known."""
        price = self.of(model)
        if price is None or (call.input_tokens is None and call.output_tokens is None):
            return None
        whole, answer = call.input_tokens or 0.0, call.output_tokens or 0.0
        cached = min(call.cached_tokens or 0.0, whole)
        written = min(call.cache_write_tokens or 0.0, whole - cached)
        return (
            (whole - cached - written) * price.input
            + cached * (price.input if price.cached_input is None else price.cached_input)
            + written * (price.input if price.cache_write is None else price.cache_write)
            + answer * price.output
        ) / MILLION


class PricesInUse:
    """The prices that this process reckons with, set once when it starts; and how many calls had none."""

    def __init__(self) -> None:
        self.table = PriceTable({})
        self.unpriced = 0

    def with_cost(self, call: LlmCall, *models: str) -> LlmCall:
        """``call`` with what it cost: as it says itself, else by the first of ``models`` that the table names."""
        if call.cost_usd is not None:
            return call
        for model in models:
            cost = self.table.cost_usd(call, model)
            if cost is not None:
                return msgspec.structs.replace(call, cost_usd=cost)
        self.unpriced += not call.failed
        return call


IN_USE = PricesInUse()
with_cost = IN_USE.with_cost


def parse(text: str, name: str) -> PriceTable:
    """The table in ``text``, which is the file ``name``. Raises :class:`BadPrices`, which says what is wrong and where."""
    try:
        given: Any = tomllib.loads(text)
        file = msgspec.convert(given, _File)
    except tomllib.TOMLDecodeError as error:
        raise BadPrices(name, f"is no TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise BadPrices(name, str(error)) from error
    if file.currency != "USD":
        raise BadPrices(name, f"currency: must be USD, not {file.currency}")
    if len(file.models) > MAX_MODELS:
        raise BadPrices(name, f"models: must be at most {MAX_MODELS}, not {len(file.models)}")
    return PriceTable(file.models)


def _plain(model: str) -> str:
    """A model's name without its provider, in small letters and with hyphens."""
    name = model.strip().lower()
    found = _PROVIDER.match(name)
    return _POINT.sub("-", name[found.end() :] if found else name)
