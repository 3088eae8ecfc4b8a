"""``drishti query``: a question in the terminal, over HTTP to the gateway."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import msgspec

from drishti import text_table
from drishti.errors import DrishtiError
from drishti.events import AnswerSet, QuestionAnswer
from drishti.measures import terminal_plot
from drishti.measures.expressions.errors import ExpressionError
from drishti.plain_text import escaped

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

TIMEOUT_S = 20.0
NOTICE_S = 2.0
"""A longer wait is said on standard error."""

T = TypeVar("T")

SHOWN_ERROR_BYTES = 64 * 1024

HELP = """Asks for an expression over metrics and prints its value over the range, one row for each group.

an expression is arithmetic over terms; a term is an aggregate of a metric, with a condition on its labels:
  count(requests)                                          also rate, errors, error_rate, sum, avg, min, max, uniques
  p95(request_duration_ms where service = "wisdom")        any percentile from p1 to p99.9
  100 * errors(requests) / count(requests)                 a ratio of sums, never a mean of ratios
conditions: = and !=, in ("a", "b"), prefix "a", exists, joined by and, or, not. `drishti metrics list` shows the metrics.

examples:
  drishti query 'rate(requests)'
  drishti query 'p95(request_duration_ms where service = "wisdom")' --from now-1d --group-by route --top 5
  drishti query '100 * errors(requests) / count(requests)' --from now-1d/d --to now/d --tz Europe/Berlin --compare 1d
  drishti query 'uniques(active_users)' --from now-7d --resolution 1d --plot

