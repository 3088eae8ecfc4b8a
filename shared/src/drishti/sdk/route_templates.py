"""The template of the route that serves a request, ``/shops/{shop}/items/{item}``, as the application's routers know it.

How this works. Starlette's routers write the route they chose into the scope, each one over the last, and of the mounts on
the way only their paths *with values* remain, in ``root_path``. So a template that was reached without mounts is read from
the scope. For every other request (it went through a mount, or a middleware answered before a router was asked) the routers
are asked again by their public ``matches``, from the outermost one, and the templates on the way are joined.

A template is never made from the values of a path. What no route matches is :data:`UNMATCHED`; what is handed to an
application whose routes cannot be seen (static files, another framework) is the template of its mount with ``/*``.

Frameworks are not imported: a route is what has ``matches``, a mount or a host is a route that has ``routes``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

UNMATCHED = "unmatched"

_FULL, _PARTIAL = 2, 1
"""Values of ``starlette.routing.Match``. A partial match is a path that does not take the request's method."""

_REDIRECTS = (307, 308)
_NOT_FOUND = 404
_NESTED = 32
"""Applications that may be wrapped in one another before their routes count as unknown."""

_ROUTING = ("route", "endpoint", "path_params", "fastapi")
"""What routers leave in a scope; a router that is asked again must not find the last answer."""

Scope = MutableMapping[str, Any]


class RouteEntry:
    """How a request entered the measured application: what it came with is no part of the application's own routes."""

    __slots__ = ("mounted", "root_path", "route", "routed")

    def __init__(self, scope: Scope) -> None:
        self.root_path = str(scope.get("root_path", ""))
        self.route = scope.get("route")
        self.routed = "router" in scope
        self.mounted = "app_root_path" in scope


def route_template(scope: Scope, entry: RouteEntry, app: Any, status: int | None = None) -> str:
    """The template for a request that ``app`` has answered with ``status``; ``scope`` is as the routers left it."""
    root = str(scope.get("root_path", ""))
    # Without mounts a root path is a proxy's, whoever set it. Starlette's mounts keep it under this name.
    base = entry.root_path if entry.mounted else str(scope.get("app_root_path", root))
    chosen = scope.get("route")
    known = _own_template(scope, chosen) if chosen is not None and chosen is not entry.route else None
    if known is not None and root == base:
        return known
    router = None if entry.routed else scope.get("router")
    if router is not None and status == _NOT_FOUND and chosen is None and "endpoint" not in scope:
        return UNMATCHED  # the router has just said so
    routes = _routes_of(router if router is not None else app)
    if routes is None:
        return UNMATCHED if known is None else f"/*{known}"
    asked = {name: value for name, value in scope.items() if name not in _ROUTING} | {"root_path": base}
    search = _Search(root, known)
    template = search.among(routes, asked, "")
    if template is None and known is None and status in _REDIRECTS:
        path = str(asked["path"])
        asked["path"] = path.rstrip("/") if path.endswith("/") else f"{path}/"
        template = search.among(routes, asked, "")
    if template is None:
        return UNMATCHED if known is None else f"/*{known}"
    return template


class _Search:
    """Asks routers what serves a request. ``root`` and ``known``: where the request ended, and the template there, if any."""

    def __init__(self, root: str, known: str | None) -> None:
        self._root = root
        self._known = known

    def among(self, routes: Iterable[Any], scope: Scope, prefix: str) -> str | None:
        """The template of the first of ``routes`` that matches, or of the first that matches but for its method."""
        partial: tuple[Any, Scope] | None = None
        for route in _candidates(routes):
            match, child = _matches(route, scope)
            if match.value == _FULL:
                return self._through(route, {**scope, **child}, prefix)
            if match.value == _PARTIAL and partial is None:
                partial = route, {**scope, **child}
        return None if partial is None else self._through(*partial, prefix)

    def _through(self, route: Any, scope: Scope, prefix: str) -> str | None:
        if not hasattr(route, "routes"):
            template = _path_of(route)
            if template is not None and _is_frontend(route):
                template = template.rstrip("/") + "/*"
            return None if template is None else prefix + template
        if not hasattr(route, "host"):
            prefix += (_path_of(route) or "").removesuffix("/{path}")
        routes = _routes_of(route.app) if hasattr(route, "app") else list(route.routes)
        if routes is not None:
            return self.among(routes, scope, prefix)
        if self._known is not None and scope.get("root_path", "") == self._root:
            return prefix + self._known  # a router inside a wrapper that hides it, but no mount more
        return f"{prefix}/*"


def _own_template(scope: Scope, route: Any) -> str | None:
    """The template of ``route`` within its own router; ``None`` for a mount or a host."""
    if hasattr(route, "routes"):
        return None
    # FastAPI names the route as its own router knows it; with the prefixes of include_router it is in this context.
    included = scope.get("fastapi", {}).get("effective_route_context")
    if included is not None and getattr(included, "original_route", None) is route:
        route = included
    return _path_of(route)


def _path_of(route: Any) -> str | None:
    template = getattr(route, "path_format", None) or getattr(route, "path", None)
    return template if isinstance(template, str) else None


def _is_frontend(route: Any) -> bool:
    """Whether ``route`` is FastAPI's for the files below a path: it has an application, and no endpoint or template."""
    return hasattr(route, "app") and not hasattr(route, "endpoint") and not hasattr(route, "path_format")


def _candidates(routes: Iterable[Any]) -> Iterator[Any]:
    """``routes`` with those of FastAPI's included routers in their places, under their prefixes."""
    for route in routes:
        included = getattr(route, "effective_route_contexts", None)
        if included is not None:
            for context in included():
                yield getattr(context, "starlette_route", None) or context
        elif hasattr(route, "matches"):
            yield route


def _matches(route: Any, scope: Scope) -> tuple[Any, Scope]:
    original = getattr(route, "original_route", None)
    if original is None:
        matched: tuple[Any, Scope] = route.matches(scope)
    else:  # a route under a prefix: FastAPI asks the route itself, which may be of the application's own class
        matched = original.matches({**scope, "fastapi": {"effective_route_context": route}})
    return matched


def _routes_of(app: Any) -> list[Any] | None:
    """The routes of ``app``, or of what it wraps, as middleware does; ``None`` where they cannot be seen."""
    for _ in range(_NESTED):
        routes = getattr(app, "routes", None)
        if isinstance(routes, list):
            # FastAPI keeps its frontends apart, for they come last.
            return [*routes, *getattr(getattr(app, "router", app), "_low_priority_routes", ())]
        app = getattr(app, "app", None)
        if app is None:
            break
    return None
