"""OpenTelemetry as Drishti uses it: set-up from the environment, spans, exporters that survive a fork, logs."""
