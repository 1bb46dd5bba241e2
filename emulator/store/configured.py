"""The databases and resources of a state, decoded."""

from functools import lru_cache

import msgspec

from emulator.rules.model import Database, Resource, RoleToken
from emulator.store.state import State
from emulator.store.tables import DATABASES, RESOURCES

#: The databases by id, the resources by token, and the resources with a role by the role's token.
Configuration = tuple[dict[int, Database], dict[str, Resource], dict[str, tuple[Resource, RoleToken]]]

_read_database = msgspec.json.Decoder(Database).decode
_read_resource = msgspec.json.Decoder(Resource).decode


def configuration_of(state: State) -> Configuration:
    """The databases and resources of a state. Raises :class:`msgspec.MsgspecError`."""
    return _configuration(_in_order(state, DATABASES), _in_order(state, RESOURCES))


def _in_order(state: State, name: str) -> tuple[bytes, ...]:
    table = state.tables.get(name)
    return () if table is None else tuple(one for page in table.documents.pages() for _, one in page)


# Most workspaces keep the databases and resources of the fixtures: they share the decoded records.
@lru_cache(maxsize=16)
def _configuration(databases: tuple[bytes, ...], resources: tuple[bytes, ...]) -> Configuration:
    by_id = {one.id: one for one in map(_read_database, databases)}
    by_token = {one.token: one for one in map(_read_resource, resources)}
    roles = {role.token: (one, role) for one in by_token.values() for role in one.role_tokens}
    return by_id, by_token, roles
