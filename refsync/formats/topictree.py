"""Knows the topics of a catalog as a tree: which stand under which, in the list's order, and what stands under each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from refsync.model import Catalog, Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class Branch:
    """One topic of the tree: `at` counts topics from 0 in the order in which they are shown, `last` is the number of the
    last one beneath it (its own when it has none); `entries` stand under this very topic."""

    id: str
    path: tuple[str, ...]
    at: int
    last: int
    entries: tuple[Entry, ...]

    @property
    def depth(self) -> int:
        """How many topics this one stands under."""
        return len(self.path) - 1


def branches(catalog: Catalog) -> tuple[Branch, ...]:
    """Every topic of the catalog, each before those beneath it. A heading that is no topic itself, but stands above one,
    is there too, under its path as id."""
    ids = {topic.path: topic.id for topic in catalog.topics if topic.path}
    under: dict[str, list[Entry]] = {}
    for entry in catalog.entries:
        for one in dict.fromkeys(entry.topics):
            under.setdefault(one, []).append(entry)
    order = _preorder(ids)
    out: list[Branch] = []
    for at, path in enumerate(order):
        last = at
        while last + 1 < len(order) and order[last + 1][: len(path)] == path:
            last += 1
        entries = tuple(under.get(ids[path], ())) if path in ids else ()
        out.append(Branch(id=ids.get(path, "/".join(path)), path=path, at=at, last=last, entries=entries))
    return tuple(out)


def elsewhere(catalog: Catalog) -> tuple[Entry, ...]:
    """The entries that stand under no topic of the catalog."""
    known = {topic.id for topic in catalog.topics if topic.path}
    return tuple(entry for entry in catalog.entries if known.isdisjoint(entry.topics))


def _preorder(paths: Iterable[tuple[str, ...]]) -> Sequence[tuple[str, ...]]:
    """The paths and all that stand above them, each before what is beneath it, else in the order given."""
    rank: dict[tuple[str, ...], int] = {}
    for path in paths:
        for depth in range(1, len(path) + 1):
            rank.setdefault(path[:depth], len(rank))
    return sorted(rank, key=lambda path: [rank[path[:depth]] for depth in range(1, len(path) + 1)])
