"""What minutes show and seconds do not, through the engine as the service runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drishti.events import Aggregate, AggregateSeries
from drishti.settings import SettingsError, load
from predictor.anomalies import insights
from predictor.anomalies.engine import Engine
from predictor.anomalies.findings import Finding
from predictor.anomalies.lifecycle import Phase
from predictor.anomalies.minutes import ADAPT, CALM, Minutes
from predictor.artefacts import encoding
from predictor.artefacts.artefact import Position
from predictor.detectors.interface import Anomaly, Verdicts
from predictor.errors import UnfitArtefact, UnknownPlugin
from predictor.series.ring import Floats, Ints
from predictor.settings import PredictorSettings

T0 = 1_790_000_000 // 86_400 * 86_400
DAY = 1440


def minute(i: int, value: float | None, metric: str = "memory_usage_bytes") -> Aggregate:
    """Minute ``i`` of the service chat; gauges are reported twelve times in it."""
    count = 12 if value is not None else 0
    labels = {"service": "chat"}
    series = [AggregateSeries(labels=labels, count=count, sum=(value or 0.0) * count)] if count else []
    return Aggregate(
        tenant="default",
        metric=metric,
        unit="By",
        resolution="1m",
        window_start=(T0 + 60 * i) * 1000,
        revision=0,
        final=True,
        published_at=(T0 + 60 * i + 61) * 1000,
        series=series,
    )


def reported(engine: Engine, values: list[float | None], begin: int = 0) -> list[tuple[int, Finding]]:
    result = []
    for i, value in enumerate(values, start=begin):
        result += [(i, finding) for finding in engine.take(minute(i, value)) if finding.change is not None]
    return result


def phases(result: list[tuple[int, Finding]]) -> list[tuple[int, Phase]]:
    return [(i, f.change.phase) for i, f in result if f.change is not None and f.change.phase is not Phase.ONGOING]


def memory(n: int, seed: int = 1) -> np.ndarray:
    return 5e8 * (1 + np.random.default_rng(seed).normal(0, 0.01, n))


def test_a_leak_of_hours_is_reported_once_and_ends() -> None:
    values = memory(2 * DAY + 400)
    leak = np.concatenate([np.linspace(1, 2.2, 300), np.ones(100)])
    values[2 * DAY :] *= leak
    result = reported(Engine(), values.tolist())
    (opened, _), (ended, _) = [(i, p) for i, p in phases(result) if i >= 2 * DAY]
    assert 2 * DAY < opened < 2 * DAY + 150, "before it is half as much again"
    assert 2 * DAY + 300 <= ended < 2 * DAY + 310
    sentence = insights.anomaly(result[0][1])
    assert (sentence.phase, sentence.direction, sentence.model) == ("opened", "up", "stream-v2")
    assert sentence.anomaly in ("drift", "spike", "shift")
    assert [p for _, p in phases(result)] == [Phase.OPENED, Phase.RESOLVED]


def test_a_busy_night_is_reported_and_a_busy_day_is_not() -> None:
    engine = Engine()
    rng = np.random.default_rng(2)
    days = 6
    clock = np.arange(days * DAY)
    cpu = 0.35 - 0.25 * np.cos(2 * np.pi * clock / DAY) + rng.normal(0, 0.01, days * DAY)
    cpu[5 * DAY - 10 : 5 * DAY + 30] = 0.55  # as at noon, but at midnight
    result = [
        i
        for i, value in enumerate(cpu.tolist())
        for finding in engine.take(minute(i, value, "cpu_utilization"))
        if finding.change is not None and finding.change.phase is Phase.OPENED
    ]
    planted = 5 * DAY - 10
    assert len([i for i in result if i < planted]) <= 2
    assert [i for i in result if planted <= i < planted + 40]


def test_what_stays_is_the_new_normal() -> None:
    values = memory(DAY + ADAPT + 60)
    values[DAY:] *= 1.6
    result = reported(Engine(), values.tolist())
    (first, _), (last, _) = phases(result)
    assert first == DAY
    assert last == DAY + ADAPT
    insight = insights.anomaly(result[-1][1])
    assert (insight.phase, insight.adapted, insight.severity, insight.anomaly) == ("resolved", True, "warning", "shift")
    assert insight.value == pytest.approx(8e8, rel=0.05)
    assert insight.expected == pytest.approx(5e8, rel=0.05), "what was before, though the detector has followed since"
    assert insight.lower is not None
    assert insight.upper is not None
    assert insight.lower < 5e8 < insight.upper < insight.value, "the band by which it was judged since it opened"
    assert "Nothing recovered" in (insight.message or "")


def test_a_service_that_reports_no_more_is_silent() -> None:
    values: list[float | None] = memory(DAY).tolist()
    engine = Engine()
    result = reported(engine, [*values, *[None] * 20])
    assert [p for _, p in phases(result)] == [Phase.OPENED]
    insight = insights.anomaly(result[0][1])
    assert (insight.anomaly, insight.severity, insight.value) == ("silence", "critical", None)
    assert insight.message == "memory_usage_bytes avg of service chat is silent: nothing came"
    back = reported(engine, memory(CALM + 5, seed=3).tolist(), begin=DAY + 20)
    assert [p for _, p in phases(back)] == [Phase.RESOLVED]


def test_silence_that_lasts_is_reported_as_what_stays() -> None:
    values: list[float | None] = [*memory(DAY).tolist(), *[None] * (ADAPT + 5)]
    result = reported(Engine(), values)
    assert [p for _, p in phases(result)] == [Phase.OPENED, Phase.ADAPTED]
    insight = insights.anomaly(result[-1][1])
    assert (insight.adapted, insight.severity, insight.anomaly, insight.value) == (True, "critical", "shift", None)
    assert insight.expected == pytest.approx(5e8, rel=0.05)
    assert "stays silent since" in (insight.message or "")


def test_quiet_days_are_quiet() -> None:
    engine = Engine()
    opened = sum(p is Phase.OPENED for _, p in phases(reported(engine, memory(4 * DAY, seed=5).tolist())))
    assert opened == 0


def test_minutes_of_the_past_are_not_judged_again() -> None:
    engine = Engine()
    reported(engine, memory(100).tolist())
    assert engine.take(minute(50, 5e9)) == []
    assert engine.history.values("1m", 0)[50] == pytest.approx(5e9)


def test_state_goes_on_where_it_was() -> None:
    values = memory(DAY + 30)
    values[DAY:] *= 1.6
    one = Engine()
    reported(one, values[:DAY].tolist())
    other = Engine()
    keys, state = one.state()
    other.restore(keys, {name: array.copy() for name, array in state.items()})
    ends = [[(i, insights.anomaly(f)) for i, f in reported(e, values[DAY:].tolist(), begin=DAY)] for e in (one, other)]
    assert ends[0] == ends[1]
    assert ends[0]


class Twice:
    """A plug-in: twice what came first is unusual, as unusual as ``score``."""

    name = "twice-1"

    def __init__(self, score: float = 1.0) -> None:
        self._score = score
        self._first: Floats = np.zeros(0)

    def reserve(self, rows: int) -> None:
        self._first = np.concatenate([self._first, np.full(max(0, rows - len(self._first)), np.nan)])

    def clear(self, rows: Ints) -> None:
        self._first[rows] = np.nan

    def update(self, rows: Ints, at: Floats, values: Floats) -> Verdicts:
        self._first[rows] = np.where(np.isnan(self._first[rows]), values, self._first[rows])
        first = self._first[rows]
        alarm = values >= 2 * first
        n = len(rows)
        return Verdicts(
            score=np.where(alarm, self._score, 0.0),
            alarm=alarm,
            learning=np.zeros(n, np.bool_),
            kind=np.where(alarm, Anomaly.SPIKE, Anomaly.NONE),
            direction=np.where(alarm, 1, 0),
            confidence=np.ones(n),
            expected=first,
            lower=first * 0.5,
            upper=first * 2.0,
        )

    def accept(self, rows: Ints, by: Floats) -> None:
        self._first[rows] += by

    def state(self, rows: int) -> dict[str, np.ndarray]:
        return {"first": self._first[:rows]}

    def restore(self, rows: int, state: dict[str, np.ndarray]) -> None:
        self._first = state["first"].copy()


def test_another_detector_judges_minutes_and_is_named() -> None:
    values = [100.0] * 10 + [250.0] * (ADAPT + 20)
    result = reported(Engine(minutes=Minutes(Twice())), values)
    assert phases(result) == [(10, Phase.OPENED), (10 + ADAPT, Phase.ADAPTED)]
    opened = insights.anomaly(result[0][1])
    assert (opened.model, opened.anomaly, opened.expected) == ("twice-1", "spike", 100.0)


def test_what_another_detector_is_hardly_sure_of_wakes_nobody() -> None:
    assert reported(Engine(minutes=Minutes(Twice(score=0.99))), [100.0] * 10 + [250.0] * 20) == []


def test_state_of_another_detector_is_learnt_anew() -> None:
    engine = Engine(minutes=Minutes(Twice()))
    reported(engine, [100.0] * 10)
    payload = encoding.encode_detector(encoding.snapshot(engine, Position(), 0.0), 0)
    with pytest.raises(UnfitArtefact, match=r"minutes=twice-1.* here it is .*minutes=stream-v2"):
        encoding.decode_detector(payload, Engine)
    restored = encoding.decode_detector(payload, lambda: Engine(minutes=Minutes(Twice()))).engine
    assert phases(reported(restored, [250.0], begin=10)) == [(10, Phase.OPENED)]


def test_detectors_are_chosen_by_name() -> None:
    assert Minutes.by("stream").model == Minutes().model
    with pytest.raises(UnknownPlugin, match="there is no detector 'nothing'; there are stream"):
        Minutes.by("nothing")
    with pytest.raises(SettingsError, match="PREDICTOR_DETECTOR: 'nothing' is not installed; choose from stream"):
        load(PredictorSettings, {"PREDICTOR_DETECTOR": "nothing"})


def test_a_plug_in_that_cannot_be_loaded_is_reported_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = tmp_path / "half-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: half\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[drishti.detectors]\nhalf = half_installed:One\n[drishti.forecasters]\nhalf = half_installed:Other\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for variable in ("PREDICTOR_DETECTOR", "PREDICTOR_FORECASTER"):
        with pytest.raises(SettingsError, match=rf"{variable}: 'half' \(half_installed:O\w+\) cannot be loaded: No module"):
            load(PredictorSettings, {variable: "half"})
