"""OpenTelemetry's instrumentations of libraries: each that is installed is turned on, once, whoever asks first.

An instrumentation is a package that registers itself under the entry point ``opentelemetry_instrumentor``. What the application
turned on itself, before, stays as it is. What it turns on later with options of its own (``SQLAlchemyInstrumentor()
.instrument(engine=…)``) takes the place of what was turned on here; OpenTelemetry alone would refuse it as the second time. One
whose library is not installed is passed over; one that fails is named once in the log with the reason, and the application
works without it.

Importing a library only to trace it costs time and memory, and most applications use few of those that are installed. So an
instrumentation waits until its library is imported, where it is plain which module that is (:func:`_modules`).
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import Any

from drishti.sdk import sqlalchemy_engines
from drishti.telemetry import log_handlers, spans

log = logging.getLogger(__name__)

GROUP = "opentelemetry_instrumentor"
DJANGO = "DJANGO_SETTINGS_MODULE"
"""Django's own variable: set in a process of Django's."""

DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"

REPLACED = frozenset({"asgi", "fastapi", "starlette"})
"""Instrumentations whose work our middleware does, at a third of the cost."""

PROPAGATING = frozenset(
    {
        "aio-pika",
        "aiohttp-client",
        "aiokafka",
        "boto3",
        "botocore",
        "celery",
        "confluent_kafka",
        "grpc_aio_client",
        "grpc_client",
    }
    | {"httpx", "kafka", "pika", "remoulade", "requests", "threading", "urllib", "urllib3"}
)
"""Instrumentations that pass the caller's trace on, which is wanted also where nothing is recorded here."""

_INSTRUMENTS = ("instruments", "instruments-any")
"""Extras by which an instrumentation says what it is for."""

_tried: set[str] = set()


class _WrongVersion(Exception):
    """A library is installed in a version that its instrumentation does not know."""


def turn_on() -> None:
    """Turns on every instrumentation that is wanted and was not tried before. Raises nothing."""
    for entry in _wanted():
        _tried.add(entry.name)
        modules = _modules(entry)
        if not modules or any(name in sys.modules for name in modules):
            _try(entry)
            continue
        import wrapt  # every instrumentation brings it

        waiting = _Waiting(entry)
        for name in modules | {entry.module}:
            wrapt.register_post_import_hook(waiting, name)


class _Waiting:
    """An instrumentation whose library has not been imported yet. It is called when the library is imported, and when the
    instrumentation is: that may be what imports the library, and is not complete at that moment."""

    def __init__(self, entry: EntryPoint) -> None:
        self._entry: EntryPoint | None = entry

    def __call__(self, module: object) -> None:
        entry = self._entry
        if entry is None or (module is not sys.modules.get(entry.module) and _is_being_imported(entry.module)):
            return
        self._entry = None
        # Without forks_wait(): whoever is here is within an import, and two that wait for each other's would wait for ever.
        _try(entry)


def _is_being_imported(name: str) -> bool:
    return bool(getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False))


def _try(entry: EntryPoint) -> None:
    try:
        _turn_on(entry)
    except Exception as error:
        log.warning("the instrumentation of %s was not turned on: %s", entry.name, _reason(error))
        log.debug("the instrumentation of %s was not turned on", entry.name, exc_info=True)


def _modules(entry: EntryPoint) -> set[str]:
    """The modules whose import says that the application uses a library that the instrumentation is for. Empty where it is for
    no library but Python's own, where no such library is installed, and where the module is not plain: part of a namespace, or
    called otherwise than its package."""
    try:
        from packaging.requirements import Requirement

        named: set[str] = set()
        for requirement in map(Requirement, (entry.dist and entry.dist.requires) or ()):
            marker = requirement.marker
            if marker is None or marker.evaluate({"extra": ""}) or not any(marker.evaluate({"extra": e}) for e in _INSTRUMENTS):
                continue
            with contextlib.suppress(PackageNotFoundError):
                top = (distribution(requirement.name).read_text("top_level.txt") or "").split()
                named |= {name for name in top if not name.startswith("_")} or {requirement.name.lower().replace("-", "_")}
        specs = [importlib.util.find_spec(name) for name in named]
        return named if all(spec is not None and spec.origin is not None for spec in specs) else set()
    except Exception:
        # Metadata that cannot be read: it is turned on at once.
        log.debug("it is not known which library the instrumentation %s is for", entry.name, exc_info=True)
        return set()


