"""Contracts and producer SDK of Drishti.

An application imports :mod:`drishti.analytics` to publish events and :mod:`drishti.tracing` to trace its work. The services
import the contracts (:mod:`drishti.events`, :mod:`drishti.messages`), the bus (:mod:`drishti.bus`) and what surrounds their
work (:mod:`drishti.service`).

Importing this package connects nothing, reads no environment and starts no task.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drishti.instrumentation import instrument as instrument

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # ``drishti.instrument(app)`` without making every import of a contract pay for OpenTelemetry.
    if name == "instrument":
        from drishti.instrumentation import instrument

        return instrument
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
