"""The console: what arrived, what was made of it, and why, for people. Pages on ``/`` and ``/__console``."""
