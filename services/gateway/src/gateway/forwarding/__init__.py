"""What the gateway has accepted by OTLP, on its way to a second place: Jaeger, a Collector, any OTLP endpoint."""
