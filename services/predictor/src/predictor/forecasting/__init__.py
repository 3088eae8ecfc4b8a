"""What is forecast, when, and how good it was: horizons, training, scores, capacity."""
