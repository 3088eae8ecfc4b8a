"""What is watched, and what is remembered of it: the seconds, minutes and hours of every series, as arrays."""
