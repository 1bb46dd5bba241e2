"""Answers whose codes and texts a workspace can set: what each is, and what stands in place of our own."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from push_emulator.workspace_answers import AnswerOverride as AnswerOverride

#: The members of an override that a refused request has, and the one that an item has.
OF_REQUESTS, OF_ITEMS = ("status", "error", "error_text"), ("description",)


#: Overrides by the name of the answer in :data:`ANSWERS`.
Overrides = Mapping[str, AnswerOverride]
NO_OVERRIDES: Overrides = MappingProxyType({})


class OwnAnswer(NamedTuple):
    """An answer that can be overridden: when it is given; the ``code`` of a refused request; the item's text.

    ``documented``: the documentation shows this text.
    """

    rule: str
    when: str
    code: int | None = None
    description: str | None = None
    documented: bool = False

    @property
    def members(self) -> tuple[str, ...]:
        """What an override of this answer may have."""
        return (OF_REQUESTS if self.code is not None else ()) + (
            OF_ITEMS if self.description is not None else ()
        )


#: What the items of refused subscriptions say (S4 and S5, S6).
DUPLICATE = "Duplicate push subscription"
NOT_CONFIGURED = "provider is not configured for the resource"
#: What the item of a database that cannot be searched says (M4, M5, M9).
UNKNOWN_FIELD = "matching error: unknown field"
INVALID_VALUE = "matching error: invalid field value"
SEVERAL_PROFILES = "matching error: several profiles"

#: Every answer that can be overridden, by its name: the rule's id, with a word where the rule has several.
ANSWERS: dict[str, OwnAnswer] = {
    "Q5": OwnAnswer("Q5", "an unknown parameter or a duplicate key in strict mode", 400),
    "B3": OwnAnswer("B3", "a resource without databases", 400),
    "B3/filter": OwnAnswer("B3", "db_ids leaves no database", 400),
    "B4": OwnAnswer("B4", "an unknown resource_token", 404),
    "M2": OwnAnswer("M2", "matching profile_id without id", 400),
    "M3": OwnAnswer("M3", "matching custom without field_name or field_value", 400),
    "M4": OwnAnswer(
        "M4", "a field that the database does not declare", description=UNKNOWN_FIELD, documented=True
    ),
    "M5": OwnAnswer("M5", "a value not of the field's type", description=INVALID_VALUE),
    "M8": OwnAnswer("M8", "an id that no profile can have", 400),
    "M9": OwnAnswer(
        "M9", "several profiles match, with several_profiles: error", description=SEVERAL_PROFILES
    ),
    "M10": OwnAnswer("M10", "any other matching", 400),
    "S4": OwnAnswer("S4", "a token that is active on another profile", description=DUPLICATE),
    "S5": OwnAnswer("S5", "a subscription twice in one request", description=DUPLICATE),
    "S6": OwnAnswer(
        "S6", "a provider that nobody knows (400), or that the resource does not accept", 400, NOT_CONFIGURED
    ),
    "A3": OwnAnswer("A3", "a body that is no JSON object, or a parameter that is not right", 400),
    "A3/size": OwnAnswer("A3", "a body that is too large", 413),
    "A3/encoding": OwnAnswer("A3", "a compressed body", 415),
    "A4": OwnAnswer("A4", "a method other than POST", 405),
    "A4/path": OwnAnswer("A4", "an unknown path", 404),
}
