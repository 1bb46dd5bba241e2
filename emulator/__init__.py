"""A local emulator of the Altcraft Platform's ``POST /push_subscribe``."""

__version__ = "0.1.0"
