"""A file of one or several series, read whole: the same for ``forecast`` and ``backtest``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TypeVar

from predictor.command.input.account import Account
from predictor.command.input.columns import Reading
from predictor.command.input.files import opened
from predictor.command.input.rows import Reader, Row, by_key, named_series, read_file, refuse_empty, usable
from predictor.command.options import reading_of
from predictor.command.results.progress import Progress
from predictor.command.times.merging import merged

T = TypeVar("T")


def read_series(
    options: argparse.Namespace, make: Callable[[Reader, Sequence[Row], Reading, Account], T], *, merge: bool = False
) -> tuple[Reader, dict[tuple[str, ...], T], Account]:
    """What ``make`` makes of the rows of each series, by its key, of the file that ``options`` name.

    ``make`` enters the values that it uses in the account. ``merge``: rows that share a time are made one before, as
    ``--merge`` says. Series without a value are reported and left out. Raises :class:`~predictor.errors.UnreadableInput` for a
    file that is no table, is of several series, or has too many rows that are of no use.
    """
    reading = reading_of(options)
    account = Account(reading.unusable)
    with opened(options.file) as file:
        progress = Progress("rows read")
        reader, rows = read_file(file, reading, account, progress.step)
        progress.close()
        refuse_empty(rows, account)
        series = {}
        for key, some in by_key(merged(rows, reading.merge if merge else None, account)).items():
            if key and not usable(some):
                account.say(f"series {' '.join(key)} has no value, and no forecast")
                continue
            with named_series(key):
                series[key] = make(reader, some, reading, account)
        account.refuse()
    for remark in reader.numbers.remarks():
        account.say(remark)
    return reader, series, account
