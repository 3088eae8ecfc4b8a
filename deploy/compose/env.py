"""Makes ``.env`` for ``docker compose up``: ``.env.example`` with every empty value filled in at random.

What is set in an existing ``.env`` stays; what is missing or empty there is added, so the step may be repeated after an update.
Needs Python 3.8 and nothing else, since on a machine that runs containers there may be nothing else.

    python3 deploy/compose/env.py [FILE]
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_LINE = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$")
_KEYS = ("DRISHTI_API_KEY", "DRISHTI_SERVICES_KEY")


def secret(name: str) -> str:
    """A new secret for the variable ``name``, of characters that no reader of ``.env`` takes for something else.

    NATS reads its passwords as a part of its configuration, where a word must begin with a letter; the database's is a part
    of an address.
    """
    if name in _KEYS:
        return f"dk_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"
    return f"s{secrets.token_hex(24)}"


def filled(example: str, existing: str | None) -> tuple[str, list[str]]:
    """The text of ``.env``, and the names of the variables that got a value."""
    made = []
    lines = []
    for line in (example if existing is None else existing).splitlines():
        name = _missing(line)
        if name in _wanted(example):
            line = f"{name}={secret(name)}"
            made.append(name)
        lines.append(line)
    present = {match[1] for match in map(_LINE.match, lines) if match}
    for name in _wanted(example):
        if name not in present:
            lines.append(f"{name}={secret(name)}")
            made.append(name)
    return "\n".join(lines) + "\n", made


def _wanted(example: str) -> list[str]:
    return [name for name in map(_missing, example.splitlines()) if name]


def _missing(line: str) -> str:
    """The variable that ``line`` names without giving it a value, or nothing."""
    match = _LINE.match(line)
    return match[1] if match and not match[2].strip(" \"'") else ""


def write_private(path: Path, text: str) -> None:
    """Replaces the file at ``path`` in one step; it is never readable by others, not even for a moment."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def main() -> int:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".env"
    try:
        existing = path.read_text(encoding="utf-8") if path.exists() else None
        text, made = filled((ROOT / ".env.example").read_text(encoding="utf-8"), existing)
        if made:
            write_private(path, text)
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return 1
    if not made:
        sys.stdout.write(f"{path} has all that it needs\n")
    elif existing is None:
        sys.stdout.write(f"{path} is made, with {len(made)} new secrets; keep it: the data of the volumes are bound to it\n")
    else:
        sys.stdout.write(f"added to {path}: {', '.join(made)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
