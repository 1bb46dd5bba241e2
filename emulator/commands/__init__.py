"""The commands of ``run.py``, one a module; each has a click command named ``command``."""
