"""The built page and its assets, as files: one build for all dashboards, which reads the name from its address."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
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

COMPRESSED = {"br": ".br", "gzip": ".gz"}
"""Encodings of HTTP, the smallest first, and how the build names such forms of an asset beside it."""

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
        """The page of a dashboard, which reads the name from its address; what draws charts is fetched beside it."""
        name, tenant = request.path_params["name"], tenant_of(request.headers)
        if name not in (names := self._names(tenant or DEFAULT_TENANT)):
            if self._all_known() and _reads_pages(request):
                return self._page("dashboard.html", 404)
            return unknown_dashboard(name, names, all_known=self._all_known())
        return self._page("dashboard.html")

    async def application(self, _request: Request) -> Response:
        """A page that is no dashboard, such as that of all metrics: the same build."""
        return self._page("index.html")

    def _page(self, name: str, status: int = 200) -> Response:
        page = self._static / name
        if not page.is_file():
            return PlainTextResponse(NOT_BUILT, 503)
        return FileResponse(page, status, headers=SECURITY | {"Cache-Control": "no-cache"})

    async def file(self, request: Request) -> Response:
        """What lies beside the page, its icon for one. Only names of the build; at others browsers get a page that says so."""
        wanted = request.path_params["file"]
        built = self._static.iterdir() if self._static.is_dir() else ()
        file = next((file for file in built if file.name == wanted and file.suffix != ".html" and file.is_file()), None)
        if file is None and _reads_pages(request):
            return self._page("index.html", 404)
        if file is None:
            return PlainTextResponse("There is nothing here.\n", 404)
        return FileResponse(file, headers=SECURITY | {"Cache-Control": "public, max-age=3600"})


def _reads_pages(request: Request) -> bool:
    """Whether a person looks at the answer: browsers name HTML when an address is opened, programs do not."""
    return "text/html" in request.headers.get("accept", "")


def unknown_dashboard(name: str, known: Iterable[str], *, all_known: bool) -> Response:
    """Says so; while the dashboards that tenants made are not read yet, that it may be known soon."""
    if not all_known:
        return PlainTextResponse(NOT_READ, 503, headers={"Retry-After": "1"})
    return PlainTextResponse(f"There is no dashboard {name[:64]!r}. There are: {', '.join(known)}.\n", 404)


class Assets:
    """The build's assets, which browsers keep for ever: compressed, where the build did so and the browser takes that."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = StaticFiles(directory=folder, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._folder.is_dir():
            await PlainTextResponse(NOT_BUILT, 503)(scope, receive, send)
            return
        encoding = self._encoding(scope)
        if encoding is not None:
            scope = {**scope, "path": scope["path"] + COMPRESSED[encoding]}

        async def send_cacheable(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (200, 206, 304):
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = FOR_EVER
                headers["Vary"] = "Accept-Encoding"
                if encoding is not None:
                    headers["Content-Encoding"] = encoding
            await send(message)

        await self._files(scope, receive, send_cacheable)

    def _encoding(self, scope: Scope) -> str | None:
        """Which compressed form of the asset is sent; ``None``: the file itself."""
        name = scope["path"].rpartition("/")[2]
        accepted = _accepted(Headers(scope=scope).get("accept-encoding", ""))
        # `isfile` says no to what cannot be a name, too.
        there = (encoding for encoding, suffix in COMPRESSED.items() if os.path.isfile(self._folder / (name + suffix)))
        return next((encoding for encoding in there if encoding in accepted), None)


def _accepted(header: str) -> set[str]:
    """The encodings that ``Accept-Encoding`` names, without those that it rules out."""
    named = (one.replace(" ", "").lower().partition(";") for one in header.split(","))
    return {encoding for encoding, _, weight in named if weight not in ("q=0", "q=0.0", "q=0.00", "q=0.000")}
