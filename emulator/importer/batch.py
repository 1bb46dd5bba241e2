"""The rules applied to rows, exactly as to requests, many times a second.

Most members of the request are the same in every row, so one request object is reused; no answer is built,
because nobody reads it. The rules are those of :mod:`emulator.rules`.

A row reads the records of its token and of its profile alone. So the changes of rows with different tokens
are gathered, and stored together; the profiles among them are found meanwhile.
"""

from msgspec import field
from msgspec.structs import replace

from emulator.importer.checking import Checked
from emulator.importer.columns import read_status
from emulator.importer.report import COUNTED, STATUS_COUNTS, RowRefusal
from emulator.importer.rows import LINE_END, BrokenRow, over_lines
from emulator.importer.spoiled import token_problem, value_problem, whole_number
from emulator.rules.applying import apply_database
from emulator.rules.context import RequestContext
from emulator.rules.errors import Refused
from emulator.rules.interfaces import TakesLong
from emulator.rules.model import FieldValue, Profile, PushRequest, SubscriptionRequest, shortened
from emulator.rules.request import check_matching, check_providers, choose_databases, find_resource
from emulator.rules.texts import Message, Text, message
from emulator.store.tinydb_store import TinyDBStore
from emulator.workspaces.workspace import Workspace

#: Characters of a refused value or token that are kept and shown: thousands of large cells would fill memory.
_KEPT_CHARACTERS = 300
#: New and changed records that are stored together, in a millisecond or two.
_MOST_GATHERED = 150
_MATCHING = {"id": "profile_id", "field": "custom", "push": None}


class RowContext(RequestContext):
    """Keeps which rules decided; nobody reads the details of a row."""

    rules: list[str] = field(default_factory=list)

    def note(self, rule: str, db_id: int | None, code: str, *parameters: str | int) -> None:
        self.rules.append(rule)

    def note_at(self, at: int | None, rule: str, db_id: int, code: str, *parameters: str | int) -> None:
        self.rules.append(rule)


class _Gathering:
    """The look-ups of the rules in a store, and in the profiles that are made but not stored yet.

    Such a profile has what it was searched by, which no stored one has.
    """

    def __init__(self, store: TinyDBStore) -> None:
        self._store = store
        self._made: dict[tuple[FieldValue, ...], Profile] = {}
        self.find_resource, self.database, self.fan_out = store.find_resource, store.database, store.fan_out
        self.find_by_push, self.find_own, self.find_all = store.find_by_push, store.find_own, store.find_all
        self.find_active, self.has_others = store.find_active, store.has_others
        self.hash_taken = store.hash_taken

    def find_profile(self, db_id: int, profile_id: str) -> Profile | None:
        return self._made.get((db_id, profile_id)) or self._store.find_profile(db_id, profile_id)

    def id_taken(self, db_id: int, profile_id: str) -> bool:
        return (db_id, profile_id) in self._made or self._store.id_taken(db_id, profile_id)

    def find_by_field(self, db_id: int, name: str, value: FieldValue, newest: bool = False) -> list[Profile]:
        made = self._made.get((db_id, name, value))
        return [made] if made is not None else self._store.find_by_field(db_id, name, value, newest)

    def add(self, made: Profile) -> None:
        """Add a profile that a row made."""
        self._made[made.db_id, made.id] = made
        for name, value in made.fields.items():
            self._made[made.db_id, name, value] = made

    def clear(self) -> None:
        """Forget the profiles: they are stored now."""
        self._made.clear()


