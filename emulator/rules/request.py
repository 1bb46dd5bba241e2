"""Request-level rules: checks made before any database is searched (A3)."""

import re

from emulator.rules.context import RequestContext
from emulator.rules.errors import Invalid, NotFound, Unsupported
from emulator.rules.interfaces import Lookup
from emulator.rules.lints import first_lints
from emulator.rules.model import Database, Lint, PushRequest, Resource, shortened
from emulator.rules.providers import DOCUMENTED, accepted, token_remarks
from emulator.rules.texts import Problem

MAX_ID_LENGTH = 64
NO_DATABASES = "Resource has no databases"
_OBJECT_ID = re.compile(r"[0-9A-Fa-f]{24}")


def check_encoding(content_encoding: str) -> None:
    """Refuse a body that its Content-Encoding says is compressed. Raises :class:`Unsupported` (A3)."""
    codings = [one.strip() for one in content_encoding.split(",")]
    named = ", ".join(one for one in codings if one.lower() not in ("", "identity"))
    if named:
        text = 'must be "identity" or left out, not "%(named)s"'
        problem = Problem.of("Content-Encoding", text, named=shortened(named))
        raise Unsupported(problem, answer="A3/encoding")


def check_matching(request: PushRequest) -> Lint | None:
    """Check the matching; answers the lint on the request's id, if there is one (L5, L6).

    Raises :class:`Refused` for a matching that cannot be carried out (M2, M3, M8, M10).
    """
    if request.matching == "custom":
        if not request.field_name:  # M3
            raise Invalid('field_name: is required with matching "custom"', "M3")
        if request.field_value is None:  # M3
            raise Invalid('field_value: is required with matching "custom"', "M3")
        return Lint("L5", "id", "unused_id") if request.id else None
    if request.matching and request.matching != "profile_id":  # M10
        raise Invalid(
            f'matching: must be "custom" or "profile_id", not "{shortened(request.matching)}"', "M10"
        )
    if not request.id:
        if request.matching:  # M2
            raise Invalid('id: is required with matching "profile_id"', "M2")
        return None  # M1, Q1: null and "" are "not given"
    if not is_profile_id(request.id):  # M8
        raise Invalid(f"id: must be at most {MAX_ID_LENGTH} printable characters", "M8")
    return None if _OBJECT_ID.fullmatch(request.id) else Lint("L6", "id", "odd_id")


def is_profile_id(text: str) -> bool:
    """Whether a profile may have this id (M8)."""
    return 0 < len(text) <= MAX_ID_LENGTH and text.isprintable()


def find_resource(request: PushRequest, lookup: Lookup) -> Resource:
    """The request's resource (B4). Raises :class:`Refused`."""
    resource = lookup.find_resource(request.resource_token)
    if resource is None:  # B4
        raise NotFound("Resource not found", "B4")
    return resource


def check_providers(context: RequestContext) -> None:
    """Refuse unknown providers, find those that are not configured (S6); add lints on tokens (L3).

    Raises :class:`Refused`.
    """
    wrong, not_configured = [], set()
    for position, wanted in enumerate(context.request.subscriptions):
        if not accepted(wanted.provider, context.resource):  # S6
            if wanted.provider not in DOCUMENTED:
                where = f"subscriptions[{position}].provider"
                raise Invalid(f'{where}: unknown provider "{shortened(wanted.provider)}"', "S6")
            not_configured.add(position)
        for code, parameters in token_remarks(wanted.provider, wanted.subscription_id):  # L3
            where = f"subscriptions[{position}].subscription_id"
            wrong.append(Lint("L3", where, code, parameters))
    context.not_configured = not_configured
    if wrong:
        context.lints += first_lints(wrong, len(wrong), "subscriptions", "more_tokens")


def find_repeated(context: RequestContext) -> None:
    """Find the subscriptions that are in the request before (S5)."""
    if len(context.request.subscriptions) > 1:
        first: dict[tuple[str, str], int] = {}
        pairs = enumerate((one.provider, one.subscription_id) for one in context.request.subscriptions)
        context.repeated = {at for at, pair in pairs if first.setdefault(pair, at) != at}


def choose_databases(context: RequestContext) -> list[Database]:
    """The databases to process, in the resource's order (B1, B2). Raises :class:`Refused` (B3)."""
    every, asked = context.resource.db_ids, context.request.db_ids
    if not every:  # B3
        if context.policies.no_databases == "ok":
            context.note("B3", None, "no_databases")
            return []
        raise Invalid(NO_DATABASES, "B3")
    wanted = every
    if asked:  # B2; Q1: null and [] are "not given"
        filter_ = set(asked)
        wanted = [db_id for db_id in every if db_id in filter_]
        context.note("B2", None, "filtered", len(wanted), len(every))
        if not wanted:  # B3
            if context.policies.no_databases == "error":
                raise Invalid("No databases left after db_ids filter", "B3", "B3/filter")
            context.note("B3", None, "no_databases")
        foreign = filter_.difference(every)
        if foreign:  # L4
            once = (one for one in dict.fromkeys(asked) if one in foreign)
            lints = (Lint("L4", "db_ids", "foreign_database", (one,)) for one in once)
            context.lints += first_lints(lints, len(foreign), "db_ids", "more_foreign")
    if len(wanted) > 1:
        context.note("B1", None, "databases", len(wanted))
    return [context.lookup.database(db_id) for db_id in wanted]
