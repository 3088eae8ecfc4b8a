"""What the application keeps: sayings, answers and what people thought of them. SQLAlchemy on SQLite."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, String, delete, event, func, select, text
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
    model: Mapped[str | None] = mapped_column(String(32), default=None)
    prompt_version: Mapped[str | None] = mapped_column(String(16), default=None)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)


class Feedback(Base):
    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(primary_key=True)
    answer_id: Mapped[int] = mapped_column(ForeignKey(Answer.id, ondelete="CASCADE"), index=True)
    satisfaction: Mapped[float]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)


class Told(Base):
    """Until when Drishti was told of people with habits; one row."""

    __tablename__ = "told"

    id: Mapped[int] = mapped_column(primary_key=True)
    until_ms: Mapped[int]


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
            known = {row[1] for row in await connection.execute(text("PRAGMA table_info(answers)"))}
            for column in {"model", "prompt_version"} - known:  # a database of an earlier version
                await connection.execute(text(f"ALTER TABLE answers ADD COLUMN {column} VARCHAR"))
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

    async def save_feedback(self, answer_id: int, satisfaction: float) -> Answer | None:
        """The answer that it is about; ``None``: there is none, and nothing is saved."""
        async with self._session.begin() as session:
            if (answer := await session.get(Answer, answer_id)) is not None:
                session.add(Feedback(answer_id=answer_id, satisfaction=satisfaction))
        return answer

    async def told_until(self) -> datetime | None:
        """Until when Drishti was told of people with habits."""
        async with self._session() as session:
            told = await session.get(Told, 1)
        return None if told is None else datetime.fromtimestamp(told.until_ms / 1000, UTC)

    async def save_told(self, until: datetime) -> None:
        async with self._session.begin() as session:
            await session.merge(Told(id=1, until_ms=int(until.timestamp() * 1000)))

    async def _prune(self, before: int) -> None:
        async with self._session.begin() as session:
            await session.execute(delete(Answer).where(Answer.id <= before))


def _configure(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
