"""Stack traces of every language, as their runtimes print them."""

from __future__ import annotations

import time
import traceback
from textwrap import dedent

import pytest

from analytics.spans.stack_traces.frames import Raised
from analytics.spans.stack_traces.reading import MAX_TEXT, read

PYTHON = """\
Traceback (most recent call last):
  File "/usr/local/lib/python3.11/site-packages/starlette/routing.py", line 677, in __call__
    await self.middleware_stack(scope, receive, send)
  File "/app/shop/orders.py", line 31, in place
    return pay(order)
           ^^^^^^^^^^
  File "/app/shop/payment.py", line 12, in pay
    raise Declined(order.id)
  File "/usr/local/lib/python3.11/json/decoder.py", line 355, in raw_decode
    raise JSONDecodeError("Expecting value", s, err.value) from None
shop.errors.Declined: order 17 was declined
"""
PYTHON_CAUSE = """\
Traceback (most recent call last):
  File "/app/db.py", line 3, in load
    connect()
ConnectionRefusedError: [Errno 111] Connection refused

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/views.py", line 9, in show
    load()
shop.Unavailable: no database
"""
PYTHON_GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "/app/run.py", line 10, in main
  |     async with TaskGroup() as tasks:
  | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/app/jobs.py", line 4, in fetch
    |     raise ValueError("first")
    | ValueError: first
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    |   File "/app/jobs.py", line 8, in other
    |     raise KeyError("second")
    | KeyError: 'second'
    +------------------------------------
"""
JAVA = """\
jakarta.servlet.ServletException: Request processing failed: java.lang.IllegalStateException: no stock
\tat org.springframework.web.servlet.FrameworkServlet.processRequest(FrameworkServlet.java:1022)
\tat java.base/java.lang.Thread.run(Thread.java:840)
Caused by: java.lang.IllegalStateException: no stock for 42
\tat com.shop.Stock.take(Stock.java:17) ~[shop.jar:1.2]
\tat com.shop.Orders$$EnhancerBySpringCGLIB$$9f3c1a.place(<generated>)
\tat com.shop.Orders.lambda$place$3(Orders.java:40)
\tat com.shop.Orders$$Lambda$1041/0x0000000800d2a840.run(Unknown Source)
\tat java.base/java.util.ArrayList.forEach(ArrayList.java:1511)
\t... 41 more
\tSuppressed: java.io.IOException: closed
\t\tat com.shop.File.close(File.java:1)
"""
NODE = """\
Error: wrapped
    at handler (/usr/src/app/dist/handler.js:10:9)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5) {
  [cause]: TypeError: Cannot read properties of undefined (reading 'price')
      at Cart.total (/usr/src/app/dist/cart.js:22:31)
      at async Promise.all (index 0)
      at Layer.handle [as handle_request] (/usr/src/app/node_modules/express/lib/router/layer.js:95:5)
      at file:///usr/src/app/dist/index.mjs:3:1
}
"""
GO = """\
goroutine 34 [running]:
runtime/debug.Stack()
\t/usr/local/go/src/runtime/debug/stack.go:24 +0x65
go.opentelemetry.io/otel/sdk/trace.recordStackTrace()
\t/go/pkg/mod/go.opentelemetry.io/otel/sdk@v1.21.0/trace/span.go:480 +0x1e
main.(*Server).charge(0xc000124000, {0x7f3a10, 0xc0000a8000}, 0x2a)
\t/src/checkout/main.go:61 +0x1d5
main.(*Server).Place.func1.2()
\t/src/checkout/main.go:40 +0x8d
net/http.HandlerFunc.ServeHTTP(0x0?, {0x8d5c40?, 0xc0001b2000?}, 0x0?)
\t/usr/local/go/src/net/http/server.go:2136 +0x29
created by net/http.(*Server).Serve in goroutine 1
\t/usr/local/go/src/net/http/server.go:3086 +0x5cb
"""
DOTNET = """\
System.AggregateException: One or more errors occurred. (no such cart)
 ---> Shop.CartException: no such cart
   at Shop.Carts.Find(String userId) in /src/cartservice/Carts.cs:line 81
   at Shop.Carts.<>c__DisplayClass3_0.<Load>b__0(Object state)
   --- End of inner exception stack trace ---
   at System.Threading.Tasks.Task.ThrowIfExceptional(Boolean includeTaskCanceledExceptions)
   at Shop.Api.<GetAsync>d__5.MoveNext()
