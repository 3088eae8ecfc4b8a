"""``/api/analytics/metrics`` and ``/api/analytics/packs``: what a tenant measures, to read and to change.

A viewer reads and an editor changes, always the metrics of the key's own tenant. A change names the revision that it replaces
(``If-Match`` or ``?revision=``; none: the tenant has not defined it yet); where another is there, the answer is 409 with both
versions. What is wrong with a definition is said by field, and by character where one is to blame.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from drishti.bus.documents import Conflict, TooMany
from drishti.bus.keys import Role
from drishti.errors import BucketFull, BusRefused, BusUnavailable
from drishti.events import Backfill, CatalogueAnswer, CatalogueQuery, MetricSeen
from drishti.measures import definition_reading
from drishti.measures.built_in import FED, PACKS
from drishti.measures.definition_checks import Fault, InvalidDefinition
from drishti.measures.definitions import MetricDefinition, token_of
from drishti.measures.effective import TenantMetrics, with_origin
from drishti.measures.registry import MetricRegistry, PackSwitch
from gateway.access.admission import Admit
from gateway.answers import refusal_headers
from gateway.asking import ask
from gateway.errors import RETRY_AFTER_S, Refused
from gateway.json_bodies import sent_json
from gateway.link import Link
from gateway.metrics.answers import (
    DefinitionProblem,
    Metric,
    Metrics,
    Pack,
    RevisionProblem,
    UnknownMetric,
    conflicting,
    described,
    invalid,
)
from gateway.metrics.definition_parts import Checked, checked, parts_of

log = logging.getLogger(__name__)

BODY_BYTES = 64 * 1024
"""The largest definition; with every field at its limit it has less."""

_ETAG = re.compile(r'(?:W/)?"?([0-9]{1,19})"?\Z')
_catalogue = msgspec.json.Decoder(CatalogueAnswer)

Handler = Callable[[Request, str], Awaitable[Response]]


class _Seen(NamedTuple):
    """What analytics knows of metrics, by token, or why it says nothing."""

    metrics: dict[str, MetricSeen]
    backfills: dict[str, Backfill]
    problem: str


class _Problem(Exception):
    """An answer that says more than a sentence."""

    def __init__(self, status: int, content: DefinitionProblem | UnknownMetric | RevisionProblem) -> None:
        self.status = status
        self.content = content
        super().__init__(content.error)


class MetricRoutes:
    """The handlers of these paths. ``admits``: who may come in, for each role that is asked for."""

    def __init__(self, registry: MetricRegistry, link: Link, admits: Mapping[Role, Admit], timeout_s: float) -> None:
        self._registry = registry
        self._link = link
        self._admits = admits
        self._timeout_s = timeout_s

    async def all(self, request: Request) -> Response:
        """``GET /api/analytics/metrics``."""
        return await self._answered(request, {"GET": ("viewer", self._list)})

    async def one(self, request: Request) -> Response:
        """``GET``, ``PUT`` and ``DELETE /api/analytics/metrics/{name}``."""
        handlers: dict[str, tuple[Role, Handler]] = {
            "GET": ("viewer", self._get),
            "PUT": ("editor", self._put),
            "DELETE": ("editor", self._delete),
        }
        return await self._answered(request, handlers)

    async def check(self, request: Request) -> Response:
        """``POST /api/analytics/check``."""
        return await self._answered(request, {"POST": ("editor", self._check)})

    async def packs(self, request: Request) -> Response:
        """``GET /api/analytics/packs``."""
        return await self._answered(request, {"GET": ("viewer", self._list_packs)})

    async def pack(self, request: Request) -> Response:
        """``PUT /api/analytics/packs/{name}``."""
        return await self._answered(request, {"PUT": ("editor", self._put_pack)})

    async def _answered(self, request: Request, handlers: dict[str, tuple[Role, Handler]]) -> Response:
        role, handler = handlers["GET" if request.method == "HEAD" else request.method]
        try:
            try:
                visitor = self._admits[role](request)
                if not self._registry.loaded.is_set():
                    raise Refused(503, "the definitions of metrics are not read yet", retry_after_s=RETRY_AFTER_S)
                return await handler(request, visitor.tenant)
            except (BusUnavailable, BusRefused) as error:
                raise Refused(503, str(error), retry_after_s=RETRY_AFTER_S) from None
            except (TooMany, BucketFull) as error:
                raise Refused(507 if isinstance(error, BucketFull) else 422, str(error)) from None
        except Refused as refused:
            content = {"error": refused.message, **({"field": refused.field} if refused.field else {})}
            headers = {name.decode(): value.decode() for name, value in refusal_headers(refused)}
            return JSONResponse(content, refused.status, headers)
        except InvalidDefinition as error:
            return _answer(invalid(error.faults), 422)
        except _Problem as problem:
            return _answer(problem.content, problem.status)

    async def _list(self, _request: Request, tenant: str) -> Response:
        seen = await self._seen(tenant)
        metrics = [
            self._metric(tenant, metric, seen)
            for token, metric in sorted(self._registry.of(tenant).items(), key=lambda item: item[1].name)
        ]
        return _answer(Metrics(metrics=metrics, packs=self._packs(tenant), problem=seen.problem))

    async def _get(self, request: Request, tenant: str) -> Response:
        metric = self._found(tenant, request)
        return self._one(tenant, metric, await self._seen(tenant, [metric.token]))

    async def _put(self, request: Request, tenant: str) -> Response:
        name = request.path_params["name"]
        document = await _body(request)
        expected = document.pop("revision", None)
        if document.setdefault("name", name) != name:
            raise InvalidDefinition([Fault("name", f"is {name!r} in the path, and something else in the body")])
        base = FED.get(token_of(name))
        definition = definition_reading.given(document, base)
        expected = _revision(request, expected, there=self._registry.revision(tenant, definition.token))
        try:
            await self._registry.put(tenant, definition, expected)
        except Conflict as conflict:
            raise _conflict(conflict, definition) from None
        stored = self._registry.get(tenant, definition.token) or definition
        return self._one(tenant, stored, None, 200 if expected or base is not None else 201)

    async def _check(self, request: Request, tenant: str) -> Response:
        """What :meth:`_put` would say of the definition in the body; nothing is stored."""
        document = await _body(request)
        document.pop("revision", None)
        name = document.get("name")
        base = FED.get(token_of(name)) if isinstance(name, str) else None
        definition, faults = definition_reading.read(document, base)
        if definition is None:
            return _answer(Checked(faults=faults))
        known = {(fault.field, fault.error) for fault in faults}
        beside = self._registry.faults(tenant, with_origin(definition))
        faults += [fault for fault in beside if (fault.field, fault.error) not in known]
        return _answer(checked(definition, faults, self._registry.view(tenant)))

    async def _delete(self, request: Request, tenant: str) -> Response:
        metric = self._found(tenant, request)
        there = self._registry.revision(tenant, metric.token)
        if not there:
            error = f"{metric.name} is {metric.origin} and was not changed: to stop counting it, PUT `enabled: false`"
            raise Refused(422, error, field="name")
        try:
            await self._registry.delete(tenant, metric.token, _revision(request, None, there=there))
        except Conflict as conflict:
            raise _conflict(conflict, None) from None
        return Response(status_code=204)

    async def _list_packs(self, _request: Request, tenant: str) -> Response:
        return _answer(self._packs(tenant))

    async def _put_pack(self, request: Request, tenant: str) -> Response:
        name = request.path_params["name"]
        if name not in PACKS:
            raise Refused(404, f"there is no pack of that name; there are {', '.join(sorted(PACKS))}", field="name")
        document = await _body(request)
        expected = document.pop("revision", None)
        enabled = document.pop("enabled", None)
        if document or not isinstance(enabled, bool):
            raise Refused(422, 'the body must be {"enabled": true} or {"enabled": false}', field="enabled")
        there = self._registry.pack_revision(tenant, name)
        named = expected is not None or _named_revision(request)
        try:
            await self._registry.put_pack(
                tenant, name, enabled=enabled, expected_revision=_revision(request, expected, there=there) if named else None
            )
        except Conflict as conflict:
            raise _conflict(conflict, PackSwitch(enabled)) from None
        return _answer(next(pack for pack in self._packs(tenant) if pack.name == name))

    def _found(self, tenant: str, request: Request) -> MetricDefinition:
        name = request.path_params["name"]
        view: TenantMetrics = self._registry.view(tenant)
        metric = view.find(name)
        if metric is None:
            nearest = view.nearest(name)
            shown = repr(name if len(name) <= 64 else name[:63] + "…")
            error = f"there is no metric {shown}" + (f"; is it {' or '.join(nearest)}?" if nearest else "")
            raise _Problem(404, UnknownMetric(error=error, field="name", nearest=nearest))
        return metric

    async def _seen(self, tenant: str, tokens: list[str] | None = None) -> _Seen:
        """What analytics knows of the metrics, or why it says nothing: definitions can be read without it."""
        try:
            answer = await ask(self._link, "catalogue", CatalogueQuery(tenant=tenant, metrics=tokens or []), self._timeout_s)
        except Refused as refused:
            return _Seen({}, {}, refused.message)
        known = _catalogue.decode(answer)
        return _Seen({one.metric: one for one in known.metrics}, {one.metric: one for one in known.backfills}, "")

    def _one(self, tenant: str, metric: MetricDefinition, seen: _Seen | None, status: int = 200) -> Response:
        revision = self._registry.revision(tenant, metric.token)
        content = self._metric(tenant, metric, seen)
        content.made_of = parts_of(metric, self._registry.view(tenant))
        return _answer(content, status, etag=revision)

    def _metric(self, tenant: str, metric: MetricDefinition, seen: _Seen | None) -> Metric:
        revision = self._registry.revision(tenant, metric.token)
        if seen is None:
            return described(metric, revision, None)
        return described(metric, revision, seen.metrics.get(metric.token), seen.backfills.get(metric.token))

    def _packs(self, tenant: str) -> list[Pack]:
        on = self._registry.view(tenant).packs
        return [
            Pack(
                name=name,
                enabled=name in on,
                revision=self._registry.pack_revision(tenant, name),
                metrics=[metric.name for metric in metrics],
            )
            for name, metrics in sorted(PACKS.items())
        ]


def _answer(content: object, status: int = 200, *, etag: int | None = None) -> Response:
    headers = {"cache-control": "no-store"} | ({} if etag is None else {"etag": f'"{etag}"'})
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")


def _conflict(conflict: Conflict, yours: MetricDefinition | PackSwitch | None) -> _Problem:
    return _Problem(409, conflicting(str(conflict), conflict.revision, yours, conflict.current))


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object that was sent; raises :class:`Refused`."""
    document = await sent_json(request, BODY_BYTES)
    if not isinstance(document, dict):
        raise Refused(422, "the body must be a JSON object: a definition")
    return document


def _named_revision(request: Request) -> bool:
    return "if-match" in request.headers or "revision" in request.query_params


def _revision(request: Request, given: object, *, there: int) -> int:
    """The revision that a change is to replace; 0 where none is named. ``If-Match: *`` is whatever is ``there``."""
    named: object = given
    field = "revision"
    if "revision" in request.query_params:
        named = request.query_params["revision"]
    if "if-match" in request.headers:
        named, field = request.headers["if-match"].strip(), "if-match"
        if named == "*":
            return there
    if named is None:
        return 0
    if isinstance(named, int) and not isinstance(named, bool) and 0 <= named < 1 << 63:
        return named
    if isinstance(named, str) and (match := _ETAG.match(named)):
        return int(match[1])
    raise Refused(400, "must be the revision that the change replaces: a number, as GET gives it", field=field)
