"""The admin API: JSON under ``/__admin``, one module a subject."""
