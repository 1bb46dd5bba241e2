"""pip-audit over the packages that the emulator needs when it runs, where the service that it asks answers.

Only a vulnerability that pip-audit names fails the checks. A network that is not there, or an index that
knows nothing of vulnerabilities, never does: then one line says that nothing was looked at.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import requires, version
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

#: Seconds for one answer of the service.
ANSWER_S = 5
#: Seconds for all of them: then it is given up.
PATIENCE_S = 15
_AUDIT = ("-m", "pip_audit", "--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off")


class Verdict(NamedTuple):
    """Whether a vulnerability is known, and what to say."""

    failed: bool
    text: str


def needed(name: str = "push-emulator") -> dict[str, str]:
    """What a package needs when it runs, and what that needs: name to the installed version."""
    found: dict[str, str] = {}
    waiting = [Requirement(name)]
    while waiting:
        for one in _direct(waiting.pop()):
            if canonicalize_name(one.name) not in found:
                found[canonicalize_name(one.name)] = version(one.name)
                waiting.append(one)
    return found


def _direct(package: Requirement) -> Iterator[Requirement]:
    extras = package.extras or {""}
    for line in requires(package.name) or ():
        one = Requirement(line)
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras):
            yield one


def audit(*options: str, patience_s: float = PATIENCE_S) -> Verdict:
    """Ask about every package that is needed; ``options`` go to pip-audit, such as another service."""
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder) / "requirements.txt"
        pinned.write_text("".join(f"{name}=={of}\n" for name, of in sorted(needed().items())))
        command = [sys.executable, *_AUDIT, "--timeout", str(ANSWER_S), "--requirement", str(pinned)]
        command += options
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=patience_s, check=False)
        except subprocess.TimeoutExpired:
            return _skipped(f"no answer within {patience_s:g} seconds")
    return judge(done.stdout, done.stderr)


def judge(output: str, errors: str) -> Verdict:
    """The verdict on what pip-audit wrote to its two outputs; the exit status says less than they do."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return _skipped((errors.strip().splitlines() or ["it said nothing"])[-1][:120])
    known = [one for one in packages if "skip_reason" not in one]
    vulnerable = [
        f"{one['name']} {one['version']}: {found['id']}, "
        f"mended in {', '.join(found['fix_versions']) or 'no version yet'}"
        for one in known
        for found in one["vulns"]
    ]
    if vulnerable:
        return Verdict(True, "\n".join(vulnerable))
    if not known:
        return _skipped(f"the service knows none of the {len(packages)} packages")
    unknown = [one["name"] for one in packages if one not in known]
    aside = f"; the service does not know {', '.join(unknown)}" if unknown else ""
    return Verdict(False, f"No known vulnerability in {len(known)} packages{aside}.")


def _skipped(why: str) -> Verdict:
    return Verdict(False, f"SKIPPED: nothing was asked about known vulnerabilities: {why}")
