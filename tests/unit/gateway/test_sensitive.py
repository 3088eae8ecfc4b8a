"""Attributes named as secrets or content never get past the gateway, and everything else does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData, ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, MetricsData, ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, TracesData

from gateway.otlp import exports, wire
from gateway.otlp.sensitive import Policy, Sensitive
from gateway.otlp.sensitive_names import CONTENT, EVENTS_OF_CONTENT, FRAGMENTS, SECRETS, TOKENS, kind_of

NAMED = {
    "gen_ai.prompt": "content",
    "gen_ai.prompt.0.content": "content",
    "gen_ai.completion.0.content": "content",
    "gen_ai.input.messages": "content",
    "gen_ai.output.messages": "content",
    "gen_ai.system_instructions": "content",
    "gen_ai.tool.call.arguments": "content",
    "GEN_AI.Prompt": "content",
    "app.chat.messages": "content",
    "llm.input_messages.0.message.content": "content",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "content",
    "llm.prompts": "content",
    "input.value": "content",
    "output.value": "content",
    "traceloop.entity.input": "content",
    "traceloop.entity.output": "content",
    "retrieval.documents.3.document.content": "content",
    "ai.response.toolCalls": "content",
    "langfuse.observation.input": "content",
    "mlflow.spanInputs": "content",
    "http.request.header.authorization": "secret",
    "http.request.header.proxy-authorization": "secret",
    "Authorization": "secret",
    "http.request.header.cookie": "secret",
    "http.response.header.set-cookie": "secret",
    "db.password": "secret",
    "userPassword": "secret",
    "PASSWD": "secret",
    "client_secret": "secret",
    "http.request.header.x-api-key": "secret",
    "api_key": "secret",
    "db.pwd": "secret",
    "http.request.header.ocp-apim-subscription-key": "secret",
    "apiKey": "secret",
    "openai.api.key": "secret",
    "aws.secret access key": "secret",
    "tls.private-key": "secret",
    "app.credentials": "secret",
    "access_token": "token",
    "sessionToken": "token",
    "token": "token",
}
PLAIN = (
    *("gen_ai.request.model", "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
    *("gen_ai.response.id", "gen_ai.output.type", "llm.model_name", "llm.usage.total_tokens", "max_tokens", "input.mime_type"),
    *("http.request.header.user-agent", "http.request.body.size", "url.path", "db.query.text", "db.statement"),
    *("exception.message", "messaging.message.id", "messaging.destination.name", "enduser.id", "service.author", "key"),
    *("tokenizer.name", "http.request.header.accept", "user.keyboard", "monkey", "prompt", "traceloop.entity.name"),
)


@pytest.mark.parametrize(("name", "kind"), NAMED.items())
def test_a_sensitive_name_is_known_in_any_spelling(name: str, kind: str) -> None:
    assert kind_of(name) == kind


@pytest.mark.parametrize("name", PLAIN)
def test_other_names_are_kept(name: str) -> None:
    assert kind_of(name) == "plain"


filling = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["a", ".x", "0.content", "_id", "http."])


@st.composite
def sensitive_names(draw: Any) -> str:
    pattern = draw(st.sampled_from((*CONTENT, *SECRETS, *TOKENS)))
    name = "".join(draw(filling) if part == "*" else part for part in pattern)
    if pattern not in CONTENT:
        name = "".join(draw(st.sampled_from("_-. ")) if c == "_" else c for c in name)
    return "".join(c.upper() if c.isascii() and draw(st.booleans()) else c for c in name)


@given(sensitive_names())
def test_every_sensitive_name_is_found_in_the_bytes_that_hold_it(name: str) -> None:
    assert kind_of(name) != "plain"
    for text in (name, "é" + name):
        pair = KeyValue(key=text)
        if kind_of(text) == "plain":
            continue
        pair.value.string_value = "v"
        after = (b"\x12", b"J", b"2", b"\x1a", b"\x22", b"P", b"")
        assert Sensitive().may_be_in(pair.SerializeToString(), KeyValue)
        assert all(Sensitive().may_be_in(KeyValue(key=text).SerializeToString() + key, KeyValue) for key in after)


def test_the_table_is_in_lower_case_and_holds_nothing_twice() -> None:
    for table in (CONTENT, SECRETS, TOKENS, FRAGMENTS, EVENTS_OF_CONTENT):
        assert [entry.lower() for entry in table] == list(table)
        assert len(set(table)) == len(table)


names = st.sampled_from([*NAMED, *PLAIN]) | sensitive_names() | st.text(max_size=6)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.booleans()
Objects = dict[str, Any]
values = st.recursive(
    st.text(max_size=5) | st.binary(max_size=5) | numbers | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
attributes = st.dictionaries(names, values, max_size=5)


def any_value(said: Any) -> AnyValue:
    value = AnyValue()
    if isinstance(said, bool):
        value.bool_value = said
    elif isinstance(said, int):
        value.int_value = said
    elif isinstance(said, float):
        value.double_value = said
    elif isinstance(said, str):
        value.string_value = said
    elif isinstance(said, bytes):
        value.bytes_value = said
    elif isinstance(said, list):
        value.array_value.SetInParent()
        value.array_value.values.extend(map(any_value, said))
    elif isinstance(said, dict):
        value.kvlist_value.SetInParent()
        value.kvlist_value.values.extend(pairs(said))
    return value


def pairs(said: Objects) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in said.items()]


def kept(said: Any, dropped: list[str], kinds: frozenset[str]) -> Any:
    """What has to be left of ``said``, written from the definition; names of what has to go are added to ``dropped``."""
    if isinstance(said, list):
        return [kept(part, dropped, kinds) for part in said]
    if not isinstance(said, dict):
        return said
    left = {}
    for name, value in said.items():
        kind = kind_of(name)
        if kind in kinds and (kind == "secret" or not isinstance(value, bool | int | float)):
            dropped.append(name)
        else:
            left[name] = kept(value, dropped, kinds)
    return left


def owner(message: Any, said: Objects, already: int, kinds: frozenset[str] | None) -> Any:
    """``message`` with the attributes ``said``; with ``kinds``, as it has to be after those are dropped."""
    dropped: list[str] = []
    message.attributes.extend(pairs(said if kinds is None else kept(said, dropped, kinds)))
    message.dropped_attributes_count = already + len(dropped)
    return message


def traces(drawn: list[Objects], already: int, kinds: frozenset[str] | None = None) -> TracesData:
    data = TracesData()
    resource = data.resource_spans.add(schema_url="s")
    owner(resource.resource, drawn[0], already, kinds)
    scope = resource.scope_spans.add()
    owner(scope.scope, drawn[1], 0, kinds)
    for number in (1, 2):
        span = scope.spans.add(trace_id=b"t" * 16, span_id=bytes([number] * 8), name="gen_ai.prompt", trace_state="a=b")
        span.start_time_unix_nano, span.end_time_unix_nano = 1, 2
        owner(span, drawn[2 * number], already, kinds)
        owner(span.events.add(name="token", time_unix_nano=5), drawn[2 * number + 1], 0, kinds)
        owner(span.links.add(trace_id=b"l" * 16, span_id=b"k" * 8), drawn[2 * number - 1], already, kinds)
        span.status.message = "password"
    return data


def logs(drawn: list[Objects], already: int, body: Any, kinds: frozenset[str] | None = None) -> LogsData:
    data = LogsData()
    resource = data.resource_logs.add()
    owner(resource.resource, drawn[0], 0, kinds)
    scope = resource.scope_logs.add()
    owner(scope.scope, drawn[1], 0, kinds)
    record = owner(scope.log_records.add(time_unix_nano=5, severity_number=9), drawn[2], already, kinds)
    dropped: list[str] = []
    record.body.CopyFrom(any_value(body if kinds is None else kept(body, dropped, kinds)))
    record.dropped_attributes_count += len(dropped)
    return data


@given(st.lists(attributes, min_size=6, max_size=6), st.integers(0, 3), st.booleans(), st.booleans())
def test_nothing_named_so_survives_in_spans_and_everything_else_does(
    drawn: list[Objects], already: int, content: bool, secrets: bool
) -> None:
    kinds = frozenset(["content"] * content + ["secret", "token"] * secrets)
    export = exports.read(
        "traces",
        traces(drawn, already).SerializeToString(),
        json=False,
        sensitive=Sensitive(content=content, secrets=secrets),
    )
    (part,) = export.parts
    (wanted,) = traces(drawn, already, kinds).resource_spans
    assert ResourceSpans.FromString(part.payload) == wanted
    before = traces(drawn, already).resource_spans[0]
    assert export.dropped == _dropped(wanted) - _dropped(before)


@given(st.lists(attributes, min_size=3, max_size=3), st.integers(0, 3), values)
def test_nothing_named_so_survives_in_logs_and_everything_else_does(drawn: list[Objects], already: int, body: Any) -> None:
    export = exports.read("logs", logs(drawn, already, body).SerializeToString(), json=False)
    (part,) = export.parts
    kinds = frozenset(["content", "secret", "token"])
    assert ResourceLogs.FromString(part.payload) == logs(drawn, already, body, kinds).resource_logs[0]


def _dropped(resource: Any) -> int:
    owners = [resource.resource, *(scope.scope for scope in resource.scope_spans)]
    for span in (span for scope in resource.scope_spans for span in scope.spans):
        owners += [span, *span.events, *span.links]
    return sum(each.dropped_attributes_count for each in owners)


def test_payload_without_sensitive_names_is_passed_on_as_the_bytes_that_came() -> None:
    sent = traces([{name: "secret password" for name in PLAIN}] * 6, 0)
    (part,) = exports.read("traces", sent.SerializeToString(), json=False).parts
    assert part.payload == sent.resource_spans[0].SerializeToString()


def test_json_is_treated_alike() -> None:
    span = {
        "traceId": "1" * 32,
        "spanId": "2" * 16,
        "startTimeUnixNano": 1,
        "endTimeUnixNano": 2,
        "name": "x",
        "attributes": [
            {"key": "llm.prompts", "value": {"stringValue": "said"}},
            {"key": "kept", "value": {"stringValue": "too"}},
        ],
    }
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    export = exports.read("traces", body, json=True)
    (left,) = ResourceSpans.FromString(export.parts[0].payload).scope_spans[0].spans
    assert ([pair.key for pair in left.attributes], left.dropped_attributes_count, export.dropped) == (["kept"], 1, 1)


@pytest.mark.parametrize("named", ["event_name", "attribute"])
def test_log_record_that_is_a_message_loses_its_body(named: str) -> None:
    sent = LogsData()
    record = sent.resource_logs.add().scope_logs.add().log_records.add()
    record.body.kvlist_value.values.extend(pairs({"content": "said", "role": "user"}))
    if named == "event_name":
        record.event_name = "gen_ai.user.message"
    else:
        record.attributes.extend(pairs({"event.name": "gen_ai.user.message"}))
    body = sent.SerializeToString()
    (left,) = ResourceLogs.FromString(exports.read("logs", body, json=False).parts[0].payload).scope_logs[0].log_records
    assert not left.HasField("body")
    assert left.dropped_attributes_count == 1
    (part,) = exports.read("logs", body, json=False, sensitive=Sensitive(content=False)).parts
    assert part.payload == sent.resource_logs[0].SerializeToString()


def framed(number: int, value: bytes) -> bytes:
    return wire.frame(number, len(value)) + value


def in_export(place: str, pair: bytes) -> tuple[exports.Signal, bytes]:
    """A request that has the attribute ``pair`` in one place."""
    if place == "log":
        return "logs", framed(1, framed(2, framed(2, framed(6, pair))))
    if place == "metric":
        point = framed(7, pair) + b"\x19" + bytes([5, *bytes(7)])
        return "metrics", framed(1, framed(2, framed(2, framed(1, b"m") + framed(5, framed(1, point)))))
    if place in ("nested", "array"):
        inner = framed(6, framed(1, pair))
        pair = framed(1, b"outer") + framed(2, framed(5, framed(1, inner)) if place == "array" else inner)
    number = {"event": 11, "link": 13}.get(place)
    part = framed(9, pair) if number is None else framed(number, framed({11: 3, 13: 4}[number], pair))
    if place in ("scope", "resource"):
        part = b""
    span = framed(1, b"t" * 16) + framed(2, b"s" * 8) + part + b"\x39" + bytes([1] * 8) + b"\x41" + bytes([2] * 8)
    if place == "scope":
        return "traces", framed(1, framed(2, framed(1, framed(3, pair)) + framed(2, span)))
    if place == "resource":
        return "traces", framed(1, framed(1, framed(1, pair)) + framed(2, framed(2, span)))
    return "traces", framed(1, framed(2, framed(2, span)))


PLACES = ("span", "event", "link", "nested", "array", "scope", "resource", "log", "metric")
BETWEEN = {
    "nothing": b"",
    "number of eight bytes": b"i" + bytes(8),
    "the same in a capital": b"I" + bytes(8),
    "group": b"st",
    "group with a field": b"s\x12\x01xt",
    "group in a capital": b"ST",
    "known key in needless bytes": b"\x8a\x00\x05plain" + b"\x8a\x00\x0caccess_token",
}
"""Fields that may be written between a name and its value; keys of some are letters."""


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("name", [b"access_token", b"Session.TOKEN", b"cookie", b"gen_ai.prompt"])
def test_no_field_between_name_and_value_gets_a_secret_past(place: str, between: str, name: bytes) -> None:
    pair = framed(1, name) + BETWEEN[between] + framed(2, framed(1, b"hunter2"))
    signal, body = in_export(place, pair)
    export = exports.read(signal, body, json=False)
    assert export.dropped == 1
    assert all(b"hunter2" not in part.payload for part in export.parts)


def test_counts_of_tokens_are_passed_on_as_the_bytes_that_came() -> None:
    for place in PLACES:
        pair = framed(1, b"gen_ai.usage.input_tokens") + framed(2, b"\x18\x05")
        signal, body = in_export(place, pair)
        (part,) = exports.read(signal, body, json=False).parts
        assert framed(1, part.payload) == body


def test_thousands_of_them_in_one_span_are_dropped_in_one_go() -> None:
    sent = traces([{}] * 6, 0)
    span = sent.resource_spans[0].scope_spans[0].spans[0]
    for number in range(10_000):
        span.attributes.add(key="token" if number % 2 else "kept").value.int_value = number
        span.attributes.add(key="secret").value.int_value = number
    (part, *_) = exports.read("traces", sent.SerializeToString(), json=False).parts
    left = ResourceSpans.FromString(part.payload).scope_spans[0].spans[0]
    assert {pair.key for pair in left.attributes} == {"kept", "token"}, "a number is no token"
    assert left.dropped_attributes_count == 10_000


def test_tenants_may_keep_content_or_secrets() -> None:
    policy = Policy(keep_content=("a", "both"), keep_secrets=("b", "both"))
    prompt, cookie = (KeyValue(key=key).SerializeToString() for key in ("gen_ai.prompt", "cookie"))
    sent = traces([{"gen_ai.prompt": "p", "cookie": "c", "x": "y"}, *[{}] * 5], 0).SerializeToString()
    for tenant, left in (("other", ["x"]), ("a", ["gen_ai.prompt", "x"]), ("b", ["cookie", "x"]), ("both", None)):
        (part,) = exports.read("traces", sent, json=False, sensitive=policy.of(tenant)).parts
        resource = ResourceSpans.FromString(part.payload).resource
        assert [pair.key for pair in resource.attributes] == (left or ["gen_ai.prompt", "cookie", "x"])
    everyone = Policy(keep_content=("*",), keep_secrets=("*",)).of("any")
    assert not everyone.may_be_in(prompt, KeyValue)
    assert not everyone.may_be_in(cookie, KeyValue)


LARGE = "an image " * 100_000


def large_span() -> TracesData:
    sent = traces([{}] * 6, 0)
    span = sent.resource_spans[0].scope_spans[0].spans[0]
    span.dropped_attributes_count = 2
    span.attributes.extend(pairs({"gen_ai.input.messages": [{"content": LARGE}], "kept": "v", "llm.prompts": LARGE}))
    span.events[0].attributes.extend(pairs({"gen_ai.prompt": LARGE, "x": "y"}))
    return sent


def test_span_that_only_its_content_makes_too_large_is_kept_without_it() -> None:
    export = exports.read("traces", large_span().SerializeToString(), json=False)
    assert (export.rejected, export.dropped) == (0, 3)
    spans = [s for part in export.parts for c in ResourceSpans.FromString(part.payload).scope_spans for s in c.spans]
    assert [span.span_id[0] for span in spans] == [1, 2]
    assert ([pair.key for pair in spans[0].attributes], spans[0].dropped_attributes_count) == (["kept"], 4)
    (event,) = spans[0].events
    assert ([pair.key for pair in event.attributes], event.dropped_attributes_count) == (["x"], 1)
    wanted = large_span().resource_spans[0].scope_spans[0].spans[0]
    assert (spans[0].links, spans[0].status, spans[0].name) == (wanted.links, wanted.status, wanted.name)


def test_span_that_is_too_large_with_or_without_it_is_rejected() -> None:
    sent = large_span()
    sent.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="other").value.string_value = LARGE
    export = exports.read("traces", sent.SerializeToString(), json=False)
    assert (export.rejected, len(export.parts)) == (1, 1)
    kept = exports.read("traces", large_span().SerializeToString(), json=False, sensitive=Sensitive(content=False))
    assert (kept.rejected, kept.dropped) == (1, 0)


def test_log_record_that_only_a_secret_makes_too_large_is_kept_without_it() -> None:
    sent = logs([{}, {}, {"client_secret": LARGE, "a": "b"}], 0, "said")
    export = exports.read("logs", sent.SerializeToString(), json=False)
    (record,) = ResourceLogs.FromString(export.parts[0].payload).scope_logs[0].log_records
    assert ([pair.key for pair in record.attributes], record.dropped_attributes_count) == (["a"], 1)
    assert (export.rejected, export.dropped) == (0, 1)


def test_too_large_spans_of_countless_fields_are_rejected_without_looking_at_all_of_them() -> None:
    sent = TracesData()
    scope = sent.resource_spans.add().scope_spans.add()
    for number in range(5):
        span = scope.spans.add(
            trace_id=b"t" * 16, span_id=bytes([number + 1] * 8), start_time_unix_nano=1, end_time_unix_nano=2
        )
        for _ in range(60_000):
            span.attributes.add(key="k").value.string_value = "v"
        span.attributes.extend(pairs({"secret": LARGE}))
    export = exports.read("traces", sent.SerializeToString(), json=False)
    assert (export.rejected, export.dropped) == (5, 1), "the first of them is looked at, and is too large without it"


DATA = ("gauge", "sum", "histogram", "exponential_histogram", "summary")


def measured(drawn: list[Objects], kinds: frozenset[str] | None = None) -> MetricsData:
    """One metric of each type with a point, whose attributes, and whose exemplar's, are drawn."""
    data = MetricsData()
    resource = data.resource_metrics.add()
    owner(resource.resource, drawn[0], 1, kinds)
    scope = resource.scope_metrics.add()
    owner(scope.scope, drawn[1], 0, kinds)
    left = [pairs(said if kinds is None else kept(said, [], kinds)) for said in drawn[2:5]]
    for field in DATA:
        metric = scope.metrics.add(name="token", metadata=left[0])
        point = getattr(metric, field).data_points.add(time_unix_nano=5, attributes=left[1])
        if field != "summary":
            point.exemplars.add(time_unix_nano=6, filtered_attributes=left[2])
    return data


