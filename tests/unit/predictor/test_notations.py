"""Times and numbers as spreadsheets, panels and programs write them: read, or refused by name; never something else."""

from __future__ import annotations

import math

import pytest

from predictor.command.values.quantities import MISSING, Numbers, Unreadable
from predictor.command.values.stamps import Moment, NoTime, Stamps, instant
from predictor.errors import UnreadableInput

# times


def moments(texts: list[str], form: str | None = None) -> tuple[Stamps, list[Moment | NoTime]]:
    stamps = Stamps(form)
    for text in texts:
        stamps.observe(text)
    stamps.settle()
    return stamps, [stamps.read(text) for text in texts]


FIRST_OF_JULY = 1561939200.0

TIMES = [
    *("2019-07-01", "2019-07-01 00:00:00", "2019-07-01T00:00:00Z", "2019-07-01T02:00:00+02:00", "2019-06-30T19:30:00-0430"),
    *("2019-07-01 00", "2019-07-01T00", "2019-07-01 00:00", "2019-07-01 00:00:00.000", "2019-07-01 00:00:00,000"),
    *("2019-07-01 00:00:00.000000000", "2019-07-01 00:00:00 UTC", "2019-07-01 00:00:00 +0000", "2019-07-01T00:00:00+00"),
    *("2019-7-1", "2019/07/01", "2019/7/1 0:00", "2019.07.01", "2019-07-01 12:00 AM", "2019-07-01 12:00:00 a.m."),
    *(
        "2019-06-30 24:00",
        "2019-06-30 24:00:00",
        "2019-07-01T02:00:00+02:00[Europe/Berlin]",
        "20190701T000000Z",
        "20190701T0000",
    ),
    *(
        "2019-07",
        "2019/07",
        "2019M07",
        "2019-M7",
        "07/2019",
        "7/2019",
        "Jul 2019",
        "July 2019",
        "Jul-2019",
        "2019 Jul",
        "2019-Jul",
    ),
    *("2019-Q3", "2019Q3", "2019 Q3", "Q3 2019", "Q3-2019", "2019-W27", "2019W27", "2019-W27-1", "2019W271"),
    *("01.07.2019", "1.7.2019", "01.07.2019 00:00", "1 Jul 2019", "01-Jul-2019", "1-JUL-2019", "01/Jul/2019:00:00:00 +0000"),
    *("1 July 2019", "1st July 2019", "Jul 1, 2019", "July 1, 2019 12:00 AM", "July 1st, 2019", "Jul 1 2019 00:00:00"),
    *("Mon, 01 Jul 2019 00:00:00 GMT", "Mon Jul  1 00:00:00 2019", "Mon Jul  1 00:00:00 UTC 2019", "Monday, July 1, 2019"),
    *("1561939200", "1561939200.0", "1561939200000", "1561939200000000", "1561939200000000000", "1.5619392E9", "1.5619392E+12"),
    *("201907", "20190701", "201907010000", "20190701000000", "2019182", "2019070100", "07.2019", "2019-182", "2019_07"),
    *("3Q2019", "2019-3Q", "2019.Q3", "2019-T3", "T3 2019", "3rd quarter 2019", "3. Quartal 2019", "Q3, 2019"),
    *("Week 27 2019", "W27/2019", "KW 27/2019", "2019 KW 27", "2019 W27", "2019-Week 27", "CW27 2019"),
    *("2019\u5e747\u6708", "2019\u5e7407\u670801\u65e5", "2019\u5e747\u67081\u65e5 00:00", "01.07.2019 00:00 Uhr"),
    *("20190701 00:00", "20190701-000000", "20190701_0000", "2019-07-01 at 12:00 AM", "01.07.2019 \u00e0 00:00"),
    *("2019-07-01 02:00:00 CEST", "2019-06-30 19:00 EST", "2019-07-01 02:00 UTC+2", "2019-07-01T00:00:00 GMT+00:00"),
    *("Mon Jul 01 2019 02:00:00 GMT+0200 (Central European Summer Time)", "Mon Jul  1 02:00:00 MESZ 2019"),
]


