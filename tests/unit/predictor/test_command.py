"""``python -m predictor detect | forecast | backtest`` as people use them: good files, bad files, pipes, pages and plug-ins."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from predictor.command.main import main
from predictor.command.results.tally import Tally
from predictor.command.times.steps import Step
from predictor.detectors.alarms import THRESHOLD
from predictor.forecasters.interface import Forecast
from rigs.waiting import DEADLINE_S

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "predictor.md"

DETECTED = ["timestamp", "value", "anomaly_score", "is_anomaly"]
DETAILED = [*DETECTED, "kind", "direction", "expected", "lower95", "upper95", "confidence", "state", "statistic", "observed"]
BACKTEST = ["step", "mean", "lower80", "upper80", "lower95", "upper95"]
FORECAST = [*BACKTEST, "timestamp"]

START = datetime(2024, 3, 25, tzinfo=UTC)
EVERY_COMMAND = pytest.mark.parametrize(
    "command",
    [["detect"], ["forecast", "--horizon", "12"], ["backtest", "--horizon", "12", "--every", "50"]],
    ids=lambda c: c[0],
)

PROGRESS = re.compile(
    r"^(?:rows read|rows scored|series forecast|training|forecasts): [\d,]+(?: of [\d,]+ \(\d+%\))?\n", re.MULTILINE
)
"""What a machine that is busy for two seconds adds to any command's standard error (``test_progress.py``)."""

Told = tuple[int, list[list[str]], str]


def pairs(rows: int = 400) -> list[str]:
    """Five-minute rows with a day's season, and half an hour far above at row 300."""
    noise = np.random.default_rng(5).normal(size=rows)
    season = 10 + 3 * np.sin(np.arange(rows) / 288 * 2 * math.pi)
    values = season + noise + 25.0 * ((np.arange(rows) >= 300) & (np.arange(rows) < 306))
    return [f"{START + timedelta(minutes=5 * i):%Y-%m-%d %H:%M:%S},{value:.4f}" for i, value in enumerate(values)]


def text(rows: list[str], header: str = "timestamp,value") -> str:
    return "\n".join([header, *rows]) + "\n"


def wide(lengths: list[int]) -> str:
    rng = np.random.default_rng(6)
    rows = []
    for k, length in enumerate(lengths):
        values = 50 + 10 * np.sin(np.arange(length) / 24 * 2 * math.pi) + rng.normal(size=length)
        rows.append(f"s{k}," + ",".join(f"{value:.3f}" for value in values))
    return text(rows, "id,V1,V2")


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return written(tmp_path, text(pairs()))


def written(folder: Path, content: str | bytes, name: str = "series.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> Told:
    """Exit status, the output as cells, and what was written to standard error but for progress."""
    status = main([str(argument) for argument in arguments])
    reported = capsys.readouterr()
    return status, list(csv.reader(io.StringIO(reported.out))), PROGRESS.sub("", reported.err)


@contextlib.contextmanager
def started(*arguments: object, **streams: int) -> Iterator[subprocess.Popen[str]]:
    """A process of its own, which is killed if it is still there at the deadline: then nothing waits for it any longer."""
    command = [sys.executable, "-m", "predictor", *map(str, arguments)]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(command, text=True, env=buffered, **streams) as process:
        watchdog = threading.Timer(DEADLINE_S, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


# detect


def test_detect_writes_one_row_for_each_row_and_marks_what_reaches_the_threshold(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, (header, *rows), reported = said(capsys, "detect", good)
    assert (status, header, reported) == (0, DETECTED, "rows: 400 read = 400 used + 0 missing + 0 dropped + 0 merged\n")
    assert [",".join(row[:2]) for row in rows] == pairs()
    scores = [float(row[2]) for row in rows]
    assert all(0.0 <= score <= 1.0 for score in scores)
    assert [int(row[3]) for row in rows] == [int(score >= THRESHOLD) for score in scores]
    assert rows[300][3] == "1"


def test_details_add_columns_and_change_none(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, plain, _ = said(capsys, "detect", good)
    _, detailed, _ = said(capsys, "detect", good, "--details")
    assert detailed[0] == DETAILED
    assert [row[:4] for row in detailed] == plain
    assert detailed[1][-3:] == ["learning", "", ""]
    assert detailed[301][4:6] == ["spike", "up"]
    assert detailed[301][-3:-1] == ["ready", "value"]
    assert float(detailed[301][-1]) == float(detailed[301][1])


def test_a_pipe_is_scored_as_a_file_is(good: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    of_file = said(capsys, "detect", good)
    monkeypatch.setattr("sys.stdin", io.StringIO(good.read_text()))
    assert said(capsys, "detect", "-") == of_file


def test_rows_that_are_wrong_score_nothing_and_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = pairs(60)
    rows[40:40] = ["2024-03-25 01:35:00,10.5", "never,10", "2024-03-25 03:17:00,11x"]
    rows[50:50] = [f"{rows[49].split(',')[0][:-2]}30,what"]
    status, (_, *actual), reported = said(capsys, "detect", written(tmp_path, text(rows)))
    assert status == 0
    assert len(actual) == len(rows)
    assert [row[2:] for row in actual[40:42]] == [["0", "0"]] * 2
    assert actual[42][1] == "11x"
    for fault in ("line 42: 2024-03-25 01:35:00 is not later", "line 43: 'never' is no timestamp", "'11x'", "'what'"):
        assert fault in reported
    assert reported.splitlines()[-1].startswith("rows: 64 read = 60 used + 2 missing (0 empty, 2 unreadable) + 2 dropped (")


def test_a_quote_that_is_not_closed_costs_its_own_row_and_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = pairs()
    torn = [*rows[:50], '"' + rows[50], *rows[51:]]
    status, (_, *scored), reported = said(capsys, "detect", written(tmp_path, text(torn)))
    assert (status, len(scored)) == (0, len(rows))
    assert [row[0] for row in scored[51:]] == [row.split(",")[0] for row in rows[51:]]
    assert "line 52: " in reported
    assert "a quote is not closed?" in reported


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(weeks=1)], ids=["days", "weeks"])
def test_a_fault_of_many_rare_rows_is_reported_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], step: timedelta
) -> None:
    values = 100 + np.random.default_rng(2).normal(0, 3, 140)
    values[120:131] += 60
    rows = [f"{START + step * i:%Y-%m-%d},{value:.2f}" for i, value in enumerate(values)]
    scored = said(capsys, "detect", written(tmp_path, text(rows)))[1][1:]
    assert [place for place, row in enumerate(scored) if row[3] == "1" and 120 <= place < 131] == [120]


@pytest.mark.parametrize(("timestamp", "read"), [("20240601", "1970-08-23"), ("20240601000000", "2611-05-27")])
def test_a_time_that_is_hardly_meant_is_asked_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], timestamp: str, read: str
) -> None:
    rows = [f"{int(timestamp) + 60 * i},{i % 5}" for i in range(50)]
    status, _, reported = said(capsys, "detect", written(tmp_path, text(rows)))
    assert status == 0
    assert f"line 2: '{timestamp}' is read as {read}" in reported
    assert "is read as" not in said(capsys, "detect", written(tmp_path, text(pairs(50))))[2]


