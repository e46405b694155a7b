"""Knows the objects that refsync made in a library that gave them keys of its own, where the key was not read. Pure.

What was sent and not answered is refsync's own: found by citation key, by name and place, by parent and address. Where no
keys are kept at all (another state folder), a tree of collections is taken for refsync's only where items of the list stand
in it under their citation keys, and an item only where it is as refsync would make it, or the base knows that it did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from refsync.sync.base import Base, Record
from refsync.sync.desired import ROOT, Desired, Item
from refsync.sync.given import Sent
from refsync.sync.items import is_same
from refsync.sync.seen import Data, Seen, client_key, creators_of, is_gone, lines_of, plain

_NO_FIELDS = frozenset(
    {"key", "version", "dateAdded", "dateModified", "tags", "collections", "relations", "creators", "extra"}
)


def arrived(sent: Iterable[Sent], seen: Seen, given: Mapping[str, str], before: Iterable[str] = ()) -> dict[str, str]:
    """{name: key} of the objects that were sent without an answer, and are in the library. What was in it `before`, or is
    known already, is none of them; of several that could be it the one most like it is."""
    out: dict[str, str] = {}
    taken = {*given.values(), *before}
    for one in sorted(sent, key=lambda one: (one.kind, "parentItem" in one.data)):
        objects = seen.collections if one.kind == "collections" else seen.items
        hits = [
            (-_likeness(one.data, data), key)
            for key, data in objects.items()
            if int(data["version"]) > one.at and key not in taken and _is_sent(one, data)
        ]
        if hits:
            out[one.name] = min(hits)[1]
            taken.add(out[one.name])
    return out


def _is_sent(one: Sent, data: Data) -> bool:
    if one.kind == "collections":
        names: tuple[str, ...] = ("name", "parentCollection")
    elif "parentItem" in one.data:
        names = ("parentItem", "url")
    else:
        names = ("citationKey",) if "citationKey" in one.data else ("title",)
        # A person may have changed some of it by now, but not all; an item of theirs may have the same citation key.
        telling = [name for name in ("title", "DOI", "archiveID", "url", "collections") if one.data.get(name)]
        if data.get("parentItem") or not any(_is_alike(name, data.get(name), one.data[name]) for name in telling):
            return False
    return all(is_same(name, data.get(name) or "", one.data.get(name) or "") for name in names)


def _likeness(sent: Mapping[str, Any], data: Data) -> int:
    return sum(_is_alike(name, data.get(name), value) for name, value in sent.items())


def _is_alike(name: str, there: Any, sent: Any) -> bool:
    return set(there or ()) == set(sent) if name == "collections" else is_same(name, there, sent)


def ours(desired: Desired, seen: Seen, given: Mapping[str, str], base: Base) -> dict[str, str]:
    """{name: key} of what a refsync whose keys are lost has made of a catalog; empty where nothing tells that it has. What
    the base knows by its key is a person's, that refsync uses; what it knows by a name is refsync's, whatever became of it."""
    taken = {*given.values(), *(one.key for one in base.records.values())}
    cited: dict[str, list[str]] = {}
    for key, data in seen.items.items():
        if (named := plain(data.get("citationKey"))) and not is_gone(data) and key not in taken:
            cited.setdefault(named, []).append(key)
    best: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for root in seen.nested.get("", ()):
        tree = _tree(desired, seen, root, taken)
        items = dict(_standing(desired, seen, tree, cited))
        if len(items) > len(best[1]):
            best = (tree, items)
    tree, items = best
    out = {client_key(desired.catalog, "collection", id): key for id, key in tree.items()}
    for item in desired.items:
        there = items.get(item.entry.key)
        name = client_key(desired.catalog, "item", item.entry.key)
        record = base.records.get(("item", item.entry.key))
        is_known = record is not None and record.key == name
        if there is not None and (is_known or _is_as_made(item, seen.items[there])):
            out[name] = there
            out |= dict(_links(desired.catalog, item, there, seen))
    return {**_of_base(desired.catalog, seen, {**given, **out}, base, cited), **out}


def _of_base(
    catalog: str, seen: Seen, given: Mapping[str, str], base: Base, cited: Mapping[str, list[str]]
) -> dict[str, str]:
    """{name: key} of what the base knows by its name, wherever it stands by now: an item under its citation key, a collection
    under the name that it had, or where most of its items are, or where those that stood in it are."""
    out, taken = dict(given), set(given.values())
    lost = {
        one.key: one
        for one in base.records.values()
        if one.gone is None and one.key not in given and one.key == client_key(catalog, one.what, one.id)
    }

    def give(name: str, keys: Iterable[str]) -> None:
        for key in keys:
            if name not in out and key not in taken:
                out[name] = key
                taken.add(key)

    for name, one in lost.items():
        free = [key for key in cited.get(one.id, ()) if key not in taken] if one.what == "item" else []
        give(name, free if len(free) == 1 else ())
    shelves = {name: one for name, one in lost.items() if one.what == "collection"}
    for name, one in shelves.items():
        give(name, _standing_in(name, one, seen, out, base))
    for name in shelves:
        inner = (out.get(one.key, "") for one in base.records.values() if one.fields.get("parentCollection") == name)
        above = {seen.collections[key].get("parentCollection") for key in inner if key in seen.collections} - {False}
        give(name, map(str, above if len(above) == 1 else ()))
    return {name: key for name, key in out.items() if name not in given}


def _standing_in(name: str, record: Record, seen: Seen, given: Mapping[str, str], base: Base) -> list[str]:
    """The collections that one of refsync's may be, the likeliest first: those of its name, then that of most of its items."""
    inside = [given[one.key] for one in base.records.values() if name in one.collections and one.key in given]
    votes = Counter(shelf for key in inside for shelf in seen.items.get(key, {}).get("collections") or ())
    called = [
        key
        for key, data in seen.collections.items()
        if not is_gone(data) and plain(data.get("name")) == plain(record.fields.get("name"))
    ]
    most = [key for key, count in votes.most_common(1) if count > 1 and 2 * count > len(inside)]
    return [*sorted(called, key=lambda key: -votes[key]), *most]


