"""Contracts and producer SDK of Drishti.

An application calls :func:`instrument`, imports :mod:`drishti.analytics` to publish events and :mod:`drishti.tracing` to
trace its work, and measures calls of language models by :func:`llm_call`; its tests see all of that by :func:`capture`. The
services import the contracts (:mod:`drishti.events`, :mod:`drishti.messages`), the bus (:mod:`drishti.bus`) and what
surrounds their work (:mod:`drishti.service`).

Importing this package connects nothing, reads no environment and starts no task.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drishti.capturing import capture as capture
    from drishti.instrumentation import instrument as instrument
    from drishti.llm_calls import llm_call as llm_call
    from drishti.profiling import profile as profile
    from drishti.propagation import propagated as propagated

__version__ = "0.1.0"

_MODULES = {
    "capture": "drishti.capturing",
    "instrument": "drishti.instrumentation",
    "llm_call": "drishti.llm_calls",
    "profile": "drishti.profiling",
    "propagated": "drishti.propagation",
}
"""Where the functions of this package are: an import of a contract does not pay for OpenTelemetry."""


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
