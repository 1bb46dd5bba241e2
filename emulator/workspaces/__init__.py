"""Isolated worlds: each workspace with its state, settings, clock, ids and metrics."""
