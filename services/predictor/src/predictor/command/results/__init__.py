"""What a command writes: numbers, scores of forecasts, progress, pages."""
