"""``python -m predictor detect | forecast | backtest``: the service's own models, over a file or a pipe.

Reads CSV, writes CSV on standard output; what people should know goes to standard error. Exit status: 0 done, 1 it could not be
done (one line says why), 2 wrong usage, 130 interrupted.
"""

INTERRUPTED = 130
"""What shells expect of a process that Ctrl-C ended."""

NAMES = ("detect", "forecast", "backtest")
