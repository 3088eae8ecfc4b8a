"""``drishti capsule``: a dashboard over a range of time as one file, over HTTP from the gateway.

The file's form is that of ``model/capsule.ts`` in the sources of the page, which opens it.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from drishti.dashboards.capsule_panels import KINDS, Ask, Refused, UnknownPanel, answer_of, answered, key_of, steps_for
from drishti.errors import DrishtiError
from drishti.measures import query_cli, time_ranges

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
VERSION = 1
MOST_PACKED, MOST_BYTES = 8 << 20, 64 << 20
"""As much as the page opens, and as much as it unpacks."""

MOST_TRACES = 10
TOP = 12
BATCH = 8
TIMEOUT_S = 60.0
SHOWN_ERROR_BYTES = 64 * 1024

_TRACE = re.compile(r"\b(?!0{32})[0-9a-f]{32}\b")

HELP = """A capsule is a dashboard over a range of time as one file: the answers to its questions, what models said, notes, and
the traces that are named. The page `Open a capsule` (/api/dashboard/capsule) shows it, read-only, on any Drishti.

example:
  drishti capsule export system_overview --from now-1h --to outage.capsule.json.gz

The gateway and a viewer's key are DRISHTI_URL and DRISHTI_API_KEY, else those of client.env in DRISHTI_HOME.
"""


def add(topics: Subparsers) -> None:
    """Adds ``capsule`` to the command's topics."""
    text = "a dashboard over a range of time as one file"
    topic = topics.add_parser("capsule", help=text, description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = topic.add_subparsers(required=True, metavar="verb")
    verb = verbs.add_parser("export", help="make the file", description="Makes the file of a capsule.")
    verb.set_defaults(command=export)
    verb.add_argument("dashboard", help="its name, as in its address")
    verb.add_argument("--from", dest="from_", default="now-1h", metavar="INSTANT", help="now-1d, now-1d/d, ISO 8601 (now-1h)")
    verb.add_argument("--until", default="now", metavar="INSTANT", help="the same (now)")
    verb.add_argument("--to", type=Path, metavar="FILE", help="where to write it (default: NAME.capsule.json.gz here)")


async def export(given: argparse.Namespace) -> int:
    """Gathers and writes; raises :class:`DrishtiError`."""
    url, key = query_cli.address(os.environ)
    now = datetime.now(UTC)
    begin = time_ranges.instant(given.from_, now=now, field="--from")
    end = min(time_ranges.instant(given.until, now=now, end=True, field="--until"), int(now.timestamp() * 1000))
    if begin >= end:
        raise DrishtiError("--from must be earlier than --until")
    path: Path = given.to or Path(f"{given.dashboard}.capsule.json.gz")
    work = asyncio.to_thread(gather, given.dashboard, begin, end, lambda at, body: _ask(url, key, at, body))
    capsule = await query_cli.noticed(work, "gathering")
    text = json.dumps(capsule, separators=(",", ":"), ensure_ascii=False).encode()
    packed = gzip.compress(text)
    if len(packed) > MOST_PACKED or len(text) > MOST_BYTES:
        raise DrishtiError("there is too much in this range for a capsule: choose a shorter one")
    try:
        await asyncio.to_thread(path.write_bytes, packed)
    except OSError as error:
        raise DrishtiError(f"{path} cannot be written: {error.strerror}") from None
    sys.stdout.write(f"{path}: {len(packed) / 1024:.0f} KiB\n")
    sys.stdout.writelines(f"not in it: {problem}\n" for problem in capsule["problems"])
    return 0


def gather(name: str, begin_ms: int, end_ms: int, ask: Ask) -> dict[str, Any]:
    """The capsule of the dashboard ``name``; raises :class:`DrishtiError`."""
    dashboards = ask("/api/dashboard/dashboards", None)["dashboards"]
    dashboard = next((one for one in dashboards if one["name"] == name), None)
    if dashboard is None:
        raise DrishtiError(f"there is no dashboard {name[:64]!r}; there are: {', '.join(one['name'] for one in dashboards)}")
    problems: list[str] = []
    answers = [
        part
        for resolutions, wanted in wanted_of(dashboard["series"], (end_ms - begin_ms) / 1000)
        for start in range(0, len(wanted), BATCH)
        for part in _answers(wanted[start : start + BATCH], resolutions, begin_ms, end_ms, ask, problems)
    ]
    panels = {}
    for panel in dashboard.get("panels", ()):
        if panel["kind"] not in KINDS:
            continue
        try:
            panels[key_of(panel)] = answer_of(panel, begin_ms, end_ms, ask)
        except (Refused, UnknownPanel) as error:
            problems.append(f"{panel['title']}: {error}")
    within = urllib.parse.urlencode({"from": begin_ms, "to": end_ms})
    history = ask(f"/api/dashboard/insight-history?{within}", None)
    notes = ask(f"/api/dashboard/notes?{within}", None)
    if history["problem"]:
        problems.append(history["problem"])
    if notes["left_off"]:
        problems.append(f"{notes['left_off']} notes")
    traces = []
    for trace_id in list(dict.fromkeys(_TRACE.findall(json.dumps(history["insights"]))))[:MOST_TRACES]:
        try:
            traces.append(ask(f"/api/analytics/traces/{trace_id}", None))
        except Refused as error:
            problems.append(f"trace {trace_id}: {error}")
    return {
        "drishti_capsule": VERSION,
        "made_at": int(time.time() * 1000),
        "from": begin_ms,
        "to": end_ms,
        "dashboard": dashboard,
        "answers": answers,
        "insights": history["insights"],
        "notes": notes["notes"],
        "traces": traces,
        "panels": panels,
        "problems": problems,
    }


Wanted: TypeAlias = tuple[str, str, dict[str, Any]]
"""The name of a reading, the dimension by which it is split (empty: none), and the question."""


def wanted_of(entries: list[dict[str, Any]], seconds: float) -> Iterator[tuple[list[str], list[Wanted]]]:
    """What is asked for the readings of a dashboard over a range, by the widths of points that fit, the finest first."""
    sets: dict[str, list[Wanted]] = {}
    for entry in entries:
        if entry.get("span"):
            continue
        least = entry.get("resolution", "1s") if entry.get("title") is None else "1m"
        question = {"metric": entry["metric"], "aggregate": entry["field"]}
        if entry.get("filters"):
            question["filters"] = entry["filters"]
        wanted = sets.setdefault(least, [])
        if entry["total"] or not entry["labels"]:
            wanted.append((entry["name"], "", question))
        wanted += [(entry["name"], label, question | {"group_by": [label], "top": TOP}) for label in entry["labels"]]
    for least, wanted in sets.items():
        yield steps_for(seconds, least), wanted


def _answers(
    wanted: list[Wanted], resolutions: list[str], begin_ms: int, end_ms: int, ask: Ask, problems: list[str]
) -> list[dict[str, Any]]:
    """The answers together, or one by one where one of the questions is refused, which is a problem then."""
    try:
        body = {"questions": [question for _, _, question in wanted], "from": begin_ms, "to": end_ms}
        answers = answered(body, resolutions, ask)
    except Refused as error:
        if error.status != 422:
            raise
        if len(wanted) == 1:
            problems.append(f"{wanted[0][0]}: {error}")
            return []
        return [part for one in wanted for part in _answers([one], resolutions, begin_ms, end_ms, ask, problems)]
    questions = [{"reading": name, "label": label} for name, label, _ in wanted]
    names = answers.get("service_names") or {}
    return [
        {"questions": questions, "resolution": answers["resolution"], "answers": answers["answers"], "service_names": names}
    ]


def _ask(url: str, key: str, path: str, body: Any) -> Any:
    headers = {"authorization": f"Bearer {key}"} | ({} if body is None else {"content-type": "application/json"})
    data = None if body is None else json.dumps(body).encode()
    try:
        # The scheme was checked in `query_cli.address`.
        asked = urllib.request.Request(url + path, data=data, headers=headers)  # noqa: S310 - as above
        with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as response:  # noqa: S310 - as above
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error.code, error.read(SHOWN_ERROR_BYTES)) from None
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise DrishtiError(f"the gateway at DRISHTI_URL does not answer ({reason}): is it running?") from None


def _refusal(status: int, answer: bytes) -> Refused:
    try:
        said = json.loads(answer)
        return Refused(status, str(said["error"]), str(said.get("field") or ""))
    except (ValueError, TypeError, KeyError, RecursionError):
        return Refused(status, f"the gateway answered with status {status}")
