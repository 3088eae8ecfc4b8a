"""``ready.py <port>[/<path>]``: status 0 when ``/readyz``, or that path, at that port of this container answers 200.

An orchestrator asks every few seconds for as long as the service lives, so nothing is imported but a socket.
"""

import socket
import sys

TIMEOUT_S = 4.0


def main() -> int:
    port, _, path = sys.argv[1].partition("/")
    try:
        status, body = ask(int(port), path or "readyz")
    except OSError as error:
        status, body = b"", str(error)
    if status == b"200":
        return 0
    # Docker keeps what a health check says: `docker inspect` then tells which dependency does not answer.
    sys.stdout.write(f"{body}\n")
    return 1


def ask(port: int, path: str) -> tuple[bytes, str]:
    """The answer's status and body."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
        connection.sendall(f"GET /{path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        with connection.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
    return head.split(b" ")[1] if head.startswith(b"HTTP/") else b"", body.decode(errors="replace")


if __name__ == "__main__":
    raise SystemExit(main())
