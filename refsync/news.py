"""Knows what is new in a catalog since the last one: works added, retitled, retired, published since."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from refsync import titles
from refsync.model import Catalog, Entry

What = Literal["added", "retitled", "retired", "published"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One thing that is new: of which entry, its title now, and `was`, its title before. `venue` and `year` tell where it was
    published since; `cited` are the places ("main.tex:88") that still cite what has left the list."""

    what: What
    key: str
    title: str
    was: str | None = None
    venue: str | None = None
    year: int | None = None
    cited: tuple[str, ...] = ()


def between(
    before: Catalog | None,
    now: Catalog,
    *,
    gone: Collection[str] = (),
    kept: Collection[str] = (),
    cited: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Item, ...]:
    """What is new in `now`, in the order added, retitled, retired, published since, each by key.

    `gone` are the keys of `before` that are no longer in any list, `kept` those of them that stay all the same, `cited` the
    places that cite a key.
    """
    found = [*_added(before, now), *_changed(before, now), *_retired(before, gone, kept, cited or {})]
    order = ("added", "retitled", "retired", "published")
    return tuple(sorted(found, key=lambda item: (order.index(item.what), item.key)))


def _added(before: Catalog | None, now: Catalog) -> Iterator[Item]:
    known = {key.casefold() for key in (before.by_key if before else ())}
    for entry in now.entries:
        if not known & {key.casefold() for key in (entry.key, *entry.aliases)}:
            yield Item(what="added", key=entry.key, title=entry.title)


def _changed(before: Catalog | None, now: Catalog) -> Iterator[Item]:
    for old in before.entries if before else ():
        entry = now.by_key.get(old.key)
        if entry is None:
            continue
        if titles.comparison(old.title) != titles.comparison(entry.title):
            yield Item(what="retitled", key=entry.key, title=entry.title, was=old.title)
        if entry.venue is not None and _is_published(entry) and not _is_published(old):
            venue = entry.venue.short or entry.venue.name
            yield Item(what="published", key=entry.key, title=entry.title, venue=venue, year=entry.year)


def _is_published(entry: Entry) -> bool:
    return entry.venue is not None and entry.kind != "preprint"


def _retired(
    before: Catalog | None, gone: Collection[str], kept: Collection[str], cited: Mapping[str, tuple[str, ...]]
) -> Iterator[Item]:
    for old in before.entries if before else ():
        # What is kept has lost its topics when it left the list, and is told of once.
        if old.key in gone or (old.key in kept and old.topics):
            places = tuple(place for key in (old.key, *old.aliases) for place in cited.get(key, ()))
            yield Item(what="retired", key=old.key, title=old.title, cited=places)
