"""``python -m predictor detect | forecast | backtest``: the service's own models, over a file or a pipe.

Reads a table in a text file, writes CSV on standard output; what people should know, and what became of every row, goes to
standard error. Exit status: 0 done, 1 it could not be done (one line says why), 2 wrong usage, 130 interrupted.

A file goes through :mod:`.input.files` (cells), :mod:`.input.rows` (columns), :mod:`.values` (what the texts mean),
:mod:`.input.keys` (several series), :mod:`.times.merging` and :mod:`.times.grid` (places in time); :mod:`.input.account` keeps
count.
"""

INTERRUPTED = 130
"""What shells expect of a process that Ctrl-C ended."""

NAMES = ("detect", "forecast", "backtest")