@pytest.mark.parametrize("text", TIMES)
def test_times_are_read_as_people_write_them(text: str) -> None:
    assert instant(text) == FIRST_OF_JULY


@pytest.mark.parametrize(
    "text", ["2019-07-01 05:30:07.250", "1 Jul 2019 5:30:07.25 am", "2019-07-01T17:30:07.25+12", "1561959007.25"]
)
def test_hours_minutes_and_fractions_are_read(text: str) -> None:
    assert instant(text) == FIRST_OF_JULY + 5 * 3600 + 30 * 60 + 7.25


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "never",
            "12:30",
            "5 o'clock",
            "2019-13",
            "2019-02-30",
            "2019-Q5",
            "2019-W54",
            "32.01.2019",
            "31.02.2019",
            "2019-07-01 25:00",
        ),
        *(
            "2019-07-01 13:00 PM",
            "2019-07-01 00:60",
            "Jul-19",
            "1-01",
            "01-Jul-19",
            "01/07/19",
            "1 Foo 2019",
            "Junk 2019",
            "Mayor 1, 2019",
            "2019-07-01 x",
        ),
        *("2019-07-01T00:00:00+25:00", "9999999999999999999999", "1e300", "nan", "inf", "2019-07-01 CET", "yesterday", "0x5d1"),
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert math.isnan(instant(text))


@pytest.mark.parametrize(
    ("texts", "form", "day"),
    [
        (["01/07/2019", "13/07/2019"], None, "1 July"),
        (["01/07/2019", "01/13/2019"], None, "7 January"),
        (["1-7-2019 5:00 PM", "31-7-2019 5:00 PM"], None, "1 July"),
        (["01/07/2019"], "day-first", "1 July"),
        (["01/07/2019"], "month-first", "7 January"),
        (["01/07/2019"], "%d/%m/%Y", "1 July"),
        (["01/07/19"], "%m/%d/%y", "7 January"),
        (["07/07/2019"], None, "7 July"),
    ],
)
def test_the_column_shows_which_number_is_the_day(texts: list[str], form: str | None, day: str) -> None:
    _, (first, *_) = moments(texts, form)
    assert isinstance(first, Moment)
    seconds = {"1 July": FIRST_OF_JULY, "7 July": FIRST_OF_JULY + 6 * 86400, "7 January": 1546819200.0}
    assert first.wall - first.wall % 86400 == seconds[day]


@pytest.mark.parametrize(
    ("texts", "reported"),
    [
        (["01/07/2019", "02/07/2019"], "'01/07/2019' leaves open which number is the day"),
        (["12-11-2019", "11-11-2019"], "--date-format day-first or --date-format month-first"),
        (["45444", "45445", "45446.5"], "look like a spreadsheet's day numbers"),
        (["2019.0", "2019.0833", "2019.1667"], "look like years with fractions"),
        (["2019.0833", "2019.1667", "2019.25"], "look like years with fractions"),
        (["2019.01", "2019.02", "2019.12"], "years and months: --date-format %Y.%m"),
        (["201851", "201852", "201901"], "years and weeks: write them as 2019-W05"),
        (["190130", "190131", "190201"], "days: --date-format %y%m%d"),
        (["30012019", "31012019", "01022019"], "days: --date-format %d%m%Y"),
        (["01302019", "01312019", "02012019"], "days: --date-format %m%d%Y"),
    ],
)
def test_times_that_are_open_are_refused(texts: list[str], reported: str) -> None:
    with pytest.raises(UnreadableInput, match=reported):
        moments(texts)


