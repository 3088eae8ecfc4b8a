"""Stack traces as the languages print them, read to frames that stay the same from one release to the next. Pure."""