class Batch:
    """The rows of one transaction. Their counts and refusals are here, their changes after :meth:`store`.

    ``rules``: those that decided, each as often as it did. All rows of a batch carry one time.
    Raises :class:`~emulator.rules.errors.Refused` if the resource is no longer what was checked
    (B3, B4, S6).
    """

    def __init__(self, checked: Checked, target: Workspace) -> None:
        plan = checked.plan
        self.counts = dict.fromkeys(COUNTED, 0)
        self.refusals: list[RowRefusal] = []
        self._target, self._store = target, target.store
        self._subscription = SubscriptionRequest(plan.provider, "-")
        self._request = PushRequest(
            checked.resource.token,
            [self._subscription],
            matching=_MATCHING[plan.match.by],
            field_name=plan.match.field or None,
        )
        resource = find_resource(self._request, self._store)
        now = target.clock.timestamp()
        # An import into no database would do nothing, whatever requests are answered (B3).
        policies = replace(target.settings.policies, no_databases="error")
        self._made = _Gathering(self._store)
        self._context = RowContext(self._request, resource, self._made, policies, now, target.ids)
        check_providers(self._context)
        self._databases = choose_databases(self._context)
        self.rules = self._context.rules
        self._by_id = plan.match.by == "id"
        self._tokens: set[str] = set()  # of the rows whose changes are not stored yet
        self._width = checked.layout.width
        self._token, self._value, self._status = checked.token, checked.value, checked.status
        if checked.status is not None:
            self.counts |= dict.fromkeys(STATUS_COUNTS, 0)
        names = checked.layout.names
        self._header = names[checked.token].lower() if names else None
        declared = [one.fields.get(plan.match.field) for one in self._databases]
        self._whole_numbers = {one.kind for one in declared if one is not None} == {"int"}

    def take(self, line: int, row: list[str]) -> None:
        """Apply the rules to one row.

        Raises :class:`~emulator.rules.interfaces.TakesLong`; then the row is not in the batch.
        """
        counts = self.counts
        counts["rows"] += 1
        if len(row) != self._width:
            self._refuse(line, None, _misfit(row, self._width), "", "")
            return
        token = row[self._token]
        value = row[self._value] if self._value is not None else ""
        request = self._request
        problem: Text | None = self._spoiled(line, row, token, value)
        if problem is None and self._status is not None:
            problem = self._set_status(row[self._status])
        if problem is None and self._value is not None:
            # An empty cell says nothing, as null does in a request.
            if self._by_id:
                request.id = value or None
            else:
                number = whole_number(value) if self._whole_numbers else None
                request.field_value = (value or None) if number is None else number
        if problem is None:
            try:
                check_matching(request)
            except Refused as error:
                problem = error.text
        if problem is not None:
            self._refuse(line, None, problem, value, token)
            return
        self._subscription.subscription_id = token
        context = self._context
        changes = context.changes
        made, written, decided = len(changes.profiles), len(changes.subscriptions), len(self.rules)
        if token in self._tokens or made + written >= _MOST_GATHERED:
            self.store()
            changes, made, written = context.changes, 0, 0
        self._tokens.add(token)
        # With a seed the next id depends on the profiles so far, stored or not.
        self._target.ids.after(self._store.profiles_made + made)
        context.read = -written  # each row may read so many
        try:
            databases = self._store.fan_out(self._databases, 1)
            results = [(one, apply_database(context, one)) for one in databases]  # B1
        except TakesLong:
            del changes.profiles[made:], changes.subscriptions[written:], self.rules[decided:]
            counts["rows"] -= 1
            if self._status is not None:
                counts[context.status] -= 1
            raise
        for database, result in results:
            if result.profile is None:
                self._refuse(line, database.id, result.error, value, token)
                continue
            counts["profiles_created" if result.created else "profiles_found"] += 1
            if result.created:
                self._made.add(result.profile)
            for one in result.applied:
                if one.effect == "refused":
                    self._refuse(line, database.id, one.description, value, token)
                else:
                    counts[one.effect] += 1

    def store(self) -> None:
        """Store the changes of the rows so far."""
        context = self._context
        if context.changes:
            with self._store.at_once():
                self._store.apply(context.changes)  # A6
        context.restart()
        self._tokens.clear()
        self._made.clear()

    def _set_status(self, cell: str) -> Message | None:
        """Count a row's status and let its subscription ask for it; why that is not possible."""
        status = read_status(cell)
        if status is None:
            return message("odd_status", status=shortened(cell))
        self.counts[status] += 1
        self._context.status = status
        self._subscription.unsubscribe = status == "unsubscribed"
        return None

    def _spoiled(self, line: int, row: list[str], token: str, value: str) -> Message | None:
        """Why the row can be no subscription, whatever the rules say."""
        problem = token_problem(token)
        if problem is None and self._header is not None and token.strip().lower() == self._header:
            return message("header_again")
        if problem is None and value:
            problem = value_problem(value, self._by_id)
        if problem is not None and problem.code == "line_end":
            return over_lines(problem, line, line + len(LINE_END.findall("".join(row))))
        return problem

    def _refuse(self, line: int, db_id: int | None, reason: Text, value: str, token: str) -> None:
        self.counts["refused"] += 1
        cells = shortened(value, _KEPT_CHARACTERS), shortened(token, _KEPT_CHARACTERS)
        self.refusals.append(RowRefusal(line, db_id, reason, *cells))


def _misfit(row: list[str], width: int) -> Text:
    if isinstance(row, BrokenRow):
        return row.reason
    if len(row) == 1:
        return message("one_cell", width=width)
    return message("cells", cells=len(row), width=width)
