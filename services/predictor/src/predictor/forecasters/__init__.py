"""Forecasters: the interface, the one that learns from many series together, and the naive one it has to beat."""
