"""Knows how the items of a library and their links are made to agree with the entries of a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from refsync.sync import items as of_items
from refsync.sync.base import WAITING, Id, Record
from refsync.sync.changes import Sign, Write
from refsync.sync.desired import Item, Link
from refsync.sync.draft import Draft
from refsync.sync.identity import Match, own_keys
from refsync.sync.items import Outcome
from refsync.sync.seen import Data, client_key, is_gone, plain


def place(draft: Draft, match: Match) -> None:
    """Decides about an item and its links. One that stands for several entries is in the collections of all; its fields are
    those of the first."""
    all_of_it = (match, *match.sharers)
    item, record = match.item, match.record
    if match.sharers:
        item = replace(item, shelves=tuple(dict.fromkeys(one for each in all_of_it for one in each.item.shelves)))
    id: Id = ("item", item.entry.key)
    known = draft.base.records.get(("item", record.id)) if record else None
    for one in all_of_it:
        _forget_old_keys(draft, one)
    for one in match.sharers:  # all that refsync does to the item is known under the first
        if one.record:
            draft.records["item", one.item.entry.key] = replace(
                one.record, id=one.item.entry.key, is_adopted=True, collections=(), gone=None
            )
            draft.more["unchanged"] += 1
    key = record.key if record else _new_key(draft, item.entry.key)
    draft.placed.add(key)
    data = draft.seen.items.get(key)
    living = [draft.living[one] for one in item.shelves if one in draft.living]
    if is_gone(data):
        if draft.is_removed(record, data):
            record = replace(record, id=item.entry.key) if record else None
            draft.leave_removed(id, record, item.entry.key, key, data)
            return
        if not living:
            _wait(draft, item)
            return
    if data is None:
        _make(draft, item, key, living)
        return
    before = record or Record(what="item", id=item.entry.key, key=key)
    if before.id != item.entry.key:
        before = replace(before, id=item.entry.key)
    has_base = known is not None and known.gone != WAITING
    if not has_base or id not in draft.base.records:
        # Known before anything is sent: it tells a write that never arrived from one that a person took back, and what `undo`
        # goes back to. A tag may have been removed by a person: none counts as missing.
        draft.records[id] = before if has_base or before.is_adopted else replace(before, tags=item.tags)
    # Of an item that was merged into this one only what a person had taken it out of counts: where it stood, they have put
    # this one by merging.
    there = set(data.get("collections") or ())
    left = {shelf for one in all_of_it if one.record for shelf in one.record.collections if shelf not in there}
    put = draft.put.get(key, frozenset()) | left
    if (collections := tuple(sorted(put))) != before.collections:
        before = replace(before, collections=collections)
    wanted = frozenset(draft.wanted[one] for one in item.shelves if one in draft.wanted)
    outcome = of_items.compared(item, data, before, living, wanted, has_base=has_base, restore=draft.restore)
    _bring(draft, item, match, data, _with_others(draft, match, outcome))


def _forget_old_keys(draft: Draft, match: Match) -> None:
    """Forgets what is known under keys that an entry no longer goes by. Where such a key has an item of its own, the list has
    made one entry of two: that item has left the list."""
    record = match.record
    draft.listed.add(match.item.entry.key)
    for old in {*match.item.keys, *([record.id] if record else [])} - {match.item.entry.key}:
        known = draft.base.records.get(("item", old))
        if known is None:
            continue
        is_same = record is None or old == record.id or known.key == record.key
        if is_same or known.gone == WAITING:
            draft.records["item", old] = None
            draft.listed.add(old)


def _new_key(draft: Draft, id: str) -> str:
    """The key of an item that is to be made; one that another item has is passed over."""
    first, second = own_keys(draft.desired.catalog, id)
    return second if first in draft.seen.items and second not in draft.seen.items else first


def _wait(draft: Draft, item: Item) -> None:
    """An item that has no collection to stand in, since a person has removed it."""
    draft.more["skip"] += 1
    id: Id = ("item", item.entry.key)
    known = draft.base.records.get(id)
    if known is None:
        key = client_key(draft.desired.catalog, "item", item.entry.key)
        draft.records[id] = Record(what="item", id=item.entry.key, key=key, gone=WAITING)
    if known is None or known.gone is None:
        draft.tell(
            "item", item.entry.key, "", "its collection was removed in Zotero; `refsync sync --restore` brings it back"
        )


def _make(draft: Draft, item: Item, key: str, living: list[str]) -> None:
    after = of_items.whole(item, key, living)
    write = Write(what="item", id=item.entry.key, key=key, version=0, data=of_items.properties(after), record=after)
    draft.write(write, "+", item.entry.key, {"title": (None, item.fields.get("title", ""))})
    if ("item", item.entry.key) not in draft.skip:  # a refused item has no children
        _hang(draft, item, key, item.entry.key)


def _with_others(draft: Draft, match: Match, outcome: Outcome) -> Outcome:
    """The outcome, where further items of the library are the same work: that is told once."""
    if not match.others or "others" in outcome.record.told:
        return outcome
    key, others = outcome.record.key, match.others
    count = len(others) + 1
    why = f"{count} items of the library are this work: {', '.join([key, *others])}; the first is used"
    draft.tell("item", outcome.record.id, key, why)
    told = {**outcome.record.told, "others": [list(others), None]}
    return replace(outcome, record=replace(outcome.record, told=told))


def _bring(draft: Draft, item: Item, match: Match, data: Data, outcome: Outcome) -> None:
    """Has an item sent as it is to become."""
    record, now = outcome.record, data.get("collections") or ()
    draft.tell_conflict("item", record.id, record.key, outcome.told, outcome.line)
    shown = draft.readable(outcome.fields)
    if is_gone(data):  # out of the trash as it is: a person may have worked on it
        sent, before = {**outcome.sent, "deleted": False}, {**outcome.before, "deleted": True}
        outcome = replace(outcome, sent=sent, before=before)
        shown = {"title": (None, data.get("title")), **shown}
    if outcome.sent:
        after = frozenset(outcome.sent.get("collections", now))
        if ("item", record.id) not in draft.skip:
            draft.memberships[record.key] = after
        leaves = set(outcome.sent) == {"collections"} and after < frozenset(now)
        sign: Sign = "+" if is_gone(data) else "-" if leaves else "~"
        write = Write(
            what="item", id=record.id, key=record.key, version=int(data["version"]), data=outcome.sent, record=record,
            before=outcome.before,
        )  # fmt: skip
        draft.write(write, sign, record.id, shown)
    else:
        draft.records["item", record.id] = record
        draft.more["unchanged"] += 1
    if not record.is_adopted:
        _hang(draft, item, record.key, match.record.id if match.record else record.id)


def _hang(draft: Draft, item: Item, parent: str, also: str) -> None:
    """The links of an item that refsync made; `also` is a name that the base has of it, beside the keys of its entry."""
    names = tuple(dict.fromkeys((*item.keys, also)))
    hung = set()
    for link in item.links:
        hung |= _link(draft, names, link, parent, {one.label for one in item.links})
    for name in names:
        for id in draft.links.get(name, ()):
            record = draft.base.records["attachment", id]
            data = draft.seen.items.get(record.key)
            if id not in hung and data is not None and not is_gone(data) and data.get("parentItem") == parent:
                draft.leave_unlisted(record, id, "delete it in Zotero if it is not wanted")


def _link(draft: Draft, names: tuple[str, ...], link: Link, parent: str, labels: set[str]) -> set[str]:
    """Decides about a link of an item, of which `labels` are wanted; the ids under which it is known."""
    id: Id = ("attachment", f"{names[0]} {link.label}")
    record, old = _known_link(draft, names, link, parent, labels)
    if old is not None:
        draft.records["attachment", old] = None
    key = record.key if record else client_key(draft.desired.catalog, *id)
    if record is None and key in draft.own_links:  # one that was called so before has it
        key = client_key(draft.desired.catalog, "attachment", f"{id[1]}\nagain")
    data = draft.seen.items.get(key)
    fields = {"title": link.label, "url": link.url}
    after = Record(what="attachment", id=id[1], key=key, fields=fields)
    if data is None or is_gone(data):
        if draft.is_removed(record, data):
            draft.leave_removed(id, replace(record, id=id[1]) if record else None, id[1], key, data)
        else:
            _make_link(draft, after, parent, data)
    elif record == after and fields.items() <= data.items():  # as it was written, and as it is wanted
        draft.more["unchanged"] += 1
    else:
        _mend_link(draft, after, record, data)
    return {id[1], *([old] if old else [])}


def _known_link(
    draft: Draft, names: tuple[str, ...], link: Link, parent: str, labels: set[str]
) -> tuple[Record | None, str | None]:
    """(what is known of a link of an item, the id that it is known by where the entry's key was another one). A link of the
    item to the same address is that one, whoever has made it."""
    id = f"{names[0]} {link.label}"
    if (record := draft.base.records.get(("attachment", id))) is not None:
        return record, None
    candidates = [client_key(draft.desired.catalog, "attachment", f"{name} {link.label}") for name in names]
    for name in names:
        old = f"{name} {link.label}"
        record = draft.base.records.get(("attachment", old))
        if record is not None and (draft.seen.items.get(record.key) or {}).get("parentItem") == parent:
            return record, old
    candidates += [key for key in draft.seen.kin.get(parent, ()) if _leads_to(draft.seen.items[key], link.url)]
    for key in candidates:
        if (draft.seen.items.get(key) or {}).get("parentItem") != parent:
            continue
        mine = draft.own_links.get(key)
        if mine is None:
            return Record(what="attachment", id=id, key=key), None
        if mine.partition(" ")[2] not in labels:  # the list calls it otherwise now
            return draft.base.records["attachment", mine], mine
    return None, None


def _leads_to(data: Data, url: str) -> bool:
    return data.get("linkMode") == "linked_url" and plain(data.get("url")) == url


def _make_link(draft: Draft, after: Record, parent: str, data: Data | None) -> None:
    """A link that is new, or comes out of the trash."""
    fixed = {"itemType": "attachment", "linkMode": "linked_url", "parentItem": parent}
    write = Write(
        what="attachment", id=after.id, key=after.key, version=int(data["version"]) if data else 0,
        data={**after.fields, "deleted": False} if data else {**fixed, **after.fields}, record=after,
        before={"deleted": True} if data else {},
    )  # fmt: skip
    draft.write(write, "+", after.id, {"url": (None, after.fields["url"])})


def _mend_link(draft: Draft, after: Record, record: Record | None, data: Data) -> None:
    """A link that is there: its label and address as the list has them, where no person has changed them."""
    now: Mapping[str, Any] = {name: plain(data.get(name)) for name in after.fields}
    last, told_before = (record.fields, record.told) if record else ({}, {})
    has_base = record is not None and bool(record.fields)
    changed, told, kept = of_items.merged(after.fields, now, last, told_before, has_base=has_base)
    after = replace(after, fields=kept, told=told.told)
    draft.tell_conflict("attachment", after.id, after.key, told)
    if not changed:
        draft.records["attachment", after.id] = after
        draft.more["unchanged"] += 1
        return
    before = {name: now[name] for name in changed}
    write = Write(
        what="attachment", id=after.id, key=after.key, version=int(data["version"]), data=changed, record=after, before=before,
    )  # fmt: skip
    draft.write(write, "~", after.id, {name: (now[name], value) for name, value in changed.items()})
