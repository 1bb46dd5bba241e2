"""All settings of the server: command line flag, else environment ``EMULATOR_*``, else the default here."""

from __future__ import annotations

import ipaddress
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args, get_type_hints

from emulator.rules.model import Policies
from emulator.rules.overrides import AnswerOverride

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
_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
#: What a host name cannot have, and what to give instead.
_NO_HOST_NAME = (
    (r"\*|^\.", "there are no wildcards: name each host"),
    (r"[,;\s]", "one name: repeat the option, or put spaces between the names in the variable"),
    (r"/", "the name alone, without scheme and path"),
    (r":", "the name alone, without port"),
)
#: What each policy can be; the first is the default.
POLICY_CHOICES: dict[str, tuple[str, ...]] = {
    name: get_args(hint) for name, hint in get_type_hints(Policies).items()
}


@dataclass(frozen=True)
class Settings:
    """The settings of one server.

    ``state``: the directory of the state files. ``database``: the URL of the database that holds the state
    instead, for several servers; a URL given as ``state`` is meant so. ``min_log_bytes``: the log size at
    which a snapshot is due (later where the last snapshot is larger). ``seed``: makes ids the same in every
    run.
    ``policies``, ``answers`` and ``strict`` are what a new workspace starts with; before them counts what
    ``platform`` says, a file (``None``: that of the fixtures, if any), which is followed against the
    documentation only with ``trust_platform``. ``policies`` by name are all given; of :class:`Policies` those
    are given that differ from the default. ``allow_host``: names, beside
    addresses and localhost, by which the admin API may be called. ``trust_proxy``: believe what a reverse
    proxy says of the client and of the address that it serves this server at. ``workspace_ttl``: seconds
    until an idle workspace is deleted (``None``: never). ``journal_count``, ``journal_bytes``: the bounds
    of each request journal. ``show_secrets``: show resource tokens and credentials in the journal.
    ``watch``: reload the fixtures when they change. ``tls_cert``, ``tls_key``: PEM files to serve HTTPS
    with; ``tls_self_signed``: make them. Raises :class:`ValueError` for an ``admin_token`` that no header can
    carry, or that is blank, and for a name in ``allow_host`` that no Host header can have.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    port_file: Path | None = None
    fixtures: Path = DEFAULT_FIXTURES
    state: Path = Path(".emulator")
    database: str | None = None
    durability: Durability = "os"
    min_log_bytes: int = MIN_LOG_BYTES
    strict: bool = False
    policies: Policies | Mapping[str, str] = field(default_factory=Policies)
    answers: Mapping[str, AnswerOverride] = field(default_factory=dict)
    platform: Path | None = None
    trust_platform: bool = False
    seed: int | None = None
    admin_token: str | None = None
    allow_host: tuple[str, ...] = ()
    trust_proxy: bool = False
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
        state = str(self.state)  # somebody may have given a URL, which no type checker has seen
        if is_database(state):
            object.__setattr__(self, "database", state)
            object.__setattr__(self, "state", type(self).state)
        token = self.admin_token
        if token is not None and not _TOKEN.fullmatch(token):
            raise ValueError(
                "the admin token must be one or more printable ASCII characters, with no space at either end"
            )
        object.__setattr__(self, "allow_host", tuple(map(host_name, self.allow_host)))

    @property
    def folder(self) -> Path | None:
        """The directory of the state files; ``None`` if there are none."""
        return None if self.durability == "none" or self.database is not None else self.state


def is_database(state: str) -> bool:
    """Whether a state is named by the URL of a database."""
    return state.startswith(("postgresql://", "postgres://"))


def is_loopback(host: str) -> bool:
    """Whether a host's name or address means this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def host_name(text: str) -> str:
    """A host's name or address as browsers send it: lower case, ASCII (``xn--``), no dot at its end.

    Raises :class:`ValueError`, which says what is right, for what no Host header can name.
    """
    try:
        return str(ipaddress.ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        pass
    shown = json.dumps(text, ensure_ascii=False)
    for pattern, instead in _NO_HOST_NAME:
        if re.search(pattern, text):
            raise ValueError(f"{shown} is no host name: {instead}")
    plain = unicodedata.normalize("NFKC", text).lower().removesuffix(".")
    try:
        name = plain if plain.isascii() else plain.encode("idna").decode("ascii")
        # Python's older IDNA makes "ss" of "ß", which is another host to a browser.
        is_same = name == plain or name.encode("ascii").decode("idna") == plain
    except UnicodeError:
        is_same = False
    if not is_same or not _HOST_NAME.fullmatch(name):
        raise ValueError(f"{shown} is no host name: give it in ASCII, such as emulator.test")
    return name
