"""Requests and files that nobody would write: a few in every test run, many by ``python -m tests.fuzz``."""
