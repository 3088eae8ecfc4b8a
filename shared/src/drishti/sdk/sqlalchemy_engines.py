"""Engines of SQLAlchemy that its instrumentation does not see: those made before it was turned on, or by a ``create_engine``
that a module had imported by then.

The instrumentation puts functions of its own in the place of ``sqlalchemy.create_engine``. Here every engine that a connection
is asked of is looked at once, and one that is not traced yet gets the instrumentation's own listeners.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)


def trace_others() -> Callable[[], None]:
    """Traces engines as they are used; returns what ends that. Raises where SQLAlchemy or its instrumentation is another."""
    import sqlalchemy.event
    from opentelemetry import metrics, trace
    from opentelemetry.instrumentation.sqlalchemy import engine as instrumentation
    from sqlalchemy.engine import Engine

    engine_tracer: Any = instrumentation.EngineTracer

    tracer = trace.get_tracer("opentelemetry.instrumentation.sqlalchemy")
    usage = metrics.get_meter("opentelemetry.instrumentation.sqlalchemy").create_up_down_counter(
        "db.client.connections.usage", "connections", "connections that are in the state that the attribute state describes"
    )
    seen: weakref.WeakSet[Any] = weakref.WeakSet()

    def connected(connection: Any) -> None:
        engine = getattr(connection.engine, "_proxied", connection.engine)  # one with options of its own stands for another
        if engine in seen:
            return
        seen.add(engine)
        try:
            if not any(target() is engine for target, *_ in engine_tracer._remove_event_listener_params):
                engine_tracer(tracer, engine, usage)
        except Exception as error:
            # Another version of the instrumentation; the application's query goes on untraced.
            log.warning("an engine of SQLAlchemy is not traced: %s", error)

    sqlalchemy.event.listen(Engine, "engine_connect", connected)
    return lambda: sqlalchemy.event.remove(Engine, "engine_connect", connected)
