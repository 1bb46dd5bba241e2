"""One state for several emulators, in a database that speaks PostgreSQL's protocol."""
