"""The notations of time that are known: taken apart, and written again with another time. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

EPOCH = datetime(1970, 1, 1)
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_AHEAD = {
    **dict.fromkeys(("UTC", "GMT", "WET"), 0),
    **dict.fromkeys(("WEST", "CET", "MEZ"), 1),
    **dict.fromkeys(("CEST", "MESZ", "EET"), 2),
    **dict.fromkeys(("EST", "CDT"), -5),
    **dict.fromkeys(("CST", "MDT"), -6),
    **dict.fromkeys(("MST", "PDT"), -7),
    "EEST": 3,
    "JST": 9,
    "EDT": -4,
    "PST": -8,
}
"""Names of zones that mean one thing in files (those of RFC 5322 are North America's), and hours that they are ahead of UTC."""

_ZONE = rf"[Zz]|(?:UTC|GMT)?[+-]\d{{1,2}}(?::?\d{{2}})?|{'|'.join(sorted(_AHEAD, key=len, reverse=True))}"
_TIME = (
    r"(?P<H>\d{1,2})(?::(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d+))?)?)?(?:\s*(?P<p>[AaPp]\.?[Mm]\b\.?))?"
    rf"(?:\s*Uhr)?(?:\s*(?P<z>{_ZONE}))?(?:\[[\w/+-]+\]|\s*\([^()]*\))?"
)
_AFTER = rf"(?:(?:\s*[Tt_:]|,?\s)\s*(?:(?:at|um|\u00e0)\s+)?{_TIME})?"
_WEEKDAY = r"(?:(?P<wd>(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*)\.?,?\s+)?"
_NAME = r"(?P<n>(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)\.?"
_YEAR = r"(?P<y>\d{4})"
_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"

_NOTATIONS = [
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        rf"{_YEAR}(?P<s>[-/.])(?P<m>\d{{1,2}})(?P=s)(?P<d>\d{{1,2}}){_AFTER}",
        rf"(?P<a>\d{{1,2}})(?P<s>[-/.])(?P<b>\d{{1,2}})(?P=s){_YEAR}{_AFTER}",
        rf"{_YEAR}\s?\u5e74\s?(?P<m>\d{{1,2}})\s?\u6708(?:\s?(?P<d>\d{{1,2}})\s?\u65e5{_AFTER})?",
        rf"{_YEAR}(?P<m>\d{{2}})(?P<d>\d{{2}})[\s_-]{_TIME}",
        rf"{_YEAR}(?P<m>\d{{2}})(?P<d>\d{{2}})[_-](?P<H>\d{{2}})(?P<M>\d{{2}})(?P<S>\d{{2}})?",
        rf"{_YEAR}-(?P<j>\d{{3}})",
        rf"{_YEAR}[-/](?P<m>\d{{1,2}})",
        rf"(?P<m>\d{{1,2}})[-/]{_YEAR}",
        rf"{_YEAR}[-\s]?M(?P<m>\d{{1,2}})",
        rf"{_YEAR}[-_/.:\s]?[QT](?P<q>[1-4])",
        rf"{_YEAR}[-_/.:\s]?(?P<q>[1-4])[QT]",
        rf"[QT](?P<q>[1-4])[-_/.,\s]*{_YEAR}",
        rf"(?P<q>[1-4])[QT][-_/.,\s]*{_YEAR}",
        rf"(?P<q>[1-4])(?:st|nd|rd|th|\.)?\s*(?:quarter|qtr|quartal|trimestre)[-/.,\s]*{_YEAR}",
        rf"{_YEAR}_(?P<m>\d{{1,2}})",
        rf"(?:W|Week|Wk|KW|CW)[-.\s]*(?P<w>\d{{1,2}})[-/.,\s]+{_YEAR}",
        rf"{_YEAR}[-/\s]*(?:Week|Wk|KW|CW)[-.\s]*(?P<w>\d{{1,2}})",
        rf"{_YEAR}[-\s]?W(?P<w>\d{{1,2}})(?:-?(?P<wn>[1-7]){_AFTER})?",
        rf"{_WEEKDAY}{_DAY}[-/.\s]*{_NAME}[-/.,\s]*{_YEAR}{_AFTER}",
        rf"{_WEEKDAY}{_NAME}[-/.\s]*{_DAY}(?:,\s*|\s+){_YEAR}{_AFTER}",
        rf"{_WEEKDAY}{_NAME}\s+{_DAY}\s+(?P<H>\d{{1,2}}):(?P<M>\d{{2}}):(?P<S>\d{{2}})(?:\s+(?P<z>{_ZONE}))?\s+{_YEAR}",
        rf"{_NAME}[-/.,\s]*{_YEAR}",
        rf"{_YEAR}[-/.\s]*{_NAME}",
        rf"{_YEAR}(?P<m>\d{{2}})(?P<d>\d{{2}})[Tt](?P<H>\d{{2}})(?:(?P<M>\d{{2}})(?:(?P<S>\d{{2}})(?:[.,](?P<f>\d+))?)?)?"
        r"(?P<z>[Zz]|[+-]\d{2}(?::?\d{2})?)?",
    )
]

COMPACT = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"(?P<y>\d{4})",
        r"(?P<y>\d{4})(?P<m>\d{2})",
        r"(?P<y>(?:19|20)\d{2})(?P<j>\d{3})",
        r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
        r"(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})(?P<H>\d{2})",
        r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<H>\d{2})(?P<M>\d{2})",
        r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2})",
        r"(?P<m>0[1-9]|1[0-2])\.(?P<y>(?:19|20)\d{2})",
    )
)
"""Stamps in digits alone: taken for such only where every stamp of the column can be one."""

_TWO = r"(0[1-9]|[12]\d|3[01])"
_MONTH = r"(0[1-9]|1[0-2])"
UNLIKE_NUMBERS = tuple(
    (re.compile(pattern, re.ASCII), said)
    for pattern, said in (
        (rf"(19|20)\d\d\.{_MONTH}", "years and months: --date-format %Y.%m"),
        (r"(19[6-9]|20\d)\d(0[1-9]|[1-4]\d|5[0-3])", "years and weeks: write them as 2019-W05"),
        (rf"\d\d{_MONTH}{_TWO}", "days: --date-format %y%m%d"),
        (rf"{_TWO}{_MONTH}(19|20)\d\d", "days: --date-format %d%m%Y"),
        (rf"{_MONTH}{_TWO}(19|20)\d\d", "days: --date-format %m%d%Y"),
    )
)
"""Numbers that are rather dates than seconds where every one of a column is like that, and what to do with them."""


def read_iso(text: str) -> datetime | None:
    """The usual notation, read fast; ``None``: it is another."""
    if len(text) < 10 or text[4] != "-" or text[7] != "-":
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def matched(text: str) -> re.Match[str] | None:
    """The parts of a stamp, in groups named as in the patterns above; ``None``: no notation has it."""
    for notation in _NOTATIONS:
        match = notation.fullmatch(text)
        if match is not None:
            return match if _names(match) else None
    return None


def advice(text: str) -> str:
    """Which ``--date-format`` reads a notation that is not read without it."""
    for pattern, form in (
        (r"[A-Za-z]{3}([-/ ])\d{2}", "%b{}%y"),
        (r"\d{1,2}([-/ ])[A-Za-z]{3}\1\d{2}\b.*", "%d{0}%b{0}%y"),
        (r"\d{1,2}([-/.])\d{1,2}\1\d{2}\b.*", "%d{0}%m{0}%y or %m{0}%d{0}%y"),
    ):
        match = re.fullmatch(pattern, text, re.ASCII)
        if match:
            return f" (--date-format {form.format(match[1])}?)"
    return ""


def _names(match: re.Match[str]) -> bool:
    """Whether names of months and days are whole or shortened ones, and no other words that begin so."""
    groups = match.groupdict()
    for name, known in (("n", _MONTHS), ("wd", _DAYS)):
        word = (groups.get(name) or "").lower()
        if word and not any(full.startswith(word) for full in known) and word not in ("sept", "tues", "thurs"):
            return False
    return True


def day_of(g: dict[str, str | None], day_first: bool) -> date:
    """Raises ``ValueError`` where there is no such day."""
    year = int(g["y"] or 0)
    if g.get("q"):
        return date(year, 3 * int(g["q"] or 1) - 2, 1)
    if g.get("w"):
        return date.fromisocalendar(year, int(g["w"] or 1), int(g.get("wn") or 1))
    if g.get("j"):
        day = date(year, 1, 1) + timedelta(days=int(g["j"] or 0) - 1)
        if day.year != year:
            raise ValueError(g["j"])
        return day
    if g.get("a"):
        a, b = int(g["a"] or 0), int(g["b"] or 0)
        return date(year, b, a) if day_first else date(year, a, b)
    if g.get("n"):
        month = 1 + next(k for k, full in enumerate(_MONTHS) if full.startswith((g["n"] or "")[:3].lower()))
    else:
        month = int(g.get("m") or 1)
    return date(year, month, int(g.get("d") or 1))


def offset_of(zone: str | None) -> float:
    """Seconds that a zone is ahead of UTC, as its stamp writes it. Raises ``ValueError`` where none is so far."""
    if not zone or zone in "Zz":
        return 0.0
    digits = _signed(zone).lstrip("+-").replace(":", "")
    if not digits:
        return 3600.0 * _AHEAD[zone.upper()]
    hours, minutes = (int(digits), 0) if len(digits) < 3 else (int(digits[:-2]), int(digits[-2:]))
    if hours > 18 or minutes > 59:
        raise ValueError(zone)
    return (3600.0 * hours + 60.0 * minutes) * (-1.0 if "-" in zone else 1.0)


def _signed(zone: str) -> str:
    """The offset in a zone's text: of ``UTC+2``, that is ``+2``."""
    return zone.lstrip("UTCGMutcgm") if zone[-1].isdigit() else ""


def digits_of(number: float) -> str:
    """A number of seconds (or parts of them), without an exponent."""
    return f"{number:.0f}" if abs(number - round(number)) < 1e-6 * max(1.0, abs(number) * 1e-9) else repr(round(number, 6))


def iso(wall: float, groups: dict[str, str | None] | None = None, offset: float = 0.0) -> str:
    """ISO 8601 of a time by the wall's clock, as fine as the stamp that was taken apart into ``groups``."""
    at = EPOCH + timedelta(seconds=round(wall, 6))
    g = groups or {"H": "1", "M": "1", "S": "1"}
    if g.get("q"):
        return f"{at.year}-Q{(at.month + 2) // 3}"
    if not (g.get("d") or g.get("a") or g.get("j") or g.get("w") or g.get("H")):
        return f"{at:%Y-%m}" if g.get("m") or g.get("n") else f"{at:%Y}"
    if not g.get("H"):
        return f"{at:%Y-%m-%d}"
    text = at.isoformat(timespec="milliseconds" if g.get("f") else "seconds" if g.get("S") else "minutes")
    zone = g.get("z")
    if not zone:
        return text
    return text + (_zone(_signed(zone) or "+00:00", offset) if offset or _signed(zone) else "Z")


def _zone(like: str, offset: float) -> str:
    if like[0] not in "+-":
        return like if not (sign := _signed(like)) else like[: -len(sign)] + _zone(sign, offset)
    minutes = round(abs(offset) / 60)
    sign = "-" if offset < 0 else "+"
    return f"{sign}{minutes // 60:02d}" + ("" if len(like) <= 3 else f"{':' if ':' in like else ''}{minutes % 60:02d}")


def rewritten(match: re.Match[str], offset: float, at: datetime, day_first: bool, padded: bool) -> str:
    """The text of ``match`` with another time in it."""
    week = at.isocalendar()
    two = "{:02d}" if padded else "{:d}"
    fraction = match.groupdict().get("f") or ""
    fields: dict[str, Callable[[], str]] = {
        "y": lambda: f"{week.year if match.groupdict().get('w') else at.year:04d}",
        "m": lambda: two.format(at.month),
        "d": lambda: two.format(at.day),
        "j": lambda: f"{at.timetuple().tm_yday:03d}",
        "a": lambda: two.format(at.day if day_first else at.month),
        "b": lambda: two.format(at.month if day_first else at.day),
        "q": lambda: str((at.month + 2) // 3),
        "w": lambda: f"{week.week:02d}",
        "wn": lambda: str(week.weekday),
        "H": lambda: two.format((at.hour + 11) % 12 + 1 if match.groupdict().get("p") else at.hour),
        "M": lambda: f"{at.minute:02d}",
        "S": lambda: f"{at.second:02d}",
        "f": lambda: f"{at.microsecond:06d}".ljust(len(fraction), "0")[: len(fraction)],
        "n": lambda: _cased(_MONTHS[at.month - 1], match["n"]),
        "wd": lambda: _cased(_DAYS[at.weekday()], match["wd"]),
        "z": lambda: _zone(match["z"], offset),
        "p": lambda: ("pm" if at.hour >= 12 else "am") if match["p"].islower() else ("PM" if at.hour >= 12 else "AM"),
    }
    text, place = "", 0
    spans = sorted((match.span(name), name) for name in fields if match.groupdict().get(name))
    for (start, end), name in spans:
        text += match.string[place:start] + fields[name]()
        place = end
    return text + match.string[place:]


def _cased(name: str, like: str) -> str:
    short = name[:3] if len(like) <= 4 and like.lower() not in ("june", "july") else name
    return short.upper() if like.isupper() else short if like.islower() else short.capitalize()