--- End of stack trace from previous location ---
   at Grpc.AspNetCore.Server.Internal.CallHandlers.UnaryServerCallHandler`3.HandleCallAsyncCore(HttpContext httpContext)
"""
RUBY = """\
/app/app/models/order.rb:12:in `block (2 levels) in total': undefined method `price' for nil:NilClass (NoMethodError)
\tfrom /usr/local/bundle/gems/activerecord-7.0.4/lib/active_record/relation.rb:90:in `each'
\tfrom /app/app/controllers/orders_controller.rb:7:in `show'
\tfrom /usr/local/lib/ruby/3.2.0/net/http.rb:960:in `connect'
/app/lib/pay.rb:3:in `charge': declined (Pay::Declined)
\tfrom /app/app/models/order.rb:14:in `total'
"""


PHP = """\
PDOException: SQLSTATE[HY000] [2002] Connection refused in /var/www/html/src/Db.php:12
Stack trace:
#0 /var/www/html/src/Db.php(12): PDO->__construct('mysql:host=db', 'shop')
#1 /var/www/html/src/Orders.php(7): App\\Db::App\\{closure}(Object(App\\Db))
#2 [internal function]: App\\Orders->place(17)
#3 {main}

Next App\\OrderFailed: order 17 in /var/www/html/src/Orders.php:9
Stack trace:
#0 /var/www/html/vendor/laravel/framework/src/Routing/Route.php(260): App\\Orders->place(17)
#1 /var/www/html/public/index.php(3): App\\Kernel->handle()
#2 {main}
"""


def _names(raised: Raised, *, in_app: bool = True) -> list[str]:
    return [str(frame) for frame in raised.frames if frame.in_app is in_app]


def test_python_has_the_innermost_call_first_and_no_lines() -> None:
    (raised,) = read(PYTHON)
    assert (raised.type, raised.message) == ("shop.errors.Declined", "order 17 was declined")
    assert _names(raised) == ["pay (shop/payment.py)", "place (shop/orders.py)"]
    assert _names(raised, in_app=False) == ["raw_decode (json/decoder.py)", "__call__ (starlette/routing.py)"]


def test_the_folder_of_a_release_does_not_matter() -> None:
    for folder in ("/srv/shop/releases/20240512093000/", "/srv/shop/releases/v1.4.2/"):
        assert read(PYTHON.replace('"/app/', f'"{folder}')) == read(PYTHON)


def test_the_root_cause_comes_first_where_python_names_one() -> None:
    cause, outer = read(PYTHON_CAUSE)
    assert (cause.type, outer.type) == ("ConnectionRefusedError", "shop.Unavailable")
    assert _names(cause) == ["load (db.py)"]


def test_what_was_being_handled_is_no_cause() -> None:
    handled = PYTHON_CAUSE.replace(
        "The above exception was the direct cause of the following exception:",
        "During handling of the above exception, another exception occurred:",
    )
    assert [raised.type for raised in read(handled)] == ["shop.Unavailable"]


def test_the_first_of_a_group_of_exceptions_is_its_cause() -> None:
    cause, group = read(PYTHON_GROUP)
    assert (cause.type, cause.message, _names(cause)) == ("ValueError", "first", ["fetch (jobs.py)"])
    assert group.type == "ExceptionGroup"


def test_what_this_python_prints_is_read() -> None:
    def inner(depth: int) -> None:
        if depth:
            inner(depth - 1)
        try:
            raise KeyError("a")
        except KeyError as error:
            raise LookupError("b\nc") from error

    try:
        inner(50)
    except LookupError:
        printed = traceback.format_exc()
    cause, outer = read(printed)
    assert (cause.type, outer.type) == ("KeyError", "LookupError")
    assert [frame.function for frame in outer.frames] == ["inner", "test_what_this_python_prints_is_read"]


def test_java_has_the_last_cause_first_and_no_generated_names() -> None:
    cause, outer = read(JAVA)
    assert (cause.type, cause.message) == ("java.lang.IllegalStateException", "no stock for 42")
    assert outer.type == "jakarta.servlet.ServletException"
    assert _names(cause) == [
        "com.shop.Stock.take",
        "com.shop.Orders.place",
        "com.shop.Orders.lambda$place",
        "com.shop.Orders$$Lambda.run",
    ]
    assert _names(outer) == []


def test_node_has_the_cause_first_and_knows_modules() -> None:
    cause, outer = read(NODE)
    assert (cause.type, outer.type) == ("TypeError", "Error")
    assert _names(cause)[0] == "Cart.total (dist/cart.js)"
    assert "Layer.handle (express/lib/router/layer.js)" in _names(cause, in_app=False)
    assert _names(outer) == ["handler (dist/handler.js)"]


def test_bundled_files_are_the_same_from_build_to_build() -> None:
    trace = (
        "TypeError: x is undefined\n"
        "    at total (https://shop.example/assets/main.{}.js:1:{})\n"
        "    at HTMLButtonElement.<anonymous> (https://shop.example/assets/main.{}.js:1:9)\n"
    )
    assert read(trace.format("4f9c2b1a", 2201, "4f9c2b1a")) == read(trace.format("b7710c3d", 19, "b7710c3d"))
    vite = (
        "TypeError: x\n    at {0} (https://shop.example/assets/vendor-{1}.js:1:2)\n    at {0}.{0} (app/assets/Cart-{1}.mjs:3:4)"
    )
    assert read(vite.format("t", "BqWk3xTz")) == read(vite.format("Xn", "Cq1k3xTa")), "names of one build"
    firefox = "total@https://shop.example/assets/main.js:1:2201\nonclick@https://shop.example/assets/main.js:1:9\n"
    assert _names(read(firefox)[0]) == ["total (shop.example/assets/main.js)", "onclick (shop.example/assets/main.js)"]


def test_go_begins_where_the_application_failed() -> None:
    (raised,) = read(GO)
    assert _names(raised) == ["main.(*Server).charge", "main.(*Server).Place"]
    assert raised.frames[0].function == "main.(*Server).charge"
    assert "net/http.HandlerFunc.ServeHTTP" in _names(raised, in_app=False)


def test_dotnet_has_the_inner_exception_first() -> None:
    cause, outer = read(DOTNET)
    assert (cause.type, cause.message) == ("Shop.CartException", "no such cart")
    assert _names(cause) == ["Shop.Carts.Find", "Shop.Carts.Load"]
    assert (outer.type, _names(outer)) == ("System.AggregateException", ["Shop.Api.GetAsync"])


def test_ruby_has_the_cause_first() -> None:
    cause, outer = read(RUBY)
    assert (cause.type, cause.message, _names(cause)) == (
        "Pay::Declined",
        "declined",
        ["charge (lib/pay.rb)", "total (app/models/order.rb)"],
    )
    assert outer.type == "NoMethodError"
    assert _names(outer, in_app=False) == ["each (activerecord/active_record/relation.rb)", "connect (net/http.rb)"]


def test_php_has_the_cause_first() -> None:
    cause, outer = read(PHP)
    assert (cause.type, cause.message) == ("PDOException", "SQLSTATE[HY000] [2002] Connection refused")
    assert _names(cause) == ["PDO->__construct (src/Db.php)", "App\\Db::App\\{closure} (src/Orders.php)"]
    assert (outer.type, outer.message, _names(outer)) == (
        "App\\OrderFailed",
        "order 17",
        ["App\\Kernel->handle (public/index.php)"],
    )


@pytest.mark.parametrize("trace", [PYTHON, PYTHON_CAUSE, JAVA, NODE, GO, DOTNET, RUBY, PHP])
def test_lines_and_addresses_change_nothing(trace: str) -> None:
    other = trace
    for before, after in (
        ("0xc000124000", "0xc000999000"),
        (":17)", ":99)"),
        ("(12): ", "(99): "),
        (", line 12,", ", line 500,"),
        ("$1041/0x0000000800d2a840", "$7/0x1f"),
    ):
        other = other.replace(before, after)
    assert read(other) == read(trace)
    assert read(trace.replace("\n", "\r\n")) == read(trace)


@pytest.mark.parametrize("text", ["", "no stack", "\x00\xff" * 40, "at at at", dedent("""\
    Segmentation fault
    core dumped""")])  # fmt: skip
def test_what_is_no_stack_trace_has_no_frames(text: str) -> None:
    assert all(not raised.frames for raised in read(text))


@pytest.mark.parametrize(
    "line",
    [
        "    at a.b(c.java:1)\n",
        '  File "x", line 1, in y\n',
        "x" * 50,
        "at (" * 20,
        "a:1:in `b'\n",
        " ---> x\n",
        "\t/a.go:1\n",
        "a@b:1:1\n",
    ],
)
def test_a_huge_trace_is_read_within_bounds(line: str) -> None:
    raised = read(line * (2_000_000 // len(line)))
    assert sum(len(one.frames) for one in raised) <= MAX_TEXT


HOSTILE_LINES = {
    "Java: slashes before a name": "\tat " + "/" * 990 + "!",
    "Java: a name without arguments": "\tat " + "a" * 990,
    "Java: names of modules": "\tat " + "a/" * 490 + "!",
    ".NET: words in arguments": "   at Foo.Bar(" + "ab " * 300 + "!)",
    ".NET: one word in arguments": "   at Foo.Bar(" + "a" * 900 + "!)",
    ".NET: many ends of arguments": "   at Foo.Bar(" + ") in " * 90 + " " * 500 + "!",
    "Node: parentheses": "    at " + "a (" * 300 + ":1",
    "Node: blanks": " " * 990 + "!",
    "Ruby: gems": "/gems/a" * 40 + "-1" * 100 + ":1:in `a'",
    "Ruby: blanks in a message": "/a.rb:1:in `a': " + " " * 900 + "!",
    "PHP: parentheses": "#0 " + "a(1" * 300,
    "Python: no end": '  File "' + "a" * 990,
}


@pytest.mark.parametrize("line", HOSTILE_LINES.values(), ids=list(HOSTILE_LINES))
def test_no_line_takes_long(line: str) -> None:
    began = time.process_time()
    read("\n".join([line] * 60))
    for at in range(20):
        read(f"{line}{at}")
    assert time.process_time() - began < 3  # of the processor, for what takes some milliseconds


def test_no_name_of_a_function_takes_long() -> None:
    began = time.process_time()
    for name in ("a" + ".1" * 140 + "!", "a" + ".func1" * 40 + "!", "[" * 280):
        read(f"goroutine 1 [running]:\n{name}(0x1)\n\t/a.go:1 +0x1\n")
    assert time.process_time() - began < 3


@pytest.mark.parametrize("line", ["\n", "a\n", " \n"])
def test_of_many_short_lines_the_first_and_the_last_are_read(line: str) -> None:
    frame = "    at a.b(c.java:1)\n"
    for text in (line * 20_000 + frame, frame + line * 20_000):
        assert [one.frames[0].function for one in read(text)] == ["a.b"]
    assert read(line * 10_000 + frame + line * 10_000) == []


def test_the_file_of_a_gem_stands_below_its_name() -> None:
    (raised,) = read(
        "/usr/lib/ruby/gems/3.0.0/gems/rack-test-2.0.1/lib/rack/a.rb:1:in `a': m (E)\n"
        "\tfrom /app/gems/gems/x-1/b.rb:1:in `b'\n"
        "\tfrom /usr/lib/ruby/3.0.0/net/http.rb:1:in `c'\n"
        "\tfrom /usr/lib/ruby/3.0.0/:1:in `d'\n"
    )
    assert [(frame.where, frame.in_app) for frame in raised.frames] == [
        ("rack-test/rack/a.rb", False),
        ("x/b.rb", False),
        ("net/http.rb", False),
        ("", False),
    ]


@pytest.mark.parametrize("arguments", ["", "String s, Int32 x", "ref T y", "T@ a", "List`1 a, IDictionary`2[] b"])
def test_frames_of_dotnet_need_no_line(arguments: str) -> None:
    (raised,) = read(f"System.Exception: m\n   at Foo.Bar({arguments})\n")
    assert [frame.function for frame in raised.frames] == ["Foo.Bar"]
