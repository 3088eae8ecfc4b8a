"""What becomes of an OTLP export request, whichever transport brought it: the same keys, limits, messages and answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from drishti.bus.keys import Principal
from drishti.errors import BusRefused, BusUnavailable, InvalidPayload
from gateway.access.keys import authenticate
from gateway.asgi import Headers
from gateway.errors import Refused
from gateway.forwarding.forwarder import FORWARDED
from gateway.ingest.admission import NO_ANSWER, Admission, publish_all, unpublishable
from gateway.ingest.bodies import Held
from gateway.otlp import exports, own_spans

log = logging.getLogger(__name__)

_FORWARDED = FORWARDED.encode()


class OtlpIntake:
    """Export requests of one signal. A request calls :meth:`authenticate`, :meth:`enter`, :meth:`store` and :meth:`leave`."""

    def __init__(self, admission: Admission, signal: exports.Signal) -> None:
        self.signal = signal
        self.sizes = admission.otlp_sizes
        self.inflater = admission.inflater
        self._admission = admission
        publisher = admission.publisher
        publish = {"traces": publisher.spans, "metrics": publisher.metrics, "logs": publisher.logs}
        self._publish: Callable[[str, str, bytes], Coroutine[Any, Any, None]] = publish[signal]

    def authenticate(self, headers: Headers) -> Principal:
        """The owner of the key among ``headers``; raises :class:`Refused` (401, 403, 503)."""
        return authenticate(self._admission.ring, headers, "producer")

    def enter(self) -> Held:
        """Begins a request that may hold bytes until :meth:`leave`; raises :class:`Refused` (429, 503)."""
        self._admission.require_room()
        self._admission.otlp_budget.enter()
        return Held(self._admission.otlp_budget)

    def leave(self, held: Held) -> None:
        self._admission.otlp_budget.leave(held.count)

    async def store(self, sender: Principal, body: bytes, held: Held, headers: Headers, *, json: bool) -> exports.Export:
        """Stores what ``body``, inflated, holds, and returns when JetStream has all of it; raises :class:`Refused`.

        Spans of Drishti's own services are of the tenants that they name. Then all is forwarded, what is too old to be
        stored here among it, but for what a gateway has forwarded already, as ``headers`` say.
        """
        tenant = sender.tenant
        try:
            export = await self._admission.read_export(tenant, self.signal, body, json=json)
            held.at_least(sum(len(part.payload) for part in (*export.parts, *export.elsewhere)))
            if self.signal == "traces" and sender.may("service"):
                parts = [of for part in export.parts for of in own_spans.by_tenant(part, tenant)]
            else:
                parts = [(tenant, part) for part in export.parts]
            await publish_all(len(parts), (self._publish(of, part.service, part.payload) for of, part in parts))
        except InvalidPayload as error:
            raise Refused(400, str(error)) from None
        except BusRefused as error:
            raise unpublishable(error, tenant) from None
        except BusUnavailable as error:
            log.warning(f"{self.signal} are not stored", extra={"tenant": tenant, "reason": str(error)})
            raise NO_ANSWER from error
        if _FORWARDED not in headers:
            for of, part in (*parts, *((tenant, part) for part in export.elsewhere)):
                self._admission.forwarder.add(self.signal, of, (part,))
        if export.reason:
            log.info(
                "otlp data rejected or warned of", extra={"tenant": tenant, "count": export.rejected, "reason": export.reason}
            )
        return export
