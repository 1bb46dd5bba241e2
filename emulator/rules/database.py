"""One database of a request or of an imported row: find the profile, apply the subscriptions."""

from __future__ import annotations

from msgspec import Struct

from emulator.rules.applying import Applied, Effect, apply_subscriptions
from emulator.rules.context import RequestContext
from emulator.rules.matching import MatchingError, match_profile
from emulator.rules.model import Database, Profile


class DatabaseResult(Struct, gc=False):
    """What became of a request in one database.

    ``profile``: ``None`` where none could be searched for; ``error`` then says why. ``created``: the profile
    is new. ``applied``: what became of each subscription.
    """

    profile: Profile | None
    created: bool
    applied: list[Applied]
    error: str = ""

    @property
    def effects(self) -> list[Effect]:
        """What is counted: one effect for each subscription, or one refusal where matching failed."""
        return ["refused"] if self.profile is None else [one.effect for one in self.applied]


def apply_database(context: RequestContext, database: Database) -> DatabaseResult:
    """Find or make the profile in this database and apply the subscriptions (M-rules, S-rules).

    The changes are added to ``context.changes``.
    """
    before = len(context.changes.profiles)
    try:
        profile = match_profile(context, database)
    except MatchingError as error:
        return DatabaseResult(None, False, [], str(error))
    return DatabaseResult(
        profile, len(context.changes.profiles) > before, apply_subscriptions(context, profile)
    )
