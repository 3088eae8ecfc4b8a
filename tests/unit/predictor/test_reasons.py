"""``detect --details``: no row that is an anomaly contradicts its own columns, whatever happens to a series."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np
import pytest

from predictor import plugins
from predictor.command.main import main
from predictor.detectors.interface import Anomaly, Verdicts
from predictor.series.ring import Floats, Ints

ROWS = 450
FAULTS = ("spike", "shift", "drift", "rougher", "calmer", "missing", "absent")
BASES = ("noise", "season", "heavy", "walk", "flat")
SILENT = ("count", "gap")

Line = Mapping[str, str]


def series(base: str, fault: str, seed: int) -> str:
    """A series of five minutes (or of hours) at some offset, to which something happens; one in three has a gap besides."""
    rng = np.random.default_rng([BASES.index(base), FAULTS.index(fault), seed])
    i = np.arange(ROWS)
    shapes: dict[str, Floats] = {
        "noise": rng.normal(size=ROWS),
        "season": np.sin(i / rng.uniform(5, 50)) + 0.1 * rng.normal(size=ROWS),
        "heavy": np.exp(1.5 * rng.normal(size=ROWS)),
        "walk": 0.2 * np.cumsum(rng.normal(size=ROWS)),
        "flat": np.zeros(ROWS),
    }
    shape, start, size = shapes[base], int(rng.integers(150, 300)), float(rng.choice([-1, 1]) * rng.choice([3, 6, 20]))
    during = slice(start, start + 100)
    if fault == "spike":
        shape[start : start + 3] += size
    elif fault == "shift":
        shape[start:] += size
    elif fault == "drift":
        shape[start:] += size * np.linspace(0, 1, ROWS - start)
    elif fault in ("rougher", "calmer"):
        shape[during] *= abs(size) if fault == "rougher" else 0.05
    offset = float(rng.choice([0.0, 10.0, 1e9, -50.0]))
    values = offset + max(abs(offset), 1.0) * float(rng.choice([1e-3, 0.05, 1.0])) * shape
    gap = slice(start + 60, start + 60 + int(rng.integers(5, 40)))
    step, here = int(rng.choice([300, 3600])), np.ones(ROWS, np.bool_)
    if fault == "missing":
        values[gap] = np.nan
    elif fault == "absent" or seed % 3 == 0:
        here[gap] = False
    write = rng.choice([".17g", ".3f"])
    lines = [f"{1717200000 + step * k},{'' if math.isnan(values[k]) else format(values[k], write)}" for k in i[here]]
    return "\n".join(["timestamp,value", *lines]) + "\n"


def detected(
    content: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> list[dict[str, str]]:
    monkeypatch.setattr("sys.stdin", io.StringIO(content))
    assert main(["detect", "-", "--details", *arguments]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def check(row: Line) -> None:
    """What one row says agrees with itself."""
    if row["is_anomaly"] == "0":
        assert row["statistic"] == row["observed"] == "", row
        return
    observed, lower, expected, upper = (float(row[name]) for name in ("observed", "lower95", "expected", "upper95"))
    assert observed > upper if row["direction"] == "up" else observed < lower, row
    assert lower <= expected <= upper, row
    assert row["statistic"] != "value" or observed == float(row["value"]), row
    assert (row["kind"] == "silence") == (row["statistic"] in SILENT), row
    assert (row["kind"] == "variance") == (row["statistic"] == "scatter"), row
    assert {"spike": "up", "drop": "down"}.get(row["kind"], row["direction"]) == row["direction"], row


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("fault", FAULTS)
def test_no_anomaly_contradicts_its_own_columns(
    base: str, fault: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(2):
        for row in detected(series(base, fault, seed), capsys, monkeypatch):
            check(row)


def test_a_silence_says_how_long_it_was(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    values = 5 + np.random.default_rng(3).normal(size=300)
    for missing, reported in ((True, ("count", "0", "down")), (False, ("gap", "6300", "up"))):
        lines = [f"{1717200000 + 300 * k},{'' if 200 <= k < 220 else v}" for k, v in enumerate(values)]
        content = "\n".join(["timestamp,value", *(line for line in lines if missing or not line.endswith(","))]) + "\n"
        (row,) = [
            row for row in detected(content, capsys, monkeypatch) if row["kind"] == "silence" and row["is_anomaly"] == "1"
        ]
        check(row)
        assert (row["statistic"], row["observed"], row["direction"]) == reported


class Silent:
    """A detector of another package: every tenth row alarms, and it does not say why."""

    name = "tenth"

    def __init__(self) -> None:
        self._seen = 0

    def reserve(self, rows: int) -> None:
        pass

    def update(self, rows: Ints, at: Floats, values: Floats) -> Verdicts:
        self._seen += 1
        alarm, one = np.array([self._seen % 10 == 0]), np.ones(1)
        kind = np.where(alarm, int(Anomaly.SPIKE), 0)
        return Verdicts(one, alarm, ~one.astype(bool), kind, alarm.astype(np.int64), one, 0 * one, -one, one)


def test_an_alarm_without_a_reason_is_shown_with_no_band_that_contradicts_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    point = SimpleNamespace(name="tenth", value="tenth:Silent", load=lambda: Silent)
    monkeypatch.setattr(plugins, "entry_points", lambda **_: [point])
    content = "timestamp,value\n" + "".join(
        f"{1717200000 + 300 * k},{0.5 if k % 20 == 9 else 3 * (-1) ** (k // 20)}\n" for k in range(60)
    )
    alarms = [row for row in detected(content, capsys, monkeypatch, "--detector", "tenth") if row["is_anomaly"] == "1"]
    assert len(alarms) == 6
    for row in alarms[::2]:
        assert [row[name] for name in ("expected", "lower95", "upper95", "statistic", "observed")] == [""] * 5
    for row in alarms[1::2]:
        check(row)
    assert [row["kind"] for row in alarms[1::2]] == ["spike", "drop", "spike"]