@given(st.lists(attributes, min_size=5, max_size=5))
def test_nothing_named_so_survives_in_metrics_and_everything_else_does(drawn: list[Objects]) -> None:
    export = exports.read("metrics", measured(drawn).SerializeToString(), json=False)
    (part,) = export.parts
    assert ResourceMetrics.FromString(part.payload) == measured(drawn, SENSITIVE).resource_metrics[0]
    assert export.rejected == 0


SENSITIVE = frozenset(["content", "secret", "token"])


def of_users(metric: Metric, kind: str) -> Any:
    """The metric's points, to be added to; their attributes are those of two users with a key each, and of one without."""
    data = getattr(metric, kind)
    if kind != "gauge":
        data.aggregation_temporality = 2
    for key in ("a", "b", None):
        point = data.data_points.add(start_time_unix_nano=3 if key == "a" else 2, time_unix_nano=9 if key == "b" else 8)
        point.attributes.extend(pairs({"route": "/", **({"api_key": key} if key else {"other": "x"})}))
    return data.data_points


def only_part(data: MetricsData) -> tuple[Any, exports.Export]:
    export = exports.read("metrics", data.SerializeToString(), json=False)
    (part,) = export.parts
    (metric,) = ResourceMetrics.FromString(part.payload).scope_metrics[0].metrics
    return metric, export


