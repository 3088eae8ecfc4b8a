"""From rollups to AGGREGATES: what is published when, and by which replica."""