def test_a_header_alone_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, rows, reported = said(capsys, "detect", written(tmp_path, "timestamp,value\n"))
    assert (status, rows) == (1, [])
    assert "there is no row in it after the header" in reported


def test_an_hour_that_comes_twice_in_autumn_is_judged_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = pairs(200)
    repeated = [f"{row.split(',')[0]},11" for row in rows[48:60]]
    status, (_, *actual), reported = said(capsys, "detect", written(tmp_path, text(rows[:60] + repeated + rows[60:])))
    assert status == 0
    assert [row[2] for row in actual[60:72]] == ["0"] * 12
    assert "212 read = 200 used + 0 missing + 12 dropped (12 not later than the rows before)" in reported


@pytest.mark.parametrize("unit", [1, 1000, 1_000_000], ids=["s", "ms", "us"])
def test_numbers_as_timestamps_score_as_dates_do(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], unit: int
) -> None:
    _, dated, _ = said(capsys, "detect", good)
    first = int(START.timestamp())
    rows = [f"{(first + 300 * i) * unit},{row.split(',')[1]}" for i, row in enumerate(pairs())]
    _, numbered, _ = said(capsys, "detect", written(tmp_path, text(rows), "numbers.csv"))
    assert [row[1:] for row in numbered] == [row[1:] for row in dated]


@pytest.mark.parametrize(
    "change",
    [lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t, lambda t: t.replace("\n", "\n\n"), lambda t: t.rstrip("\n")],
    ids=["CRLF", "BOM", "blank lines", "no last newline"],
)
def test_how_the_file_was_saved_changes_nothing(good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change) -> None:
    expected = said(capsys, "detect", good)
    assert said(capsys, "detect", written(tmp_path, change(good.read_text()), "other.csv")) == expected


def test_columns_that_are_picked_among_several_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{row.split(',')[1]},web,{row.split(',')[0]}" for row in pairs(40)]
    _, (_, first, *_), reported = said(capsys, "detect", written(tmp_path, text(rows, "cpu,host,Timestamp")))
    assert ",".join(first[:2]) == pairs(1)[0]
    assert "from column 'Timestamp', values from 'cpu'" in reported


# forecast


def assert_forecast(rows: list[list[str]], horizon: int) -> None:
    assert [int(row[0]) for row in rows] == list(range(1, horizon + 1))
    mean, low80, high80, low95, high95 = np.array([row[1:6] for row in rows], float).T
    assert np.isfinite(np.concatenate([mean, low95, high95])).all()
    assert (low95 <= low80).all()
    assert (low80 <= high80).all()
    assert (high80 <= high95).all()


@pytest.mark.parametrize(
    ("span", "horizon", "words"),
    [("12", 12, "1 hour"), ("15m", 3, "15 minutes"), ("6h", 72, "6 hours"), ("1D", 288, "24 hours")],
)
def test_forecast_writes_ordered_intervals_for_each_step(
    good: Path, capsys: pytest.CaptureFixture[str], span: str, horizon: int, words: str
) -> None:
    status, (header, *rows), reported = said(capsys, "forecast", good, "--horizon", span)
    assert (status, header) == (0, FORECAST)
    assert_forecast(rows, horizon)
    assert rows[0][-1] == "2024-03-26T09:20:00"
    assert reported.splitlines()[1:] == [
        f"400 steps of 5 minutes; no season; forecast: {words}",
        "rows: 400 read = 400 used + 0 missing + 0 dropped + 0 merged",
    ]


def test_the_order_of_rows_does_not_matter_to_a_forecast(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, expected, _ = said(capsys, "forecast", good, "--horizon", "1h", "--season", "1d")
    other = written(tmp_path, text(pairs()[::-1]), "reversed.csv")
    actual = said(capsys, "forecast", other, "--horizon", "1h", "--season", "1d")
    assert actual[:2] == (status, expected)
    assert "399 rows come after a later one: they were put in order" in actual[2]


def test_spans_that_do_not_fit_the_file_are_reported(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reported = said(capsys, "forecast", good, "--horizon", "7m", "--season", 200)[2]
    assert "--horizon: 7m is no whole number of steps of the file (5 minutes), 1 are taken" in reported
    assert "--season: 400 rows hold less than 3 seasons of 1000 minutes (200 rows)" in reported
    reported = said(capsys, "forecast", good, "--horizon", "10m", "--season", 100)[2]
    assert "--horizon" not in reported
    assert "--season" not in reported


def test_wide_forecasts_every_series_whatever_its_length(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = wide([200, 300, 30, 1]) + '"a, b",1,,NaN,4,5,,\n'
    status, (header, *rows), reported = said(capsys, "forecast", written(tmp_path, content), "--wide", "--horizon", "24")
    assert (status, header) == (0, ["series", *BACKTEST])
    assert len(rows) == 5 * 24
    for k, name in enumerate(["s0", "s1", "s2", "s3", "a, b"]):
        part = rows[24 * k : 24 * (k + 1)]
        assert {row[0] for row in part} == {name}
        assert_forecast([row[1:] for row in part], 24)
    assert reported.startswith("5 series: ")


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        ("", "nothing in it"),
        ("id,V1\n", "no series"),
        ("a,1,2\nb,3,4\n", "no header but a series"),
        ("id,V1\na,1\na,2\n", "line 3: there is another series 'a'"),
        ("id,V1\na,NaN,x\n", "series 'a', cell 3: 'x' is no number"),
        ("id,V1\na,1\nb,,\n", "series 'b': it has no values"),
        ("id,V1,V2\na,5 ms,3 MB\n", "'3 MB' is in MB, the others in ms"),
        (text(pairs(20)), "leave out --wide"),
    ],
)
def test_a_wide_file_that_is_wrong_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, reported: str
) -> None:
    status, rows, error = said(capsys, "forecast", written(tmp_path, content), "--wide", "--horizon", "2")
    assert (status, rows) == (1, [])
    assert reported in error
    assert error.count("\n") == 1


