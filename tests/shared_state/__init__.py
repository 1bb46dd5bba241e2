"""One state in a database, over several emulators."""
