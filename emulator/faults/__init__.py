"""Faults: errors, delays and broken connections on demand."""