# backtest


@pytest.mark.parametrize(("share", "every", "horizon"), [(0.5, 97, 60), (0.0, 150, 1), (0.29, 40, 7), (0.97, 1, 12)])
def test_backtest_has_the_origins_that_are_asked_for(
    good: Path, capsys: pytest.CaptureFixture[str], share: float, every: int, horizon: int
) -> None:
    asked = ("--horizon", horizon, "--every", every, "--from", share)
    status, (header, *rows), reported = said(capsys, "backtest", good, *asked)
    assert (status, header) == (0, ["origin", *BACKTEST])
    origins = range(max(1, int(400 * share)), 400 - horizon + 1, every)
    assert [int(row[0]) for row in rows] == [origin for origin in origins for _ in range(horizon)]
    for k in range(len(origins)):
        assert_forecast([row[1:] for row in rows[k * horizon : (k + 1) * horizon]], horizon)
    for part in (f"{len(origins)} forecast", "naive, the last value", "the 80% interval held", "the 95% interval held"):
        assert part in reported


def test_a_backtest_knows_only_what_came_before(good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--horizon", 12, "--every", 30)
    _, whole, _ = said(capsys, "backtest", good, *asked)
    changed = pairs()[:300] + [row.split(",")[0] + ",-1000" for row in pairs()[300:]]
    _, other, _ = said(capsys, "backtest", written(tmp_path, text(changed), "changed.csv"), *asked)
    assert [row for row in whole[1:] if int(row[0]) <= 300] == [row for row in other[1:] if int(row[0]) <= 300]


def test_a_backtest_over_gaps_counts_rows_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = pairs()[:100] + pairs()[150:]
    status, (_, *actual), reported = said(capsys, "backtest", written(tmp_path, text(rows)), "--horizon", 5, "--every", 100)
    assert status == 0
    assert {int(row[0]) for row in actual} == {175, 275}
    assert "1 of 350 rows do not come 5 minutes after the one before" in reported


def test_a_backtest_that_leaves_nothing_to_forecast_is_refused(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, rows, reported = said(capsys, "backtest", good, "--horizon", 201, "--every", 1)
    assert (status, rows) == (1, [])
    assert "400 rows are too few to forecast 201 steps" in reported


def test_the_summary_counts_errors_where_values_are_known() -> None:
    values = np.array([1.0, 2.0, np.nan, 4.0, 5.0, np.nan])
    interval = np.array([[3.5, 3.5, 3.5], [3.0, 3.0, 3.0]])
    tally = Tally(values, 2, Step(60.0))
    tally.add(2, Forecast(np.array([9.0, 4.0, 4.0]), interval, interval + 1.0, "some-model"))
    assert tally.summary().splitlines() == [
        "1 forecast, trained on what came before: mean absolute error 0.5, bias -0.5",
        "  naive, the last value: 2.5 (0.200 of it)",
        "  naive, the value 2 minutes before: 3 (0.167 of it)",
        "  the 80% interval held 50.0%",
        "  the 95% interval held 50.0%",
        "  models: some-model 1",
    ]


# what is no series


BINARY = bytes(np.random.default_rng(0).integers(0, 256, 4000, dtype=np.uint8))


@EVERY_COMMAND
@pytest.mark.parametrize(
    ("content", "reported"),
    [
        (b"", "nothing in it"),
        (b"\n\n", "nothing in it"),
        (text(pairs(20)[1:], pairs(1)[0]).encode(), "no header but data"),
        (b"value\n1\n2\n", "one column"),
        (b"It was a dark and stormy night.\nThe end.\n", "one column"),
        (BINARY, "binary data"),
        (b"timestamp,value\n05-06 18:30,5\n", "is no timestamp; ISO 8601"),
        (b"timestamp,value\n1e300,5\n", "is out of range as a time; ISO 8601"),
        (b"timestamp,value\n05/06/2024 18:30,5\n", "leaves open which number is the day"),
        (text(['"2024-03-25,5', *pairs(20)]).encode(), "a quote is not closed?"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_series_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], content: bytes, reported: str
) -> None:
    status, rows, error = said(capsys, *command, written(tmp_path, content))
    assert (status, rows) == (1, [])
    assert error.startswith(f"predictor {command[0]}: {tmp_path / 'series.csv'}: ")
    assert reported in error
    assert error.count("\n") == 1


@EVERY_COMMAND
def test_a_folder_and_a_file_that_is_not_there_are_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    for name, reported in ((tmp_path, "is a folder"), (tmp_path / "none.csv", "cannot be read: No such file")):
        status, rows, error = said(capsys, *command, name)
        assert (status, rows) == (1, [])
        assert f"{name} {reported}" in error


def test_few_rows_are_forecast_and_none_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for count in (1, 2):
        few = written(tmp_path, text(pairs(count)))
        assert len(said(capsys, "detect", few)[1]) == count + 1
        assert_forecast(said(capsys, "forecast", few, "--horizon", 3)[1][1:], 3)
    for content, reported in ((text([]), "no row"), (text(["2024-01-01,word"]), "none of its rows has a value")):
        for command in (["detect"], ["forecast", "--horizon", "3"], ["backtest", "--horizon", "1", "--every", "1"]):
            status, _, error = said(capsys, *command, written(tmp_path, content))
            assert status == 1
            assert reported in error


def test_a_time_far_from_the_others_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = pairs(100)
    rows[50:50] = ["9999-12-31 23:59:59,5"]
    status, _, reported = said(capsys, "forecast", written(tmp_path, text(rows)), "--horizon", 3)
    assert status == 1
    assert "line 52 stands far from the others" in reported


@pytest.mark.filterwarnings("error")
@EVERY_COMMAND
@pytest.mark.parametrize("size", [1e28, 1e-305])
def test_very_large_and_very_small_values_are_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], size: float
) -> None:
    rows = [f"{row.split(',')[0]},{float(row.split(',')[1]) * size!r}" for row in pairs(200)]
    status, actual, _ = said(capsys, *command, written(tmp_path, text(rows)))
    assert status == 0
    assert "nan" not in str(actual).lower()


# notations, several series, and what became of every row


def piped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, content: str, command: str, *arguments: object
) -> Told:
    monkeypatch.setattr("sys.stdin", io.StringIO(content))
    return said(capsys, command, "-", *arguments)


