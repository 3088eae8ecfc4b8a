"""Cohorts: saved sets of users, as they are stored, asked for, and used by questions."""
