"""Knows what comes again and again in a catalog (people, venues, dates, words), so that its text is made once.

Each memory belongs to one reading or one writing, and is bounded: a stream of a million works needs no more than of ten
thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
MOST = 1 << 15


class Kept(dict[K, V]):
    """What `made` makes of values that are equal, made once. Ask with `kept[value]`; `kept.__getitem__` is a function."""

    def __init__(self, made: Callable[[K], V], most: int = MOST) -> None:
        self.made, self.most = made, most

    def __missing__(self, value: K) -> V:
        if len(self) >= self.most:
            self.clear()
        self[value] = out = self.made(value)
        return out


class ByIdentity(Generic[V]):
    """What `made` makes of values that are one object, made once, for people and dates: to hash one of these takes longer
    than its text. `made` must not return None."""

    def __init__(self, made: Callable[[Any], V], most: int = MOST) -> None:
        self._made, self._most = made, most
        self._found: dict[int, V] = {}
        self._held: list[Any] = []  # while they live, no other value has their identity

    def of(self, value: Any) -> V:
        """What is made of one value."""
        found = self._found.get(id(value))
        return self._remembered(value) if found is None else found

    def each(self, values: Iterable[Any]) -> list[V]:
        """What is made of each of several values."""
        found = list(map(self._found.get, map(id, values)))
        return [self.of(value) for value in values] if None in found else found  # type: ignore[return-value]

    def _remembered(self, value: Any) -> V:
        if len(self._held) >= self._most:
            self._found.clear()
            self._held.clear()
        out = self._made(value)
        self._held.append(value)
        self._found[id(value)] = out
        return out
