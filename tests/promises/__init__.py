"""What the docs, docstrings and error texts promise, each with the tests that fail if it is not true."""
