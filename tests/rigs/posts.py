"""An HTTP server in a thread of its own, so that any event loop may be busy: what is posted goes to a function."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Post = Callable[[str, dict[str, str], bytes], tuple[int, dict[str, str], Any]]
"""Takes path, headers (names in lower case) and body; gives status, headers and content (bytes, or what is sent as JSON;
``None`` for none)."""


class PostServer:
    """Answers every POST with what ``post`` gives, from the start to :meth:`close`."""

    def __init__(self, post: Post, port: int = 0) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, content = post(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                answer = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Quiet: the test looks at what came."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
