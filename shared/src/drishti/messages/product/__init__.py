"""What the gateway asks analytics about what users do."""