def monthly(write: Callable[[int, int], str], count: int = 120, header: str = "Month,Sales") -> str:
    rows = (f"{write(2000 + t // 12, t % 12 + 1)},{100 + t % 12 * 10 + t}" for t in range(count))
    return text(list(rows), header)


@pytest.mark.parametrize(
    ("write", "arguments", "stamps"),
    [
        (lambda y, m: f"{y}-{m:02d}", [], ["2010-01", "2010-02", "2010-03"]),
        (lambda y, m: f'"{y}-{m:02d}"', [], ["2010-01", "2010-02", "2010-03"]),
        (lambda y, m: f"{y}-{m:02d}-01", [], ["2010-01-01", "2010-02-01", "2010-03-01"]),
        (lambda y, m: f"{m}/1/{y}", ["--date-format", "month-first"], ["1/1/2010", "2/1/2010", "3/1/2010"]),
        (lambda y, m: f"01.{m:02d}.{y}", [], ["01.01.2010", "01.02.2010", "01.03.2010"]),
        (lambda y, m: f"{date(y, m, 1):%b-%y}", ["--date-format", "%b-%y"], ["Jan-10", "Feb-10", "Mar-10"]),
        (lambda y, m: f"{date(y, m, 1):%B %Y}", [], ["2010-01", "2010-02", "2010-03"]),
        (lambda y, m: f"{y}M{m:02d}", [], ["2010M01", "2010M02", "2010M03"]),
        (lambda y, m: f"{y}{m:02d}", [], ["201001", "201002", "201003"]),
        (lambda y, m: f"{int(datetime(y, m, 1, tzinfo=UTC).timestamp())}", [], ["1262304000", "1264982400", "1267401600"]),
    ],
)
def test_months_are_forecast_as_months(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    write: Callable[[int, int], str],
    arguments: list[str],
    stamps: list[str],
) -> None:
    status, (_, *rows), reported = said(
        capsys, "forecast", written(tmp_path, monthly(write)), "--horizon", "3mo", "--season", "1y", *arguments
    )
    assert status == 0
    assert [row[-1] for row in rows] == stamps
    assert [float(row[1]) for row in rows] == pytest.approx([100 + i * 10 + 120 + i for i in range(3)], abs=15)
    assert "120 steps of 1 month; season: 12 months; forecast: 3 months" in reported


@pytest.mark.parametrize(
    ("first", "step", "period", "season", "stamp"),
    [
        ("2015-01-01", timedelta(days=1), 365.25, "365 days", "2020-06-23"),
        ("2015-01-01", timedelta(days=1), 7, "1 week (7 rows)", "2020-06-23"),
        ("2015-01-01", timedelta(hours=1), 24, "24 hours", "2015-03-25T08:00:00"),
        ("2015-01-01", timedelta(minutes=30), 48, "24 hours (48 rows)", "2015-02-11T16:00:00"),
        ("1980-01-07", timedelta(weeks=1), 52.18, "52 weeks", "2018-05-07"),
    ],
)
def test_seasons_are_found_and_named_as_people_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], first: str, step: timedelta, period: float, season: str, stamp: str
) -> None:
    rng = np.random.default_rng(3)
    values = 10 + 5 * np.sin(np.arange(2000) / period * 2 * math.pi) + rng.normal(0, 1.5, 2000)
    form = "%Y-%m-%d" if step >= timedelta(days=1) else "%Y-%m-%d %H:%M:%S"
    rows = [f"{datetime.fromisoformat(first) + step * i:{form}},{value:.2f}" for i, value in enumerate(values)]
    status, (_, *actual), reported = said(capsys, "forecast", written(tmp_path, text(rows)), "--horizon", 1)
    assert status == 0
    assert f"season: {season};" in reported
    assert actual[0][-1] == stamp


