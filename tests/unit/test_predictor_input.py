"""What the command line takes for a series, whatever the file holds."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest

from predictor.command.clock import AGREE, WEEK_S, Clock
from predictor.command.files import opened
from predictor.command.grid import lay, spacing, uneven
from predictor.command.rows import Notes, Row, instant, number, read
from predictor.errors import UnreadableInput


def rows_of(text: str) -> tuple[list[Row], str]:
    told = io.StringIO()
    notes = Notes(told)
    rows = list(read(io.StringIO(text), notes))
    notes.close()
    return rows, told.getvalue()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "nothing in it"),
        ("\n\n", "nothing in it"),
        ("2024-01-01 00:00:00,5\n2024-01-01 00:01:00,6\n", "no header"),
        ("only\n1\n", "one column"),
        ("timestamp,value\nhello,5\n", "line 2: 'hello' is no timestamp"),
        ("\x89PNG\n\x1a\n\x00\x00,\x00\n", "one column"),
        ("\x1f\x8b\x08\x08\n\x00\x00,\x00\n", "binary data"),
        ("timestamp;value\n2024-01-01;5\n", "separated by ';'"),
        ("timestamp,value\n9999999999999999999999,5\n", "line 2: '9999999999999999999999' is no timestamp"),
    ],
)
def test_what_is_no_series_is_refused_in_clear_words(text: str, told: str) -> None:
    with pytest.raises(UnreadableInput) as refused:
        rows_of(text)
    assert told in str(refused.value)


def test_a_folder_and_a_file_that_is_not_there_are_told(tmp_path: Path) -> None:
    for name, told in ((tmp_path, "is a folder"), (tmp_path / "none.csv", "No such file")):
        with pytest.raises(UnreadableInput, match=told), opened(str(name)):
            pass


def test_columns_are_found_by_name_or_taken_in_order() -> None:
    named, _ = rows_of("id,Value,timestamp\na,5,2024-01-01\n")
    ordered, _ = rows_of("ds,y\n2024-01-01,5\n")
    assert [(r.at, r.value) for r in named] == [(r.at, r.value) for r in ordered] == [(1704067200.0, 5.0)]


@pytest.mark.parametrize("header", ["value,timestamp", "cpu,timestamp,host", "Value,when"])
def test_one_column_that_is_named_leaves_the_first_other_one(header: str) -> None:
    assert [(r.at, r.value) for r in rows_of(f"{header}\n5,2024-01-01,7\n")[0]] == [(1704067200.0, 5.0)]


def test_which_of_several_columns_were_taken_is_told() -> None:
    assert rows_of("timestamp,value\n")[1] == ""
    assert rows_of("when,cpu,host\n")[1] == "timestamps are taken from column 'when', values from 'cpu'\n"


def test_wrong_rows_are_passed_on_told_and_counted() -> None:
    wrong = "".join(f"2024-01-01 00:0{i}:00,word{i}\n" for i in range(5))
    rows, told = rows_of(f"timestamp,value\n2024-01-01,1\nnever,2\n2024-01-01 00:00:30\n{wrong}2024-01-02,inf\n")
    assert len(rows) == 9
    assert math.isnan(rows[1].at)
    assert all(math.isnan(row.value) for row in rows[2:])
    assert "line 3: 'never' is no timestamp" in told
    assert "7 rows had no value" in told
    assert told.count("taken as missing") == 3


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-01",
        "2024-01-01 00:00:00",
        "2024-01-01T00:00:00Z",
        "2024-01-01T02:00:00+02:00",
        "1704067200",
        "1704067200.0",
        "1704067200000",
        "1704067200000000",
        "1704067200000000000",
    ],
)
def test_times_are_read_as_people_write_them(text: str) -> None:
    assert instant(text) == 1704067200.0


def test_what_is_no_finite_number_is_none() -> None:
    assert all(math.isnan(number(text)) for text in ("", "word", "nan", "inf", "-Infinity", "1,5", "1e31", "-1e400"))
    assert number(" -1.5e3 ") == -1500.0


def test_time_goes_forward_only() -> None:
    clock = Clock()
    assert [clock.place(at) for at in (10, 20, 20, 15, 30)] == [10, 20, None, None, 30]


def test_an_hour_that_comes_twice_is_heard_once() -> None:
    clock = Clock()
    first = [clock.place(at) for at in range(0, 7200, 60)]
    again = [clock.place(at) for at in range(3600, 10800, 60)]
    assert None not in first
    assert again[:60] == [None] * 60
    assert again[60:] == list(range(7200, 10800, 60))


def test_a_row_from_far_in_the_future_does_not_silence_the_rest() -> None:
    clock = Clock()
    clock.place(0.0)
    clock.place(4e9)
    placed = [clock.place(60.0 * i) for i in range(1, AGREE + 50)]
    assert placed[:AGREE] == [None] * AGREE
    heard = [at for at in placed if at is not None]
    assert len(heard) == 49
    assert all(at > 4e9 for at in heard)
    assert (heard[0] - 60.0 * (AGREE + 1)) % WEEK_S == 0


def test_rows_lie_on_an_even_grid_whatever_their_order() -> None:
    pairs = ((60, 2.0), (0, 1.0), (119, 3.0), (240, 5.0), (300, 6.0), (300, 7.0), (math.nan, 9.0))
    grid = lay(Row(0, "", "", at, value) for at, value in pairs)
    assert (grid.start, grid.step) == (0.0, 60.0)
    assert [None if math.isnan(v) else v for v in grid.values] == [1.0, 2.0, 3.0, None, 5.0, 7.0]
    assert grid.times().tolist() == [0.0, 60.0, 120.0, 180.0, 240.0, 300.0]


def test_a_grid_that_would_be_all_gap_is_refused() -> None:
    with pytest.raises(UnreadableInput, match="line 7 stands far from the others"):
        lay([Row(line, "", "", at, 1.0) for line, at in ((4, 0.0), (7, 4e9), (5, 60.0), (6, 120.0))])
    with pytest.raises(UnreadableInput, match="no row"):
        lay([])
    with pytest.raises(UnreadableInput, match="none of its rows has a value"):
        lay([Row(0, "", "", at, math.nan) for at in (0.0, 60.0)])


def test_rows_that_do_not_come_when_they_should_are_counted() -> None:
    at = np.array([0.0, 60.0, 130.0, 180.0, 180.0, 90.0, 240.0, 300.0, 360.0, math.nan, 480.0, 540.0])
    assert spacing(at) == 60.0
    assert uneven(at, 60.0) == 5
    assert spacing(np.array([5.0, 5.0, 4.0])) == spacing(np.array([5.0])) == 60.0
