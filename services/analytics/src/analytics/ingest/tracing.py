"""Spans of the hop from the bus into PostgreSQL. Where nothing is exported nothing is made.

A batch is one span that links its traces, where all of them are of one tenant: a span is shown to its tenant, and nobody sees
another's traces. An item whose trace is kept also gets a ``process`` span in that trace, and what is published about it goes on
from there: the item's **exemplar** is the context of that span. Of a trace that the sampler does not follow it is "".
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from opentelemetry import trace
from opentelemetry.trace import SpanKind

from analytics.ingest.deliveries import Delivery
from drishti.messages import attributes
from drishti.telemetry import spans

MAX_PROCESS_SPANS = 100
"""Process spans in one batch; a span costs as much as storing ten events. Beyond, the batch's links remain."""

_tracer = trace.get_tracer("drishti")


@contextlib.contextmanager
def storing(deliveries: Sequence[Delivery]) -> Iterator[Mapping[bytes, str]]:
    """Spans around the storing of ``deliveries``; yields the exemplars by key. Where storing fails, the spans record it."""
    if not spans.enabled():
        yield {}
        return
    traced = [(delivery.signal, item) for delivery in deliveries for item in delivery.items if item.traceparent is not None]
    if not traced:
        yield {}
        return
    exemplars: dict[bytes, str] = {}
    started = []
    for signal, item in traced[:MAX_PROCESS_SPANS]:
        span = _tracer.start_span(
            f"process {signal.stream}",
            context=spans.extract(item.traceparent),
            kind=SpanKind.CONSUMER,
            attributes={
                attributes.MESSAGING_SYSTEM: attributes.NATS,
                attributes.MESSAGING_DESTINATION: signal.stream,
                attributes.MESSAGING_OPERATION_TYPE: "process",
                attributes.TENANT: item.tenant,
            },
        )
        started.append(span)
        exemplars[item.key] = spans.traceparent_of(span) or ""
    if not any(exemplars.values()):
        yield exemplars
        return
    tenants = {item.tenant for _, item in traced}
    try:
        with spans.span(
            "store batch",
            kind=SpanKind.CONSUMER,
            links=spans.links([item.traceparent for _, item in traced]) if len(tenants) == 1 else (),
            attributes={
                attributes.MESSAGING_SYSTEM: attributes.NATS,
                attributes.MESSAGING_OPERATION_TYPE: "process",
                attributes.MESSAGING_BATCH_COUNT: sum(len(delivery.items) for delivery in deliveries),
                **({attributes.TENANT: next(iter(tenants))} if len(tenants) == 1 else {}),
            },
        ):
            yield exemplars
    except BaseException as error:
        for span in started:
            spans.record_error(span, error)
        raise
    finally:
        for span in started:
            span.end()
