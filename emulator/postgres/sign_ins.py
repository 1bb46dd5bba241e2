"""The sign-ins to the consoles of all emulators."""

from psycopg import AsyncConnection


class SharedSignIns:
    """``ends``: when each sign-in ends, seconds since 1970, as a turn has read it and its work changes it."""

    def __init__(self) -> None:
        self.ends: dict[str, float] = {}
        self._stored: dict[str, float] = {}

    async def read(self, connection: AsyncConnection) -> None:
        """Update ``ends`` from the database."""
        cursor = await connection.execute(
            "SELECT id, extract(epoch FROM ends)::float8 FROM emulator_sign_ins WHERE ends > now()"
        )
        found: dict[str, float] = dict(await cursor.fetchall())
        # What another turn has changed, and has not written yet, stays.
        for gone in self._stored.keys() - found.keys():
            self.ends.pop(gone, None)
        self.ends.update({one: found[one] for one in found.keys() - self._stored.keys()})
        self._stored = found

    async def write(self, connection: AsyncConnection) -> None:
        """Store what has changed in ``ends``, and remove what is over."""
        begun, ended = self.ends.keys() - self._stored.keys(), self._stored.keys() - self.ends.keys()
        if not begun and not ended:
            return
        remove = "DELETE FROM emulator_sign_ins WHERE ends < now() OR id = ANY(%s)"
        await connection.execute(remove, (list(ended),))
        for one in begun:
            add = "INSERT INTO emulator_sign_ins VALUES (%s, to_timestamp(%s))"
            await connection.execute(add, (one, self.ends[one]))
        self._stored = dict(self.ends)
