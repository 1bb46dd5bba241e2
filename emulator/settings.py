"""All settings of the server: command line flag, else environment ``EMULATOR_*``, else the default here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args, get_type_hints

from emulator.rules.model import Policies

_HERE = Path(__file__).resolve().parent
_INSTALLED = _HERE / "default_fixtures"
#: The fixture set of the project: at the top of a clone, inside the package of an installation.
DEFAULT_FIXTURES = _INSTALLED if _INSTALLED.is_dir() else _HERE.parent / "fixtures" / "default"
MAX_BODY_BYTES = 1 << 20
Durability = Literal["os", "fsync", "none"]
#: A snapshot is due when the logs are larger than this and than the last snapshot, in bytes.
MIN_LOG_BYTES = 16 << 20
#: Bounds of each request journal.
JOURNAL_COUNT, JOURNAL_BYTES = 10_000, 64 << 20
#: The characters that ``Authorization: Bearer`` can carry.
_TOKEN = re.compile(r"[!-~]([ -~]*[!-~])?")
#: The values of each policy; the first is the default.
POLICY_CHOICES: dict[str, tuple[str, ...]] = {
    name: get_args(hint) for name, hint in get_type_hints(Policies).items()
}


@dataclass(frozen=True)
class Settings:
    """The settings of one server.

    ``state``: the directory of the state files. ``min_log_bytes``: the log size at which a snapshot is due
    (later where the last snapshot is larger). ``seed``: makes ids the same in every run. ``policies`` and
    ``strict``: the settings of a new workspace. ``allow_host``: host names, beside addresses and localhost,
    that admin calls may use. ``workspace_ttl``: seconds until an idle workspace is deleted (``None``:
    never). ``journal_count``, ``journal_bytes``: the bounds of each request journal. ``show_secrets``: show
    resource tokens and credentials in the journal. ``watch``: reload the fixtures when they change.
    ``tls_cert``, ``tls_key``: PEM files to serve HTTPS with; ``tls_self_signed``: make a certificate. Raises
    :class:`ValueError` for an ``admin_token`` that no header can carry, or that is blank.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    port_file: Path | None = None
    fixtures: Path = DEFAULT_FIXTURES
    state: Path = Path(".emulator")
    durability: Durability = "os"
    min_log_bytes: int = MIN_LOG_BYTES
    strict: bool = False
    policies: Policies = field(default_factory=Policies)
    seed: int | None = None
    admin_token: str | None = None
    allow_host: tuple[str, ...] = ()
    max_workspaces: int = 500
    workspace_ttl: float | None = None
    journal_count: int = JOURNAL_COUNT
    journal_bytes: int = JOURNAL_BYTES
    show_secrets: bool = False
    watch: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_self_signed: bool = False
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["quiet", "normal", "verbose"] = "normal"

    def __post_init__(self) -> None:
        token = self.admin_token
        if token is not None and not _TOKEN.fullmatch(token):
            raise ValueError(
                "the admin token must be one or more printable ASCII characters, with no space at either end"
            )
