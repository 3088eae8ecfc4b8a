"""The few pages that the gateway itself shows: dashboard-stream is away, or a key is needed."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qsl

from gateway.answers import Answer, refusal, refusal_headers
from gateway.errors import Refused

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Drishti</title>{refresh}
<style>
  :root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
  body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; }}
  main {{ max-width: 28rem; padding: 2rem; }}
  h1 {{ font-size: 1.25rem; }}
  input, button {{ font: inherit; padding: .4rem .6rem; }}
</style></head>
<body><main><h1>{title}</h1>{content}</main></body></html>
"""

_FORM = """<form method="get">{kept}<label>API key <input name="token" type="password" autocomplete="off" required></label>
<button>Open</button></form>"""


def refusal_page(refused: Refused, query: str = "") -> bytes:
    """The refusal for people: it asks for a key where one helps, and reloads by itself where waiting helps.

    With the key the browser comes back to the same address: ``query`` is what that had, but for a key.
    """
    message = f"<p>{escape(refused.message)}</p>"
    if refused.status == 401:
        return _PAGE.format(title="A key is needed", refresh="", content=message + _FORM.format(kept=_kept(query))).encode()
    if refused.retry_after_s is not None:
        refresh = f'<meta http-equiv="refresh" content="{refused.retry_after_s:.0f}">'
        content = message + "<p>This page tries again by itself.</p>"
        return _PAGE.format(title="One moment", refresh=refresh, content=content).encode()
    return _PAGE.format(title="Not here", refresh="", content=message).encode()


def _kept(query: str) -> str:
    pairs = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "token"]
    return "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in pairs)


def refusal_answer(refused: Refused, *, for_people: bool, query: str = "") -> Answer:
    """A page where ``for_people``, else JSON."""
    if not for_people:
        return refusal(refused)
    policy = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
    headers = (*refusal_headers(refused), policy)
    return Answer(refused.status, refusal_page(refused, query), b"text/html; charset=utf-8", headers)
