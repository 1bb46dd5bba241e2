"""A list of many small objects that costs the garbage collector nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Generic, TypeVar

from emulator.store.freeing import PIECE, free_later

T = TypeVar("T")


class LongList(Generic[T]):
    """A list of objects that refer to no container.

    The garbage collector walks a list of a million objects in 0.1 s, while everybody waits. Here they are in
    tuples: it walks each once, and leaves it alone then.
    """

    __slots__ = ("_last", "_tuples")

    def __init__(self) -> None:
        self._tuples: list[tuple[T, ...]] = []
        self._last: list[T] = []

    def __len__(self) -> int:
        return PIECE * len(self._tuples) + len(self._last)

    def __iter__(self) -> Iterator[T]:
        return chain(chain.from_iterable(self._tuples), self._last)

    def __reversed__(self) -> Iterator[T]:
        return chain(reversed(self._last), chain.from_iterable(map(reversed, reversed(self._tuples))))

    def append(self, one: T) -> None:
        """Add an object."""
        self._last.append(one)
        if len(self._last) == PIECE:
            self._tuples.append(tuple(self._last))
            self._last.clear()

    def extend(self, more: Iterable[T]) -> None:
        """Add objects."""
        for one in more:
            self.append(one)

    def free(self) -> None:
        """Empty the list, a piece at a time in another thread."""
        tuples, self._tuples = self._tuples, []
        self._last.clear()
        free_later(tuples)
