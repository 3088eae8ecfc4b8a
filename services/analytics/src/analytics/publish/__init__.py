"""From rollups to AGGREGATES: what is published when, by the replica that leads."""
