"""Knows which item of a library is which entry of the catalog."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from refsync.sync.base import WAITING, Base, Record
from refsync.sync.desired import Desired, Item
from refsync.sync.seen import Seen, client_key, is_gone


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """An entry's item, and what is known of the library's (None: none is there). `others` are the keys of further items that
    are the same work; `sharers` are the other entries that the item stands for, since a person has merged theirs into it."""

    item: Item
    record: Record | None = None
    others: tuple[str, ...] = ()
    sharers: tuple[Match, ...] = ()


def matched(desired: Desired, seen: Seen, base: Base) -> list[Match]:
    """Each item with what the base knows of it: by its keys; by the key that it would be given; or as a person's own item,
    adopted. Merges are followed; entries that share an item are one match."""
    catalog = desired.catalog
    out: list[Match] = []
    known = {id: one for (what, id), one in base.records.items() if what == "item" and one.gone != WAITING}
    listed = {key for item in desired.items for key in item.keys}
    # Items whose entries have left the list: one that comes back under another key is the same item.
    left = {one.key: one for id, one in known.items() if id not in listed}
    held = frozenset(one.key for one in known.values()) - left.keys()
    taken = set(held)
    unknown: list[int] = []
    for item in desired.items:
        named = [known[key] for key in item.keys if key in known]
        record = next((one for one in named if not is_gone(seen.items.get(one.key))), named[0] if named else None)
        if record is not None and is_gone(seen.items.get(record.key)) and (heir := seen.replaced.get(record.key)):
            record = replace(record, key=heir, is_adopted=True)
            taken.add(heir)
        if record is None:
            unknown.append(len(out))
        out.append(Match(item=item, record=record))
    for at in unknown:
        item = out[at].item
        keys = [own for key in item.keys for own in own_keys(catalog, key)]
        # An item is its own entry's even where that of another was merged into it.
        own = next((key for key in keys if key not in held and seen.may_be(item.entry, key)), None)
        if own is not None and (heir := seen.replaced.get(own)) and is_gone(seen.items.get(own)):
            own = heir
        if own is not None:
            taken.add(own)
            out[at] = Match(item=item, record=left.get(own) or _found(item, own))
    # One into which a person merged others may stand for several entries.
    taken -= set(seen.replaced.values())
    for at in unknown:
        item = out[at].item
        if out[at].record is None and (hits := seen.alike(item.entry, taken)):
            key = next((one for one in hits if one in left), hits[0])
            taken.add(key)
            record = left.get(key) or replace(_found(item, key), is_adopted=True)
            out[at] = Match(item=item, record=record, others=tuple(one for one in hits if one != key))
    return _shared(out)


def _shared(found: Sequence[Match]) -> list[Match]:
    """The matches, with those of one item brought together under the entry that it was made for, else the first."""
    groups: dict[str, list[Match]] = defaultdict(list)
    for one in found:
        if one.record is not None:
            groups[one.record.key].append(one)
    out = []
    for one in found:
        group = groups[one.record.key] if one.record is not None else [one]
        if len(group) == 1:
            out.append(one)
            continue
        first = min(group, key=lambda match: bool(match.record and match.record.is_adopted))
        if one is first:
            out.append(replace(one, sharers=tuple(other for other in group if other is not first)))
    return out


def own_keys(catalog: str, id: str) -> tuple[str, str]:
    """The key that an item of refsync's has, and the one that it gets where the first is another item's."""
    return client_key(catalog, "item", id), client_key(catalog, "item", f"{id}\nagain")


def _found(item: Item, key: str) -> Record:
    """An item of the library that is this entry, of which nothing is known to be refsync's."""
    return Record(what="item", id=item.entry.key, key=key)
