"""Holds the emulator against recorded answers of the platform, and says where they differ."""
