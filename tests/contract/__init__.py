"""The contract, checked by schemathesis against a running server: ``python -m tests.contract``."""
