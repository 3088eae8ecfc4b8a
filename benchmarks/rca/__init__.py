"""Root causes: recorded days with injected, labelled faults, converted to OTLP and ranked."""
