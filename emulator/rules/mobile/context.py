"""What the rules of one SDK's call read, and what they have found and changed so far."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from emulator.rules.errors import ProcessingError
from emulator.rules.fields import InvalidFieldValue, read_value
from emulator.rules.interfaces import IdSource, MobileLookup
from emulator.rules.mobile.caller import Caller
from emulator.rules.model import (
    Changes,
    Database,
    Decided,
    FieldValue,
    Lint,
    Policies,
    Status,
    Subscription,
    shortened,
)

_PROCESSING = "Platform profile processing error: "


def incorrect_field(name: str) -> ProcessingError:
    """The error for a profile field that the database does not declare (R4)."""
    return ProcessingError(f'{_PROCESSING}with field "{shortened(name)}": Incorrect field', "R4")


def not_valid(name: str, why: str = "failed convert custom field") -> ProcessingError:
    """The error for a value that is not right (R5)."""
    return ProcessingError(f'{_PROCESSING}field "{shortened(name)}" is not valid: {why}', "R5")


class MobileContext(Struct):
    """The data that every rule needs. ``now``: ISO 8601; all changes carry it.

    ``pair``: the provider and token that the call names, if it names one.
    """

    caller: Caller
    lookup: MobileLookup
    policies: Policies
    now: str
    ids: IdSource
    pair: tuple[str, str] | None = None
    changes: Changes = field(default_factory=Changes)
    decided: list[Decided] = field(default_factory=list)
    lints: list[Lint] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)

    @property
    def database(self) -> Database:
        """The caller's database."""
        return self.lookup.database(self.caller.db_id)

    def note(self, rule: str, code: str, *parameters: str | int) -> None:
        """Record that a rule decided something: a code of ``NOTES`` with its parameters."""
        self.decided.append(Decided(rule, self.caller.db_id, code, parameters))

    def read(self, name: str, value: object) -> FieldValue:
        """A profile field's value in the field's own form. Raises :class:`ProcessingError` (R4, R5)."""
        declared = self.database.fields.get(name)
        if declared is None:  # R4
            raise incorrect_field(name)
        if not isinstance(value, (str, int, float)):
            raise not_valid(name)
        try:
            return read_value(declared, value)
        except InvalidFieldValue as error:
            raise not_valid(name) from error

    def set_status(self, record: Subscription, status: Status, rule: str) -> Subscription:
        """Change a subscription's status; answers the changed record."""
        if record.status == status:
            return record
        self.note(rule, "status_of", record.profile_id, record.status, status)
        changed = replace(record, status=status, updated=self.now)
        self.changes.subscriptions.append(changed)
        return changed
