"""Duplicate persons: which records of a register are one person, how sure, and why."""
