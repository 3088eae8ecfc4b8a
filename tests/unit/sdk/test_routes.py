"""Routes: the template that the routers know, whatever they are nested in and whatever the values are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router
from starlette.staticfiles import StaticFiles

import drishti
from drishti.asgi import describe_request
from drishti.events import RequestEvent
from rigs.asgi import Sink, call


class Client:
    """Asks an instrumented application and says the route that it reported."""

    def __init__(self, app: Any) -> None:
        self._sink = Sink()
        self.last: RequestEvent | None = None
        self._app = drishti.instrument(app, sink=self._sink)

    async def get(self, path: str, *, method: str = "GET", host: str = "shop.test", root_path: str = "") -> str:
        return (await self.ask(path, method=method, host=host, root_path=root_path))[0]

    async def ask(self, path: str, *, method: str = "GET", host: str = "shop.test", root_path: str = "") -> tuple[str, int]:
        addresses = {"server": ("shop.test", 80), "client": ("127.0.0.1", 1)}
        await call(self._app, path, method, {"host": host}, root_path=root_path, **addresses)
        self.last = request = self._sink.requests.pop()
        assert self._sink.requests == []
        return request.route, request.status


async def fine(_request: Any) -> PlainTextResponse:
    return PlainTextResponse("fine")


async def plain(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("plain")(scope, receive, send)


def hidden(app: Any) -> Any:
    """A middleware that does not show what it wraps, and hands on a scope of its own."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        await app(dict(scope), receive, send)

    return call


ITEMS: list[BaseRoute] = [Route("/items/{item}", fine), Route("/items/{item:int}/parts/{part}", fine, methods=["POST"])]


def shop() -> FastAPI:
    """A FastAPI application with one of everything."""
    app, users, items = FastAPI(), FastAPI(), FastAPI()
    parts = APIRouter(prefix="/parts/{part}")

    @users.get("/{name}")
    async def user(name: str) -> str:
        return name

    @parts.get("/screws/{screw}")
    async def screw(part: str, screw: str) -> str:
        return part + screw

    @items.get("/items/{item}")
    async def item(item: str) -> str:
        return item

    @app.get("/files/{path:path}")
    async def file(path: str) -> str:
        return path

    nested = APIRouter()
    nested.include_router(parts, prefix="/nested")
    items.include_router(parts, prefix="/more")
    app.include_router(nested, prefix="/api/{version}")
    app.mount("/users", users)
    app.mount("/shops/{shop}", items)
    app.mount("/plain/{kind}", plain)
    app.mount("/a", Router(routes=[Mount("/b/{b:int}", app=Router(routes=[Mount("/c", routes=ITEMS)]))]))
    app.mount("/hidden/{key}", hidden(Starlette(routes=ITEMS)))
    return app


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/users/ann", "/users/{name}"),
        ("/users/users", "/users/{name}"),
        ("/users/name", "/users/{name}"),
        ("/users/{name}", "/users/{name}"),
        ("/users/Jörg %2F .*+?(", "/users/{name}"),
        ("/shops/paris/items/7", "/shops/{shop}/items/{item}"),
        ("/shops/shops/items/shops", "/shops/{shop}/items/{item}"),
        ("/shops/items/items/items", "/shops/{shop}/items/{item}"),
        ("/shops/a/more/parts/more/screws/parts", "/shops/{shop}/more/parts/{part}/screws/{screw}"),
        ("/api/api/nested/parts/api/screws/nested", "/api/{version}/nested/parts/{part}/screws/{screw}"),
        ("/files/users/ann", "/files/{path}"),
        ("/plain/plain/x/y", "/plain/{kind}/*"),
        ("/a/b/7/c/items/c", "/a/b/{b}/c/items/{item}"),
        ("/openapi.json", "/openapi.json"),
        ("/nowhere/ann", "unmatched"),
        ("/users/ann/nowhere", "unmatched"),
        ("/shops/paris/nowhere", "unmatched"),
        ("/a/b/x/c/items/c", "unmatched"),
    ],
)
async def test_templates_come_from_the_routers_whatever_the_values(path: str, expected: str) -> None:
    assert await Client(shop()).get(path) == expected


async def test_an_application_that_nobody_can_look_into_is_its_mount() -> None:
    assert await Client(shop()).get("/hidden/hidden/items/hidden") == "/hidden/{key}/*"


@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [
        ("/items/7", "POST", ("/items/{item}", 405)),
        ("/items/7/parts/8", "GET", ("/items/{item}/parts/{part}", 405)),
        ("/items/7", "HEAD", ("/items/{item}", 200)),
        ("/items/7", "OPTIONS", ("/items/{item}", 405)),
        ("/items/7/", "GET", ("/items/{item}", 307)),
        ("/m/m/items/7", "DELETE", ("/m/{m}/items/{item}", 405)),
        ("/m/m/items/7/", "GET", ("/m/{m}/items/{item}", 307)),
    ],
)
@pytest.mark.parametrize("kind", [Starlette, FastAPI])
async def test_answers_of_the_router_itself_have_the_template_they_are_about(
    kind: Any, path: str, method: str, expected: tuple[str, int]
) -> None:
    app = kind(routes=[*ITEMS, Mount("/m/{m}", routes=ITEMS)])
    assert await Client(app).ask(path, method=method) == expected


