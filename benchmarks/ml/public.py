"""The public data sets, as a user would: the command line over every file, and the sets' own scorers over what it wrote.

The scorers lie beside the data (``DRISHTI_DATA/ml``). The commands are given nothing but the file: one configuration, and for
the anomaly sets one threshold, the shipped one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ml.measure import Measure
from benchmarks.processes import ROOT, BenchmarkFailed
from predictor.detectors.alarms import THRESHOLD

ONE_CORE = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}


@dataclass(frozen=True)
class Session:
    """Where the data are, where results go, how many processes may work, and which half is looked at."""

    data: Path
    folder: Path
    workers: int

    def say(self, text: str) -> None:
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


def data_folder() -> Path:
    """``DRISHTI_DATA/ml``; raises :class:`BenchmarkFailed` where there is none."""
    folder = Path(os.environ.get("DRISHTI_DATA") or ROOT.parent / "shared" / "data") / "ml"
    if not (folder / "nab_score.py").exists():
        raise BenchmarkFailed(f"no public data sets in {folder}: set DRISHTI_DATA to the folder that holds ml/")
    return folder


def nab(run: Session) -> list[Measure]:
    return [
        _anomalies(
            run,
            "nab",
            "NAB, standard profile, shipped threshold",
            'ARTime 72, Numenta HTM 70, CAD OSE 68, Skyline 59, "outside the range so far" 51, random cut forest 46, EWMA 36',
            (55.0, 70.0),
        )
    ]


def cloudmon(run: Session) -> list[Measure]:
    return [
        _anomalies(
            run,
            "cloudmon",
            "cloud monitoring set, same configuration and rule",
            "EWMA 67, seasonal z 49, range records 29",
            (60.0, 72.0),
        )
    ]


def m4(run: Session) -> list[Measure]:
    """Point and interval forecasts of the M4 hourly series."""
    began = time.monotonic()
    text = _command(["forecast", str(run.data / "m4_hourly" / "train.csv"), "--wide", "--horizon", "48"])
    took = time.monotonic() - began
    wanted = run.folder / "m4.csv"
    wanted.write_text(_renamed(text))
    report = run.folder / "m4.json"
    _score(run, "forecast_score.py", [str(wanted), "--json", str(report)])
    scores = json.loads(report.read_text())
    owa, msis, cover = scores["owa"], scores["msis"], scores["cover"]
    return [
        Measure(
            what=f"M4 hourly, {scores['series']} series, OWA",
            comparison="Smyl (winner) 0.44, MSTL 0.60, seasonal naive 0.63",
            at_least="0.44",
            aim="0.40",
            measured=f"{owa:.3f} (in {took:.0f} s)",
            met=owa <= 0.44,
        ),
        Measure(
            what="M4 hourly, MSIS; coverage of the 95 % interval",
            comparison="Smyl 7.9, ETS 17.5",
            at_least="8.0; 93–97 %",
            aim="6.1",
            measured=f"{msis:.2f}; {cover:.1%}",
            met=msis <= 8.0 and 0.93 <= cover <= 0.97,
        ),
    ]


def minutes(run: Session) -> list[Measure]:
    """Rolling forecasts of series by the minute, an hour ahead."""
    names = (run.data / "cloudmon" / "minute_dev.txt").read_text().split()
    wanted = run.folder / "minutes.csv"
    with wanted.open("w") as out:
        out.write("series,origin,step,forecast,lo,hi\n")
        for name, text in zip(names, _each(run, _backtests(run, names), "minute series"), strict=True):
            for row in _rows(text):
                out.write(f"{name},{row['origin']},{row['step']},{row['mean']},{row['lower95']},{row['upper95']}\n")
    report = run.folder / "minutes.json"
    listed = ["--names", str(run.data / "cloudmon" / "minute_dev.txt")]
    _score(
        run,
        "forecast_score.py",
        [str(wanted), "--rolling", "--root", str(run.data / "cloudmon"), *listed, "--json", str(report)],
    )
    scores = json.loads(report.read_text())
    return [
        Measure(
            what="minute series, 60 min ahead, rolling, MAE against the better naive",
            comparison="Ridge 0.88",
            at_least="0.88",
            aim="0.75",
            measured=f"{scores['vs_best']:.3f} (95 % interval holds {scores['cover']:.1%})",
            met=scores["vs_best"] <= 0.88,
        )
    ]


def _anomalies(run: Session, name: str, what: str, comparison: str, wanted: tuple[float, float]) -> Measure:
    files = sorted((run.data / name / "data").glob("*/*.csv"))
    results = run.folder / name
    for file, text in zip(files, _each(run, [["detect", str(file)] for file in files], name), strict=True):
        place = results / file.parent.name / file.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    report = run.folder / f"{name}.json"
    _score(
        run,
        "nab_score.py",
        [str(results), "--root", str(run.data / name), "--threshold", repr(THRESHOLD), "--json", str(report)],
    )
    standard = json.loads(report.read_text())["standard"]
    least, aim = wanted
    return Measure(
        what=f"{what} ({len(files)} series)",
        comparison=comparison,
        at_least=f"{least:g}",
        aim=f"{aim:g}",
        measured=f"{standard['score']:.1f} ({standard['windows_hit']} of {standard['windows']} found, "
        f"{standard['false_alarm_rows']} false alarms)",
        met=standard["score"] >= least,
    )


def _backtests(run: Session, names: Sequence[str]) -> list[list[str]]:
    options = ["--horizon", "60", "--every", "97", "--from", "0.5"]
    return [["backtest", str(run.data / "cloudmon" / "data" / name), *options] for name in names]


def _each(run: Session, commands: Sequence[Sequence[str]], what: str) -> Iterator[str]:
    """What each command wrote, in order; as many at once as there are workers."""
    with ThreadPoolExecutor(run.workers) as pool:
        for number, text in enumerate(pool.map(_command, commands), start=1):
            run.say(f"{what}: {number} of {len(commands)}")
            yield text


def _command(arguments: Sequence[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "predictor", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **ONE_CORE},
    )
    if done.returncode:
        raise BenchmarkFailed(f"predictor {' '.join(arguments)} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def _score(run: Session, scorer: str, arguments: Sequence[str]) -> None:
    done = subprocess.run([sys.executable, str(run.data / scorer), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkFailed(f"{scorer} ended with status {done.returncode}:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")


def _renamed(text: str) -> str:
    """Our columns under the scorer's names."""
    lines = ["series,step,forecast,lo,hi"]
    lines += [f"{r['series']},{r['step']},{r['mean']},{r['lower95']},{r['upper95']}" for r in _rows(text)]
    return "\n".join(lines) + "\n"


def _rows(text: str) -> Iterator[Mapping[str, Any]]:
    header, *lines = text.splitlines()
    names = header.split(",")
    for line in lines:
        yield dict(zip(names, line.split(","), strict=True))
