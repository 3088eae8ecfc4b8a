"""Which file holds what is generated; writes them and reports where one differs."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from drishti.bus import permissions
from drishti.contracts import asyncapi, evolution, pages, schemas, typescript
from drishti.errors import DrishtiError
from drishti.messages.queries import QUERIES
from drishti.service.watchdog import WatchdogSettings

CONTRACTS = Path("shared/contracts")
SCHEMAS = CONTRACTS / "schemas"

PROGRAMS = "drishti.settings"
"""Entry points by which a package names its settings type: ``shared`` imports no service."""


class ContractBroken(DrishtiError):
    """A schema would break what was promised; ``changes`` lists how."""

    def __init__(self, changes: list[str]) -> None:
        self.changes = changes
        super().__init__(
            "within a version only optional fields may be added; make a new version on a new subject instead:\n"
            + "\n".join(f"  - {change}" for change in changes)
        )


def checkout(start: Path) -> Path:
    """The checkout that ``start`` is in: the nearest folder with ``shared/src/drishti``."""
    for folder in (start, *start.parents):
        if (folder / "shared" / "src" / "drishti").is_dir():
            return folder
    raise DrishtiError(f"{start} is not inside a checkout of Drishti: run it there, or name one with --root")


def generated(root: Path) -> dict[Path, str]:
    """Every generated file by its path in the checkout at ``root``, whose recorded examples are in some of them."""
    return {
        **{_schema_path(name): _json(document) for name, document in schemas.documents().items()},
        CONTRACTS / "asyncapi.json": _json(asyncapi.document()),
        Path("services/dashboard-stream/web/src/model/contracts.ts"): typescript.module(),
        Path("services/dashboard-stream/web/src/model/fields.ts"): typescript.fields_module(),
        Path("deploy/nats/authorization.conf"): permissions.template(),
        Path("services/gateway/src/gateway/openapi/examples.json"): _json(answers(root)),
        Path("docs/contracts.md"): pages.contracts_page(),
        Path("docs/settings.md"): pages.settings_page(settings_types()),
    }


def answers(root: Path) -> dict[str, Any]:
    """The recorded examples of answers to the questions that people ask by a path: by the question's name and their own."""
    return {
        query.name: {
            path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted((root / CONTRACTS / "examples" / f"query_{query.name}_answer" / "v1").glob("*.json"))
        }
        for query in QUERIES
        if query.path
    }


def settings_types() -> dict[str, type[Any]]:
    """What every service can be set to, and the settings type of every installed program by the program's name."""
    programs = {entry.name: entry.load() for entry in sorted(entry_points(group=PROGRAMS), key=lambda entry: entry.name)}
    return {"every service": WatchdogSettings, **programs}


def write(root: Path) -> list[Path]:
    """Brings the files up to date; returns those that changed. Raises :class:`ContractBroken`, and writes nothing then."""
    if changes := broken(root):
        raise ContractBroken(changes)
    wanted = generated(root)
    changed = differing(root)
    for path in changed:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(wanted[path], encoding="utf-8")
    return changed


def differing(root: Path) -> list[Path]:
    """The files that are not as they would be written."""
    return [path for path, text in generated(root).items() if _read(root / path) != text]


def broken(root: Path) -> list[str]:
    """How today's types break the committed schemas."""
    breaking = []
    today = schemas.documents()
    for path in sorted((root / SCHEMAS).glob("*.v1.json")):
        name = path.name.removesuffix(".v1.json")
        if name not in today:
            breaking.append(f"{name}: the message is gone")
        else:
            changes = evolution.breaks(json.loads(path.read_text(encoding="utf-8")), today[name])
            breaking += [f"{name}: {change}" for change in changes]
    return breaking


def _schema_path(name: str) -> Path:
    return SCHEMAS / f"{name}.v1.json"


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
