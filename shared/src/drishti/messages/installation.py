"""How a service of this installation is set up: what it keeps for how long, and the limits of a tenant. Pure."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from drishti.messages.field_types import Token


class SetupQuery(Struct, kw_only=True):
    """Asks how analytics is set up, as far as it concerns ``tenant``."""

    tenant: Token


class Retention(Struct, omit_defaults=True, kw_only=True):
    """Something that is kept for ``seconds``, and no longer; or less where it would take more than ``most_bytes``.

    ``variable`` is the environment variable by which that is set when the service starts; none where it cannot be set.
    """

    what: str
    seconds: float
    most_bytes: int | None = None
    variable: str = ""


class Limit(Struct, omit_defaults=True, kw_only=True):
    """The most that there may be of something; 0: any number. ``used``: how many the tenant has now, where that is counted."""

    what: str
    most: float
    used: int | None = None
    variable: str = ""


class ServiceSetup(Struct, omit_defaults=True, kw_only=True):
    """One service. ``failing``: what does not answer it, by name, with the reason."""

    service: str
    version: Annotated[str, Meta(description="of Drishti, as the service runs it")]
    retention: list[Retention] = []
    limits: list[Limit] = []
    failing: dict[str, str] = {}