def test_counters_told_apart_by_a_secret_alone_are_added_up() -> None:
    data = MetricsData()
    points = of_users(data.resource_metrics.add().scope_metrics.add().metrics.add(name="requests"), "sum")
    points[0].as_int, points[1].as_int, points[2].as_double = 100, 5, 0.5
    metric, export = only_part(data)
    added, alone = metric.sum.data_points
    assert (added.as_int, added.start_time_unix_nano, added.time_unix_nano) == (105, 2, 9)
    assert ([pair.key for pair in added.attributes], alone.as_double) == (["route"], 0.5)
    assert (export.dropped, export.rejected) == (2, 0)


def test_histograms_told_apart_by_a_secret_alone_are_added_up() -> None:
    data = MetricsData()
    points = of_users(data.resource_metrics.add().scope_metrics.add().metrics.add(name="waited"), "histogram")
    for number, point in enumerate(points, start=1):
        point.explicit_bounds.extend([1.0, 2.0])
        point.bucket_counts.extend([number, 0, 1])
        point.count, point.sum, point.min, point.max = number + 1, 10.0 * number, float(number), 9.0 + number
    metric, export = only_part(data)
    added, alone = metric.histogram.data_points
    assert (list(added.bucket_counts), added.count, added.sum, added.min, added.max) == ([3, 0, 2], 5, 30.0, 1.0, 11.0)
    assert (alone.count, export.rejected) == (4, 0)