def instrument_application(app: Any) -> bool:
    """Traces an application of WSGI that exists already: of Flask or Django, where its instrumentation is installed and not
    disabled. Returns whether it is traced."""
    packages = {kind.__module__.partition(".")[0] for kind in type(app).__mro__}
    disabled = _disabled()
    for name in {"flask", "django"} & packages - disabled if "*" not in disabled else ():
        for entry in entry_points(group=GROUP, name=name):
            try:
                instrumentor: Any = entry.load()()
                if getattr(app, "_is_instrumented_by_opentelemetry", False):
                    return True
                if name == "flask":
                    instrumentor.instrument_app(app)  # the class was replaced for those that are made from now on
                else:
                    app.load_middleware()  # anew, with the one that the instrumentation has added to the settings
            except Exception as error:
                log.warning("the application of %s is not traced: %s", name, _reason(error))
                log.debug("the application of %s is not traced", name, exc_info=True)
                return False
            return True
    return False


def _wanted() -> Iterator[EntryPoint]:
    disabled = _disabled()
    if "*" in disabled:
        return
    for entry in entry_points(group=GROUP):
        if entry.name in REPLACED | disabled | _tried or (entry.name == "logging" and log_handlers.ours()):
            continue
        if (spans.enabled() or entry.name in PROPAGATING) and (entry.name != "django" or _uses_django()):
            yield entry


def _disabled() -> set[str]:
    return {name.strip() for name in os.environ.get(DISABLED, "").split(",")}


def _uses_django() -> bool:
    """Whether this is a process of Django's. Elsewhere its instrumentation would fill in empty settings, for good."""
    conf: Any = sys.modules.get("django.conf")
    return bool(os.environ.get(DJANGO)) or (conf is not None and conf.settings.configured)


def _turn_on(entry: EntryPoint) -> None:
    from opentelemetry.instrumentation.dependencies import get_dist_dependency_conflicts

    if entry.dist is not None and _lacks_library(entry.name, get_dist_dependency_conflicts(entry.dist)):
        return  # before anything of it is imported
    instrumentor: Any = entry.load()()
    if getattr(instrumentor, "is_instrumented_by_opentelemetry", False):
        return
    # A package may hold instrumentations of several libraries, of which one is enough to install it.
    check = getattr(instrumentor, "_check_dependency_conflicts", None)
    if check is not None and _lacks_library(entry.name, check()):
        return
    instrumentor.instrument()
    if entry.name == "logging":
        log_handlers.leave_out_details()
        log_handlers.keep_last_resort()
    undo = sqlalchemy_engines.trace_others() if entry.name == "sqlalchemy" else None
    _give_way(instrumentor, undo)


def _lacks_library(name: str, conflict: Any) -> bool:
    """Whether the library is not installed. Raises :class:`_WrongVersion` where it is, in another version."""
    if conflict is None:
        return False
    if conflict.found or getattr(conflict, "found_any", None):
        raise _WrongVersion(str(conflict))
    log.debug("the library that the instrumentation %s is for is not installed", name)
    return True


def _give_way(instrumentor: Any, undo: Callable[[], None] | None) -> None:
    """Lets a later ``instrument(…)`` of the application's replace ours: each instrumentation is one object."""
    instrument = instrumentor.instrument

    def replacing(**options: Any) -> Any:
        if not options:
            return None  # it is turned on in just this way
        del instrumentor.instrument
        if undo is not None:
            undo()
        instrumentor.uninstrument()
        return instrument(**options)

    instrumentor.instrument = replacing


def _reason(error: Exception) -> str:
    if isinstance(error, _WrongVersion):
        return str(error)
    return f"{type(error).__qualname__}: {error}" if str(error) else type(error).__qualname__
