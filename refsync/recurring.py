"""Knows what comes again and again in a catalog (people, venues, dates, words), so that its text is made once.

Each memory belongs to one reading or one writing, and is bounded: a stream of a million works needs no more than of ten
thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

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


class People:
    """What `made` makes of people, each made once and known by identity: to hash a person takes longer than its text."""

    def __init__(self, made: Callable[[Any], str], most: int = MOST) -> None:
        self._made, self._most = made, most
        self._found: dict[int, str] = {}
        self._held: list[Any] = []  # while they live, nothing else has their identity

    def joined(self, people: tuple[Any, ...], between: str) -> str:
        """What is made of each, with `between` between them; those of whom nothing is made are passed over."""
        try:
            return between.join(map(self._found.__getitem__, map(id, people)))
        except KeyError:
            return between.join(filter(None, map(self._of, people)))

    def _of(self, one: Any) -> str:
        if (known := self._found.get(id(one))) is not None:
            return known
        if len(self._held) >= self._most:
            self._found.clear()
            self._held.clear()
        if found := self._made(one):
            self._held.append(one)
            self._found[id(one)] = found
        return found
