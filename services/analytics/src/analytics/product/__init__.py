"""Product analytics: what people do, in which order, and where they leave. Column segments hold events by user; see ADR 19."""
