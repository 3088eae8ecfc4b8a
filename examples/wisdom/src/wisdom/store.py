"""What the application keeps: sayings, answers and what people thought of them. SQLAlchemy on SQLite."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, String, delete, event, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import StaticPool

from drishti.tracing import trace_dharma_operation
from wisdom.library import QUOTES

log = logging.getLogger(__name__)

KEPT_ANSWERS = 20_000
PRUNE_EVERY = 1_000


class Base(DeclarativeBase):
    pass


def _now() -> datetime:
    return datetime.now(UTC)


class Quote(Base):
    __tablename__ = "quotes"

    id: Mapped[int] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(String(32), index=True)
    text: Mapped[str]


class Answer(Base):
    __tablename__ = "answers"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(String(64))
    question: Mapped[str]
    text: Mapped[str]
    topic: Mapped[str] = mapped_column(String(32))
    score: Mapped[float]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)


class Feedback(Base):
    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(primary_key=True)
    answer_id: Mapped[int] = mapped_column(ForeignKey(Answer.id, ondelete="CASCADE"), index=True)
    satisfaction: Mapped[float]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)


class Store:
    """One database. :meth:`open` first, :meth:`close` last."""

    def __init__(self, url: str) -> None:
        # One connection: in memory it is the database, and SQLite writes one at a time anyway.
        self._engine = create_async_engine(url, poolclass=StaticPool)
        event.listen(self._engine.sync_engine, "connect", _configure)
        self._session = async_sessionmaker(self._engine, class_=AsyncSession, expire_on_commit=False)
        self._saved = 0

    async def open(self) -> None:
        async with self._engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with self._session.begin() as session:
            if not await session.scalar(select(func.count()).select_from(Quote)):
                session.add_all(Quote(topic=topic, text=text) for topic, text in QUOTES)

    async def close(self) -> None:
        await self._engine.dispose()

    async def quote(self, quote_id: int) -> Quote | None:
        async with self._session() as session:
            return await session.get(Quote, quote_id)

    async def quotes(self, topic: str) -> list[Quote]:
        async with self._session() as session:
            return list(await session.scalars(select(Quote).where(Quote.topic == topic).order_by(Quote.id)))

    @trace_dharma_operation("save_answer", operation_type="storage")
    async def save_answer(self, answer: Answer) -> Answer:
        async with self._session.begin() as session:
            session.add(answer)
        self._saved += 1
        if self._saved % PRUNE_EVERY == 0:
            await self._prune(answer.id - KEPT_ANSWERS)
        return answer

    async def save_feedback(self, answer_id: int, satisfaction: float) -> bool:
        """Whether there is such an answer."""
        async with self._session.begin() as session:
            if await session.get(Answer, answer_id) is None:
                return False
            session.add(Feedback(answer_id=answer_id, satisfaction=satisfaction))
        return True

    async def _prune(self, before: int) -> None:
        async with self._session.begin() as session:
            await session.execute(delete(Answer).where(Answer.id <= before))


def _configure(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
