"""Questions about stored spans: searches, facets and one trace, against what was sent."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from analytics.query.traces import facets
from analytics.storage import span_reading
from analytics.traces import slices
from drishti.events import QueryFailure, encode
from drishti.messages import subjects
from drishti.messages.span_errors import ErrorList, ErrorSearch
from drishti.messages.trace_outlines import (
    OutlineAnswer,
    OutlineQuery,
    SpanAnswer,
    SpanQuery,
    SpanSearchAnswer,
    SpanSearchQuery,
)
from drishti.messages.traces import (
    AggregateAnswer,
    ComparisonAnswer,
    FacetAnswer,
    TraceAggregate,
    TraceAnswer,
    TraceComparison,
    TraceFacets,
    TraceList,
    TraceQuery,
    TraceSearch,
)
from rigs import otlp_spans as making
from rigs.analytics import Rig, event, now_ms

MS = making.MS
A = TypeVar("A")

ROUTES = ("GET /a", "GET /b", "POST /c")


async def ask(world: Rig, name: str, question: msgspec.Struct, answer: type[A]) -> A | QueryFailure:
    msg = await world.gateway.request(subjects.query(name), encode(question), timeout_s=10)
    if (msg.headers or {})["Drishti-Status"] == "ok":
        return msgspec.json.decode(msg.data, type=answer)
    return msgspec.json.decode(msg.data, type=QueryFailure)


async def search(world: Rig, **conditions: Any) -> TraceList:
    given = {"tenant": world.tenant, "from_ms": now_ms() - 3_600_000, "to_ms": now_ms() + 60_000}
    found = await ask(world, "traces", TraceSearch(**(given | conditions)), TraceList)
    assert isinstance(found, TraceList), found
    return found


class Shop:
    """Some hundred traces of two services, known one by one: a request, and a query of its database or none."""

    def __init__(self, seed: int, count: int) -> None:
        chance = random.Random(seed)
        now = time.time_ns()
        self.roots: dict[str, dict[str, Any]] = {}
        front, back = [], []
        for place, (trace_id, span_id) in enumerate(making.random_ids(seed, count)):
            route, ms = chance.choice(ROUTES), float(chance.randrange(1, 2_000))
            failed, user = chance.random() < 0.2, f"u{chance.randrange(5)}"
            start = now - place * 1_000 * MS - int(ms * MS)
            front.append(
                making.span(
                    trace_id, span_id, route, start_ns=start, duration_ms=ms, error="out of tea" if failed else None,
                    attributes={"user.id": user, "http.response.status_code": 500 if failed else 200, "size": place},
                )
            )  # fmt: skip
            queried = chance.random() < 0.5
            if queried:
                back.append(
                    making.span(
                        trace_id, bytes(reversed(span_id)), "SELECT teas", parent=span_id, kind="client",
                        start_ns=start + MS, duration_ms=ms / 2, attributes={"db.system": "postgresql"},
                    )
                )  # fmt: skip
            self.roots[trace_id.hex()] = {
                "route": route, "ms": ms, "failed": failed, "user": user, "start": start, "queried": queried, "size": place,
            }  # fmt: skip
        self.messages = [making.resource_spans("web", front, region="eu"), making.resource_spans("db-client", back)]

    def ids(self, **wanted: Any) -> list[str]:
        """Traces whose facts are these, the newest first."""
        found = [key for key, one in self.roots.items() if all(one[name] == value for name, value in wanted.items())]
        return sorted(found, key=lambda key: -self.roots[key]["start"])


async def send(world: Rig, *messages: ResourceSpans) -> None:
    for message in messages:
        await world.admin.publish(subjects.spans(world.tenant, "web"), message.SerializeToString())
    await world.wait_settled()


async def pages(world: Rig, **conditions: Any) -> list[str]:
    """All traces that meet the conditions, page by page."""
    found: list[str] = []
    cursor = ""
    while True:
        page = await search(world, cursor=cursor, **conditions)
        found += [trace.trace_id for trace in page.traces]
        if not (cursor := page.cursor):
            return found


async def test_pages_go_on_behind_spans_of_the_same_instant_and_duration_with_the_tenants_own(world: Rig) -> None:
    start = time.time_ns() // MS * MS - 60_000 * MS
    ids = making.random_ids(3, 12)
    mine, others = ids[:6], ids[6:]
    service = "web"

    def message(traces: Sequence[tuple[bytes, bytes]], failed: bool = False) -> ResourceSpans:
        error = "no tea" if failed else None
        return making.resource_spans(service, [making.span(*one, start_ns=start, duration_ms=5, error=error) for one in traces])

    async with world.running():
        await send(world, message(mine[:3], failed=True), message(mine[3:]))
        await world.admin.publish(subjects.spans("somebody-else", service), message(others).SerializeToString())
        await world.wait_settled()
        for order in ("newest", "slowest"):
            in_order = [trace.hex() for trace, span in sorted(mine, key=lambda one: one[1])]
            assert await pages(world, limit=1, order=order) == in_order
            failed = {trace.hex() for trace, _ in mine[:3]}
            assert await pages(world, limit=1, order=order, status="error") == [one for one in in_order if one in failed]


async def test_what_cannot_be_searched_in_time_is_said_and_the_next_page_goes_on_there(
    world: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(5, 60)
    long_ago = making.random_ids(9, 1)[0]
    begun = time.time_ns() - 3_000_000 * MS
    now = now_ms()
    asked = {"from_ms": now - 3_600_000, "to_ms": now + 1_000, "operation": "GET /old"}
    async with world.running():
        await send(world, *shop.messages, making.resource_spans("web", [making.span(*long_ago, "GET /old", start_ns=begun)]))
        monkeypatch.setattr(slices, "LEAST_S", 5.0)  # the first slice is read, however busy the machine is
        with monkeypatch.context() as hurry:
            hurry.setattr(slices.Slices.__init__, "__kwdefaults__", slices.Slices.__init__.__kwdefaults__ | {"within_s": 1e-6})
            first = await search(world, **asked)
            assert first.traces == []
            assert first.cursor
            assert first.searched_from is not None
            assert now - 60_000 < first.searched_from < now
            slowest = await search(world, **(asked | {"order": "slowest", "operation": ""}))
            assert slowest.searched_from == first.searched_from
            question = {"tenant": world.tenant, **asked}
            tree = await ask(world, "trace_aggregate", TraceAggregate(**question), AggregateAnswer)
            assert isinstance(tree, AggregateAnswer)
            assert (tree.traces, tree.sampled, tree.searched_from) == (0, True, first.searched_from)
        with monkeypatch.context() as hurry:
            hurry.setattr(facets, "FIND_S", 1e-6)
            counts = await ask(world, "trace_facets", TraceFacets(**question), FacetAnswer)
            assert isinstance(counts, FacetAnswer)
            assert (counts.spans, counts.sampled, counts.searched_from) == (0, True, first.searched_from)
        rest = await search(world, **asked, cursor=first.cursor)
    assert [trace.trace_id for trace in rest.traces] == [long_ago[0].hex()]
    assert (rest.cursor, rest.searched_from) == ("", None)


async def test_searches_find_what_was_sent_page_by_page(world: Rig) -> None:
    shop = Shop(1, 150)
    async with world.running():
        await send(world, *shop.messages)
        assert await pages(world, limit=7) == shop.ids()
        assert await pages(world, limit=100, operation="GET /a") == shop.ids(route="GET /a")
        assert await pages(world, service="db-client") == shop.ids(queried=True)
        assert await pages(world, service="DB Client", limit=100) == shop.ids(queried=True)  # as it may have been given
        assert await pages(world, without_service=["web"], limit=100) == shop.ids(queried=True)
        assert await pages(world, without_service=["web", "db-client"]) == []
        assert await pages(world, status="error", limit=3) == shop.ids(failed=True)
        assert await pages(world, user_id="u3", root=True) == shop.ids(user="u3")
        assert await pages(world, status_code=500) == shop.ids(failed=True)
        assert await pages(world, text="OUT of T") == shop.ids(failed=True)
        assert await pages(world, text="%") == []
        assert await pages(world, attribute=["db.system=postgresql"]) == shop.ids(queried=True)
        assert await pages(world, attribute=["size>=10", "size<20"]) == [
            key for key in shop.ids() if 10 <= shop.roots[key]["size"] < 20
        ]
        assert await pages(world, attribute=["resource.region=eu", "user.id!=u1", "size"]) == [
            key for key in shop.ids() if shop.roots[key]["user"] != "u1"
        ]
        assert await pages(world, kind="client", attribute=["db.system~GRES"]) == shop.ids(queried=True)
        slow = await pages(world, min_duration_ms=1_500, root=True, order="slowest", limit=4)
        assert sorted(slow) == sorted(key for key in shop.ids() if shop.roots[key]["ms"] >= 1_500)
        durations = [shop.roots[key]["ms"] for key in slow]
        assert durations == sorted(durations, reverse=True)

        first = (await search(world, limit=1)).traces[0]
        facts = shop.roots[first.trace_id]
        assert (first.service, first.operation, first.duration_ms) == ("web", facts["route"], facts["ms"])
        assert first.spans == 1 + facts["queried"]
        assert first.errors == facts["failed"]


async def test_an_attribute_that_is_a_list_is_found_by_an_item_and_as_a_whole(world: Rig) -> None:
    def traced(trace_id: bytes, **attributes: Any) -> Any:
        return making.span(trace_id, b"\1" * 8, attributes={**attributes, "place": trace_id.hex()})

    (both, _), (green, _), (other, _) = making.random_ids(7, 3)
    spans = [
        traced(both, tags=["green", "x y"], n=[1, 2]),
        traced(green, tags=["green"], n=[2]),
        traced(other, tags="red", n=1),
    ]
    async with world.running():
        await send(world, *(making.resource_spans("shop", [one], pods=["p1", "p2"]) for one in spans))
        for condition, wanted in (
            ("tags=green", {both, green}),
            ("tags=x y", {both}),
            ("tags!=green", {other}),
            ('tags=["green","x y"]', {both}),
            ('tags=["green", "x y"]', {both}),
            ('tags=["x y","green"]', set()),
            ("tags=red", {other}),
            ("n=1", {both, other}),
            ("n=[2]", {green}),
            ("n!=2", {other}),
            ("resource.pods=p2", {both, green, other}),
            ("resource.pods=p3", set()),
        ):
            found = {trace.trace_id for trace in (await search(world, attribute=[condition])).traces}
            assert found == {one.hex() for one in wanted}, condition


async def test_of_several_texts_of_a_condition_any_may_be_met(world: Rig) -> None:
    services = {"Web": "GET /a", "shop": "GET /b", "bank": "GET /a"}
    ids = dict(zip(services, (trace for trace, _ in making.random_ids(11, 3)), strict=True))
    spans = {
        service: making.span(ids[service], b"\1" * 8, operation, error=f"no {service}", attributes={"n": place, "who": service})
        for place, (service, operation) in enumerate(services.items())
    }
    asked: list[tuple[dict[str, Any], set[str]]] = [
        ({"services": ["Web", "bank"]}, {"Web", "bank"}),
        ({"service": "shop", "services": ["bank"]}, {"shop", "bank"}),
        ({"services": ["nobody", "nobody else"]}, set()),
        ({"operations": ["GET /b", "GET /c"]}, {"shop"}),
        ({"services": ["Web", "shop"], "operations": ["GET /a"]}, {"Web"}),
        ({"texts": ["no shop", "no bank", "100%"]}, {"shop", "bank"}),
        ({"any_attribute": ['["n=0", "n=2"]']}, {"Web", "bank"}),
        ({"any_attribute": ['["who=shop", "n>1"]', '["n!=2"]']}, {"shop"}),
        ({"any_attribute": ['["who~sho", "none"]'], "attribute": ["n"]}, {"shop"}),
    ]
    async with world.running():
        await send(world, *(making.resource_spans(service, [one]) for service, one in spans.items()))
        other = making.resource_spans(
            "Web", [making.span(b"\7" * 16, b"\1" * 8, "GET /a", error="no shop", attributes={"n": 0})]
        )
        await world.admin.publish(subjects.spans("somebody-else", "web"), other.SerializeToString())
        await world.wait_settled()
        for conditions, wanted in asked:
            found = {trace.trace_id for trace in (await search(world, **conditions)).traces}
            assert found == {ids[service].hex() for service in wanted}, conditions
        errors = {"tenant": world.tenant, "from_ms": now_ms() - 3_600_000, "to_ms": now_ms() + 60_000}
        for conditions, wanted in (
            ({"services": ["Web", "bank"]}, {"web", "bank"}),
            ({"texts": ["no Web", "GET /b"]}, {"web", "shop"}),
            ({"service": "shop", "services": ["bank"], "texts": ["no"]}, {"shop", "bank"}),
        ):
            listed = await ask(world, "errors", ErrorSearch(**(errors | conditions)), ErrorList)
            assert isinstance(listed, ErrorList), listed
            assert {one.service for one in listed.errors} == wanted, conditions


async def test_facets_count_what_was_sent(world: Rig) -> None:
    shop = Shop(2, 100)
    async with world.running():
        await send(world, *shop.messages)
        question = TraceFacets(tenant=world.tenant, from_ms=now_ms() - 3_600_000, to_ms=now_ms() + 60_000, root=True)
        answer = await ask(world, "trace_facets", question, FacetAnswer)
    assert isinstance(answer, FacetAnswer), answer
    assert (answer.spans, answer.errors, answer.sampled) == (100, len(shop.ids(failed=True)), False)
    facets = {facet.name: {one.value: one.spans for one in facet.values} for facet in answer.facets}
    assert facets["operation"] == Counter(one["route"] for one in shop.roots.values())
    assert facets["status"] == {
        name: count for name, count in (("unset", len(shop.ids(failed=False))), ("error", len(shop.ids(failed=True)))) if count
    }
    attributes = {facet.name: {one.value: one.spans for one in facet.values} for facet in answer.attributes}
    assert attributes["user.id"] == Counter(one["user"] for one in shop.roots.values())
    assert "size" not in attributes  # an id
    assert sum(bucket.spans for bucket in answer.durations) == 100
    for bucket in answer.durations:
        inside = [one["ms"] for one in shop.roots.values() if bucket.from_ms <= one["ms"] < bucket.to_ms]
        assert len(inside) == pytest.approx(bucket.spans, abs=1)  # an edge is rounded
        assert shop.roots[bucket.trace_id]["ms"] == pytest.approx(max(inside), rel=0.01)
        middle = shop.roots[bucket.median_trace_id]["ms"]
        assert sum(ms <= middle for ms in inside) >= len(inside) // 2 <= sum(ms >= middle for ms in inside)
        failed = [one["ms"] for one in shop.roots.values() if one["failed"] and one["ms"] in inside]
        assert bool(bucket.errors) == bool(bucket.failed_trace_id)
        if bucket.failed_trace_id:
            assert shop.roots[bucket.failed_trace_id]["failed"]
            assert shop.roots[bucket.failed_trace_id]["ms"] == pytest.approx(max(failed), rel=0.01)


async def test_one_trace_is_a_tree_with_its_critical_path_and_what_its_user_did(world: Rig) -> None:
    trace, now = b"\xab" * 16, time.time_ns()
    root = making.span(trace, b"\1" * 8, "POST /cart", start_ns=now, duration_ms=100, attributes={"user.id": "ada"})
    call = making.span(trace, b"\2" * 8, "pay", parent=b"\1" * 8, kind="client", start_ns=now + 10 * MS, duration_ms=60)
    lost = making.span(trace, b"\3" * 8, "audit", parent=b"\7" * 8, kind="internal", start_ns=now + 20 * MS, duration_ms=5)
    async with world.running():
        await world.publish(
            event("mine", user_id="ada", data={"query": "tea"}),
            event("other", user_id="bob"),
        )
        await send(world, making.resource_spans("Web", [lost, call]), making.resource_spans("Web", [root]))
        answer = await ask(world, "trace", TraceQuery(tenant=world.tenant, trace_id=trace.hex().upper()), TraceAnswer)
        elsewhere = await ask(world, "trace", TraceQuery(tenant="somebody-else", trace_id=trace.hex()), TraceAnswer)
    assert isinstance(answer, TraceAnswer), answer
    assert [(span.name, span.depth, span.missing_parent) for span in answer.spans] == [
        ("POST /cart", 0, False),
        ("pay", 1, False),
        ("audit", 0, True),
    ]
    assert (answer.root, answer.duration_ms) == ("01" * 8, 100.0)
    assert [span.self_ms for span in answer.spans] == [40.0, 60.0, 0.0]
    assert [section.span_id[:2] for section in answer.critical_path] == ["01", "02", "01"]
    assert [(one.event_id, one.data) for one in answer.events] == [("mine", {"query": "tea"})]
    assert answer.service_names == {"web": "Web"}
    assert isinstance(elsewhere, QueryFailure)
    assert (elsewhere.code, elsewhere.field) == ("unknown", "trace_id")


async def test_a_trace_of_ten_thousand_spans_is_one_outline_whose_spans_are_asked_for_one_by_one(world: Rig) -> None:
    (trace_id, root), *children = making.random_ids(77, 10_050)
    now = time.time_ns() - 60_000 * MS
    spans = [making.span(trace_id, root, "GET /a", start_ns=now, duration_ms=20_000)]
    for place, (_, span_id) in enumerate(children):
        error = "out of tea" if place == 7 else None
        at = now + place * MS
        spans.append(
            making.span(trace_id, span_id, f"step {place % 9}", parent=root, start_ns=at, duration_ms=1, error=error,
                        attributes={"place": place})
        )  # fmt: skip
    asked_span = SpanQuery(tenant=world.tenant, trace_id=trace_id.hex(), span_id=children[7][1].hex())
    nothing = [
        ("trace_outline", OutlineQuery(tenant="somebody-else", trace_id=trace_id.hex())),
        ("span", SpanQuery(tenant="somebody-else", trace_id=trace_id.hex(), span_id=root.hex())),
        ("span", SpanQuery(tenant=world.tenant, trace_id=trace_id.hex(), span_id="ab" * 8)),
    ]
    async with world.running():
        portions = [spans[first : first + 2_000] for first in range(0, len(spans), 2_000)]
        await send(world, *(making.resource_spans("web", portion, region="eu") for portion in portions))
        found = await ask(world, "trace_outline", OutlineQuery(tenant=world.tenant, trace_id=trace_id.hex()), OutlineAnswer)
        one = await ask(world, "span", asked_span, SpanAnswer)
        refused = [await ask(world, name, question, SpanAnswer) for name, question in nothing]
    assert isinstance(found, OutlineAnswer), found
    assert len(msgspec.json.encode(found)) < 900_000
    assert (found.truncated, found.root, found.services) == (True, root.hex(), ["web"])
    columns = (
        found.span_ids,
        found.depths,
        found.of_service,
        found.of_name,
        found.starts_ms,
        found.durations_ms,
        found.self_ms,
    )
    assert {len(column) for column in columns} == {10_000}
    assert found.span_ids == [root.hex(), *(span_id.hex() for _, span_id in children[:9_999])]
    assert [found.names[name] for name in found.of_name[1:20]] == [f"step {place % 9}" for place in range(19)]
    assert found.starts_ms[1:4] == [0, 1, 2]
    assert [(one.place, one.message) for one in found.failed] == [(8, "out of tea")]
    path = found.critical_path
    assert path.to_ms[-1] == 20_000
    assert sum(found.self_ms) == pytest.approx(20_000)
    assert isinstance(one, SpanAnswer), one
    assert (one.attributes["place"], one.message, one.resource["region"], one.parent_id) == (7, "out of tea", "eu", root.hex())
    assert [one.code for one in refused if isinstance(one, QueryFailure)] == ["unknown"] * 3


async def test_spans_of_a_trace_are_found_by_what_their_attributes_resource_and_events_say(world: Rig) -> None:
    (trace_id, root), *children = making.random_ids(78, 5)
    first, second, third, fourth = (span_id for _, span_id in children)
    now = time.time_ns() - 60_000 * MS
    spans = [
        making.span(trace_id, span_id, "GET /a", parent=parent, start_ns=now + place * MS, attributes=attributes)
        for place, (span_id, parent, attributes) in enumerate(
            [
                (root, b"", {"http.route": "/a"}),
                (first, root, {"http.route": "/a", "user.id": "Guest-3"}),
                (second, root, {"said": 'a "quoted" 100%_\\ text', "sizes": [17, 18]}),
                (third, root, {"http.route": "/b"}),
            ]
        )
    ]
    spans[2].events.add(name="cache miss", time_unix_nano=now).attributes.extend(making.pairs({"cache.key": "kettle"}))
    elsewhere = making.span(trace_id, fourth, "GET /b", parent=root, start_ns=now + 9 * MS)

    async def found(text: str, tenant: str = world.tenant) -> list[bytes]:
        answer = await ask(
            world, "span_search", SpanSearchQuery(tenant=tenant, trace_id=trace_id.hex(), text=text), SpanSearchAnswer
        )
        assert isinstance(answer, SpanSearchAnswer), answer
        return [bytes.fromhex(span_id) for span_id in answer.span_ids]

    async with world.running():
        await send(world, making.resource_spans("web", spans), making.resource_spans("shop", [elsewhere], region="eu-3"))
        assert await found("http.route=/a") == [root, first]
        assert await found("http.ROUTE") == [root, first, third]
        assert await found("guest-3") == [first]
        assert await found('"quoted" 100%_\\') == [second]
        assert await found("17") == [second]
        assert await found("CACHE MISS") == await found("cache.key=ket") == [second]
        assert await found("resource.region=eu") == [fourth]
        assert await found("quoted%text") == []
        assert await found("guest-3", "somebody-else") == []


async def test_a_wrong_question_says_which_field(world: Rig) -> None:
    known = {"tenant": world.tenant, "from_ms": 0, "to_ms": now_ms()}
    async with world.running():
        for wrong, field in (
            ({"attribute": ["a=b", ">5"]}, "attribute.1"),
            ({"attribute": ["size>big"]}, "attribute.0"),
            ({"any_attribute": ['["a=b"]', "a=b"]}, "any_attribute.1"),
            ({"any_attribute": ['["a=b", "size>big"]']}, "any_attribute.0"),
            ({"any_attribute": [encode(["a"] * 65).decode()]}, "any_attribute.0"),
            ({"cursor": "nonsense"}, "cursor"),
        ):
            shop = making.resource_spans("web", [making.span(b"\1" * 16, b"\1" * 8)])
            await send(world, shop)
            failure = await ask(world, "traces", TraceSearch(**(known | wrong)), TraceList)
            assert isinstance(failure, QueryFailure)
            assert (failure.code, failure.field) == ("invalid", field)


async def test_traces_are_added_up_and_compared(world: Rig) -> None:
    shop = Shop(3, 60)
    async with world.running():
        await send(world, *shop.messages)
        asked = TraceAggregate(
            tenant=world.tenant, from_ms=now_ms() - 3_600_000, to_ms=now_ms() + 60_000, operation="GET /a", limit=100
        )
        tree = await ask(world, "trace_aggregate", asked, AggregateAnswer)
        left, right = shop.ids(queried=True)[0], shop.ids(queried=False)[0]
        both = await ask(
            world, "trace_comparison", TraceComparison(tenant=world.tenant, left=left, right=right.upper()), ComparisonAnswer
        )
        foreign = await ask(
            world, "trace_comparison", TraceComparison(tenant="somebody-else", left=left, right=right), ComparisonAnswer
        )
    assert isinstance(tree, AggregateAnswer), tree
    wanted = [shop.roots[key] for key in shop.ids(route="GET /a")]
    assert (tree.traces, set(tree.trace_ids)) == (len(wanted), set(shop.ids(route="GET /a")))
    assert tree.mean_ms == pytest.approx(sum(one["ms"] for one in wanted) / len(wanted))
    root, *below = tree.steps
    assert (root.depth, root.operation, root.times and root.times.traces) == (0, "GET /a", len(wanted))
    queried = [one for one in wanted if one["queried"]]
    assert [(step.depth, step.service, step.times and step.times.traces) for step in below] == [(1, "db-client", len(queried))]
    assert sum(step.times.share for step in tree.steps if step.times) == pytest.approx(1)
    assert isinstance(both, ComparisonAnswer), both
    assert (both.left, both.right, both.right_ms) == (left, right, shop.roots[right]["ms"])
    query = next(step for step in both.steps if step.service == "db-client")
    assert query.times is not None
    assert query.right is None
    assert isinstance(foreign, QueryFailure)
    assert (foreign.code, foreign.field) == ("unknown", "left")


async def test_spans_are_read_within_a_bound_of_bytes(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(span_reading, "MAX_BYTES", 100_000)
    trace, now = b"\x17" * 16, time.time_ns()
    spans = [
        making.span(trace, bytes([n + 1]) * 8, "GET /big", start_ns=now + n, attributes={"text": f"{n}" + "v" * 8_000})
        for n in range(40)
    ]
    whole = {"trace_id": trace.hex(), "tenant": world.tenant}
    async with world.running():
        await world.admin.publish(
            subjects.spans(world.tenant, "shop"), making.resource_spans("shop", spans).SerializeToString()
        )
        await world.wait_settled()
        found = await ask(world, "trace", TraceQuery(**whole), TraceAnswer)
        asked = TraceComparison(tenant=world.tenant, left=trace.hex(), right=trace.hex())
        compared = await ask(world, "trace_comparison", asked, ComparisonAnswer)
    assert isinstance(found, TraceAnswer), found
    assert (found.truncated, [span.span_id for span in found.spans]) == (True, [f"{n:02x}" * 8 for n in range(1, 13)])
    assert isinstance(compared, ComparisonAnswer), compared
    assert compared.truncated