The gateway and a viewer's key are DRISHTI_URL and DRISHTI_API_KEY, else those of client.env in DRISHTI_HOME, which a local run
writes.
"""

_answers = msgspec.json.Decoder(AnswerSet)


def add(topics: Subparsers) -> None:
    """Adds ``query`` to the command's topics."""
    text = "ask for a metric or an expression: a table or a plot"
    parser = topics.add_parser("query", help=text, description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(command=query)
    parser.add_argument("expression", help="such as 'rate(requests)'")
    parser.add_argument("--from", dest="from_", default="now-1h", metavar="INSTANT", help="now-1d, now-1d/d, ISO 8601 (now-1h)")
    parser.add_argument("--to", default="now", metavar="INSTANT", help="the same (now)")
    parser.add_argument("--resolution", metavar="STEP", help="width of a point: 1m, 1h, 1d … (as fits the range)")
    parser.add_argument("--tz", default="UTC", metavar="ZONE", help="time zone of days and weeks, such as Europe/Berlin (UTC)")
    parser.add_argument("--group-by", default="", metavar="LABELS", help="up to three labels, separated by commas")
    parser.add_argument("--top", type=int, metavar="N", help="only so many groups; the rest together as `other`")
    parser.add_argument("--compare", choices=("previous", "1d", "1w"), help="beside it, the same over an earlier range")
    parser.add_argument("--plot", action="store_true", help="draw the points")
    parser.add_argument("--json", action="store_true", help="print the answer as it came")


async def query(given: argparse.Namespace) -> int:
    """Asks and prints; raises :class:`DrishtiError` with carets under what is wrong in the expression."""
    url, key = address(os.environ)
    body = {
        "expression": given.expression,
        "group_by": given.group_by,
        "top": given.top,
        "from": given.from_,
        "to": given.to,
        "resolution": given.resolution,
        "tz": given.tz,
        "compare": given.compare,
    }
    body = {name: value for name, value in body.items() if value not in (None, "")}
    status, answer = await noticed(
        asyncio.to_thread(_post, f"{url}/api/analytics/query", key, json.dumps(body).encode()), "waiting for the answer"
    )
    if status != 200:
        raise DrishtiError(_problem(given.expression, status, answer))
    if given.json:
        print(answer.decode())
        return 0
    try:
        answered = _answers.decode(answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise DrishtiError(f"{url} is no gateway of Drishti, or one of another version: its answer cannot be read") from None
    print("\n".join(lines(answered, plot=given.plot)))
    return 0


async def noticed(work: Coroutine[Any, Any, T], text: str, *, after_s: float = NOTICE_S) -> T:
    """The result of ``work``; says ``text`` on standard error as often as ``after_s`` have passed without one."""
    began = time.monotonic()
    task = asyncio.ensure_future(work)
    while not (await asyncio.wait((task,), timeout=after_s))[0]:
        print(f"{text}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return task.result()


def address(environ: Mapping[str, str]) -> tuple[str, str]:
    """URL and key of the gateway: as ``environ`` says, else as the local run's ``client.env`` does. Raises
    :class:`DrishtiError`."""
    path = Path(environ.get("DRISHTI_HOME") or ".drishti") / "client.env"
    try:
        run = dict(line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines() if "=" in line)
    except (OSError, UnicodeDecodeError):
        run = {}
    url = environ.get("DRISHTI_URL") or run.get("DRISHTI_URL", "")
    key = environ.get("DRISHTI_API_KEY") or run.get("DRISHTI_API_KEY", "")
    if not url or not key:
        raise DrishtiError(f"DRISHTI_URL and DRISHTI_API_KEY are not set, and {path} does not have them: set DRISHTI_HOME")
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise DrishtiError("DRISHTI_URL is no http or https address")
    return url.rstrip("/"), key


def lines(answered: AnswerSet, *, plot: bool) -> list[str]:
    """What is printed: the range, a table of the series, and plots of them; what senders named with commands to a terminal is
    escaped."""
    answer = answered.answers[0]
    names = list(answer.series[0].labels) if answer.series else []
    compared = answered.compared_from is not None
    head = (*names, "total", *(("before",) if compared else ()), "unit", "")
    rows = [head]
    for series in answer.series:
        spark = "" if plot else terminal_plot.sparkline([value for _, value in series.points])
        before = (_number(series.compared_total),) if compared else ()
        labels = (
            answered.service_names.get(value, value) if name == "service" else value for name, value in series.labels.items()
        )
        rows.append((*labels, _number(series.total), *before, _unit(answer.unit), spark))
    printed = [
        f"{_instant(answered.from_ms)} to {_instant(answered.to_ms)}, points of {answered.resolution} from {answered.source}, "
        f"as of {_instant(answered.as_of)}",
        "",
        *(line.rstrip() for line in text_table.lines(rows)),
    ]
    if not answer.series:
        printed.append("no groups: nothing was counted in this range that meets the conditions")
    if answer.merged:
        printed.append(f"other: {answer.merged} {'group' if answer.merged == 1 else 'groups'} together")
    if plot:
        printed += _plots(answer, answered)
    return [escaped(line) for line in printed]


def _plots(answer: QuestionAnswer, answered: AnswerSet) -> list[str]:
    printed: list[str] = []
    for series in answer.series:
        title = ", ".join(f"{name} {value}" for name, value in series.labels.items())
        printed += ["", *([title] if title else []), *terminal_plot.plot(series.points, answered.from_ms, answered.to_ms)]
    return printed


def _problem(expression: str, status: int, answer: bytes) -> str:
    try:
        said: Any = json.loads(answer)
        error = str(said["error"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return f"the gateway answered with status {status}"
    if said.get("field") == "expression" and isinstance(said.get("character"), int):
        wrong = ExpressionError(error, said["character"], int(said.get("length") or 1))
        return f"the expression cannot be answered:\n{wrong.pointed(expression)}"
    return f"{said['field']}: {error}" if said.get("field") else error


def _post(url: str, key: str, body: bytes) -> tuple[int, bytes]:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    try:
        # The scheme was checked in `address`.
        asked = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - as above
        with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as response:  # noqa: S310 - as above
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(SHOWN_ERROR_BYTES)
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise DrishtiError(f"the gateway at DRISHTI_URL does not answer ({reason}): is it running?") from None


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _unit(unit: str) -> str:
    """As it stands beside a number: nothing of a plain number, a dash where it is not known."""
    return "" if unit == "1" else unit or "–"


def _instant(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
