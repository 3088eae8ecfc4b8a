"""How good and how cheap the predictor's models are: ``python -m benchmarks.ml``."""
