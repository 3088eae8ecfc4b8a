"""The outline of a trace fits a message of the bus, whatever its spans are, and says what the spans say."""

from __future__ import annotations

import msgspec
import pytest

from analytics.query.traces.outline import MAX_BYTES, fit, outline_of, span_answer
from analytics.spans.trace import assemble
from drishti.messages.trace_outlines import OutlineAnswer
from rigs.span_trees import span, span_id


def outline(spans: int, name: str = "GET", *, deep: bool = False) -> OutlineAnswer:
    """A chain, or a root with spans one after the other; each name is another one."""
    some = [
        span(
            n + 1,
            (n if deep else 1) if n else None,
            n * 1_234_567,
            n * 1_234_567 + 1_200_001 if n and not deep else (3 * spans - n) * 1_234_567,
            name=f"{name}{n}",
            service=f"s{n % 40}",
            error=n % 7 == 0,
        )
        for n in range(spans)
    ]
    return outline_of(assemble(some), {one.span_id: "cold" * 50 for one in some})


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("name", ["GET ", "walk" * 100, "\u0001" * 300])
def test_an_outline_fits_a_message(name: str, deep: bool) -> None:
    found = outline(10_000, name, deep=deep)
    path = len(found.critical_path.places)
    fit(found)
    assert len(msgspec.json.encode(found)) <= MAX_BYTES
    spans = len(found.span_ids)
    assert spans == 10_000 or found.truncated
    assert spans > 3_000
    assert max(found.of_name) < len(found.names)
    assert max(found.critical_path.places) < spans
    assert all(one.place < spans for one in found.failed)
    assert found.shortened_path or found.truncated or len(found.critical_path.places) == path


def test_ordinary_traces_of_ten_thousand_spans_are_whole() -> None:
    some = [span(n + 1, (n + 1) // 4 or None, n * 1_000_000, (n + 2) * 1_000_000, name=f"step {n % 50}") for n in range(10_000)]
    found = outline_of(assemble(some), {})
    fit(found)
    assert (len(found.span_ids), found.truncated, found.shortened_path) == (10_000, False, False)


def test_an_outline_has_a_place_for_each_span_in_the_order_of_the_tree() -> None:
    root, slow = span(1, None, 0, 100_000_000), span(2, 1, 10_000_000, 90_000_000, service="api", name="slow", error=True)
    orphan = span(4, 99, 5_000_000, 6_000_000, name="lost")
    found = outline_of(assemble([span(3, 2, 20_000_000, 30_000_000, name="inner"), slow, root, orphan]), {span_id(2): "cold"})
    assert [found.names[name] for name in found.of_name] == [root.name, "slow", "inner", "lost"]
    assert [found.services[service] for service in found.of_service] == ["shop", "api", "shop", "shop"]
    assert (found.depths, found.starts_ms, found.durations_ms) == ([0, 1, 2, 0], [0, 10, 20, 5], [100, 80, 10, 1])
    assert found.self_ms == [20, 70, 10, 0]
    assert [(one.place, one.message) for one in found.failed] == [(1, "cold")]
    assert found.missing_parent == [3]
    path = found.critical_path
    assert list(zip(path.places, path.from_ms, path.to_ms, strict=True)) == [
        (0, 0, 10), (1, 10, 20), (2, 20, 30), (1, 30, 90), (0, 90, 100),
    ]  # fmt: skip


def test_a_span_that_says_too_much_says_what_fits() -> None:
    found = span_answer(span(1, None, 0, 9, attributes={"a": "x" * 500_000, "b": "y" * 500_000}))
    assert (found.attributes, found.truncated) == ({}, True)
    assert not span_answer(span(1, None, 0, 9, attributes={"a": "x"})).truncated
