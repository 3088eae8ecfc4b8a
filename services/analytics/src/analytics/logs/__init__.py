"""Log records: read from OTLP, and the templates that they are counted by. Pure."""
