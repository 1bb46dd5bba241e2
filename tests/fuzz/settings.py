"""How many examples: few in a test run, as many as asked for in a long one."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

VARIABLE = "FUZZ_EXAMPLES"
SHORT = 120

#: Applied to every fuzz test. No deadline: a slow machine is no mistake of the server's.
LENGTH = settings(
    max_examples=int(os.environ.get(VARIABLE, SHORT)),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