def test_three_years_of_months_show_their_season(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(4)
    year = [112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118]
    rows = [f"{2000 + t // 12}-{t % 12 + 1:02d},{year[t % 12] + t / 3 + rng.normal():.1f}" for t in range(36)]
    status, (_, *actual), reported = said(capsys, "forecast", written(tmp_path, text(rows)), "--horizon", "1y")
    assert status == 0
    assert "season: 12 months" in reported
    assert [float(row[1]) for row in actual] == pytest.approx([value + 10 for value in year], abs=10)


FLEET = text(
    [
        f"{1717200000 + 60 * i},{host},{base + math.sin(i / 9):.3f}"
        for i in range(100)
        for host, base in (("a", 20), ("b b", 80))
    ],
    "timestamp,host,value",
)


@EVERY_COMMAND
def test_a_file_of_several_series_is_refused_or_split(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    fleet = written(tmp_path, FLEET)
    status, rows, reported = said(capsys, *command, fleet)
    assert (status, rows) == (1, [])
    for part in ("100 of 200 rows share their time", "column 'host' (2 values: a, b b): --by host", "--merge mean"):
        assert part in reported
    status, (header, *rows), reported = said(capsys, *command, fleet, "--by", "host")
    assert (status, header[0]) == (0, "host")
    assert "rows: 200 read = 200 used + 0 missing + 0 dropped + 0 merged" in reported
    lines = FLEET.splitlines()[1:]
    for name in ("a", "b b"):
        alone = written(
            tmp_path, text([line for line in lines if line.split(",")[1] == name], "timestamp,host,value"), "alone.csv"
        )
        expected = said(capsys, *command, alone)[1][1:]
        assert [row[1:] for row in rows if row[0] == name] == expected


@EVERY_COMMAND
def test_rows_that_share_a_time_are_refused_or_merged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    rows = [f"2024-06-01 {i // 360:02d}:{i // 6 % 60:02d},{i % 60}" for i in range(1200)]
    cut = written(tmp_path, text(rows))
    status, actual, reported = said(capsys, *command, cut)
    assert (status, actual) == (1, [])
    assert "1000 of 1200 rows share their time with another row (the first in line 3)" in reported
    status, actual, reported = said(capsys, *command, cut, "--merge", "mean")
    assert status == 0
    assert "rows: 1200 read = 200 used + 0 missing + 0 dropped + 1000 merged (--merge mean)" in reported


@EVERY_COMMAND
def test_rows_whose_clock_lost_its_digits_are_no_repetitions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    rows = [f"{1717200000 + 60 * i:.4E},{i % 7}" for i in range(300)]
    status, actual, reported = said(capsys, *command, written(tmp_path, text(rows)))
    assert (status, actual) == (1, [])
    assert "299 of 300 rows share their time" in reported


def test_few_rows_at_one_time_are_merged_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = pairs(200)
    again = [f"{row.split(',')[0]},10.5" for row in rows[100:110]] + [rows[50]]
    status, _, reported = said(capsys, "forecast", written(tmp_path, text([*rows, *again])), "--horizon", 3)
    assert status == 0
    assert (
        "rows: 211 read = 200 used + 0 missing + 1 dropped (1 exact repetitions) + 10 merged (at one time the last" in reported
    )


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        (FLEET, "100 of 200 rows (50%) cannot be used"),
        (text([f"{1717200000 + 60 * i},word" for i in range(50)]), "none of its rows has a value that can be used (50 read)"),
        (text([f"{1717200000 + 60 * i}," for i in range(50)]), "none of its rows has a value that can be used (50 read)"),
        (text([f"{1717200000 - 60 * i},{i}" for i in range(50)]), "49 of 50 rows (98%) cannot be used"),
        (text([f"{1717200000 + 60 * i},{'5000x' if i == 40 else i % 9}" for i in range(50)]), "'5000x'"),
        (text([f'{1717200000 + 60 * i},"{"3,406" if i == 40 else f"{i},5"}"' for i in range(50)]), ""),
        (text([f'{1717200000 + 60 * i},"1,0{i:02d}"' for i in range(50)]), "--decimal . or --decimal ,"),
        (text([f"{1717200000 + 60 * i},{'3 MB' if i == 40 else f'{i} ms'}" for i in range(50)]), "'3 MB' is in MB"),
    ],
)
def test_a_stream_of_which_too_much_or_the_peak_was_lost_does_not_end_well(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, content: str, reported: str
) -> None:
    status, rows, error = piped(capsys, monkeypatch, content, "detect")
    if not reported:  # the comma is the decimal one, in all rows
        assert (status, len(rows)) == (0, 51)
        return
    assert status == 1
    assert reported in error.splitlines()[-1]
    if rows:  # they were answered before it was known
        assert len(rows) == content.count("\n")
        assert error.splitlines()[-2].startswith("rows: ")


@pytest.mark.parametrize(("late", "status"), [(8, 0), (11, 0), (900, 1), (-900, 1)])
def test_a_row_that_has_no_place_may_not_be_the_peak(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, late: int, status: int
) -> None:
    rows = [f"{1717200000 + 60 * i},{i % 10}" for i in range(60)]
    rows.insert(40, f"{1717200000 + 60 * 30},{late}")  # an hour that comes twice in autumn, say
    reported = "is not later than the rows before it: they must be in order of time: that may be the highest or lowest"
    for answer in (
        said(capsys, "detect", written(tmp_path, text(rows))),
        piped(capsys, monkeypatch, text(rows), "detect"),
    ):
        assert (answer[0], reported in answer[-1]) == (status, bool(status))


@pytest.mark.parametrize(
    ("odd", "reported"),
    [
        ({}, ""),
        ({("a", 70): "50x", ("b", 30): "50000x"}, ""),
        (
            {("a", 70): "5000x"},
            "'5000x' is in x, the others without a unit, taken as missing: that may be the highest or lowest",
        ),
        (
            {("a", 50 + i): "word" for i in range(3)},
            "'word' is no number that can be read, taken as missing, as are the rows before it",
        ),
        (
            {("a", 40 + 3 * i): "word" for i in range(12)},
            "series a: 12 of 90 rows cannot be used, more than 10%: line 82: 'word'",
        ),
    ],
)
def test_what_is_lost_is_weighed_by_series(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], odd: dict[tuple[str, int], str], reported: str
) -> None:
    rows = [
        f"{1717200000 + 60 * i},{host},{odd.get((host, i), str(size * (40 + i % 20)))}"
        for i in range(90)
        for host, size in (("a", 1), ("b", 1000))
    ]
    file = written(tmp_path, text(rows, "timestamp,host,value"))
    for command in (["detect"], ["forecast", "--horizon", "2"]):
        status, _, error = said(capsys, command[0], file, "--by", "host", *command[1:])
        assert (status, reported in error) == (bool(reported), True), error


