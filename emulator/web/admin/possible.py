"""Values that no request and no event can have: a search for them is refused with the nearest value."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from emulator.faults.model import ErrorAnswer
from emulator.faults.tokens import PREFIX, parse_token
from emulator.journal.journal import Journal
from emulator.journal.matching import Criteria
from emulator.journal.query import BadCriteria, Range
from emulator.journal.search import search
from emulator.rules.lints import did_you_mean
from emulator.rules.overrides import ANSWERS
from emulator.rules.providers import DOCUMENTED
from emulator.rules.request import is_profile_id
from emulator.rules.texts import Message, Problem, Text, message, one_after_other
from emulator.store.tinydb_store import TinyDBStore
from emulator.web.admin.criteria import VALUES
from emulator.workspaces.settings import LINT_IDS
from emulator.workspaces.workspace import Workspace

#: The most values that an error text lists, and the longest value that it quotes whole.
_MOST_LISTED, _MOST_QUOTED = 12, 100
_STATUSES = (200, *range(400, 600))
_HASH_ID = re.compile(r"[0-9a-f]{8,64}")

#: The values that each criterion can have in this workspace.
_VALUES_HERE: dict[str, Callable[[Workspace], Iterable[str | int]]] = {
    "provider": lambda found: known_providers(found.store),
    "resource": lambda found: (one.name for one in found.store.resources()),
    "resource_id": lambda found: (one.id for one in found.store.resources()),
    "db_id": lambda found: (one.id for one in found.store.databases()),
    "description": lambda found: (
        "",
        *(own.description for own in ANSWERS.values() if own.description is not None),
        *_overridden(found, "description"),
    ),
    "status": lambda found: (*_STATUSES, *_overridden(found, "status")),
    "error": lambda found: (
        0,
        *_STATUSES,
        *_overridden(found, "error"),
        *(fault.then.code for fault in found.faults if isinstance(fault.then, ErrorAnswer)),
    ),
}
#: Forms of values that have no list, each with the text about any other value.
_FORMS: dict[str, tuple[Message, Callable[[Workspace, str], bool]]] = {
    "fault": (message("no fault of this id was armed here"), lambda found, value: _is_fault(found, value)),
    "path": (message("a path begins with /"), lambda _, value: value.startswith("/")),
    "profile_id": (
        message("an id has at most 64 printable characters"),
        lambda _, value: is_profile_id(value),
    ),
    "subscription_hash_id": (
        message("a hash has 8 or more lower-case hex digits"),
        lambda _, value: _HASH_ID.fullmatch(value) is not None,
    ),
}


def _overridden(found: Workspace, member: str) -> Iterable[Any]:
    given = (getattr(answer, member) for answer in found.settings.answers.values())
    return (one for one in given if one is not None)


def known_providers(store: TinyDBStore) -> list[str]:
    """The providers that the page names, then those that a resource lists."""
    listed = (name for resource in store.resources() for name in resource.providers or ())
    return list(dict.fromkeys((*DOCUMENTED, *listed)))


async def check_possible(
    found: Workspace, journal: Journal[Any, Any], match: Criteria[Any], path: str = ""
) -> None:
    """Refuse values that no entry of the journal has and no future entry can have.

    ``path`` stands before the criterion's name. Raises :class:`BadCriteria` with the nearest value.
    """
    complaints = []
    for part in match.parts:
        for key, wanted in part.criteria.items():
            why = _why_impossible(found, part, key, wanted)
            if why is not None and not (await search(journal, part.alone(key), 1)).entries:
                complaints.append(Problem(path + key, why))
    if complaints:
        raise BadCriteria(complaints)


def _why_impossible(found: Workspace, match: Criteria[Any], key: str, wanted: Any) -> Text | None:
    """Why no request can have a value, with what would be right; ``None``: one can."""
    if wanted is None:
        return None
    if key in _FORMS:
        form, is_one = _FORMS[key]
        return None if is_one(found, wanted) else one_after_other([_never(wanted), form])
    if key not in VALUES and key not in _VALUES_HERE:
        return None
    values = VALUES[key] if key in VALUES else tuple(_VALUES_HERE[key](found))
    return None if match.is_possible(wanted, values) else _nearest(key, wanted, values)


def _never(wanted: Any) -> Message:
    return message("%(value)s can never match", value=_quoted(wanted))


def _nearest(key: str, wanted: str | int, values: tuple[str | int, ...]) -> Text:
    never = _never(wanted)
    if key == "rule" and str(wanted).upper() in LINT_IDS:
        return one_after_other([never, message('lints are asked for as "lint"')])
    if key in ("status", "error"):
        numbers = "0, 200, 400–599" if key == "error" else "200, 400–599"
        return one_after_other([never, message("there are %(values)s", values=numbers)])
    texts = list(dict.fromkeys(str(one) for one in values))
    if isinstance(wanted, str) and len(wanted) <= _MOST_QUOTED:
        advised = did_you_mean(never, wanted, texts)
        if advised != never:
            return advised
    if not texts:
        return one_after_other([never, message("there is none")])
    listed = [one or '""' for one in texts[:_MOST_LISTED]] + (["…"] if len(texts) > _MOST_LISTED else [])
    return one_after_other([never, message("there are %(values)s", values=", ".join(listed))])


def _is_fault(found: Workspace, fault_id: str) -> bool:
    if not fault_id.startswith(PREFIX):
        return found.faults.has_armed(fault_id)
    try:
        parse_token(fault_id)
    except ValueError:
        return False
    return True


def _quoted(value: Any) -> str:
    if isinstance(value, Range):
        return value.text
    if isinstance(value, str) and len(value) > _MOST_QUOTED:
        value = value[:_MOST_QUOTED] + "…"
    return orjson.dumps(value).decode()
