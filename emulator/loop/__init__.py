"""The event loop that threads share, and the pacing of long work on it."""