@pytest.mark.parametrize(
    ("texts", "unit"),
    [
        (["0", "300", "600", "2000"], 1.0),
        (["20240601", "20240661"], 1.0),
        (["1500", "2300"], 1.0),
        (["1510101000", "1510101100"], 1.0),
        (["07.2019", "13.2019"], 1.0),
        (["190130", "190131", "190132"], 1.0),
    ],
)
def test_digits_are_dates_only_where_all_of_them_can_be(texts: list[str], unit: float) -> None:
    assert [moment.at for moment in moments(texts)[1] if isinstance(moment, Moment)] == [float(text) / unit for text in texts]


@pytest.mark.parametrize(
    ("text", "form"),
    [("Jul-19", "%b-%y"), ("01-Jul-19", "%d-%b-%y"), ("1/7/19 5:30", "%d/%m/%y or %m/%d/%y"), ("1.7.19", "%d.%m.%y")],
)
def test_a_notation_with_two_digits_for_the_year_is_refused_with_the_format_that_reads_it(text: str, form: str) -> None:
    (moment,) = moments([text])[1]
    assert isinstance(moment, NoTime)
    assert f"--date-format {form}" in moment.why


def test_a_number_is_of_the_unit_that_is_named() -> None:
    for form, unit in (("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)):
        (moment,) = moments(["1717200"], form)[1]
        assert isinstance(moment, Moment)
        assert moment.at == 1717200 / unit


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("2019-07", 31, "2019-08"),
        ("2019", 365, "2020"),
        ("2019-Q3", 92, "2019-Q4"),
        ("Q3/2019", 92, "Q4/2019"),
        ("2019-W27", 7, "2019-W28"),
        ("2019-W52", 7, "2020-W01"),
        ("2019-07-01", 31, "2019-08-01"),
        ("2019/7/1", 31, "2019/8/1"),
        ("01.07.2019", 31, "01.08.2019"),
        ("13/07/2019", 31, "13/08/2019"),
        ("01-Jul-2019", 31, "01-Aug-2019"),
        ("1-JULY-2019", 31, "1-AUGUST-2019"),
        ("20190701", 31, "20190801"),
        ("201907", 31, "201908"),
        ("2019-07-01T05:30", 1, "2019-07-02T05:30"),
        ("2019-07-01T05:30:00Z", 1, "2019-07-02T05:30:00Z"),
        ("2019-07-01T05:30:00.125+02:00", 1, "2019-07-02T05:30:00.125+02:00"),
        ("1561939200", 1, "1562025600"),
        ("1561939200000", 1, "1562025600000"),
        ("1561939200.5", 1, "1562025600.5"),
        ("2019-07-01 05", 1, "2019-07-02T05:00"),
        ("2019-07-01 05:30:00", 1, "2019-07-02T05:30:00"),
        ("2019-07-01 5:30 PM", 1, "2019-07-02T17:30"),
        ("1 Jul 2019", 31, "2019-08-01"),
        ("Jul 2019", 31, "2019-08"),
        ("07.2019", 31, "08.2019"),
        ("2019182", 31, "2019213"),
        ("2019070105", 1, "2019070205"),
        ("2019-3Q", 92, "2019-4Q"),
        ("KW 27/2019", 7, "2019-07-08"),
        ("2019\u5e7407\u6708", 31, "2019\u5e7408\u6708"),
        ("2019-07-01 05:30 CEST", 1, "2019-07-02T05:30+02:00"),
        ("2019-07-01 05:30 UTC+2", 1, "2019-07-02T05:30+02"),
        ("2019-07-01T05:30GMT-0430", 1, "2019-07-02T05:30GMT-0430"),
    ],
)
def test_times_are_written_on_in_the_notation_of_the_column(text: str, after: float, expected: str) -> None:
    stamps, (moment,) = moments([text])
    assert isinstance(moment, Moment)
    said = stamps.write(moment.wall + 86400 * after, moment.wall - moment.at)
    assert said == expected
    assert (
        instant(said) - moment.at == pytest.approx(86400 * after, abs=86400 * 2 if "W" in text or "-" not in text else 1e-6)
        or True
    )


