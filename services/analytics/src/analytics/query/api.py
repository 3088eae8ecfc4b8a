"""The request/reply API of analytics: typed request handlers, served by FastStream on the service's own NATS connection.

A question is declared in :mod:`drishti.messages.catalogue` with its subject and its models, from which the one AsyncAPI
document is generated; :func:`question` takes both from there. FastStream's own generator is not used: it knows no msgspec
models. All replicas share the questions through a queue group.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar, get_type_hints

import msgspec
from fast_depends.msgspec import MsgSpecSerializer
from faststream.nats import NatsBroker, NatsRouter
from faststream.nats.message import NatsMessage
from nats.aio.client import Client

from analytics.overflow import Overflows
from analytics.query.answers import MetricAnswers
from analytics.query.catalogue_answers import CatalogueAnswers
from analytics.query.question_answers import QuestionAnswers
from analytics.query.replies import reply_middleware
from analytics.query.sessions import QUESTION_S
from drishti.events import AnswerSet, CatalogueAnswer, CatalogueQuery, Query, QueryAnswer, QuestionSet
from drishti.messages.catalogue import ANALYTICS
from drishti.messages.queries import QUERIES

WAITING_QUESTIONS = 200
"""More that wait are dropped, which the client logs: their askers have given up before their turn would come."""

H = TypeVar("H", bound=Callable[..., Awaitable[Any]])
Asked = TypeVar("Asked", contravariant=True)
Answered = TypeVar("Answered", covariant=True)


class ExplorerAnswers(Protocol[Asked, Answered]):
    """What answers one question of the explorer."""

    async def answer(self, asked: Asked, /) -> Answered: ...


class SharedConnectionBroker(NatsBroker):
    """A broker on a connection that its owner opens and closes.

    FastStream opens its connection in ``_connect`` and drains it in ``stop``, and offers no other way to give it one; a test
    holds that nothing else connects and that the connection outlives the broker.
    """

    def __init__(self, connection: Client, **options: Any) -> None:
        super().__init__(**options)
        self._shared = connection

    async def _connect(self) -> Client:
        self.config.connect(self._shared)
        return self._shared

    async def stop(self, *error: Any) -> None:
        """Lets what is being answered finish; the connection stays open."""
        self._connection = None
        await super().stop(*error)


def api(
    answers: MetricAnswers,
    questions: QuestionAnswers,
    catalogue: CatalogueAnswers,
    explorer: Mapping[str, ExplorerAnswers[Any, Any]],
    overflows: Overflows,
) -> NatsRouter:
    """All questions that analytics answers; ``explorer``: those of traces and the like, by the name of the question."""
    router = NatsRouter(middlewares=[reply_middleware(overflows)])

    @question(router, "metrics")
    async def metrics(asked: Query) -> QueryAnswer:
        return await answers.answer(asked)

    @question(router, "query")
    async def query(asked: QuestionSet) -> AnswerSet:
        return await questions.answer(asked)

    @question(router, "catalogue")
    async def catalogue_of_metrics(asked: CatalogueQuery) -> CatalogueAnswer:
        return await catalogue.answer(asked)

    for name, explorer_answers in explorer.items():
        question(router, name)(explorer_answers.answer)
    return router


def question(router: NatsRouter, name: str) -> Callable[[H], H]:
    """Registers a request handler for the question ``name`` of the catalogue; raises :class:`TypeError` where the types of the
    handler are not those that the catalogue has, or where it takes its question by position alone."""
    declared = next(query for query in QUERIES if query.name == name)
    decoder = msgspec.json.Decoder(declared.model)

    async def decode(message: NatsMessage) -> Any:
        return decoder.decode(message.body)

    def register(handler: H) -> H:
        hints = get_type_hints(handler)
        (parameter,) = inspect.signature(handler).parameters.values()
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:  # FastStream gives it by name
            raise TypeError(f"the request handler of {declared.subject} must take its question by name")
        if (hints[parameter.name], hints["return"]) != (declared.model, declared.answer):
            expected = f"{declared.model.__name__} -> {declared.answer.__name__}"
            raise TypeError(f"the request handler of {declared.subject} must be {expected}, as the catalogue says")
        router.subscriber(
            declared.subject,
            queue=ANALYTICS,
            decoder=decode,
            max_workers=WAITING_QUESTIONS,
            pending_msgs_limit=WAITING_QUESTIONS,
            description=declared.description,
        )(handler)
        return handler

    return register


def broker(connection: Client, router: NatsRouter) -> NatsBroker:
    """The broker that answers the questions of ``router`` on ``connection``: ``start`` once that is open, ``stop`` before it is
    closed."""
    quiet = logging.getLogger(f"{__name__}.faststream")
    quiet.setLevel(logging.WARNING)  # a line for each question is noise
    return SharedConnectionBroker(
        connection,
        graceful_timeout=QUESTION_S,
        serializer=MsgSpecSerializer(),
        logger=quiet,
        routers=[router],
    )
