"""Knows how the collections of a library are made to agree with the topics of a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from refsync.sync.base import Id, Record
from refsync.sync.changes import Change, Removal, Write
from refsync.sync.desired import RETIRED, Shelf
from refsync.sync.draft import Draft
from refsync.sync.items import is_same, merged
from refsync.sync.seen import Data, client_key, is_gone, plain


def shelve(draft: Draft, shelf: Shelf, adopt: str | None = None) -> None:
    """Decides about a collection; those above it are decided already. `adopt` is the key of a person's own collection that
    serves as it."""
    id: Id = ("collection", shelf.id)
    record = draft.base.records.get(id)
    key = record.key if record else adopt or client_key(draft.desired.catalog, "collection", shelf.id)
    draft.wanted[shelf.id] = key
    parent = draft.living.get(shelf.parent) if shelf.parent is not None else ""
    data = draft.seen.collections.get(key)
    if parent is None and (data is None or record is None):
        draft.more["skip"] += 1  # the collection above it was removed by a person, or refused
        if shelf.parent not in draft.wanted:
            del draft.wanted[shelf.id]
        return
    wanted = {"name": shelf.name, "parentCollection": parent or False}
    if data is None or (is_gone(data) and not draft.restore):
        _missing(draft, shelf, record, key, data, wanted)
    elif draft.restore or draft.seen.is_living(key):
        is_adopted = record.is_adopted if record else bool(adopt)
        _there(draft, shelf, record or Record(what="collection", id=shelf.id, key=key), data, wanted, is_adopted)
    else:
        draft.more["skip"] += 1  # it is in the trash with one above it


def _there(draft: Draft, shelf: Shelf, record: Record, data: Data, wanted: Mapping[str, Any], is_adopted: bool) -> None:
    """A collection that is there: renamed and moved as the list is, where no person has renamed or moved it."""
    key = record.key
    draft.living[shelf.id] = key
    draft.names[key] = shelf.label
    now = {"name": plain(data.get("name")), "parentCollection": data.get("parentCollection") or False}
    if is_adopted:  # a person's own, whatever the list is called
        wanted = now
    # Where a person has put the one that it is to stand in beneath it, it stays where it is.
    is_around = not is_adopted and _is_within(draft, wanted["parentCollection"] or "", key)
    pair = (now["parentCollection"], wanted["parentCollection"])
    if is_around:
        wanted = {**wanted, "parentCollection": pair[0]}
    # What a person made of what refsync wrote was asked back.
    last = {name: now[name] for name in record.fields} if draft.restore else record.fields
    has_base = ("collection", shelf.id) in draft.base.records
    changed, told, kept = merged(wanted, now, last, record.told, has_base=has_base)
    if is_around:
        new = {} if record.told.get("parentCollection") == [*pair] else {"parentCollection": pair}
        told = replace(told, told={**told.told, "parentCollection": [*pair]}, new={**told.new, **new})
    after = replace(record, fields=kept, told=told.told, gone=None, is_adopted=is_adopted)
    draft.tell_conflict("collection", shelf.label, key, told)
    draft.parents[key] = changed.get("parentCollection", now["parentCollection"]) or ""
    if is_gone(data):
        changed["deleted"], now["deleted"] = False, True
    if not changed:
        draft.records["collection", shelf.id] = after
        draft.more["unchanged"] += 1
        return
    sent = {"name": now["name"], "parentCollection": now["parentCollection"], **changed}
    before = {name: now[name] for name in changed}
    draft.write(
        Write(what="collection", id=shelf.id, key=key, version=int(data["version"]), data=sent, record=after, before=before),
        "+" if is_gone(data) else "~",
        shelf.label,
        {name: (now[name], value) for name, value in changed.items()},
    )  # fmt: skip


def _is_within(draft: Draft, inner: str, outer: str) -> bool:
    """Whether a collection is another one, or stands in it, as far as is decided."""
    seen: set[str] = set()
    while inner and inner not in seen:
        if inner == outer:
            return True
        seen.add(inner)
        data = draft.seen.collections.get(inner)
        inner = draft.parents.get(inner, (data.get("parentCollection") or "") if data else "")
    return False


def _missing(
    draft: Draft, shelf: Shelf, record: Record | None, key: str, data: Data | None, wanted: dict[str, Any]
) -> None:
    """A collection that is not there: a new one, or one that a person has removed."""
    id: Id = ("collection", shelf.id)
    is_new = record is None and data is None
    if not is_new and not draft.restore:
        draft.leave_removed(id, record, shelf.label, key, data)
        return
    if wanted["parentCollection"] is False and shelf.parent is not None:
        return
    if id in draft.skip:  # refused: nothing can be put into it, and nobody has removed it
        draft.more["skip"] += 1
        del draft.wanted[shelf.id]
        return
    draft.living[shelf.id] = key
    draft.names[key] = shelf.label
    after = Record(what="collection", id=shelf.id, key=key, fields=wanted)
    write = Write(what="collection", id=shelf.id, key=key, version=0, data=dict(wanted), record=after)
    draft.write(write, "+", shelf.label, {"name": (None, shelf.name)})


def clear(draft: Draft) -> None:
    """Collections of topics that have left the list go when nothing is left in them and nobody has renamed or moved them."""
    wanted = {shelf.id for shelf in draft.desired.shelves} | {RETIRED}
    old = [one for (what, id), one in draft.base.records.items() if what == "collection" and id not in wanted]
    going: set[str] = set()
    for record in sorted(old, key=lambda one: -_depth(draft, one.key)):
        data = draft.seen.collections.get(record.key)
        if data is None or is_gone(data):
            draft.records["collection", record.id] = None
            continue
        name = plain(data.get("name"))
        if why := _use(draft, record, data, going):
            draft.leave_unlisted(record, name, why)
        elif ("collection", record.id) not in draft.skip:
            going.add(record.key)
            draft.removals.append(Removal(id=record.id, key=record.key, data=data))
            draft.changes.append(
                Change(sign="-", what="collection", key=name, zotero_key=record.key, fields={"name": (name, None)})
            )


def _use(draft: Draft, record: Record, data: Data, going: set[str]) -> str:
    """Why a collection stays; `going` are those that are removed with it."""
    if record.is_adopted:
        return "it is a collection of yours"
    if any(not is_same(name, data.get(name), record.fields.get(name)) for name in ("name", "parentCollection")):
        return "it was renamed or moved in Zotero"
    members = draft.seen.members.get(record.key, ())
    if count := sum(record.key in draft.memberships.get(one, {record.key}) for one in members):
        return f"{count} items are in it"
    # One in the trash too: it would be gone for good with this one.
    count = len(set(draft.seen.nested.get(record.key, ())) - going)
    return f"{count} collections are in it" if count else ""


def _depth(draft: Draft, key: str) -> int:
    depth, seen = 0, set()
    while key and key not in seen:
        seen.add(key)
        data = draft.seen.collections.get(key)
        key = (data.get("parentCollection") or "") if data else ""
        depth += 1
    return depth