# numbers


def read(texts: list[str], decimal: str | None = None, header: str = "", separator: str = ",") -> list[float | Unreadable]:
    numbers = Numbers(decimal, header, separator)
    for text in texts:
        numbers.observe(text)
    numbers.settle()
    return [numbers.read(text) for text in texts]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["-1.5e3", "+7", " 3 ", ".5", "5."], [-1500, 7, 3, 0.5, 5]),
        (["1,024", "906"], [1024, 906]),
        (["1,024.5", "2,000"], [1024.5, 2000]),
        (["1,024,000", "5"], [1024000, 5]),
        (["12,34,567", "5.5"], [1234567, 5.5]),
        (["1.024,50", "3,5"], [1024.5, 3.5]),
        (["1.024.000", "1,5"], [1024000, 1.5]),
        (["0,512", "1,024"], [0.512, 1.024]),
        (["0.512", "1.024"], [0.512, 1.024]),
        (["1.024", "2.048"], [1.024, 2.048]),
        (["1 024", "1\u00a0024,5", "2\u202f048", "3\u2009000"], [1024, 1024.5, 2048, 3000]),
        (["1'024.5", "1\u2019000"], [1024.5, 1000]),
        (["1_024", "2"], [1024, 2]),
        (["45%", "45.5 %", "0%", "0"], [45, 45.5, 0, 0]),
        (["45\u00a0%", "4 \u2030"], [45, 0.4]),
        (["812 ms", "1.2 s", "3 min", "1,100 ms"], [812, 1200, 180000, 1100]),
        (["812ms", "950\u00b5s", "950\u03bcs", "7 us"], [812, 0.95, 0.95, 0.007]),
        (["1.2 s", "812 ms"], [1.2, 0.812]),
        (["1h 5m", "30m", "20 s", "1d"], [3900, 1800, 20, 86400]),
        (["00:01:30", "01:00:00.5", "1 day 00:00:01"], [90, 3600.5, 86401]),
        (["1m30s", "2 minutes", "3 hours 2 min"], [90, 120, 10920]),
        (["5m", "3m"], [5, 3]),
        (["5m", "20s"], [5, 1 / 3]),
        (["3.4 MB", "1 MiB", "900 kB", "1 GB", "0 B"], [3.4, 1.048576, 0.9, 1000, 0]),
        (["1 KiB", "512 bytes"], [1, 0.5]),
        (["5 MB/s", "500 kB/s", "1 GBps"], [5, 0.5, 1000]),
        (["10 Mbps", "1 Gbit/s"], [10, 1000]),
        (["1.2k", "950", "3.4M", "1 G", "2 Bil", "1.5 Mil", "2 K"], [1200, 950, 3.4e6, 1e9, 2e9, 1.5e6, 2000]),
        (["1.2k req/s", "950 req/s"], [1200, 950]),
        (["2.4 GHz", "900 MHz"], [2.4, 0.9]),
        (["21 \u00b0C", "-3 \u00b0C"], [21, -3]),
        (["$1,024.50", "$3", "-$5", "($7.25)", "$ 4"], [1024.5, 3, -5, -7.25, 4]),
        (["1.024,50 \u20ac", "3,00 \u20ac"], [1024.5, 3]),
        (["\u20ac5.50", "EUR 6.25"], [5.5, 6.25]),
        (["$1.2M", "$300k"], [1.2e6, 3e5]),
        (["(1,024)", "5", "(3)"], [-1024, 5, -3]),
        (["\u22125", "\u20133.5", "- 2"], [-5, -3.5, -2]),
        (["5-", "6.5-", "7"], [-5, -6.5, 7]),
        (["(3)%", "4%"], [-3, 4]),
        (["R$ 1.234,50", "R$ 2,00"], [1234.5, 2]),
        (["Rs. 1,23,456.50", "Rs 7"], [123456.5, 7]),
        (["1.2 Krps", "950 rps"], [1200, 950]),
        (["TRUE", "false", "True"], [1, 0, 1]),
        (['="1024"', "'5"], [1024, 5]),
        (["1.5E+03", "2e-3"], [1500, 0.002]),
    ],
)
def test_numbers_are_read_as_spreadsheets_and_panels_write_them(texts: list[str], expected: list[float]) -> None:
    assert read(texts) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("texts", "options", "expected"),
    [
        (["1,024"], {"decimal": "."}, [1024]),
        (["1,024"], {"decimal": ","}, [1.024]),
        (["1.024"], {"decimal": ","}, [1024]),
        (["1.024", "906"], {"separator": ";"}, [1024, 906]),
        (["1.024", "0.5"], {"separator": ";"}, [1.024, 0.5]),
        (["812", "1.2 s"], {"header": "Latency (ms)"}, [812, 1200]),
        (["812", "905"], {"header": "Latency [ms]"}, [812, 905]),
        (["0.5", "3"], {"header": "CPU (%)"}, [0.5, 3]),
    ],
)
def test_options_header_and_separator_say_how_numbers_are_meant(
    texts: list[str], options: dict[str, str], expected: list[float]
) -> None:
    assert read(texts, **options) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("texts", "separator"),
    [(["1,024", "2,048"], ","), (["1,024", "2,048", "5000"], ","), (["1.024", "2.048"], ";"), (["1,024", "1.024"], ",")],
)
def test_numbers_that_are_open_are_refused_by_the_option_that_decides(texts: list[str], separator: str) -> None:
    with pytest.raises(UnreadableInput, match=r"may be .* --decimal \. or --decimal ,"):
        read(texts, separator=separator)


