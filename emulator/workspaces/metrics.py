"""Counts of what happened in a workspace since the server started."""

from bisect import bisect_left
from collections import defaultdict

#: Upper bounds of the duration histogram, seconds.
BUCKETS_S = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25)


class Metrics:
    """Counts of requests by outcome and by error, of decisions by rule, and a histogram of durations.

    ``rules`` counts the lints that are reported, too.
    ``durations`` has one count for each bound of :data:`BUCKETS_S` and one for longer durations.
    """

    def __init__(self) -> None:
        # A Counter takes twice as long to count one.
        self.outcomes: defaultdict[str, int] = defaultdict(int)
        self.errors: defaultdict[int, int] = defaultdict(int)
        self.rules: defaultdict[str, int] = defaultdict(int)
        self.durations = [0] * (len(BUCKETS_S) + 1)
        self.duration_sum_s = 0.0

    def took(self, seconds: float) -> None:
        """Count one request's duration."""
        self.durations[bisect_left(BUCKETS_S, seconds)] += 1
        self.duration_sum_s += seconds
