"""``/api/analytics/query``: typed questions to analytics, and their answers.

``GET`` asks one question and answers it alone; ``POST`` asks up to 16 over one range of time. A question that needs nothing
but one aggregate of one metric goes as it always did.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from drishti.errors import QueryError
from drishti.events import AnswerSet, QuestionSet, encode
from gateway.access.admission import Admit
from gateway.access.visitors import Visitor
from gateway.answers import refusal_content, refusal_headers
from gateway.asking import ask
from gateway.errors import Refused
from gateway.json_bodies import sent_json
from gateway.link import Link
from gateway.questions import parsing, query
from gateway.questions.answers import SingleAnswer

BODY_BYTES = 256 * 1024
"""The largest set of questions: sixteen long expressions with a hundred filter values each have less."""

_answers = msgspec.json.Decoder(AnswerSet)


class Questions:
    """The handler of this path. ``admit`` says for whom a request asks."""

    def __init__(self, link: Link, admit: Admit, timeout_s: float) -> None:
        self._link = link
        self._admit = admit
        self._timeout_s = timeout_s

    async def answer(self, request: Request) -> Response:
        """What analytics answers, or why it does not."""
        try:
            visitor = self._admit(request)
            answer = await (self._posted(request, visitor) if request.method == "POST" else self._got(visitor))
            return Response(answer, media_type="application/json", headers={"cache-control": "no-store"})
        except Refused as refused:
            headers = {name.decode(): value.decode() for name, value in refusal_headers(refused)}
            return JSONResponse(refusal_content(refused), refused.status, headers)

    async def _got(self, visitor: Visitor) -> bytes:
        tenant = visitor.tenant
        parameters = QueryParams(visitor.query).multi_items()
        now = datetime.now(UTC)
        if parsing.is_plain(parameters):
            try:
                question = query.parse(parameters, tenant=tenant, now_ms=int(now.timestamp() * 1000))
            except QueryError as error:
                raise Refused(400, str(error), field=error.field) from None
            return await ask(self._link, "metrics", question, self._timeout_s)
        try:
            asked = parsing.of_parameters(parameters, tenant=tenant, now=now)
        except QueryError as error:
            raise Refused(422, str(error), field=error.field) from None
        answer = _answers.decode(await self._ask(asked, alone=True, url=True))
        return encode(SingleAnswer.of(answer))

    async def _posted(self, request: Request, visitor: Visitor) -> bytes:
        document = await sent_json(request, BODY_BYTES)
        try:
            asked = parsing.of_document(document, tenant=visitor.tenant, now=datetime.now(UTC))
        except QueryError as error:
            raise Refused(422, str(error), field=error.field) from None
        return await self._ask(asked, alone=isinstance(document, Mapping) and "questions" not in document, url=False)

    async def _ask(self, asked: QuestionSet, *, alone: bool, url: bool) -> bytes:
        try:
            return await ask(self._link, "query", asked, self._timeout_s)
        except Refused as refused:
            refused.field = parsing.own_field(refused.field, asked, alone=alone, url=url)
            raise
