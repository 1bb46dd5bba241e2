"""The console: what arrived, how it was answered, and why, for people. Pages on ``/`` and ``/__console``."""
