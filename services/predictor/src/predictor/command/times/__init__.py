"""Places in time: the step between rows, even grids, rows that share a time, clocks that were set back."""
