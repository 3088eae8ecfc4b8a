"""Of an address nothing is replaced but what lets somebody in."""

from __future__ import annotations

import pytest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, TracesData

from gateway.otlp import exports
from gateway.otlp.sensitive import Sensitive
from gateway.otlp.sensitive_names import kind_of
from gateway.otlp.url_secrets import redacted

REPLACED = {
    "https://ada:pass@host:8443/x?a=b": "https://REDACTED:REDACTED@host:8443/x?a=b",
    "postgresql://ada@db/x": "postgresql://REDACTED:REDACTED@db/x",
    "amqp://a:p@ss@mq:5672": "amqp://REDACTED:REDACTED@mq:5672",
    "http://h/x?token=t0p&page=2#access_token=z": "http://h/x?token=REDACTED&page=2#access_token=REDACTED",
    "/x?api%5Fkey=a": "/x?api%5Fkey=REDACTED",
    "Signature=a&q=1;sig=b": "Signature=REDACTED&q=1;sig=REDACTED",
    "https://s3/x?AWSAccessKeyId=A&X-Amz-Signature=B&X-Amz-Date=1": (
        "https://s3/x?AWSAccessKeyId=REDACTED&X-Amz-Signature=REDACTED&X-Amz-Date=1"
    ),
    "https://maps/api?key=AIza": "https://maps/api?key=REDACTED",
    "https://a:a b@h/?token=c d&x=1": "https://REDACTED:REDACTED@h/?token=REDACTED&x=1",
    "jdbc:postgresql://db/x?user=ada&password=p": "jdbc:postgresql://db/x?user=ada&password=REDACTED",
    "Server=db; Password=a b; Database=x": "Server=db; Password=REDACTED; Database=x",
    "Server=db;User Id=sa;Pwd=p": "Server=db;User Id=sa;Pwd=REDACTED",
    "host=db user=ada password='p' port=5": "host=db user=ada password=REDACTED port=5",
    "AccountName=n;AccountKey=a+b==;EndpointSuffix=s": "AccountName=n;AccountKey=REDACTED;EndpointSuffix=s",
    "ada:p/a@ss@tcp(db:3306)/x?timeout=1s": "REDACTED:REDACTED@tcp(db:3306)/x?timeout=1s",
    "http://h/?%74oken=t&pass%77ord=p": "http://h/?%74oken=REDACTED&pass%77ord=REDACTED",
    f"postgres://ada:{'t' * 3_000}@db/x": "postgres://REDACTED:REDACTED@db/x",
}
KEPT = (
    *("https://host/x?page=2&token=", "http://h/@ada/token=x", "/users/ada@example.org?monkey=1", "http://h:80/a?b=http://c/d"),
    *("", "?", "=", "https://host/keys?keyword=x", "mailto:ada@example.org"),
)


def is_secret(name: str) -> bool:
    return kind_of(name) in ("secret", "token")


@pytest.mark.parametrize(("address", "left"), REPLACED.items())
def test_what_lets_somebody_in_is_replaced(address: str, left: str) -> None:
    assert redacted(address, is_secret) == left
    pair = KeyValue(key="url.full")
    pair.value.string_value = address
    assert Sensitive().may_be_in(pair.SerializeToString(), KeyValue)


@pytest.mark.parametrize("address", KEPT)
def test_everything_else_stays(address: str) -> None:
    assert redacted(address, is_secret) == address


def sent(name: str, address: str) -> TracesData:
    data = TracesData()
    span = data.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    span.start_time_unix_nano, span.end_time_unix_nano = 1, 2
    span.attributes.add(key=name).value.string_value = address
    span.events.add(name="e").attributes.add(key=name).value.array_value.values.add().string_value = address
    return data


@pytest.mark.parametrize("name", ["url.full", "http.url", "HTTP.Target", "server.uri", "db.connection_string", "callback_url"])
def test_addresses_are_known_by_the_name_of_the_attribute(name: str) -> None:
    (part,) = exports.read("traces", sent(name, "https://a:b@h/?sig=c").SerializeToString(), json=False).parts
    (span,) = ResourceSpans.FromString(part.payload).scope_spans[0].spans
    wanted = "https://REDACTED:REDACTED@h/?sig=REDACTED"
    assert span.attributes[0].value.string_value == wanted
    assert span.events[0].attributes[0].value.array_value.values[0].string_value == wanted
    assert span.dropped_attributes_count == 0


@pytest.mark.parametrize("address", [b"https://a:b@h/?sig=c", b"https://h/\xff?token=\xff\xfe"])
def test_addresses_may_be_bytes_of_any_kind(address: bytes) -> None:
    data = sent("url.full", "")
    data.resource_spans[0].scope_spans[0].spans[0].attributes[0].value.bytes_value = address
    (part,) = exports.read("traces", data.SerializeToString(), json=False).parts
    left = ResourceSpans.FromString(part.payload).scope_spans[0].spans[0].attributes[0].value.bytes_value
    assert left in (b"https://REDACTED:REDACTED@h/?sig=REDACTED", b"https://h/\xff?token=REDACTED")


def test_addresses_of_a_tenant_whose_secrets_are_kept_stay() -> None:
    body = sent("url.full", "https://a:b@h/?sig=c").SerializeToString()
    (part,) = exports.read("traces", body, json=False, sensitive=Sensitive(secrets=False)).parts
    assert b"https://a:b@h/?sig=c" in part.payload