@pytest.mark.parametrize("command", [["forecast", "--horizon", "2"], ["backtest", "--horizon", "2", "--every", "9"]])
def test_a_series_without_a_value_costs_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    rows = [f"{1717200000 + 60 * i},{host},{i % 7 if host != 'new' else ''}" for i in range(30) for host in ("a", "new", "b")]
    file = written(tmp_path, text(rows, "timestamp,host,value"))
    status, lines, error = said(capsys, command[0], file, "--by", "host", *command[1:])
    assert status == 0
    assert {line[0] for line in lines[1:]} == {"a", "b"}
    assert "series new has no value, and no forecast" in error
    assert "90 read = 60 used + 30 missing" in error


@pytest.mark.parametrize("command", [["forecast", "--horizon", "3"], ["backtest", "--horizon", "3", "--every", "5"]])
def test_where_no_row_can_be_used_it_is_said_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    rows = [f"2024-01-{1 + i:02d},1,5" for i in range(20)]
    status, _, error = said(capsys, command[0], written(tmp_path, text(rows)), *command[1:])
    assert status == 1
    assert "line 2: it has 3 cells, the header 2 (a number with a comma must be in quotes)" in error


@pytest.mark.parametrize(
    ("stamp", "following"),
    [
        ("2019-12", ["2020-01", "2020-02"]),
        ("2019-Q4", ["2020-Q1", "2020-Q2"]),
        ("2019", ["2020", "2021"]),
        ("2019-12-31", ["2020-01-01", "2020-01-02"]),
        ("2019-W52", ["2020-W01", "2020-W02"]),
        ("2019-12-31T23", ["2020-01-01T00", "2020-01-01T01"]),
    ],
)
def test_a_row_alone_is_followed_by_what_its_notation_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stamp: str, following: list[str]
) -> None:
    rows = said(capsys, "forecast", written(tmp_path, text([f"{stamp},5"])), "--horizon", 2)[1][1:]
    assert [row[-1] for row in rows] == following


@pytest.mark.parametrize(("stamp", "last"), [("9999-11", "9999-12"), ("9999-12-30", "9999-12-31")])
def test_there_are_no_timestamps_after_the_year_9999(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stamp: str, last: str
) -> None:
    rows = said(capsys, "forecast", written(tmp_path, text([f"{stamp},5"])), "--horizon", 3)[1][1:]
    assert [row[-1] for row in rows] == [last, "", ""]


def test_a_file_that_was_appended_to_itself_is_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    once, twice = (said(capsys, "detect", written(tmp_path, text(pairs(150) * times))) for times in (1, 2))
    assert twice[0] == 0
    assert twice[1][: len(once[1])] == once[1]
    assert "300 read = 150 used + 0 missing + 150 dropped (150 exact repetitions)" in twice[2]
    for command in (["forecast"], ["backtest", "--every", "90"]):
        status, _, reported = said(capsys, *command, tmp_path / "series.csv", "--horizon", 2)
        assert (status, "150 dropped (150 exact repetitions)" in reported or "150 of 300 rows share" in reported) in (
            (0, True),
            (1, True),
        )


@pytest.mark.parametrize("live", [False, True], ids=["file", "stream"])
@pytest.mark.parametrize("lost", ["overflow", "####", "3.4 thousand-ish", "3,400", "never"])
def test_what_cannot_be_read_is_never_called_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, lost: str, live: bool
) -> None:
    rows = [f"{START + timedelta(minutes=10 * i):%Y-%m-%d %H:%M:%S},{900 + 60 * math.sin(i / 23):.1f}" for i in range(400)]
    rows[300:320] = [f"{lost},900" if lost == "never" else f"{row.split(',')[0]},{lost}" for row in rows[300:320]]
    if live:
        status, actual, reported = piped(capsys, monkeypatch, text(rows), "detect", "--details")
    else:
        status, actual, reported = said(capsys, "detect", written(tmp_path, text(rows)), "--details", "--unusable", "10%")
    assert status == int(live)
    assert "silence" not in str(actual)
    assert "20 unreadable" in reported or "20 with " in reported


def test_another_series_that_follows_in_a_stream_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"{1717200000 + 60 * i},{host},{i % 7}" for host in "ab" for i in range(1500)]
    status, actual, reported = piped(capsys, monkeypatch, text(rows, "time,host,load"), "detect")
    assert (status, len(actual)) == (1, 3001)
    assert "column 'host' changes where the times begin again: several series (--by)" in reported.splitlines()[-1]


def test_what_may_be_unusable_can_be_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{1717200000 + 60 * i},{'word' if i % 5 == 0 else i % 9}" for i in range(100)]
    series = written(tmp_path, text(rows))
    status, actual, reported = said(capsys, "detect", series)
    assert (status, actual) == (1, [])
    assert "20 of 100 rows (20%) cannot be used, more than 10%: line 2: 'word' is no number" in reported
    for share in ("20%", "0.2"):
        status, actual, reported = said(capsys, "detect", series, "--unusable", share)
        assert (status, len(actual)) == (0, 101)
        assert "rows: 100 read = 80 used + 20 missing (0 empty, 20 unreadable) + 0 dropped + 0 merged" in reported


PEAK = range(300, 320)


