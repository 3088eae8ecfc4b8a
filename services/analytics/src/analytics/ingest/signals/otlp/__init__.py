"""OTLP metrics of every type, step by step: messages to points, cumulative points to increases, buckets to our histograms,
attributes to dimensions. Pure."""
