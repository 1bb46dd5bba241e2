"""The texts of a comparison's report, for translations."""

from __future__ import annotations

import re

from emulator.compare.probes import PROBES

_ASKS = tuple(dict.fromkeys(re.sub(r"\$\w+", "{0}", one.asks) for one in PROBES))
#: What a report says in English; ``{0}`` … stand for names and numbers.
TEXTS = (
    *("agrees", "differs", "not observable", "uncertain"),
    *("another call", "a preflight", "another method than POST", "no request body", "no answer"),
    *("no JSON object", "no request with an answer", "unreadable", "answered by a fault"),
    *("answered with no JSON object", "answered with {0}", "answered with {0}, a failure"),
    *("answered in {0}, which is not unpacked: have the tool save bodies decoded", "to another host, {0}"),
    *(
        "{0}, entry {1}",
        "probe {0}: {1}, {2}",
        "{0}: the fixtures of the scratch workspace, with resource tokens",
    ),
    "{0}: breaks off or is damaged after entry {1}; what is before it counts",
    "{0}: the platform as these calls show it: {1}",
    *("nothing explains {0}: {1}", "not asked without {0}: {1}"),
    *("number of items", "order of items", "data[{0}] of the emulator", "header {0}", "(absent)"),
    *_ASKS,
)