@pytest.mark.parametrize("live", [False, True], ids=["file", "stream"])
@pytest.mark.parametrize(
    ("write", "header"),
    [
        (lambda v: f'"{v:,.0f}"', "timestamp,value"),
        (lambda v: f'"{v:,.2f}"', "timestamp,value"),
        (lambda v: f'"{v:,.0f}"'.replace(",", "\u202f"), "timestamp,value"),
        (lambda v: f"{v:.1f}%", "Time,cpu"),
        (lambda v: f"{v:.0f} ms" if v < 1000 else f"{v / 1000:.3f} s", "Time,latency"),
        (lambda v: f"{v / 1000:.3f} kB" if v < 1000 else f"{v / 1024:.3f} KiB", "Time,size"),
        (lambda v: f"{v:.0f}" if v < 1000 else f"{v / 1000:.2f}k", "Time,count"),
        (lambda v: f'"${v:,.2f}"', "Time,revenue"),
        (lambda v: f'"({v:,.2f})"', "Time,balance"),
        (lambda v: f"\u2212{v:.1f}", "Time,level"),
        (lambda v: f'"{v:.2f}"'.replace(".", ","), "Time,value"),
        (lambda v: f"{v:.3e}", "Time,value"),
    ],
)
def test_a_peak_is_found_however_its_numbers_are_written(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[float], str],
    header: str,
    live: bool,
) -> None:
    rng = np.random.default_rng(7)
    values = [900 + 60 * math.sin(i / 23) + rng.normal() + 2500 * (i in PEAK) for i in range(350)]
    content = text([f"{START + timedelta(minutes=10 * i):%Y-%m-%d %H:%M:%S},{write(v)}" for i, v in enumerate(values)], header)
    if live:
        status, (_, *rows), reported = piped(capsys, monkeypatch, content, "detect", "--details")
    else:
        status, (_, *rows), reported = said(capsys, "detect", written(tmp_path, content), "--details")
    assert status == 0, reported
    assert "350 read = 350 used + 0 missing + 0 dropped" in reported
    assert [row[3] for row in rows[300:302]] == ["1", "0"]
    assert rows[300][4] in ("spike", "drop")
    assert [row[1] for row in rows] == [row[1] for row in csv.reader(io.StringIO(content))][1:]


@pytest.mark.parametrize(("offset", "spread"), [(8e9, 1e4), (1e12, 50.0), (1e6, 0.01), (2e-9, 1e-13), (-8e9, 1e4)])
def test_the_band_shows_why_a_row_is_unusual_however_large_the_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], offset: float, spread: float
) -> None:
    rng = np.random.default_rng(1)
    values = [offset + spread * (math.sin(i / 46) + 0.05 * rng.normal() + 3 * (i in PEAK)) for i in range(350)]
    content = text([f"{1717200000 + 300 * i},{value!r}" for i, value in enumerate(values)])
    rows = said(capsys, "detect", written(tmp_path, content), "--details")[1][1:]
    assert rows[300][3] == "1"
    expected, low, high = (float(cell) for cell in rows[300][6:9])
    assert low < expected < high < float(rows[300][1])


# usage, pages and plug-ins


@pytest.mark.parametrize(
    "wrong",
    [
        ["detect"],
        ["nonsense", "FILE"],
        ["forecast", "FILE"],
        *(["forecast", "FILE", "--horizon", horizon] for horizon in ("0", "-5", "1.5", "15x", "infs", "9" * 400)),
        ["backtest", "FILE", "--horizon", "5"],
        ["backtest", "FILE", "--horizon", "5", "--every", "0"],
        ["backtest", "FILE", "--horizon", "5", "--every", "5", "--from", "1"],
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_wrong_usage_ends_with_status_2(capsys: pytest.CaptureFixture[str], wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
    assert "usage: python -m predictor" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["detect", "--detector", "nix"], "no detector 'nix'; there are stream"),
        (["forecast", "--horizon", "3", "--forecaster", "nix"], "no forecaster 'nix'; there are blend, seasonal-naive"),
        (["backtest", "--horizon", "3", "--every", "9", "--forecaster", "nix"], "no forecaster 'nix'"),
        (["forecast", "--horizon", "10s"], "--horizon: 10s is less than one step of the file (5 minutes)"),
        (["forecast", "--horizon", "1000000"], "more than 100,000"),
        (["forecast", "--wide", "--horizon", "6h"], "must be numbers of steps"),
        (["forecast", "--wide", "--horizon", "6", "--by", "x", "--merge", "sum"], "--by, --merge cannot be given with it"),
        (["forecast", "--horizon", "6", "--value", "cpu"], "--value: there is no column 'cpu'; there are timestamp, value"),
        (["detect", "--by", "value", "--plot", "x.html"], "--plot draws one series"),
        (["detect", "--plot", "-"], "a page cannot go to standard output"),
    ],
)
def test_what_cannot_be_done_is_reported_in_one_line(
    good: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reported: str
) -> None:
    status, rows, error = said(capsys, *arguments, good)
    assert (status, rows) == (1, [])
    assert reported in error
    assert error.count("\n") == 1


