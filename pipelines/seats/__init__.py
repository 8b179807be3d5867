"""Seat allocation: who travels, on which berth, and why."""
