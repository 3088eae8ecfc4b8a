"""Artefacts in the bus's object store, by name."""

from __future__ import annotations

from drishti.bus.connection import Bus
from drishti.bus.objects import Objects
from drishti.errors import BrokenObject
from drishti.messages.catalogue import MODELS_BUCKET
from predictor.artefacts.artefact import FORMAT
from predictor.errors import UnfitArtefact


class ModelStore:
    """The object store's bucket ``models``. Every failure of the store itself is :class:`BusUnavailable`."""

    def __init__(self, bus: Bus) -> None:
        self._objects = Objects(bus, MODELS_BUCKET)

    async def load(self, name: str) -> bytes | None:
        """The newest artefact called ``name``; ``None`` where there is none. A broken one raises :class:`UnfitArtefact`."""
        try:
            return await self._objects.load(name)
        except BrokenObject as error:
            raise UnfitArtefact(str(error)) from error

    async def save(self, name: str, payload: bytes) -> None:
        """Replaces the artefact called ``name``."""
        await self._objects.save(name, payload, description=f"predictor {name}, format {FORMAT}")

    async def sweep(self, now: float) -> int:
        """Removes what is left of artefacts that were never saved to their end (:meth:`Objects.sweep`)."""
        return await self._objects.sweep(now)
