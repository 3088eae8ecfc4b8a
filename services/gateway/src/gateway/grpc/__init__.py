"""OTLP/gRPC: an HTTP/2 server for unary calls, and the export calls of OTLP, which go the way of OTLP/HTTP."""