def test_of_gauges_told_apart_by_a_secret_alone_one_is_kept_and_the_sender_is_told() -> None:
    data = MetricsData()
    points = of_users(data.resource_metrics.add().scope_metrics.add().metrics.add(name="heat"), "gauge")
    for number, point in enumerate(points):
        point.as_int = number
    metric, export = only_part(data)
    assert [point.as_int for point in metric.gauge.data_points] == [0, 2]
    assert (export.rejected, "dropped for its name" in export.reason) == (1, True)


def test_histograms_of_other_bounds_are_not_mixed() -> None:
    data = MetricsData()
    points = of_users(data.resource_metrics.add().scope_metrics.add().metrics.add(name="waited"), "histogram")
    for number, point in enumerate(points):
        point.explicit_bounds.append(float(number))
        point.bucket_counts.extend([1, 1])
    _, export = only_part(data)
    assert export.rejected == 1


@pytest.mark.parametrize("between", [b"", b"\x1a\x03url", b"\x0b\x10\x01\x0c", b"\x10\x01", b"\x92\x00\x00"])
def test_spans_that_hold_none_are_kept_as_they_are_whatever_lies_between_them(between: bytes) -> None:
    plain = Span(name="plain", attributes=[KeyValue(key="http.route", value=AnyValue(string_value="/"))])
    named = Span(name="named", attributes=[KeyValue(key="db.password", value=AnyValue(string_value="s"))])
    for span in (plain, named):
        span.trace_id, span.span_id, span.start_time_unix_nano, span.end_time_unix_nano = b"t" * 16, b"s" * 8, 1, 2
    order = [plain, named, plain, plain, named, named, plain]
    scope = b"".join(framed(2, span.SerializeToString()) + between for span in order)
    body = framed(1, framed(2, scope) + between + framed(2, framed(2, plain.SerializeToString())) + framed(2, scope))
    (part,) = exports.read("traces", body, json=False).parts
    of_first, of_second, of_third = (scope.spans for scope in ResourceSpans.FromString(part.payload).scope_spans if scope.spans)
    assert [span.dropped_attributes_count for span in of_first] == [0, 1, 0, 0, 1, 1, 0]
    assert of_third == of_first
    assert list(of_second) == [plain]
    for span in of_first:
        assert span == plain or (span.name == "named" and not span.attributes)