async def test_a_host_is_no_part_of_the_template() -> None:
    app = Starlette(routes=[Host("{name}.shop.test", Router(routes=[*ITEMS, Mount("/{name2}", routes=ITEMS)])), *ITEMS])
    client = Client(app)
    assert await client.get("/items/items", host="items.shop.test") == "/items/{item}"
    assert await client.get("/x/items/x", host="x.shop.test:8000") == "/{name2}/items/{item}"
    assert await client.get("/items/7", host="elsewhere") == "/items/{item}"


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
async def test_a_prefix_of_a_proxy_is_no_part_of_the_template(kind: Any) -> None:
    app = kind(routes=[Mount("/m/{m}", routes=ITEMS), *ITEMS])
    client = Client(app)
    assert await client.get("/proxy/m/proxy/items/m", root_path="/proxy") == "/m/{m}/items/{item}"
    assert await client.get("/items/7", root_path="/proxy") == "/items/{item}"


async def test_fastapis_root_path_is_no_part_of_the_template() -> None:
    def build() -> FastAPI:
        app = FastAPI(routes=[Mount("/m/{m}", routes=ITEMS), *ITEMS])
        app.root_path = "/proxy"
        return app

    for client in (Client(build()), Client(CORSMiddleware(build()))):
        assert await client.get("/proxy/items/7") == "/items/{item}"
        assert await client.get("/items/7") == "/items/{item}"
        assert await client.get("/proxy/m/m/items/7") == "/m/{m}/items/{item}"


async def test_static_files_are_one_route(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("page")
    app = FastAPI()
    app.mount("/static", StaticFiles(directory=tmp_path))
    client = Client(app)
    assert await client.ask("/static/page.html") == ("/static/*", 200)
    assert await client.ask("/static/no/page.html") == ("/static/*", 404)


async def test_a_frontend_is_one_route(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("page")
    for path, route in (("/", "/*"), ("/app", "/app/*")):
        app = FastAPI()
        app.add_route("/items/{item}", fine)
        app.frontend(path, directory=tmp_path)
        client = Client(app)
        assert await client.ask(f"{path.rstrip('/')}/index.html") == (route, 200)
        assert await client.ask("/items/items") == ("/items/{item}", 200)


async def test_the_first_of_two_mounts_at_a_path_answers() -> None:
    app = Starlette(routes=[Mount("/m/{a}", routes=[Route("/x", fine)]), Mount("/m/{b}", routes=[Route("/y", fine)])])
    client = Client(app)
    assert await client.get("/m/b/x") == "/m/{a}/x"
    assert await client.ask("/m/b/y") == ("unmatched", 404)


async def test_middleware_of_mounts_and_routers_that_copies_the_scope_hides_nothing() -> None:
    class Copying:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self.app({**scope}, receive, send)

    copying = [Middleware(Copying)]
    app = Starlette(routes=[Mount("/m/{m}", routes=ITEMS, middleware=copying), *ITEMS], middleware=copying)
    client = Client(app)
    assert await client.get("/m/m/items/7") == "/m/{m}/items/{item}"
    assert await client.get("/items/7") == "/items/{item}"


async def test_routes_and_routers_of_the_applications_own_classes_are_asked_too() -> None:
    class Versioned(APIRoute):
        def matches(self, scope: Any) -> Any:
            match, child = super().matches(scope)
            return (match, child) if scope["method"] != "PUT" else (Match.NONE, {})

    class Everything(BaseRoute):
        path = "/everything/{rest}"

        def matches(self, scope: Any) -> Any:
            return (Match.FULL, {}) if scope["path"].startswith("/everything") else (Match.NONE, {})

        async def handle(self, scope: Any, receive: Any, send: Any) -> None:
            await plain(scope, receive, send)

    router = APIRouter(route_class=Versioned, prefix="/v")
    router.add_api_route("/{v}", lambda v: v, methods=["GET"])
    app = FastAPI()
    app.include_router(router)
    app.router.routes.append(Everything())
    client = Client(app)
    assert await client.get("/v/v") == "/v/{v}"
    assert await client.ask("/v/v", method="PUT") == ("unmatched", 404)
    assert await client.get("/everything/of/mine") == "/everything/{rest}"


async def test_a_route_that_fails_to_say_what_it_matches_costs_the_template_only(caplog: pytest.LogCaptureFixture) -> None:
    class Once(Mount):
        asked = False

        def matches(self, scope: Any) -> Any:
            assert not self.asked
            self.asked = True
            return super().matches(scope)

    assert await Client(Starlette(routes=[Once("/m", routes=ITEMS)])).ask("/m/items/7") == ("unmatched", 200)
    assert "the route of a request is not known" in caplog.text


class ElsewherePath:
    """Hands on a copy of the scope, with another path."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": scope["path"].removeprefix("/de")}
        await self.app(scope, receive, send)


async def test_a_middleware_that_copies_the_scope_hides_neither_route_nor_description() -> None:
    async def item(request: Request) -> PlainTextResponse:
        describe_request(request, user_id="u1")
        return PlainTextResponse("item")

    shop = Starlette(routes=[Route("/items/{item}", item)])
    drishti.instrument(shop)
    app = Starlette(routes=[Mount("/shops/{shop}", app=shop, middleware=[Middleware(ElsewherePath)])])
    client = Client(app)
    app.add_middleware(ElsewherePath)
    assert await client.get("/de/shops/4/items/5") == "/shops/{shop}/items/{item}"
    assert client.last is not None
    assert client.last.user_id == "u1"
    assert await client.ask("/de/nothing") == ("unmatched", 404)