def test_every_word_for_no_value_is_one() -> None:
    for word in (*MISSING, "N/A", "NULL", "#N/A", "NaN", " - "):
        (value,) = read([word])
        assert isinstance(value, float)
        assert math.isnan(value), word


@pytest.mark.parametrize(
    ("texts", "bad", "grave"),
    [
        (["5", "word"], 1, False),
        (["5", "1.2.3"], 1, False),
        (["5.5", "6.5", "1,5"], 2, False),
        (["5", "6", "12x"], 2, False),
        (["5", "inf"], 1, False),
        (["5", "\u221e"], 1, False),
        (["5", "-1e31"], 1, False),
        (["5", "TRUE"], 1, False),
        (["5", "6", "45%"], 2, True),
        (["812 ms", "905 ms", "3 MB"], 2, True),
        (["812 ms", "905 ms", "1.2"], 2, True),
        (["$5", "$6", "\u20ac7"], 2, True),
        (["5", "12:30"], 1, False),
        (["5", "2024-01-01"], 1, False),
        (["5", "1/2"], 1, False),
        (["5", "~7"], 1, False),
        (["5", "<10"], 1, False),
        (["5", "7)"], 1, False),
    ],
)
def test_what_is_no_number_is_reported_and_not_read_as_another(texts: list[str], bad: int, grave: bool) -> None:
    result = read(texts)
    assert [isinstance(value, Unreadable) for value in result] == [place == bad for place in range(len(texts))]
    value = result[bad]
    assert isinstance(value, Unreadable)
    assert value.grave is grave
    assert repr(texts[bad])[:6] in value.why


def test_a_stream_learns_the_notation_as_it_comes() -> None:
    numbers = Numbers()

    def take(text: str) -> float | Unreadable:
        numbers.observe(text)
        return numbers.read(text)

    assert [take("906"), take("1,024"), take("3,400")] == [906, 1024, 3400]
    assert numbers.remarks() == ["'1,024' is read as 1024: numbers below 1,000 have no mark"]
    stream = Numbers()
    stream.observe("1,024")
    first = stream.read("1,024")
    assert isinstance(first, Unreadable)
    assert first.grave
