"""The arithmetic of rollups: observations, cells that merge exactly, windows of time. Pure."""
