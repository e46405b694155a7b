"""Knows what becomes of the items of entries that have left the list."""

from __future__ import annotations

from dataclasses import replace

from refsync.sync.base import Record
from refsync.sync.changes import Write
from refsync.sync.desired import RETIRED, ROOT, retired_shelf
from refsync.sync.draft import Draft
from refsync.sync.items import touched
from refsync.sync.seen import Data, client_key, is_gone
from refsync.sync.shelves import shelve


def retire(draft: Draft) -> None:
    """Those that refsync made and nobody touched go to a collection of their own, the others stay."""
    ours = draft.ours()
    known = draft.base.records.get(("collection", RETIRED))
    shelf = known.key if known else client_key(draft.desired.catalog, "collection", RETIRED)
    for (what, id), record in sorted(draft.base.records.items()):
        if what != "item" or id in draft.listed:
            continue
        if record.key in draft.placed:  # it stands for an entry that is listed, too
            if record.key not in draft.memberships:
                draft.records[what, id] = None
            continue
        data = draft.seen.items.get(record.key)
        if data is None or is_gone(data):
            continue
        if set(data.get("collections", ())) & ours <= {shelf} and record.collections == (shelf,):
            draft.more["unchanged"] += 1
            continue
        if set(data.get("collections", ())) == {shelf}:  # another maintainer's refsync has put it there
            draft.records[what, id] = replace(record, collections=(shelf,))
            draft.more["unchanged"] += 1
            continue
        why = touched(record, data, _foreign_children(draft, record.key))
        if why is not None or ROOT not in draft.living:
            draft.leave_unlisted(record, id, why or "its collection was removed")
        else:
            _move(draft, record, data, ours)


def _foreign_children(draft: Draft, key: str) -> int:
    """How many notes and files of an item are not refsync's."""
    return sum(one not in draft.own_links for one in draft.seen.kin.get(key, ()))


def _move(draft: Draft, record: Record, data: Data, ours: frozenset[str]) -> None:
    """Moves an item into the collection of those that are no longer listed."""
    if RETIRED not in draft.living:
        shelve(draft, retired_shelf())
        if RETIRED not in draft.living:
            return
    shelf = draft.living[RETIRED]
    now = list(data.get("collections", ()))
    after = sorted((set(now) - ours) | {shelf})
    if ("item", record.id) not in draft.skip:
        draft.memberships[record.key] = frozenset(after)
    told = {name: value for name, value in record.told.items() if name != "retired"}
    write = Write(
        what="item",
        id=record.id,
        key=record.key,
        version=int(data["version"]),
        data={"collections": after},
        record=replace(record, collections=(shelf,), told=told),
        before={"collections": now},
    )
    draft.write(write, "-", record.id, draft.readable({"collections": (now, after)}))
