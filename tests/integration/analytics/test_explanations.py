"""An anomaly that opens is explained by itself: by one replica, once, and only where something was found."""

from __future__ import annotations

import time
import uuid
from contextlib import AsyncExitStack
from typing import Any

import pytest

from analytics.query.traces import explanations
from analytics.traces import minute_job
from drishti.events import AnomalyInsight, RecommendationInsight, encode
from drishti.messages import subjects
from drishti.messages.root_causes import CauseEvidence, CauseSuspect, RootCauseAnswer
from drishti.messages.span_errors import SharedAnswer, SharedFinding, SharedProperty
from rigs import otlp_spans as making
from rigs.analytics import Rig
from rigs.waiting import wait_until

MS = making.MS
MINUTE_MS = 60_000
EACH = 60
"""Traces of a minute."""


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explanations, "EVERY_S", 0.1)
    monkeypatch.setattr(explanations, "DELAY_MS", -explanations.WINDOW_MS)
    for name, seconds in (("EVERY_S", 0.1), ("QUIET_S", 0.0), ("UNCHANGED_S", 0.2)):
        monkeypatch.setattr(minute_job, name, seconds)


def messages(minutes: int, trouble: int, until_ms: int, service: str = "shop") -> list[Any]:
    """Web asks shop, every second of some minutes; in the last ``trouble`` of them shop is slow, and fails for one customer.
    What both send to Drishti makes spans of its services in the same traces, which are slower still and fail more."""
    web, shop, own = [], [], []
    for place, (trace, root) in enumerate(making.random_ids(3, minutes * EACH)):
        minute = place // EACH
        bad = minute >= minutes - trouble
        at = (until_ms - (minutes - minute) * MINUTE_MS) * MS + place % EACH * 900 * MS
        ms = (400 if bad else 10) + place % 5
        customer = f"c{place % 4}"
        error = "TimeoutError" if bad and customer == "c1" else None
        web.append(
            making.span(
                trace, root, "GET /tea", start_ns=at, duration_ms=ms + 10, error=error, attributes={"customer": customer}
            )
        )
        web.append(making.span(trace, b"\1" * 8, "GET", parent=root, kind="client", start_ns=at + MS, duration_ms=ms + 5))
        shop.append(
            making.span(trace, b"\2" * 8, "GET /stock", parent=b"\1" * 8, start_ns=at + 2 * MS, duration_ms=ms, error=error)
        )
        own.append(
            making.span(
                trace, b"\3" * 8, "process EVENTS", parent=root, kind="consumer", start_ns=at + MS,
                duration_ms=ms * (9 if bad else 1), error="OperationalError" if bad and place % 2 else None,
            )
        )  # fmt: skip
    ours = making.resource_spans("gateway", own, **{"service.namespace": "drishti"})
    return [making.resource_spans("web", web), making.resource_spans(service, shop), ours]


async def opened(world: Rig, at_ms: int, insight_id: str, service: str = "web") -> None:
    insight = AnomalyInsight(
        insight_id=insight_id, tenant=world.tenant, at=at_ms, model="m", metric="requests", field="p95",
        labels={"service": service}, state="ready", phase="opened",
    )  # fmt: skip
    await world.admin.publish(subjects.insights(world.tenant, "anomaly", "requests"), encode(insight))


@pytest.mark.parametrize("service", ["shop", "gateway"])
async def test_a_trouble_is_explained_once_by_whichever_replica(world: Rig, soon: None, service: str) -> None:
    """By a service of the tenant, which may have the name of one of Drishti's: those are no suspects."""
    until_ms = int(time.time() * 1000) // MINUTE_MS * MINUTE_MS
    ids = [uuid.uuid4().hex for _ in range(2)]
    async with AsyncExitStack() as replicas:
        for _ in range(2):
            await replicas.enter_async_context(world.running())
        for message in messages(20, 2, until_ms, service):
            await world.admin.publish(
                subjects.spans(world.tenant, subjects.service_of(message.resource.attributes)), message.SerializeToString()
            )
        await world.wait_settled()
        at = (until_ms - MINUTE_MS) // explanations.WINDOW_MS * explanations.WINDOW_MS + 1_000
        await opened(world, at, uuid.uuid4().hex, "drishti--gateway")
        for insight_id in ids:
            await opened(world, at, insight_id)
        taken = "SELECT count(*) FROM explanations WHERE tenant = $1"

        async def explained() -> bool:
            return bool(await world.fetchval(taken, world.tenant))

        await wait_until(explained)
        (found,) = await world.insights("recommendation", RecommendationInsight)
    assert found.services == [service]
    assert set(found.because) <= set(ids)
    assert found.message is not None
    assert f"Look at {service} first" in found.message
    assert f"Requests reach it by web → {service}." in found.message
    assert "See for example trace" in found.message
    assert "customer" in found.message
    assert "drishti" not in found.message
    assert "EVENTS" not in found.message


def test_nothing_found_is_nothing_told() -> None:
    assert explanations.in_words(answer(clear=False), None, "slow") == ""


def test_a_suspect_is_told_with_its_evidence_path_and_rival_and_traces_to_look_at() -> None:
    shared = SharedAnswer(
        from_ms=0, to_ms=1, as_of=1, bad=20, rest=80, tried=5,
        findings=[
            SharedFinding(
                property=SharedProperty(kind="attribute", name="region", value="eu", text="region is eu"),
                text="18 have region eu, against 3 of 80 others", bad_with=18, bad=20, rest_with=3, rest=80, lift=4.0,
                p_value=0.001, traces=["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331b7ad6b7169203331", "c0"],
            )
        ],
    )  # fmt: skip
    assert explanations.in_words(answer(clear=True), shared, "failing") == (
        "Look at Shop first: own time of GET /stock 400 ms instead of 21 ms in 40 calls. Requests reach it by web → Shop. "
        "If it is not that, look at mail: mail is slow. Of the 20 failing traces: 18 have region eu, against 3 of 80 others. "
        "See for example traces 0af7651916cd43dd8448eb211c80319c, b7ad6b7169203331b7ad6b7169203331."
    )


def answer(*, clear: bool) -> RootCauseAnswer:
    def suspect(service: str, score: float, summary: str) -> CauseSuspect:
        evidence = [CauseEvidence(kind="own_time", weight=score, summary=summary)]
        return CauseSuspect(service=service, kind="own_time", score=score, path=["web", service], evidence=evidence)

    suspects = [
        suspect("shop", 60.0, "own time of GET /stock 400 ms instead of 21 ms in 40 calls"),
        suspect("mail", 40.0, "mail is slow"),
    ]
    return RootCauseAnswer(
        from_ms=0, to_ms=1, as_of=1, complete_to=1, usual_from=0, clear=clear, traces=40, usual_traces=400, sampled=1.0,
        suspects=suspects, service_names={"shop": "Shop"},
    )  # fmt: skip
