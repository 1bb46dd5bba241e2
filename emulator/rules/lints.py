"""Lints: remarks on a request that is answered all the same (L-rules)."""

from collections.abc import Container, Iterable, Sequence
from difflib import get_close_matches
from itertools import islice

from emulator.rules.errors import Invalid
from emulator.rules.model import Lint, PushRequest, shortened
from emulator.rules.texts import Text, as_message, message

REQUEST_PARAMETERS = PushRequest.__struct_fields__

#: The most complaints about one body.
MAX_COMPLAINTS = 5
#: The most lints of one rule on one request; further ones are only counted.
MOST_LINTS = 20
#: Longer names are not compared.
_LONGEST_NAME = 64
#: The most known names that are compared.
_MOST_NAMES = 200
_JSON = "application/json"


def first_lints(lints: Iterable[Lint], count: int, path: str, code: str) -> list[Lint]:
    """The first of ``count`` lints of one rule, and how many more there are: ``code`` says that."""
    if count <= MOST_LINTS:
        return list(lints)
    first = list(islice(lints, MOST_LINTS))
    return [*first, Lint(first[0].rule, path, code, (count - MOST_LINTS,))]


def unknown_parameters(found: Sequence[tuple[str, Sequence[str]]]) -> list[Lint]:
    """Lints for undocumented parameters: the path of each, and the names that are known there (L1)."""
    lints = (unknown_parameter(path, known) for path, known in found)
    return first_lints(lints, len(found), "body", "more_unknown")


def unknown_parameter(path: str, known: Iterable[str]) -> Lint:
    """The lint for an undocumented parameter, with the nearest documented name (L1)."""
    where, dot, name = path.rpartition(".")
    near, path = nearest_name(name, known), where + dot + shortened(name)
    return Lint("L1", path, "unknown") if near is None else Lint("L1", path, "did_you_mean", (near,))


def duplicate_key_lints(found: Iterable[tuple[str, str]], count: int) -> list[Lint]:
    """Lints for keys that one JSON object has more than once: path and name of the first of them (L8)."""
    lints = (Lint("L8", shortened(path, 200), "duplicate_key", (shortened(name),)) for path, name in found)
    return first_lints(lints, count, "body", "more_duplicates")


def check_strictly(lints: Iterable[Lint]) -> None:
    """Refuse unknown parameters and duplicate keys (Q5). Raises :class:`Invalid`."""
    refused = [f"{one.path}: {one.text}" for one in lints if one.rule in ("L1", "L8")]
    if refused:
        raise Invalid("; ".join(refused[:MAX_COMPLAINTS]), "Q5")


def did_you_mean(said: Text, name: str, known: Iterable[str]) -> Text:
    """The text about an unknown name, with the nearest known name, if any is near."""
    return with_nearest(said, nearest_name(name, known))


def with_nearest(said: Text, nearest: str | None) -> Text:
    """The text about a name, with the name that is probably meant."""
    if nearest is None:
        return said
    return message('%(said)s, did you mean "%(nearest)s"?', said=as_message(said), nearest=nearest)


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that is spelt most like this one, if any is near."""
    if len(name) > _LONGEST_NAME:
        return None
    by_lower_case = {one.lower(): one for one in islice(known, _MOST_NAMES)}
    nearest = get_close_matches(name.lower(), by_lower_case, n=1)
    return by_lower_case[nearest[0]] if nearest else None


def query_lints(names: Container[str]) -> list[Lint]:
    """Lints for parameters of the body in the query string, where they have no effect (L1)."""
    return [Lint("L1", f"query.{name}", "in_query") for name in REQUEST_PARAMETERS if name in names]


def content_type_lint(content_type: str | None) -> Lint | None:
    """A Content-Type that is not application/json (L2)."""
    if content_type == _JSON or (content_type or "").partition(";")[0].strip().lower() == _JSON:
        return None
    if not content_type:
        return Lint("L2", "Content-Type", "no_content_type")
    return Lint("L2", "Content-Type", "content_type", (shortened(content_type),))