@EVERY_COMMAND
def test_plot_writes_a_page_and_changes_no_output(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    pytest.importorskip("plotly")
    page = tmp_path / "page.html"
    plain = said(capsys, *command, good)
    assert said(capsys, *command, good, "--plot", page) == plain
    content = page.read_text(encoding="utf-8")
    assert "<title>series.csv</title>" in content
    assert content.count("series.csv") > 1
    assert "time, UTC" in content


@EVERY_COMMAND
def test_a_page_shows_digits_enough_of_large_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    pytest.importorskip("plotly")
    rows = [f"{row.split(',')[0]},{8e9 + 10 * float(row.split(',')[1]):.0f}" for row in pairs(200)]
    page = tmp_path / "page.html"
    assert said(capsys, *command, written(tmp_path, text(rows)), "--plot", page)[0] == 0
    formats = [int(digits) for digits in re.findall(r'"hoverformat":"\.(\d+)~g"', page.read_text(encoding="utf-8"))]
    assert formats
    assert min(formats) >= 10


def test_a_page_has_every_series_of_a_wide_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("plotly")
    page = tmp_path / "page.html"
    assert said(capsys, "forecast", written(tmp_path, wide([100, 3])), "--wide", "--horizon", 3, "--plot", page)[0] == 0
    assert re.findall(r'"label":"(s\d): ', page.read_text(encoding="utf-8")) == ["s0", "s1"]


@EVERY_COMMAND
def test_a_page_that_cannot_be_written_is_reported_before_the_work(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    pytest.importorskip("plotly")
    before = good.read_bytes()
    for page, reported in (
        (tmp_path, "is a folder"),
        (tmp_path / "no" / "page.html", "there is no folder"),
        (good, "overwrite"),
    ):
        status, rows, error = said(capsys, *command, good, "--plot", page)
        assert (status, rows) == (1, [])
        assert reported in error
    assert good.read_bytes() == before


def test_without_plotly_it_is_said_how_to_get_it(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    status, rows, error = said(capsys, "detect", good, "--plot", tmp_path / "page.html")
    assert (status, rows) == (1, [])
    assert "pip install 'drishti-predictor[plot]'" in error


def test_the_plug_in_of_the_guide_works(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed as pip would: the module, and a folder of metadata with its entry points."""
    blocks = re.findall(r"```(\w+)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    module = next(body for kind, body in blocks if kind == "python" and "class Usual" in body)
    points = next(body for kind, body in blocks if kind == "toml" and "drishti.forecasters" in body)
    name, target = re.findall(r'^(\w+) = "(usual:\w+)"$', points, re.MULTILINE)[0]
    written(tmp_path, module, "usual.py")
    about = tmp_path / "usual-1.0.dist-info"
    about.mkdir()
    written(about, "Metadata-Version: 2.1\nName: usual\nVersion: 1.0\n", "METADATA")
    written(about, f"[drishti.forecasters]\n{name} = {target}\nbroken = usual:Gone\n", "entry_points.txt")
    monkeypatch.syspath_prepend(str(tmp_path))
    status, (_, *rows), reported = said(capsys, "forecast", good, "--horizon", 4, "--forecaster", name)
    assert status == 0
    assert_forecast(rows, 4)
    assert reported.startswith("usual: ")
    wide_file = written(tmp_path, wide([40, 50]), "wide.csv")
    assert len(said(capsys, "forecast", wide_file, "--wide", "--horizon", 4, "--forecaster", name)[1]) == 9
    assert said(capsys, "backtest", good, "--horizon", 4, "--every", 90, "--forecaster", name)[0] == 0
    status, _, reported = said(capsys, "forecast", good, "--horizon", 4, "--forecaster", "broken")
    assert status == 1
    assert "'broken' (usual:Gone) cannot be loaded" in reported


FAULTS = """
import numpy as np
from predictor.detectors.stream import StreamDetector
from predictor.forecasters.interface import Forecast
from predictor.forecasters.naive import SeasonalNaive
from dataclasses import replace

class Raising(SeasonalNaive):
    name = "raising"
    def train(self, histories, **settings):
        raise ZeroDivisionError("by nothing")

def saying(change):
    class Saying(SeasonalNaive):
        name = "saying"
        def predict(self, model, histories):
            return [change(one) for one in super().predict(model, histories)]
    return Saying

Endless = saying(lambda one: replace(one, mean=one.mean * np.nan))
Short = saying(lambda one: replace(one, mean=one.mean[:-1]))
Crossed = saying(lambda one: replace(one, lower=one.upper, upper=one.lower))

class Loud(StreamDetector):
    name = "loud"
    def update(self, rows, at, values):
        verdicts = super().update(rows, at, values)
        return replace(verdicts, score=verdicts.score + 5)

class Broken(StreamDetector):
    name = "broken"
    def update(self, rows, at, values):
        raise KeyError("nothing")
"""


@pytest.mark.parametrize(
    ("plug_in", "reported"),
    [
        ("Raising", "forecaster 'raising' failed: ZeroDivisionError: by nothing"),
        ("Endless", "forecaster 'saying': its forecast is not finite"),
        ("Short", "forecaster 'saying': mean, lower and upper have the shapes [(3,), (2, 4), (2, 4)]"),
        ("Crossed", "forecaster 'saying': its intervals do not lie around the mean"),
        ("Loud", "detector 'loud': its score is not a number from 0 to 1"),
        ("Broken", "detector 'broken' failed: KeyError: 'nothing'"),
    ],
)
def test_a_plug_in_that_fails_is_named_in_one_line(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, plug_in: str, reported: str
) -> None:
    written(tmp_path, FAULTS, "faults.py")
    about = tmp_path / "faults-1.0.dist-info"
    about.mkdir()
    written(about, "Metadata-Version: 2.1\nName: faults\nVersion: 1.0\n", "METADATA")
    group = "detectors" if plug_in in ("Loud", "Broken") else "forecasters"
    written(about, f"[drishti.{group}]\nfaulty = faults:{plug_in}\n", "entry_points.txt")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "faults", raising=False)
    command = ["detect", "--detector"] if group == "detectors" else ["forecast", "--horizon", 4, "--forecaster"]
    status, rows, error = said(capsys, *command, "faulty", good)
    assert status == 1
    assert len(rows) <= 1
    assert reported in error
    assert error.count("\n") == 1


# as a process


def test_help_names_the_commands() -> None:
    with started("--help", stdout=subprocess.PIPE) as process:
        about, _ = process.communicate()
    for name in ("detect", "forecast", "backtest"):
        assert name in about


def test_each_row_of_a_stream_is_answered_before_the_next_comes_and_an_interrupt_ends_it() -> None:
    with started("detect", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("timestamp,value\n")
        for place, row in enumerate(pairs(5)):
            process.stdin.write(row + "\n")
            process.stdin.flush()
            if place == 0:
                assert process.stdout.readline() == ",".join(DETECTED) + "\n"
            assert process.stdout.readline().startswith(row)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        assert PROGRESS.sub("", process.communicate()[1]) == "rows: 5 read = 5 used + 0 missing + 0 dropped + 0 merged\n"


def test_a_reader_that_leaves_ends_it_quietly(good: Path) -> None:
    with started("detect", good, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == ",".join(DETECTED) + "\n"
        process.stdout.close()
        assert PROGRESS.sub("", process.stderr.read()) == ""
        assert process.wait() == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_reported_in_one_line(good: Path) -> None:
    with (
        Path("/dev/full").open("w") as full,
        started("forecast", good, "--horizon", 3, stdout=full.fileno(), stderr=subprocess.PIPE) as process,
    ):
        _, reported = process.communicate()
    assert process.returncode == 1
    assert reported.splitlines()[-1] == "predictor forecast: reading or writing failed: No space left on device"
    assert "Traceback" not in reported
