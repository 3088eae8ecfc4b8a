"""Spans out of what Jaeger's page saves as JSON, and the edges in it, counted apart from our own code."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analytics.spans.span import Resource, Scope, Span, SpanKind, Status

_KINDS = {kind.name.lower(): kind for kind in SpanKind}


def read(path: Path) -> list[Span]:
    """Every span of the file."""
    return [_span(said, trace) for trace in _traces(path) for said in trace["spans"]]


def count_edges(path: Path) -> Counter[tuple[str, str]]:
    """Caller and callee of each span whose parent is of another service, as Jaeger counts its dependencies."""
    edges: Counter[tuple[str, str]] = Counter()
    for trace in _traces(path):
        services = {said["spanID"]: trace["processes"][said["processID"]]["serviceName"] for said in trace["spans"]}
        for said in trace["spans"]:
            for reference in said["references"]:
                caller, callee = services.get(reference["spanID"]), services[said["spanID"]]
                if caller is not None and caller != callee:
                    edges[caller, callee] += 1
    return edges


def _traces(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt") as file:
        yield from json.load(file)["data"]


def _span(said: dict[str, Any], trace: dict[str, Any]) -> Span:
    process = trace["processes"][said["processID"]]
    attributes = {tag["key"]: tag["value"] for tag in said["tags"]}
    parents = [reference["spanID"] for reference in said["references"] if reference["refType"] == "CHILD_OF"]
    name = process["serviceName"]
    return Span(
        trace_id=bytes.fromhex(said["traceID"].rjust(32, "0")),
        span_id=bytes.fromhex(said["spanID"].rjust(16, "0")),
        parent_id=bytes.fromhex(parents[0].rjust(16, "0")) if parents else None,
        resource=Resource(hash(name), name, name, {tag["key"]: tag["value"] for tag in process["tags"]}),
        name=said["operationName"],
        operation=said["operationName"],
        kind=_KINDS.get(str(attributes.get("span.kind")), SpanKind.UNSPECIFIED),
        start_ns=said["startTime"] * 1000,
        duration_ns=said["duration"] * 1000,
        status=Status.ERROR if attributes.get("error") in (True, "true") else Status.UNSET,
        attributes=attributes,
        scope=Scope("jaeger"),
    )
