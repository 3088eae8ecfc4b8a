"""Dashboards as documents: what they are made of, how they are checked, and the files that hold them."""
