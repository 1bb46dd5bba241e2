"""The mobile SDKs' own calls: bytes in, answer out, without a framework."""
