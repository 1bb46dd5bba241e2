"""The answers of the other admin calls as structs: a workspace's state, faults, settings, imports."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from push_emulator.answers import Count, Page, Time
from push_emulator.journal_answers import RecordedEvent
from push_emulator.record_answers import DatabaseRecord, ProfileRecord, ResourceRecord

Grade = Literal["D", "O", "I", "V"]
#: The states of an import: running, or its end.
ImportWord = Literal["running", "finished", "cancelled", "failed", "interrupted"]


class Health(Struct, frozen=True, omit_defaults=True):
    """Whether the server works, and what is in the workspace."""

    status: Literal["ok", "failing"]
    version: str
    workspace: str
    profiles: Count
    subscriptions: Count
    uptime_s: Annotated[float, Meta(ge=0)]
    reason: Annotated[str, Meta(description="why the state cannot be written")] | None = None


class ClockState(Struct, frozen=True):
    """A workspace's time."""

    now: Time
    frozen: bool
    offset_ms: int


class ArmedFault(Struct, frozen=True):
    """An armed fault, in the form in which it is armed.

    ``times``: how often it still acts; ``fired``: how often it has acted.
    """

    id: str
    match: dict[str, Any]
    times: int | None
    probability: float
    delay_ms: Any
    then: Any
    apply: Literal["before", "after"]
    fired: Count


class Disarmed(Struct, frozen=True):
    """How many faults were disarmed."""

    disarmed: Count


class AnswerOverride(Struct, frozen=True, omit_defaults=True):
    """What an answer has in place of the emulator's own; a missing member stays as it is.

    ``error``, ``error_text``: the envelope's. ``description``: the item's.
    """

    status: Annotated[int, Meta(description="the HTTP status, 200 to 599")] | None = None
    error: int | None = None
    error_text: str | None = None
    description: str | None = None


class Platform(Struct, frozen=True, omit_defaults=True):
    """What was seen on the real platform.

    ``host``: its name, with a port if any. ``date``: of the look, YYYY-MM-DD. ``policies``: every policy
    whose value was seen, a default value too. ``answers``: codes and texts that differ from the emulator's
    own. ``agrees``: rules that hold there as they are. ``differs``: by rule, in words, what the platform does
    instead, where no policy and no answer can say it. ``strict``: it refuses unknown parameters.
    """

    host: str
    date: str
    policies: dict[str, str] = {}
    answers: dict[str, AnswerOverride] = {}
    agrees: list[str] = []
    differs: dict[str, str] = {}
    strict: bool | None = None


class SettingsState(Struct, frozen=True):
    """A workspace's settings: each policy, strict mode, and each lint's ``report`` or ``off``.

    ``answers``: the overridden answers by name. ``platform``: what was seen on the real platform;
    ``trust_platform``: that is followed even where it contradicts the documentation.
    """

    policies: dict[str, str]
    strict: bool
    lints: dict[str, str]
    answers: dict[str, AnswerOverride]
    platform: Platform | None
    trust_platform: bool


class RuleState(Struct, frozen=True):
    """A rule of the specification, and how often it has decided.

    ``verified``: the emulator answers as the real platform was seen to. ``differs``: what the platform does
    instead of what the documentation or the emulator says.
    """

    id: str
    grade: Grade
    text: str
    decided: Annotated[Count, Meta(description="how often, since the server started")]
    verified: bool
    differs: str | None


class PlatformSource(Struct, frozen=True):
    """Where and when the real platform was seen."""

    host: str
    date: str


class RulePage(Page[RuleState], frozen=True):
    """Every rule, and what the grades mean; ``platform``: where those of grade V were verified."""

    grades: dict[Grade, str]
    platform: PlatformSource | None


class WorkspaceState(Struct, frozen=True, omit_defaults=True):
    """A workspace; its contents are known only while it is ``open``."""

    name: str
    open: bool
    profiles: int | None = None
    subscriptions: int | None = None
    requests: int | None = None
    idle_s: float | None = None


class NamedWorkspace(Struct, frozen=True):
    """A workspace that exists now."""

    name: str


class DeletedWorkspace(Struct, frozen=True):
    """A workspace that was deleted."""

    deleted: str


class DeletedWorkspaces(Struct, frozen=True):
    """The workspaces that were there and are deleted."""

    deleted: list[str]


class Size(Struct, frozen=True):
    """The contents of the workspace now."""

    workspace: str
    profiles: Count
    subscriptions: Count


class WholeSnapshot(Struct, frozen=True):
    """A whole workspace."""

    format: int
    databases: list[DatabaseRecord]
    resources: list[ResourceRecord]
    settings: SettingsState
    clock: ClockState
    faults: list[ArmedFault]
    profiles_made: Count
    events: list[RecordedEvent]
    profiles: list[ProfileRecord]


class RefusedRow(Struct, frozen=True):
    """A row that was refused: in one database, or whole (``db_id`` ``None``)."""

    line: int
    db_id: int | None
    reason: str
    value: str
    token: str


class ImportStart(Struct, frozen=True):
    """What an import reads, how and into what."""

    id: str
    workspace: str
    file: str
    started: str
    dry_run: bool
    resource: int
    provider: str
    match: str
    token_column: str
    encoding: str
    delimiter: str
    header: list[str] | None


class ImportState(ImportStart, frozen=True):
    """The progress and the result of an import. ``counts``: rows by what the import did with them."""

    lints: list[str]
    state: ImportWord
    problem: str | None
    up_to_line: Count
    seconds: float
    counts: dict[str, int]
    refusals: list[RefusedRow]
    rows_per_s: int | None
    progress: float | None
    seconds_left: float | None
    report: Annotated[str | None, Meta(description="the report's path")]
    status_column: str | None

    @property
    def running(self) -> bool:
        return self.state == "running"


class Column(Struct, frozen=True):
    """One column of a file: its number from 1, header, name for a plan, an example, and what it looks like.

    ``looks``: ``token``, ``id``, ``status``, ``field:NAME`` or "".
    """

    number: Count
    name: str | None
    column: str
    example: str
    looks: str


class Guess(Struct, frozen=True):
    """A guess at the plan."""

    token_column: str | None
    match: str | None
    status_column: str | None


class ImportPreview(Struct, frozen=True):
    """The contents of a file."""

    file: str
    encoding: str
    delimiter: str
    quote: str | None
    header: bool
    columns: list[Column]
    rows: list[list[str]]
    guess: Guess
    lints: list[str]