def _tree(desired: Desired, seen: Seen, root: str, taken: set[str]) -> dict[str, str]:
    """{shelf: key} of the collections below one at the top that are called as those of a list; empty where it is not the list's."""
    tree: dict[str, str] = {}
    for shelf in desired.shelves:
        above = tree.get(shelf.parent) if shelf.parent is not None else ""
        if shelf.id != ROOT and above is None:
            continue
        keys = [root] if shelf.id == ROOT else seen.nested.get(above or "", ())
        found = [
            key
            for key in sorted(keys, key=lambda key: (is_gone(seen.collections[key]), key))
            if key not in taken and plain(seen.collections[key].get("name")) == plain(shelf.name)
        ]
        if not found and shelf.id == ROOT:
            return {}
        if found:
            tree[shelf.id] = found[0]
    return tree


def _standing(
    desired: Desired, seen: Seen, tree: Mapping[str, str], cited: Mapping[str, list[str]]
) -> Iterator[tuple[str, str]]:
    """(entry's key, item) of the items that stand where the list has them, under their citation keys."""
    for item in desired.items:
        place = {tree[one] for one in item.shelves if one in tree}
        for key in (key for named in item.keys for key in cited.get(named, ())):
            if place & set(seen.items[key].get("collections") or ()):
                yield item.entry.key, key
                break


def _is_as_made(item: Item, data: Data) -> bool:
    """Whether an item has the fields that refsync would give it, and no others: one of a person's has more, or less."""
    there = {name: value for name, value in data.items() if isinstance(value, str) and value and name not in _NO_FIELDS}
    return (
        {name: plain(value) for name, value in there.items()} == {name: plain(one) for name, one in item.fields.items()}
        and creators_of(data.get("creators") or ()) == creators_of(item.creators)
        and lines_of(data.get("extra")) == list(item.extra)
    )


def _links(catalog: str, item: Item, parent: str, seen: Seen) -> Iterator[tuple[str, str]]:
    children = {plain(seen.items[key].get("url")): key for key in seen.kin.get(parent, ())}
    for link in item.links:
        if (key := children.get(plain(link.url))) is not None:
            yield client_key(catalog, "attachment", f"{item.entry.key} {link.label}"), key
