"""The built page and its assets, as files: one build for all dashboards, which reads the name from its address."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from dashboard_stream.http.access import tenant_of
from drishti.messages.subjects import DEFAULT_TENANT

STATIC = Path(__file__).parents[1] / "static"

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
}
"""What the page needs and no more; headers that every answer should have are the gateway's."""

FOR_EVER = "public, max-age=31536000, immutable"
"""The build puts a hash of the content into the name of every asset."""

NOT_READ = "This dashboard is not known yet, the service has just started: try again in a moment.\n"
NOT_BUILT = "The page is not built yet: `make setup` builds it.\n"


class Pages:
    """Serves what the build made in ``static``; ``names`` are those of a tenant's dashboards: all, once ``all_known`` says so.

    A further page of the application gets its route beside :meth:`dashboard`.
    """

    def __init__(self, names: Callable[[str], list[str]], static: Path = STATIC, *, all_known: Callable[[], bool]) -> None:
        self._names = names
        self._all_known = all_known
        self._static = static
        self.assets = Assets(static / "assets")

    async def dashboard(self, request: Request) -> Response:
        """The page of a dashboard: one build for all, which reads the name from its address."""
        name, tenant = request.path_params["name"], tenant_of(request.headers)
        if name not in (names := self._names(tenant or DEFAULT_TENANT)):
            return unknown_dashboard(name, names, all_known=self._all_known())
        return self._page()

    async def application(self, _request: Request) -> Response:
        """A page that is no dashboard, such as that of all metrics: the same build."""
        return self._page()

    def _page(self) -> Response:
        page = self._static / "index.html"
        if not page.is_file():
            return PlainTextResponse(NOT_BUILT, 503)
        return FileResponse(page, headers=SECURITY | {"Cache-Control": "no-cache"})

    async def file(self, request: Request) -> Response:
        """What lies beside the page, its icon for one. Only names that the build made."""
        wanted = request.path_params["file"]
        built = self._static.iterdir() if self._static.is_dir() else ()
        file = next((file for file in built if file.name == wanted != "index.html" and file.is_file()), None)
        if file is None:
            return PlainTextResponse("There is nothing here.\n", 404)
        return FileResponse(file, headers=SECURITY | {"Cache-Control": "public, max-age=3600"})


def unknown_dashboard(name: str, known: Iterable[str], *, all_known: bool) -> Response:
    """Says so; while the dashboards that tenants made are not read yet, that it may be known soon."""
    if not all_known:
        return PlainTextResponse(NOT_READ, 503, headers={"Retry-After": "1"})
    return PlainTextResponse(f"There is no dashboard {name[:64]!r}. There are: {', '.join(known)}.\n", 404)


class Assets:
    """The build's assets: compressed, and kept by browsers for ever."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = GZipMiddleware(StaticFiles(directory=folder, check_dir=False))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_cacheable(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (200, 304):
                message["headers"] = [*message["headers"], (b"cache-control", FOR_EVER.encode())]
            await send(message)

        if self._folder.is_dir():
            await self._files(scope, receive, send_cacheable)
        else:
            await PlainTextResponse(NOT_BUILT, 503)(scope, receive, send)
