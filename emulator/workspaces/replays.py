"""Answers to the SDKs' calls that a repeated call gets again (K3)."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from emulator.store.interface import ignore

#: Authorisation, path and Request-ID of a call.
ReplayKey = tuple[str, str, str]
#: The most answers of a workspace, and the most bytes of one.
MOST_ANSWERS, MOST_BYTES = 1000, 16 << 10


class Replay(NamedTuple):
    """The answer of a call that was carried out, and a digest of that call's body."""

    answer: bytes
    body: bytes


class Replays:
    """The last answers of a workspace, bounded; the oldest go first.

    ``recorder`` gets each that is remembered, and ``None`` when they are forgotten.
    """

    def __init__(self) -> None:
        self._answers: dict[ReplayKey, Replay] = {}
        self.recorder: Callable[[tuple[ReplayKey, Replay] | None], object] = ignore

    def __iter__(self) -> Iterator[tuple[ReplayKey, Replay]]:
        return iter(list(self._answers.items()))

    def find(self, key: ReplayKey) -> Replay | None:
        """The answer to the first call of this key."""
        return self._answers.get(key)

    def remember(self, key: ReplayKey, replay: Replay) -> None:
        """Keep an answer; one that is too long is not kept."""
        if len(replay.answer) <= MOST_BYTES:
            self._answers[key] = replay
            if len(self._answers) > MOST_ANSWERS:
                del self._answers[next(iter(self._answers))]
        self.recorder((key, replay))

    def clear(self) -> None:
        """Forget every answer: the state that they tell of is gone."""
        if self._answers:
            self.recorder(None)
        self._answers.clear()
