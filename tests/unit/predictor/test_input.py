"""What the command line takes for a series, whatever the file holds: columns, rows, and what became of each."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from predictor.command.input import keys
from predictor.command.input.account import Account
from predictor.command.input.columns import Reading
from predictor.command.input.files import opened, table
from predictor.command.input.rows import Row, read_file, read_stream
from predictor.command.results.digits import enough, written
from predictor.command.times.clock import AGREE, WEEK_S, Clock
from predictor.command.times.grid import lay, spacing, uneven
from predictor.command.times.merging import merged
from predictor.command.times.steps import Step, calendar, later, span, words
from predictor.command.values.stamps import instant
from predictor.errors import UnreadableInput


def rows_of(text: str, reading: Reading | None = None, *, live: bool = False) -> tuple[list[Row], Account, str]:
    """The rows, the account of them, and what standard error has."""
    out = io.StringIO()
    account = Account(live=live, out=out)
    reader, rows = (read_stream if live else read_file)(io.StringIO(text), reading or Reading(), account)
    actual = list(rows)
    for row in actual:
        if row.at == row.at and row.value == row.value:
            account.use(row.value)
    account.close(reader.table.comments)
    return actual, account, out.getvalue()


def values_of(text: str, reading: Reading | None = None) -> list[float]:
    return [row.value for row in rows_of(text, reading)[0]]


# tables


@pytest.mark.parametrize("live", [False, True], ids=["file", "stream"])
@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("", "nothing in it"),
        ("\n\n", "nothing in it"),
        ("# a comment alone\n", "nothing in it"),
        ("2024-01-01 00:00:00,5\n2024-01-01 00:01:00,6\n", "no header"),
        ("only\n1\n", "one column"),
        ("timestamp,value\nhello,5\n", "line 2: 'hello' is no timestamp"),
        ("\x89PNG\n\x1a\n\x00\x00,\x00\n", "binary data"),
        ("\x1f\x8b\x08\x08\n\x00\x00,\x00\n", "binary data"),
        ("timestamp,value\n9999999999999999999999,5\n", "line 2: '9999999999999999999999' is out of range"),
        ('{"timestamp": 1717200000, "value": 5}\n', "looks like JSON"),
        ("<!DOCTYPE html>\n<table>\n", "looks like JSON or HTML"),
        ('t,v\n2024-01-01,"1,024"\n', "'1,024' may be 1024 or 1.024"),
        ("t,cpu,cpu\n2024-01-01,1,2\n", "several columns are named 'cpu': --value names one by its number (2, 3)"),
        ("timestamp,value,Value\n2024-01-01,1,2\n", "2 columns are named 'value'"),
        ("t,v\n05/06/2024,1\n", "'05/06/2024' leaves open which number is the day"),
    ],
)
def test_what_is_no_series_is_refused_in_clear_words(text: str, reported: str, live: bool) -> None:
    with pytest.raises(UnreadableInput) as refused:
        rows_of(text, live=live)
    assert reported in str(refused.value)


def test_a_folder_and_a_file_that_is_not_there_are_reported(tmp_path: Path) -> None:
    for name, reported in ((tmp_path, "is a folder"), (tmp_path / "none.csv", "No such file")):
        with pytest.raises(UnreadableInput, match=reported), opened(str(name)):
            pass


@pytest.mark.parametrize(
    ("text", "header", "first"),
    [
        ("a,b\n1,2\n", ["a", "b"], ["1", "2"]),
        ("a;b\n1,5;2,5\n", ["a", "b"], ["1,5", "2,5"]),
        ("Time;CPU, %\n2024-01-01;5\n", ["Time", "CPU, %"], ["2024-01-01", "5"]),
        ("a\tb\n1\t2\n", ["a", "b"], ["1", "2"]),
        ("a|b\n1|2\n", ["a", "b"], ["1", "2"]),
        ("sep=;\na;b\n1;2\n", ["a", "b"], ["1", "2"]),
        ("SEP=\t\r\na\tb\r\n1\t2\r\n", ["a", "b"], ["1", "2"]),
        ("a,b,\n1,2,\n", ["a", "b"], ["1", "2", ""]),
        ('"a","b"\n"1","2"\n', ["a", "b"], ["1", "2"]),
        ('Time,"cpu{host=""x"",mode=""idle""}"\n1,2\n', ["Time", 'cpu{host="x",mode="idle"}'], ["1", "2"]),
        ('Time,"Latency\n(ms)"\n1,2\n', ["Time", "Latency (ms)"], ["1", "2"]),
        ("# made by a program\n\na,b\n# more\n1,2\n", ["a", "b"], ["1", "2"]),
        ("# time,value\n1717200000,2\n", ["time", "value"], ["1717200000", "2"]),
        ("Category: All\n\na,b\n1,2\n", ["a", "b"], ["1", "2"]),
        ("a,b\n,\n1,2\n", ["a", "b"], ["1", "2"]),
        ("a,b\r1,2\r", ["a", "b"], ["1", "2"]),
        (" a | b \n---+---\n 1 | 2 \n(1 row)\n", ["a", "b"], [" 1 ", " 2 "]),
        ("+---+---+\n| a | b |\n+---+---+\n| 1 | 2 |\n+---+---+\n", ["", "a", "b"], ["", " 1 ", " 2 ", ""]),
        ("| a | b |\n|---|:--|\n| 1 | 2 |\n", ["", "a", "b"], ["", " 1 ", " 2 ", ""]),
    ],
)
def test_tables_are_split_as_they_were_written(text: str, header: list[str], first: list[str]) -> None:
    actual = table(io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", newline=""))
    assert actual is not None
    assert (actual.header, actual.first) == (header, first)
    assert [row for _, row in actual.rows] == [first]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "Zeit,Größe (€)\n2024-01-01,5 €\n"),
        ("utf-8-sig", "Zeit,Größe\n2024-01-01,5\n"),
        ("utf-16", "Zeit\tGröße\n2024-01-01\t5\n"),
        ("utf-16-le", "Zeit\tGröße\n2024-01-01\t5\n"),
        ("utf-16-be", "Zeit\tGröße\n2024-01-01\t5\n"),
        ("windows-1252", "Zeit;Größe €\n2024-01-01;5\xa0000,5\n"),
    ],
)
def test_files_are_decoded_as_they_were_saved(tmp_path: Path, encoding: str, text: str) -> None:
    path = tmp_path / "saved.csv"
    path.write_bytes(text.encode(encoding))
    with opened(str(path)) as file:
        assert file.read() == text


def test_columns_are_found_by_name_or_taken_in_order() -> None:
    named, *_ = rows_of("id,Value,timestamp\na,5,2024-01-01\n")
    ordered, *_ = rows_of("ds,y\n2024-01-01,5\n")
    assert [(r.at, r.value) for r in named] == [(r.at, r.value) for r in ordered] == [(1704067200.0, 5.0)]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("value,timestamp", "5,2024-01-01"),
        ("cpu,timestamp,host", "5,2024-01-01,web"),
        ("Value,when", "5,2024-01-01"),
        ("timestamp,host,cpu", "2024-01-01,web-1,5"),
        ("timestamp,id,cpu", "2024-01-01,7,5"),
        ("time,comment,cpu", "2024-01-01,all well,5"),
        ("time,comment,cpu", "2024-01-01,all well,\n2024-01-01,ok,5"),
        (",date,cpu", "0,2024-01-01,5"),
        ("Nr,Zeitstempel,Messwert", "7,2024-01-01,5"),
        ("time,host_id,cpu", "2024-01-01,17,5"),
        ("time,nodeId,cpu", "2024-01-01,17,5"),
        ("time,Store No,sales", "2024-01-01,17,5"),
        ("time,Anlage,Leistung", "2024-01-01,17,5"),
        ("id;Fecha;Valor".replace(";", ","), "7,2024-01-01,5"),
        (",Tag,Anzahl", ",2024-01-01,5"),
        ("时间,编号,数值", "2024-01-01,7,5"),
        (
            ",result,table,_start,_stop,_time,_value,_field",
            ",,0,2023-12-31T00:00:00Z,2024-01-02T00:00:00Z,2024-01-01T00:00:00Z,5,cpu",
        ),
        ("Date,Time,kW", "2024-01-01,00:00,5"),
        ("Date,Hour,kW", "2024-01-01,0,5"),
        ("Year,Month,Sales", "2024,1,5"),
        ("Year,Month,Day,Sales", "2024,01,01,5"),
        ("Sales,Year,Month", "5,2024,Jan"),
        ("Time (UTC),Value [ms]", "2024-01-01,5"),
    ],
)
def test_the_columns_of_time_and_value_are_found_among_others(header: str, row: str) -> None:
    *_, last = rows_of(f"{header}\n{row}\n")[0]
    assert (last.at, last.value) == (1704067200.0, 5.0)


@pytest.mark.parametrize(
    ("header", "row", "day"),
    [
        ("Year,Month,Sales", "2024,2,5", "2024-02-01"),
        ("Month,Day,Year,Sales", "2,7,2024,5", "2024-02-07"),
        ("Year,Month,Sales", "2024,February,5", "2024-02-01"),
        ("Jahr,Monat,Umsatz", "2024,2,5", "2024-02-01"),
        ("Year,Quarter,Sales", "2024,2,5", "2024-04-01"),
        ("Year,Quarter,Sales", "2024,Q2,5", "2024-04-01"),
        ("Year,Week,Sales", "2024,5,5", "2024-01-29"),
        ("store,Week,Year,Sales", "7,W05,2024,5", "2024-01-29"),
        ("Datum,Stunde,Wert", "2024-02-01,00,5", "2024-02-01"),
        ("Year,Week,date,Sales", "2024,5,2024-02-01,5", "2024-02-01"),
    ],
)
def test_a_time_in_several_columns_is_put_together(header: str, row: str, day: str) -> None:
    ((actual,), *_) = rows_of(f"{header}\n{row}\n", Reading(value="Sales") if "Sales" in header else None)
    assert (actual.at, actual.value) == (instant(day), 5.0)


def test_columns_are_named_by_options() -> None:
    text = "a,b,b,c\n2024-01-01,1,2,2024-01-02\n"
    assert [(r.at, r.value) for r in rows_of(text, Reading(time="C", value="3"))[0]] == [(1704153600.0, 2.0)]
    for reading, reported in (
        (Reading(value="b"), "2 columns are named 'b'"),
        (Reading(time="x"), "no column 'x'; there are a, b, b, c"),
    ):
        with pytest.raises(UnreadableInput, match=reported):
            rows_of(text, reading)


def test_which_of_several_columns_were_taken_is_reported() -> None:
    assert "columns" not in rows_of("timestamp,value\n2024-01-01,1\n")[2]
    reported = rows_of("when,cpu,host\n2024-01-01,1,web\n")[2]
    assert "timestamps are taken from column 'when', values from 'cpu'; not read: 'host'\n" in reported


# rows


def test_wrong_rows_are_passed_on_reported_and_counted() -> None:
    wrong = "".join(f"2024-01-01 00:0{i}:00,word{i}\n" for i in range(5))
    rows, account, reported = rows_of(f"timestamp,value\n2024-01-01,1\nnever,2\n2024-01-01 00:00:30\n{wrong}2024-01-02,inf\n")
    assert len(rows) == 9
    assert math.isnan(rows[1].at)
    assert all(math.isnan(row.value) for row in rows[2:])
    assert "line 3: 'never' is no timestamp" in reported
    assert reported.count("taken as missing") == 3
    assert "6 rows were lost in all: unreadable" in reported
    assert account.sum().startswith("rows: 9 read = 1 used + 7 missing (1 empty, 6 unreadable) + 1 dropped (1 with a time that")


@pytest.mark.parametrize("line", ["2024-01-02,1,024", "2024-01-02,45,3", "2024-01-02,5,,x"])
def test_a_row_with_more_cells_than_the_header_is_not_cut_off(line: str) -> None:
    rows, account, reported = rows_of(f"t,v\n2024-01-01,900\n{line}\n2024-01-03,900\n")
    assert math.isnan(rows[1].value)
    assert "the header 2 (a number with a comma must be in quotes)" in reported
    assert account.refusal() is not None


@pytest.mark.parametrize("line", ["Total,12000", "Grand Total: ,12000", "Average,4", "Summe;12000", "max,9"])
def test_summaries_at_the_end_are_left_out_and_counted(line: str) -> None:
    rows, account, reported = rows_of(f"month,sales\n2024-01,1\n2024-02,2\n{line.replace(';', ',')}\n")
    assert [row.value for row in rows[:2]] == [1.0, 2.0]
    assert account.refusal() is None
    assert "3 read = 2 used + 0 missing + 1 dropped (1 summary lines) + 0 merged" in reported


@pytest.mark.parametrize("live", [False, True], ids=["file", "stream"])
def test_every_row_is_in_the_sum(live: bool) -> None:
    lines = [
        "1717200000,1",
        "never,1.5",
        "1717200120,",
        "1717200180,?!",
        "# note",
        "1717200240,1,2",
        "1717200300,NaN",
        "Total,9",
    ]
    reported = rows_of("\n".join(["t,v", *lines, "1717200360,2", ""]), live=live)[2].splitlines()[-1]
    assert reported == (
        "rows: 8 read = 2 used + 3 missing (2 empty, 1 unreadable) + 3 dropped (1 with a time that cannot be read, "
        "1 with more cells than the header, 1 summary lines) + 0 merged; besides, 1 lines that are no rows"
    )


def series(values: Sequence[str]) -> str:
    return "t,v\n" + "".join(f"{1717200000 + 60 * i},{value}\n" for i, value in enumerate(values))


@pytest.mark.parametrize(
    ("odd", "reported"),
    [
        ("50", None),
        ("", None),
        ("N/A", None),
        ("55x", None),
        ("what", None),
        ("inf", "'inf' is infinite, taken as missing: that may be the highest"),
        ("1e300", "'1e300' is beyond 1e30"),
        ("#####", "'#####' is a number that did not fit into its column"),
        ("5000x", "'5000x' is in x, the others without a unit, taken as missing: that may be the highest or lowest"),
        ("1.2.3", "may be the highest or lowest"),
        ("-50x", "may be the highest or lowest"),
        ("5 s", "'5 s' is in s, the others without a unit"),
        ("45%", "'45%' is in %, the others without a unit"),
        ("3 MB", "'3 MB' is in MB"),
        ("OVERFLOW", "'OVERFLOW' is no number, but beyond what was measured"),
        ("Over range", "may be the highest or lowest"),
        ("HI", "may be the highest or lowest"),
        ("max", "may be the highest or lowest"),
        ("highway", None),
    ],
)
def test_a_value_that_may_be_the_peak_must_be_read(odd: str, reported: str | None) -> None:
    _, account, _ = rows_of(series([*(str(40 + i % 20) for i in range(50)), odd]))
    refused = account.refusal()
    assert (refused is None) == (reported is None), refused
    assert reported is None or (refused is not None and reported in refused)


def test_more_than_a_stated_share_is_refused_with_the_first_rows() -> None:
    few, many = (["oops" if i % 9 == 0 and i < 9 * bad else "5" for i in range(100)] for bad in (10, 11))
    assert rows_of(series(few))[1].refusal() is None
    refused = rows_of(series(many))[1].refusal()
    assert refused is not None
    for part in (
        "11 of 100 rows (11%) cannot be used, more than 10%: line 2: 'oops' is no number",
        "line 20",
        "--unusable 11%",
    ):
        assert part in refused
    out = io.StringIO()
    account = Account(0.11, out=out)
    _, rows = read_file(io.StringIO(series(many)), Reading(), account)
    for row in rows[:89]:
        account.use(row.value)
    assert account.refusal() is None


def test_several_rows_in_succession_that_cannot_be_read_may_be_the_peak() -> None:
    apart, together = (["oops" if i in some else "5" for i in range(100)] for some in ((10, 11, 13), (10, 11, 12)))
    assert rows_of(series(apart))[1].refusal() is None
    assert "line 14: 'oops' is no number" in str(rows_of(series(together))[1].refusal())


def test_nothing_that_can_be_used_is_refused_whatever_is_allowed() -> None:
    account = Account(1.0, out=io.StringIO())
    read_file(io.StringIO(series(["", "null", "x"])), Reading(), account)
    assert "none of its rows has a value that can be used (3 read)" in str(account.refusal())


# several series


def long(groups: Sequence[str], rows: int = 50, *, apart: float = 0.0, stacked: bool = False) -> str:
    pairs = [(i, k) for k in range(len(groups)) for i in range(rows)]
    lines = [
        f"{1717200000 + 60 * i + apart * k},{groups[k]},{10 * k + i % 7}" for i, k in (pairs if stacked else sorted(pairs))
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("header", "body", "by"),
    [
        ("timestamp,host,value", long(["web-1", "web-2"]), "--by host"),
        ("time,id,cpu", long(["1", "2", "3"]), "--by id"),
        ("time,shard,value", long(["1", "2", "3"]), "--by shard"),
        ("time,shard,cpu", long(["1", "2", "3"]), "--by shard"),
        ("ds,unique_id,y", long(["A", "B"], stacked=True), "--by unique_id"),
        ("ts,Host name,value", long(["a", "b"]), "--by 'Host name'"),
        ("time,host,metric,value", long(["a,x", "a,y", "b,x", "b,y"]), "--by host --by metric"),
        ("time,host,value", long(["a", "b"], apart=7.5), "several series by turns"),
        ("time,host_id,cpu", long(["17", "18"], apart=7.5), "several series by turns"),
        ("Zeit,Knoten,Last", long(["a", "b"], apart=7.5), "--by Knoten"),
    ],
)
def test_rows_of_several_series_are_reported_with_the_column_that_separates_them(header: str, body: str, by: str) -> None:
    account = Account(out=io.StringIO())
    reader, rows = read_file(io.StringIO(f"{header}\n{body}"), Reading(), account)
    names = [reader.table.header[column] for column in reader.columns.others]
    shared = len(rows) - len({row.at for row in rows})
    refused = keys.refusal(rows, names, shared, "share their time with another row")
    assert refused is not None
    assert by in refused
    if shared:
        assert f"{shared} of {len(rows)} rows share their time with another row" in refused


@pytest.mark.parametrize(
    ("header", "other"),
    [
        ("date,weekday,value", "Mon Tue Wed Thu Fri Sat Sun"),
        ("date,status,value", "ok ok ok warn"),
        ("date,memory,value", "1 2 3 4 5"),
    ],
)
def test_one_series_with_other_columns_is_one(header: str, other: str) -> None:
    words_ = other.split()
    body = "".join(f"{1717200000 + 86400 * i},{words_[i % len(words_)]},{i % 9}\n" for i in range(70))
    reader, rows = read_file(io.StringIO(f"{header}\n{body}"), Reading(), Account(out=io.StringIO()))
    assert keys.refusal(rows, [reader.table.header[c] for c in reader.columns.others], 0, "") is None


def test_rows_of_one_time_are_merged_as_told() -> None:
    def row(at: float, value: float, key: str = "") -> Row:
        return Row(0, str(at), str(value), at, value, key=(key,))

    rows = [row(0, 1), row(0, 3), row(0, 8), row(60, math.nan), row(60, 5), row(120, 2)]
    for how, first in (
        ("mean", 4.0),
        ("sum", 12.0),
        ("last", 8.0),
        ("first", 1.0),
        ("min", 1.0),
        ("max", 8.0),
        ("median", 3.0),
    ):
        account = Account(out=io.StringIO())
        assert [one.value for one in merged(rows, how, account)] == [first, 5.0, 2.0]
        assert (account.merged, account.how) == (2, f"--merge {how}")
    mixed = [row(0, 1, "a"), row(0, 2, "b"), row(0, 3, "a"), row(60, 4, "a"), row(60, 6, "b")]
    assert [(one.key[0], one.value) for one in merged(mixed, "sum", Account())] == [("a", 4), ("b", 2), ("a", 4), ("b", 6)]


# clock, grid and calendar


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


def rows_at(times: Sequence[float], values: Sequence[float] | None = None) -> list[Row]:
    some = values if values is not None else range(len(times))
    return [Row(line, "", "", at, float(value)) for line, (at, value) in enumerate(zip(times, some, strict=True), start=2)]


def test_rows_lie_on_an_even_grid_whatever_their_order() -> None:
    nothing = [(300, math.nan)] * 2  # they are missing, and no repetitions
    times, values = zip(
        *zip((60, 0, 119, 240, 300, 300, 300, math.nan), (2, 1, 3, 5, 6, 7, 7, 9), strict=True), *nothing, strict=True
    )
    laid = lay(rows_at(times, values))
    grid = laid.grid
    assert (grid.start, grid.step) == (0.0, Step(60.0))
    assert [None if math.isnan(v) else v for v in grid.values] == [1.0, 2.0, 3.0, None, 5.0, 7.0]
    assert grid.times().tolist() == [0.0, 60.0, 120.0, 180.0, 240.0, 300.0]
    assert (laid.repeated, laid.shared, laid.near, laid.disordered) == (1, 1, 0, 1)


def test_rows_nearer_than_half_a_step_are_counted() -> None:
    laid = lay(rows_at((0, 60, 80, 120, 180, 240, 300)), "mean")
    assert (laid.near, laid.shared) == (1, 0)
    assert laid.grid.values.tolist() == [0.0, 1.5, 3.0, 4.0, 5.0, 6.0]


def test_a_grid_that_would_be_all_gap_is_refused() -> None:
    with pytest.raises(UnreadableInput, match="line 3 stands far from the others"):
        lay(rows_at((0.0, 4e9, 60.0, 120.0)))
    with pytest.raises(UnreadableInput, match="none of its rows has a value"):
        lay([])
    with pytest.raises(UnreadableInput, match="none of its rows has a value"):
        lay(rows_at((0.0, 60.0), (math.nan, math.nan)))


def test_rows_that_do_not_come_when_they_should_are_counted() -> None:
    at = np.array([0.0, 60.0, 130.0, 180.0, 180.0, 90.0, 240.0, 300.0, 360.0, math.nan, 480.0, 540.0])
    assert spacing(at) == 60.0
    assert uneven(at, 60.0) == 5
    assert spacing(np.array([5.0, 5.0, 4.0])) == spacing(np.array([5.0])) == 60.0


def instants(*days: str) -> list[float]:
    return [float(np.datetime64(day, "s").astype(np.int64)) for day in days]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (["2019-11-01", "2019-12-01", "2020-01-01", "2020-02-01"], (1, 1)),
        (["2019-12-31", "2020-01-31", "2020-02-29", "2020-03-31"], (1, 31)),
        (["2019-12-30", "2020-01-30", "2020-02-29", "2020-03-30"], (1, 30)),
        (["2019-12-15", "2020-01-15", "2020-04-15", "2020-05-15"], (1, 15)),
        (["2019-01-01", "2019-04-01", "2019-07-01", "2019-10-01"], (3, 1)),
        (["2017-01-01", "2018-01-01", "2019-01-01"], (12, 1)),
        (["2019-11-04", "2019-12-02", "2020-01-06", "2020-02-03"], (1, 6)),
        (["2019-11-01", "2019-11-02", "2019-11-03"], None),
        (["2019-11-01", "2019-11-08", "2019-11-15"], None),
        (["2019-11-01"], None),
    ],
)
def test_months_quarters_and_years_are_steps_of_the_calendar(days: list[str], expected: tuple[int, int] | None) -> None:
    assert calendar(np.array(instants(*days))) == expected


def test_a_grid_of_months_has_every_month_once_and_ends_of_months_stay_ends() -> None:
    months = [f"{1990 + m // 12}-{m % 12 + 1:02d}-01" for m in range(400)]
    ends = [at - 86400 for at in instants(*months)]
    for at in (instants(*months), ends):
        gone = [k for k in range(400) if k % 17 != 5]
        laid = lay(rows_at([at[k] for k in gone]))
        assert len(laid.grid.values) == 400
        assert laid.near == 0
        assert laid.grid.times().tolist() == at
    leap = instants("2024-01-31", "2024-02-29", "2024-03-31")
    assert later(leap[0], np.arange(3), 31).tolist() == leap
    assert (np.diff(later(leap[0], np.arange(200_000), 31)) > 27 * 86400).all()


def test_days_of_a_zone_with_summer_time_are_days_of_the_clock_on_the_wall() -> None:
    wall = instants(*(str(day) for day in np.arange("2024-03-20", "2024-04-10", dtype="datetime64[D]")))
    offsets = [3600.0 if at < instants("2024-03-31T02:00:00")[0] else 7200.0 for at in wall]
    rows = [Row(2, "", "", at - offset, 1.0, wall=at) for at, offset in zip(wall, offsets, strict=True)]
    grid = lay(rows).grid
    assert (grid.step, len(grid.values), grid.offset) == (Step(86400.0), 21, 7200.0)
    assert grid.times().tolist() == wall


@pytest.mark.parametrize(
    ("count", "step", "said"),
    [
        (12, Step.of_months(1), "12 months"),
        (4, Step.of_months(3), "12 months (4 rows)"),
        (1, Step.of_months(3), "1 quarter"),
        (11, Step.of_months(12), "11 years"),
        (365, Step(86400.0), "365 days"),
        (7, Step(86400.0), "1 week (7 rows)"),
        (52, Step(604800.0), "52 weeks"),
        (24, Step(3600.0), "24 hours"),
        (168, Step(3600.0), "1 week (168 rows)"),
        (288, Step(300.0), "24 hours (288 rows)"),
        (1440, Step(60.0), "24 hours (1440 rows)"),
        (90, Step(1.0), "90 seconds"),
        (1, Step(0.001), "1 millisecond"),
        (5, None, "5 steps"),
    ],
)
def test_spans_are_said_as_people_count_them(count: int, step: Step | None, said: str) -> None:
    assert span(count, step) == said
    assert step is None or words(count, step) == said.split(" (")[0]


# digits


@pytest.mark.parametrize("size", [1.0, 8e9, 1e15, 1e-9, -8e9, 3e-300])
@pytest.mark.parametrize("apart", [1e-6, 1e-3, 0.5])
def test_a_band_is_written_with_digits_enough_to_see_it(size: float, apart: float) -> None:
    band = [size + abs(size) * apart * k for k in (0.0, -1.0, 1.0)]
    value = size + abs(size) * apart * 1.0001
    middle, low, high = (float(text) for text in written(band, 6, value))
    assert low < middle < high
    assert (value > high) == (value > band[2])
    assert abs(high - band[2]) <= 0.01 * (band[2] - band[1])


def test_numbers_are_written_no_longer_than_they_need_be() -> None:
    assert written([42.8133123, 38.7985, 46.8282], 6) == ["42.8133", "38.7985", "46.8282"]
    assert written([5.0, 5.0, 5.0], 6) == ["5", "5", "5"]
    assert written([math.nan], 6) == [""]
    assert (enough(1.0, 9.0), enough(8e9, 8e9 + 1e4), enough(5.0, 5.0)) == (6, 10, 6)
