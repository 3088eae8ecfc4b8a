"""The table of prices: which model has which price, and what a call costs."""

from __future__ import annotations

from importlib.resources import files

import pytest

from analytics.errors import BadPrices
from analytics.spans.llm_calls import LlmCall
from analytics.spans.llm_prices import ModelPrice, PricesInUse, PriceTable, parse

TABLE = parse(
    """
    [models."gpt-4o"]
    input = 2.5
    cached_input = 1.25
    output = 10
    [models."gpt-4o-mini"]
    input = 0.15
    output = 0.6
    [models."claude-sonnet-4-5"]
    input = 3
    cached_input = 0.3
    cache_write = 3.75
    output = 15
    source = "https://example.com/prices"
    as_of = 2026-01-31
    [models."sage-*"]
    input = 1
    output = 2
    """,
    "prices.toml",
)


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("gpt-4o", 2.5),
        ("GPT-4o", 2.5),
        ("gpt-4o-2024-08-06", 2.5),
        ("gpt-4o-latest", 2.5),
        ("openai/gpt-4o", 2.5),
        ("gpt-4o-mini", 0.15),
        ("gpt-4o-mini-2024-07-18", 0.15),
        ("gpt-4o-audio-preview", None),
        ("gpt-4", None),
        ("gpt-4ox", None),
        ("claude-sonnet-4-5-20250929", 3),
        ("claude-sonnet-4-5@20250929", 3),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 3),
        ("anthropic/claude-sonnet-4.5", 3),
        ("anthropic:claude-sonnet-4-5", 3),
        ("anthropic.claude-sonnet-4-5-20250929-v2:0", 3),
        ("claude-sonnet-4-5-6", None),
        ("gpt-4o-2", None),
        ("gpt-4o-0613", 2.5),
        ("gpt-4o_2024-08-06", 2.5),
        ("sage-large", 1),
        ("sage", None),
        ("", None),
    ],
)
def test_a_model_has_the_price_of_the_longest_name(model: str, dollars: float | None) -> None:
    price = TABLE.of(model)
    assert (None if price is None else price.input) == dollars
    assert TABLE.of(model) is price


@pytest.mark.parametrize(
    ("model", "call", "dollars"),
    [
        ("gpt-4o", {"input_tokens": 1_000_000.0, "output_tokens": 100_000.0}, 3.5),
        ("gpt-4o", {"input_tokens": 1_000_000.0}, 2.5),
        ("gpt-4o", {"input_tokens": 1_000_000.0, "cached_tokens": 400_000.0}, 2.0),
        ("gpt-4o", {"input_tokens": 100.0, "cached_tokens": 1e9}, 100 * 1.25e-6),
        (
            "claude-sonnet-4-5",
            {"input_tokens": 1e6, "cached_tokens": 2e5, "cache_write_tokens": 4e5, "output_tokens": 0.0},
            2.76,
        ),
        ("gpt-4o-mini", {"input_tokens": 1e6, "cached_tokens": 1e6}, 0.15),
        ("gpt-4o", {}, None),
        ("another", {"input_tokens": 5.0}, None),
    ],
)
def test_a_call_costs_its_tokens(model: str, call: dict[str, float], dollars: float | None) -> None:
    cost = TABLE.cost_usd(LlmCall(model=model, **call), model)
    assert cost == (None if dollars is None else pytest.approx(dollars))


def test_a_call_that_says_what_it_cost_is_believed_and_one_without_a_price_is_counted() -> None:
    prices = PricesInUse()
    prices.table = TABLE
    assert prices.with_cost(LlmCall(model="gpt-4o", cost_usd=0.5, input_tokens=1.0), "gpt-4o").cost_usd == 0.5
    assert prices.with_cost(LlmCall(model="alias", input_tokens=1e6), "deployment-7", "gpt-4o").cost_usd == 2.5
    assert prices.unpriced == 0
    assert prices.with_cost(LlmCall(model="unknown", input_tokens=1e6), "unknown").cost_usd is None
    assert prices.unpriced == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[models", "is no TOML"),
        ('[models."x"]\noutput = 1', "missing required field `input`"),
        ('[models."x"]\ninput = -1', ">= 0"),
        ('[models."x"]\ninput = "1"', "Expected `float`"),
        ('[models."x"]\ninput = 1\ntypo = 2', "typo"),
        ('currency = "EUR"', "currency: must be USD"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(BadPrices, match=r"prices\.toml: ") as refused:
        parse(text, "prices.toml")
    assert reason in str(refused.value)


def test_the_shipped_table_says_where_its_prices_come_from() -> None:
    text = (files("analytics") / "llm_prices.toml").read_text()
    table = parse(text, "llm_prices.toml")
    assert len(table) > 20
    price = table.of("gpt-4o-mini-2024-07-18")
    assert isinstance(price, ModelPrice)
    assert price.source.startswith("https://")
    assert price.as_of is not None
    assert PriceTable({}).of("gpt-4o") is None
