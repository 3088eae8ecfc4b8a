"""The OpenAPI 3.1 description of the HTTP API, from the contract types and the settings' defaults. Pure."""

from __future__ import annotations

from functools import cache
from typing import Any

import drishti
from gateway.openapi import data, erasures, explorer, exports, keys, metrics, pages, questions, sources
from gateway.openapi.operations import without_key
from gateway.openapi.schemas import components

_READY = {"200": {"description": "All answer."}, "503": {"description": "Names those that do not."}}


@cache
def document() -> dict[str, Any]:
    """The whole document, as JSON-ready objects."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Drishti",
            "version": drishti.__version__,
            "description": "Events, traces and metrics in; questions and live dashboards out.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"bearer": []}, {"apiKey": []}],
        "paths": {
            "/api/events": {"post": data.send_events()},
            "/v1/traces": {"post": data.export_otlp("traces", "ExportTraceServiceRequest")},
            "/v1/metrics": {"post": data.export_otlp("metrics", "ExportMetricsServiceRequest")},
            "/v1/logs": {"post": data.export_otlp("logs", "ExportLogsServiceRequest")},
            "/api/analytics/query": {"get": questions.ask_one(), "post": questions.ask_several()},
            "/api/analytics/metrics": {"get": metrics.list_metrics()},
            "/api/analytics/metrics/{name}": metrics.one_metric(),
            "/api/analytics/check": {"post": metrics.check_definition()},
            "/api/analytics/packs": {"get": metrics.list_packs()},
            "/api/analytics/packs/{name}": {"put": metrics.switch_pack()},
            "/api/dashboard/analytics/metrics": {"get": pages.for_pages(metrics.list_metrics())},
            "/api/dashboard/analytics/metrics/{name}": {
                verb: pages.for_pages(one) for verb, one in metrics.one_metric().items()
            },
            "/api/dashboard/analytics/check": {"post": pages.for_pages(metrics.check_definition())},
            "/api/dashboard/analytics/query": {
                "get": pages.for_pages(questions.ask_one()),
                "post": pages.for_pages(questions.ask_several()),
            },
            "/api/dashboard/analytics/session": pages.session(),
            "/api/analytics/setup/gateway": {"get": keys.gateway_setup()},
            "/api/dashboard/analytics/setup/gateway": {"get": pages.for_pages(keys.gateway_setup())},
            "/api/keys": keys.all_keys(),
            "/api/keys/{id}": keys.one_key(),
            "/api/dashboard/analytics/keys": {verb: pages.for_pages(one) for verb, one in keys.all_keys().items()},
            "/api/dashboard/analytics/keys/{id}": {verb: pages.for_pages(one) for verb, one in keys.one_key().items()},
            **erasures.operations(),
            **exports.operations(),
            "/api/dashboard/{path}": {"get": pages.dashboard()},
            **explorer.operations(),
            **sources.operations(),
            "/healthz": {"get": without_key("The process turns.")},
            "/readyz": {"get": {**without_key("Every dependency answers, and what is accepted is read."), "responses": _READY}},
            "/readyz/accept": {"get": {**without_key("Data can be accepted, for load balancers."), "responses": _READY}},
            "/openapi.json": {"get": without_key("This document.")},
            "/api/openapi.json": {"get": without_key("This document.")},
            "/": {"get": {"summary": "To the first page", "security": [], "responses": {"307": {"description": "there"}}}},
        },
        "components": {
            "schemas": components(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "an API key"},
                "basic": {"type": "http", "scheme": "basic", "description": "an API key as the user name, without password"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }
