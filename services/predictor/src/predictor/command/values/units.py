"""Units of measurement as people write them behind numbers, and what converts one into another. Pure."""

from __future__ import annotations

_COUNTS = {
    1e3: "k K thousand",
    1e6: "M Mil mil mn Mn mio Mio million",
    1e9: "G Bil bil bn Bn billion",
    1e12: "T Tri tri tn trillion",
}
_TIMES = {
    1e-9: "ns nanosecond nanoseconds",
    1e-6: "us \u00b5s usec microsecond microseconds",
    1e-3: "ms msec msecs millisecond milliseconds",
    1.0: "s sec secs second seconds",
    60.0: "min mins minute minutes",
    3600.0: "h hr hrs hour hours",
    86400.0: "d day days",
    604800.0: "w wk wks week weeks",
}
_SMALL = {"p": 1e-12, "n": 1e-9, "u": 1e-6, "\u00b5": 1e-6, "m": 1e-3}
_LARGE = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60}
_INFORMATION = {
    "bytes": "B byte bytes Byte Bytes",
    "bits": "b bit bits",
    "bytes per second": "Bps B/s B/sec bytes/s bytes/sec",
    "bits per second": "bps b/s bit/s bits/s bits/sec",
}
_PHYSICAL = ("Hz", "W", "Wh", "V", "A", "VA", "J", "Pa")
"""Units that take every prefix of the SI."""

_RATES = ("rps", "qps", "ops", "iops", "pps", "cps", "reqps", "req/s", "ops/s")

SIGNS = "$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9"
CURRENCIES = {sign: sign for sign in SIGNS} | {
    "usd": "$",
    "us$": "$",
    "eur": "\u20ac",
    "gbp": "\u00a3",
    "jpy": "\u00a5",
    "inr": "\u20b9",
}
CURRENCIES |= {
    name: name for name in ("chf", "cad", "aud", "nzd", "cny", "sek", "nok", "dkk", "pln", "czk", "brl", "kr", "r$", "rs")
}


def _units() -> dict[str, tuple[str, float]]:
    """Every unit that is known: its dimension, and how many of the dimension's own unit it is."""
    units: dict[str, tuple[str, float]] = {"": ("", 1.0), "%": ("percent", 1.0), "\u2030": ("percent", 0.1)}
    for table, dimension in ((_COUNTS, ""), (_TIMES, "time")):
        units |= {name: (dimension, factor) for factor, names in table.items() for name in names.split()}
    units |= {prefix: ("", factor) for prefix, factor in _BINARY.items()}
    for prefix, factor in (_LARGE | _BINARY).items():
        for dimension, names in _INFORMATION.items():
            units |= {prefix + name: (dimension, factor) for name in names.split()}
    for base in _PHYSICAL:
        units |= {prefix + base: (base, factor) for prefix, factor in (_SMALL | _LARGE).items()}
    units |= {"mb": ("bytes", 1e6), "gb": ("bytes", 1e9), "tb": ("bytes", 1e12)}
    for rate in _RATES:
        units |= {prefix + rate: (rate, factor) for prefix, factor in _LARGE.items()}
    return units


UNITS = _units()
"""Every unit that is known: its dimension, and how many of the dimension's own unit it is."""

DIMENSIONS = {dimension for dimension, _ in UNITS.values()} - set(_RATES)
"""Those whose units stay as the column has them; thousands of a rate are multiplied out, as plain thousands are."""


def resolved(unit: str, timed: bool) -> tuple[str, float]:
    """Dimension and factor of a unit; its own word where it is none that is known. ``m`` are minutes only among other times."""
    if unit == "m" and timed:
        return "time", 60.0
    known = UNITS.get(unit) or UNITS.get(unit.rstrip("."))
    if known is None and unit.lower() in UNITS and len(unit) > 2:
        known = UNITS[unit.lower()]
    if known is not None:
        return known
    if unit.lower() in CURRENCIES:
        return CURRENCIES[unit.lower()], 1.0
    prefix, _, rest = unit.replace("\u20ac", " \u20ac").replace("$", " $").strip().partition(" ")
    scale = UNITS.get(prefix.rstrip("."))
    if rest and scale is not None and scale[0] == "":
        rest = rest.strip()
        return CURRENCIES.get(rest.lower(), rest), scale[1]
    return unit, 1.0
