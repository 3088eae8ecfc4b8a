"""What can be changed about the demonstration, by environment variable."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path

from drishti.settings import setting

FAULTS = ("latency", "errors", "drop")

MAX_HISTORY_DAYS = 29
"""Drishti takes no events that are older than 30 days."""

DESTINATIONS = ("DRISHTI_NATS_URL", "DRISHTI_URL")


@dataclass(frozen=True, kw_only=True)
class WisdomSettings:
    """All of it has a default: ``python -m wisdom`` alone works."""

    host: str = setting("DEMO_HOST", "address to listen at", "127.0.0.1")
    port: int = setting("DEMO_PORT", "port of the sample application", 8010)
    speed: float = setting("DEMO_SPEED", "how many times faster than recorded the traffic comes", 1.0)
    seed: int = setting("DEMO_SEED", "seed of everything that chance decides", 108)
    fault: str = setting("DEMO_FAULT", "fault to plant: latency (× 5), errors (30 %) or drop (traffic to 10 %)", "")
    fault_after_s: float = setting("DEMO_FAULT_AFTER", "seconds from the start to the fault", 120.0)
    fault_for_s: float = setting("DEMO_FAULT_FOR", "seconds that the fault lasts", 60.0)
    history_days: float = setting(
        "DEMO_HISTORY_DAYS", "days before the first start of which people with habits have a past; 0: none", 28.0
    )
    history_after_s: float = setting(
        "DEMO_HISTORY_AFTER",
        "seconds from the start until that past is sent: what is normal is learned of the live crowd first",
        90.0,
    )
    data: Path = setting("DRISHTI_DATA", "folder of recorded data", Path("../shared/data"))
    database: str = setting("WISDOM_DATABASE", "SQLAlchemy URL of the database; else a file in DRISHTI_HOME, or memory", "")
    home: Path | None = setting("DRISHTI_HOME", "folder of a local run: its client.env, our database", None)

    def __post_init__(self) -> None:
        if self.fault not in ("", *FAULTS):
            raise ValueError(f"DEMO_FAULT: {self.fault!r} is none of {', '.join(FAULTS)}")
        if self.speed <= 0:
            raise ValueError(f"DEMO_SPEED: {self.speed:g} is not above 0")
        if not 0 <= self.history_days <= MAX_HISTORY_DAYS:
            raise ValueError(f"DEMO_HISTORY_DAYS: {self.history_days:g} is not between 0 and {MAX_HISTORY_DAYS}")

    @property
    def database_url(self) -> str:
        if self.database:
            return self.database
        if self.home is not None and self.home.is_dir():
            return f"sqlite+aiosqlite:///{self.home.absolute() / 'wisdom.db'}"
        return "sqlite+aiosqlite://"


def take_client_env(environ: MutableMapping[str, str]) -> Path | None:
    """Fills ``environ`` from a local run's ``client.env``, unless it names a destination itself; the file, if it was used."""
    if any(environ.get(name) for name in DESTINATIONS):
        return None
    path = Path(environ.get("DRISHTI_HOME") or ".drishti") / "client.env"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:  # no local run, or another user's: the SDK says that it has no destination
        return None
    for line in lines:
        name, separator, value = line.partition("=")
        if separator and name.startswith("DRISHTI_"):
            environ.setdefault(name, value.strip().strip("'\""))
    return path
