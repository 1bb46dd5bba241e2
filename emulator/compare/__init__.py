"""Compares the emulator's answers with those of the platform, and reports the differences by rule."""
