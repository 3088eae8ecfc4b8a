"""OTLP/HTTP: from an export request, in protobuf or JSON, to one message per resource. Pure."""
