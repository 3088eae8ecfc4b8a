"""The names of services for people, as answers carry them beside the tokens."""

from __future__ import annotations

from collections.abc import Iterable

from analytics.storage.database import Session
from drishti.messages.field_types import ServiceNames


async def names_of(session: Session, tenant: str, services: Iterable[str]) -> ServiceNames:
    """The names that ``services`` were given, where they have others than their tokens; empty tokens are passed over."""
    wanted = sorted({service for service in services if service})
    records = await session.fetch("service_names", tenant, wanted) if wanted else ()
    return {record["service"]: record["name"] for record in records}
