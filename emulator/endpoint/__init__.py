"""One call of the documented endpoint: bytes in, answer out, without a framework."""
