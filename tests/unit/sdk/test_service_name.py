"""Where the name of an application comes from, and that all which the SDK sends names it alike."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from drishti.analytics import Analytics
from drishti.asgi import DrishtiMiddleware
from drishti.events import AnalyticsEvent
from drishti.messages import subjects
from drishti.sdk.event_encoding import EventEncoder
from drishti.telemetry import setup
from rigs.asgi import Sink, call, empty_answer

NAMED = "OTEL_SERVICE_NAME"
RESOURCE = "OTEL_RESOURCE_ATTRIBUTES"


@pytest.mark.parametrize(
    ("environ", "argument", "name"),
    [
        ({}, None, ""),
        ({}, "argument", "argument"),
        ({NAMED: "Checkout Service.v2"}, "argument", "Checkout Service.v2"),
        ({NAMED: "named", RESOURCE: "service.name=resource"}, None, "named"),
        ({NAMED: " ", RESOURCE: "service.name=resource"}, "argument", "resource"),
        ({RESOURCE: "service.namespace=shop, service.name = Caf%C3%A9%20One ,service.instance.id=7"}, "argument", "Café One"),
        ({RESOURCE: "service.name"}, "argument", "argument"),
        ({RESOURCE: "deployment.environment=prod"}, "argument", "argument"),
    ],
)
def test_the_environment_names_the_application_before_its_code_does(
    environ: dict[str, str], argument: str | None, name: str
) -> None:
    assert setup.service_name(argument, environ) == name


@pytest.mark.parametrize("environ", [{NAMED: "Checkout Service.v2"}, {RESOURCE: "service.name=Checkout%20Service.v2"}])
def test_requests_events_and_metrics_name_it_alike(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    for variable in (NAMED, RESOURCE):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    sink = Sink()
    asyncio.run(call(DrishtiMiddleware(empty_answer, sink=sink), "/"))
    client = Analytics(nats_url="nats://nowhere.invalid")
    client._open()
    resource = setup._resource("unknown", "")
    assert (sink.only.service, client._service) == ("checkout-service-v2", "checkout-service-v2")
    assert (sink.only.service_name, client._service_name) == ("Checkout Service.v2", "Checkout Service.v2")
    assert resource.attributes["service.name"] == "Checkout Service.v2", "the name as it was given"
    client.close_blocking()


def test_a_provider_that_the_application_set_up_names_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = TracerProvider(resource=Resource({"service.name": "Own Name"}))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    assert setup.name_of_provider() == "Own Name"
    unnamed = TracerProvider(resource=Resource({"service.name": "unknown_service:python"}))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: unnamed)
    assert setup.name_of_provider() == ""


def test_the_given_name_goes_along_where_it_is_another_text_than_the_token() -> None:
    encoder = EventEncoder(AnalyticsEvent)
    event = AnalyticsEvent(event_id="1", event_type="named")
    for service, name in (("Checkout Service.v2", "Checkout Service.v2"), ("checkout", None), ("x" * 300, None)):
        result = encoder.encode(structs.replace(event, service=service))
        assert (result.event.service, result.event.service_name) == (subjects.token(service), name)
        assert (b"service_name" in result.body) == (name is not None)
    strange = encoder.encode(structs.replace(event, service="a", service_name="A\u202e" + "\0" + "x" * 300))
    assert (strange.event.service, strange.event.service_name) == ("a", None)


def test_a_service_of_drishti_says_its_namespace_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAMED, raising=False)
    monkeypatch.setenv(RESOURCE, "service.namespace=shop")
    assert setup._resource("gateway", "drishti").attributes["service.namespace"] == "drishti"
    assert setup._resource("checkout", "").attributes["service.namespace"] == "shop"
