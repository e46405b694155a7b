"""Knows what must change for a library to agree with a catalog, three ways: last time, there, here. Pure.

A person's edit is kept and shown once. Tags and collections are joined, never replaced. What a person removed, trashed,
moved or renamed is a decision, respected until it is asked back. Without a base nothing is changed or removed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from refsync.sync import items as of_items
from refsync.sync.base import Base, Id, Record, What
from refsync.sync.changes import Change, Plan, Removal, Write, planned
from refsync.sync.desired import RETIRED, ROOT, Desired, Item, Link, Shelf, retired_shelf
from refsync.sync.seen import Data, Seen, client_key, is_gone, plain

TRASHED = "it is in the trash; `refsync sync --restore` takes it out"
UNDONE = "undone"  # how an item went that a person took back with `refsync undo`: the next sync brings it back
WAITING = "waiting"  # how an item is away that was never made, because a person removed its collection: told once
DELETED = "it was deleted in Zotero; `refsync sync --restore` makes it again"


def plan(
    desired: Desired,
    seen: Seen,
    base: Base,
    *,
    restore: bool = False,
    adopt: str | None = None,
    skip: Iterable[Id] = (),
) -> Plan:
    """What makes the library `seen` agree with `desired`, where `base` is what was last written.

    `restore` brings back what a person removed; `adopt` is the key of a person's own collection that serves as the root;
    `skip` are objects that the library has refused in this run. An answer that never came (`base.pending`) is settled by
    what the library holds.
    """
    draft = _Draft(desired=desired, seen=seen, base=settled(base, seen), restore=restore, skip=frozenset(skip))
    draft.note_settled(base)
    for shelf in desired.shelves:
        draft.shelve(shelf, adopt if shelf.id == ROOT else None)
    found = _matched(draft)
    for item, record, others in found:
        draft.place(item, record, others)
    draft.retire({id for item, record, _ in found for id in (*item.keys, *([record.id] if record else []))})
    draft.clear()
    return draft.finished()


def settled(base: Base, seen: Seen) -> Base:
    """The base after a run that ended in the middle: what was sent counts as written as far as the library has it."""
    records = dict(base.records)
    for id, sent in base.pending.items():
        store: Mapping[str, Data] = seen.collections if sent.what == "collection" else seen.items
        data = store.get(sent.key)
        old = records.get(id)
        if data is None:
            continue  # it never arrived, or is gone again
        if old is None or old.key != sent.key:
            records[id] = sent
            continue
        fields = {}
        for name in dict.fromkeys((*old.fields, *sent.fields)):
            if of_items.is_same(name, data.get(name), sent.fields.get(name)):
                value = sent.fields.get(name)
            else:
                value = old.fields.get(name)
            if value is not None:
                fields[name] = value
        tags = {plain(one.get("tag")) for one in data.get("tags") or ()}
        records[id] = replace(
            sent,
            fields=fields,
            tags=_arrived(old.tags, sent.tags, tags),
            collections=_arrived(old.collections, sent.collections, set(data.get("collections") or ())),
        )
    return replace(base, records=records, pending={})


def _arrived(old: tuple[str, ...], sent: tuple[str, ...], there: set[str]) -> tuple[str, ...]:
    """Which of two states of a list an object is in, of what is refsync's in it."""
    return sent if there & {*old, *sent} == set(sent) else old


@dataclass(slots=True)
class _Draft:
    """A plan in the making: what has been decided of collections, items and links."""

    desired: Desired
    seen: Seen
    base: Base
    restore: bool
    skip: frozenset[Id]
    living: dict[str, str] = field(default_factory=dict)  # the collections that are there or will be, by id
    wanted: dict[str, str] = field(default_factory=dict)  # the keys of all collections of the list, removed ones too
    names: dict[str, str] = field(default_factory=dict)  # what they are called, by key
    changes: list[Change] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)
    records: dict[Id, Record | None] = field(default_factory=dict)
    more: Counter[str] = field(default_factory=Counter)
    written: Mapping[Id, Record] = field(default_factory=dict)  # what the base says, before an open answer is settled
    memberships: dict[str, frozenset[str]] = field(default_factory=dict)  # collections of items that change, by key

    def note_settled(self, before: Base) -> None:
        """What an interrupted run has written after all is known from now on."""
        self.written = before.records
        for id, record in self.base.records.items():
            if before.records.get(id) != record:
                self.records[id] = record

    def finished(self) -> Plan:
        records = {id: one for id, one in self.records.items() if self.written.get(id) != one}
        return planned(self.changes, self.writes, self.removals, records, self.more)

    # ------------------------------------------------------------------------------------------------------------
    # Collections

    def shelve(self, shelf: Shelf, adopt: str | None = None) -> None:
        """Decides about a collection; those above it are decided already."""
        id: Id = ("collection", shelf.id)
        record = self.base.records.get(id)
        key = record.key if record else adopt or client_key(self.desired.catalog, "collection", shelf.id)
        self.wanted[shelf.id] = key
        parent = self.living.get(shelf.parent) if shelf.parent is not None else ""
        data = self.seen.collections.get(key)
        if parent is None and (data is None or record is None):
            self.more["skip"] += 1  # the collection above it was removed by a person, or refused
            if shelf.parent not in self.wanted:
                del self.wanted[shelf.id]
            return
        wanted = {"name": shelf.name, "parentCollection": parent or False}
        if data is None or (is_gone(data) and not self.restore):
            self._missing_shelf(shelf, record, key, data, wanted)
            return
        if not self.seen.is_living(key) and not self.restore:
            self.more["skip"] += 1
            return
        self.living[shelf.id] = key
        self.names[key] = shelf.label
        now = {"name": plain(data.get("name")), "parentCollection": data.get("parentCollection") or False}
        if record.is_adopted if record else adopt:  # a person's own, whatever the list is called
            wanted = now
        last = record.fields if record else {}
        changed, told, kept = of_items.merged(
            wanted, now, last, record.told if record else {}, has_base=record is not None
        )
        after = Record(
            what="collection",
            id=shelf.id,
            key=key,
            fields=kept,
            told=told.told,
            is_adopted=bool(adopt) or bool(record and record.is_adopted),
        )
        self._conflict(after.what, shelf.label, key, told)
        if is_gone(data):  # out of the trash as it is: a person may have given it another name
            changed["deleted"], now["deleted"] = False, True
        if not changed:
            self.records[id] = after
            self.more["unchanged"] += 1
            return
        sent = {"name": now["name"], "parentCollection": now["parentCollection"], **changed}
        self._write(
            Write(
                what="collection",
                id=shelf.id,
                key=key,
                version=int(data["version"]),
                data=sent,
                record=after,
                before={name: now[name] for name in changed},
            ),
            "+" if is_gone(data) else "~",
            shelf.label,
            {name: (now[name], value) for name, value in changed.items()},
        )

    def _missing_shelf(
        self, shelf: Shelf, record: Record | None, key: str, data: Data | None, wanted: dict[str, Any]
    ) -> None:
        """A collection that is not there: a new one, or one that a person has removed."""
        is_new = record is None and data is None
        if not is_new and not self.restore:
            self._decided(("collection", shelf.id), record, shelf.label, key, data)
            return
        if wanted["parentCollection"] is False and shelf.parent is not None:
            return
        if ("collection", shelf.id) in self.skip:  # refused: nothing can be put into it, and nobody has removed it
            self.more["skip"] += 1
            del self.wanted[shelf.id]
            return
        self.living[shelf.id] = key
        self.names[key] = shelf.label
        after = Record(what="collection", id=shelf.id, key=key, fields=wanted)
        self._write(
            Write(what="collection", id=shelf.id, key=key, version=0, data=dict(wanted), record=after),
            "+",
            shelf.label,
            {"name": (None, shelf.name)},
        )

    def _decided(self, id: Id, record: Record | None, label: str, key: str, data: Data | None) -> None:
        """Something that a person has removed: told once, and left as it is."""
        why = TRASHED if data is not None else DELETED
        record = record or Record(what=id[0], id=id[1], key=key)
        if record.gone is None:
            self.changes.append(Change(sign="!", what=id[0], key=label, zotero_key=key, why=why))
        self.more["skip"] += 1
        self.records[id] = replace(record, gone="trashed" if data is not None else "deleted")

    # ------------------------------------------------------------------------------------------------------------
    # Items

    def place(self, item: Item, record: Record | None, others: list[str]) -> None:
        """Decides about an item and its links; `others` are further items of the library that are the same work."""
        id: Id = ("item", item.entry.key)
        old_record = self.base.records.get(("item", record.id)) if record else None
        is_known = old_record is not None and old_record.gone != WAITING
        for old_id in {*item.keys, *([record.id] if record else [])} - {item.entry.key}:  # it goes by another key now
            if ("item", old_id) in self.base.records:
                self.records[("item", old_id)] = None
        if record:
            record = replace(record, id=item.entry.key)
        key = record.key if record else self._new_key(item.entry.key)
        data = self.seen.items.get(key)
        shelves = [self.living[one] for one in item.shelves if one in self.living]
        if is_gone(data):
            is_undone = record is not None and record.gone == UNDONE and data is not None
            if (record is not None or data is not None) and not (self.restore or is_undone):
                self._decided(id, record, item.entry.key, key, data)
                return
            if not shelves:
                self._homeless(item)
                return
        if data is None:
            after = of_items.whole(item, key, shelves)
            self._write(
                Write(
                    what="item",
                    id=item.entry.key,
                    key=key,
                    version=0,
                    data=of_items.properties(after),
                    record=after,
                ),
                "+",
                item.entry.key,
                {"title": (None, item.fields.get("title", ""))},
            )
            if id not in self.skip:  # a refused item has no children
                self._links(item, key)
            return
        before = record or Record(what="item", id=item.entry.key, key=key)
        if not is_known or id not in self.base.records:
            # Known before anything is sent: it tells a write that never arrived from one that a person took back, and what
            # `undo` goes back to. A tag may have been removed by a person: none counts as missing.
            self.records[id] = before if is_known or before.is_adopted else replace(before, tags=item.tags)
        outcome = of_items.compared(
            item,
            data,
            before,
            shelves,
            frozenset(self.wanted[one] for one in item.shelves if one in self.wanted),
            has_base=is_known,
            restore=self.restore,
        )
        self._conflict("item", item.entry.key, key, outcome.told, line=outcome.line)
        if others and "others" not in outcome.record.told:
            why = (
                f"{len(others) + 1} items of the library are this work: {', '.join([key, *others])}; the first is used"
            )
            self.changes.append(Change(sign="!", what="item", key=item.entry.key, zotero_key=key, why=why))
            outcome = replace(
                outcome, record=replace(outcome.record, told={**outcome.record.told, "others": [list(others), None]})
            )
        if is_gone(data):  # out of the trash as it is: a person may have worked on it
            sent, old = {**outcome.sent, "deleted": False}, {**outcome.before, "deleted": True}
            outcome = replace(outcome, sent=sent, before=old)
        if outcome.sent:
            shown = self._readable(outcome.fields)
            gone = frozenset(data.get("collections", ())) - frozenset(
                outcome.sent.get("collections", data.get("collections", ()))
            )
            self.memberships[key] = frozenset(outcome.sent.get("collections", data.get("collections", ())))
            sign = (
                "+"
                if is_gone(data)
                else "-"
                if gone
                and set(outcome.sent) == {"collections"}
                and not set(outcome.sent["collections"]) - set(data.get("collections", ()))
                else "~"
            )
            self._write(
                Write(
                    what="item",
                    id=item.entry.key,
                    key=key,
                    version=int(data["version"]),
                    data=outcome.sent,
                    record=outcome.record,
                    before=outcome.before,
                ),
                sign,
                item.entry.key,
                {"title": (None, data.get("title")), **shown} if is_gone(data) else shown,
            )
        else:
            self.records[id] = outcome.record
            self.more["unchanged"] += 1
        if not outcome.record.is_adopted:
            self._links(item, key)

    def _new_key(self, id: str) -> str:
        """The key of an item that is to be made; one that another item has is passed over."""
        first, second = _own_keys(self.desired.catalog, id)
        return second if first in self.seen.items and second not in self.seen.items else first

    def _ours(self) -> frozenset[str]:
        """The collections that refsync manages."""
        return frozenset(one.key for one in self.base.records.values() if one.what == "collection") | frozenset(
            self.living.values()
        )

    def _homeless(self, item: Item) -> None:
        self.more["skip"] += 1
        id: Id = ("item", item.entry.key)
        known = self.base.records.get(id)
        if known is None:
            key = client_key(self.desired.catalog, "item", item.entry.key)
            self.records[id] = Record(what="item", id=item.entry.key, key=key, gone=WAITING)
        if known is None or known.gone is None:
            why = "its collection was removed in Zotero; `refsync sync --restore` brings it back"
            self.changes.append(Change(sign="!", what="item", key=item.entry.key, why=why))

    def _readable(self, fields: Mapping[str, tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
        """Changed fields with collections by their names."""
        out = dict(fields)
        if "collections" in out:
            out["collections"] = tuple(
                [self.names.get(one, self._name(one)) for one in side] for side in out["collections"]
            )  # type: ignore[assignment]
        return out

    def _name(self, key: str) -> str:
        data = self.seen.collections.get(key)
        return plain(data.get("name")) if data else key

    def _links(self, item: Item, parent: str) -> None:
        wanted = {f"{item.entry.key} {link.label}": link for link in item.links}
        for id, link in wanted.items():
            self._link(id, link, parent)

    def _link(self, id: str, link: Link, parent: str) -> None:
        record = self.base.records.get(("attachment", id))
        key = record.key if record else client_key(self.desired.catalog, "attachment", id)
        data = self.seen.items.get(key)
        fields = {"title": link.label, "url": link.url}
        fixed = {"itemType": "attachment", "linkMode": "linked_url", "parentItem": parent}
        after = Record(what="attachment", id=id, key=key, fields=fields)
        if data is None or is_gone(data):
            is_undone = record is not None and record.gone == UNDONE and data is not None
            if (record is not None or data is not None) and not (self.restore or is_undone):
                self._decided(("attachment", id), record, id, key, data)
                return
            sent = {**fixed, **fields} if data is None else {**fields, "deleted": False}
            self._write(
                Write(
                    what="attachment",
                    id=id,
                    key=key,
                    version=int(data["version"]) if data else 0,
                    data=sent,
                    record=after,
                    before={"deleted": True} if data else {},
                ),
                "+",
                id,
                {"url": (None, link.url)},
            )
            return
        if record == after and fields.items() <= data.items():  # as it was written, and as it is wanted
            self.more["unchanged"] += 1
            return
        now = {name: plain(data.get(name)) for name in fields}
        changed, told, kept = of_items.merged(
            fields, now, record.fields if record else {}, record.told if record else {}, has_base=record is not None
        )
        after = replace(after, fields=kept, told=told.told)
        self._conflict("attachment", id, key, told)
        if not changed:
            self.records[("attachment", id)] = after
            self.more["unchanged"] += 1
            return
        self._write(
            Write(
                what="attachment",
                id=id,
                key=key,
                version=int(data["version"]),
                data=changed,
                record=after,
                before={name: now[name] for name in changed},
            ),
            "~",
            id,
            {name: (now[name], value) for name, value in changed.items()},
        )

    # ------------------------------------------------------------------------------------------------------------
    # What has left the list

    def retire(self, listed: set[str]) -> None:
        """Items whose entries have left the list: those that refsync made and nobody touched go to a collection of their own."""
        gone = [one for (what, id), one in sorted(self.base.records.items()) if what == "item" and id not in listed]
        ours = self._ours()
        for record in gone:
            data = self.seen.items.get(record.key)
            if data is None or is_gone(data) or self.seen.replaced.get(record.key):
                continue
            shelf = client_key(self.desired.catalog, "collection", RETIRED)
            known = self.base.records.get(("collection", RETIRED))
            shelf = known.key if known else shelf
            now = set(data.get("collections", ()))
            if now & ours <= {shelf} and record.collections == (shelf,):
                self.more["unchanged"] += 1
                continue
            why = of_items.touched(record, data, ours, self._foreign_children(record.key))
            if why is None and ROOT in self.living:
                self._retire_to(record, data, ours)
                continue
            self.more["skip"] += 1
            if "retired" not in record.told:
                why = why or "its collection was removed"
                told = f"it is no longer in the list, and stays: {why}"
                self.changes.append(Change(sign="!", what="item", key=record.id, zotero_key=record.key, why=told))
                self.records[("item", record.id)] = replace(record, told={**record.told, "retired": [why, None]})

    def _foreign_children(self, key: str) -> int:
        own = {one.key for one in self.base.records.values() if one.what == "attachment"}
        return sum(one not in own for one in self.seen.kin.get(key, ()))

    def _retire_to(self, record: Record, data: Data, ours: frozenset[str]) -> None:
        if RETIRED not in self.living:
            self.shelve(retired_shelf())
            if RETIRED not in self.living:
                return
        shelf = self.living[RETIRED]
        now = list(data.get("collections", ()))
        after = sorted((set(now) - ours) | {shelf})
        fields = self._readable({"collections": (now, after)})
        self.memberships[record.key] = frozenset(after)
        told = {name: value for name, value in record.told.items() if name != "retired"}
        kept = replace(record, collections=(shelf,), told=told)
        self._write(
            Write(
                what="item",
                id=record.id,
                key=record.key,
                version=int(data["version"]),
                data={"collections": after},
                record=kept,
                before={"collections": now},
            ),
            "-",
            record.id,
            fields,
        )

    def clear(self) -> None:
        """Collections of topics that have left the list go when nothing is left in them and nobody has renamed or moved them."""
        wanted = {shelf.id for shelf in self.desired.shelves} | {RETIRED}
        old = [one for (what, id), one in self.base.records.items() if what == "collection" and id not in wanted]
        going: set[str] = set()
        for record in sorted(old, key=lambda one: -self._depth(one.key)):
            data = self.seen.collections.get(record.key)
            id: Id = ("collection", record.id)
            if data is None or is_gone(data):
                self.records[id] = None
                continue
            name = plain(data.get("name"))
            now = {"name": name, "parentCollection": data.get("parentCollection") or False}
            members = [
                one
                for one in self.seen.members.get(record.key, ())
                if record.key in self.memberships.get(one, {record.key})
            ]
            # One in the trash too: it would be gone for good with this one.
            inner = set(self.seen.nested.get(record.key, ())) - going
            why = (
                "it was renamed or moved in Zotero"
                if now != dict(record.fields)
                else f"{len(members)} items are in it"
                if members
                else f"{len(inner)} collections are in it"
                if inner
                else ""
            )
            if why or record.is_adopted:
                self.more["skip"] += 1
                if "retired" not in record.told:
                    told = f"it is no longer in the list, and stays: {why or 'it is a collection of yours'}"
                    self.changes.append(Change(sign="!", what="collection", key=name, zotero_key=record.key, why=told))
                    self.records[id] = replace(record, told={**record.told, "retired": [why, None]})
                continue
            if ("collection", record.id) in self.skip:
                continue
            going.add(record.key)
            self.removals.append(Removal(id=record.id, key=record.key, data=data))
            self.changes.append(
                Change(
                    sign="-",
                    what="collection",
                    key=name,
                    zotero_key=record.key,
                    fields={"name": (name, None)},
                )
            )

    def _depth(self, key: str) -> int:
        depth, seen = 0, set()
        while key and key not in seen:
            seen.add(key)
            data = self.seen.collections.get(key)
            key = (data.get("parentCollection") or "") if data else ""
            depth += 1
        return depth

    # ------------------------------------------------------------------------------------------------------------

    def _write(self, write: Write, sign: Any, label: str, fields: Mapping[str, tuple[Any, Any]]) -> None:
        if (write.what, write.id) in self.skip:
            self.more["skip"] += 1
            return
        self.writes.append(write)
        self.changes.append(Change(sign=sign, what=write.what, key=label, zotero_key=write.key, fields=fields))

    def _conflict(self, what: What, label: str, key: str, told: of_items.Told, line: str = "") -> None:
        """Differences that are a person's: shown once, then only counted."""
        self.more["conflict"] += len(told.told) - len(told.new)
        if told.new:
            self.more["conflict"] += len(told.new)
            why = "changed in Zotero: kept" if told.has_base else "differs, and nothing is known of who wrote it: kept"
            self.changes.append(
                Change(sign="!", what=what, key=label, zotero_key=key, fields=told.new, why=why, line=line)
            )


def _matched(draft: _Draft) -> list[tuple[Item, Record | None, list[str]]]:
    """Each item with what the base knows of it: by its keys; by the key that it would be given; or as a person's own item,
    adopted. Merges are followed."""
    base, seen, catalog = draft.base, draft.seen, draft.desired.catalog
    out: list[tuple[Item, Record | None, list[str]]] = []
    known: dict[str, Record] = {
        id: one for (what, id), one in base.records.items() if what == "item" and one.gone != WAITING
    }
    listed = {key for item in draft.desired.items for key in item.keys}
    # Items whose entries have left the list: one that comes back under another key is the same item.
    left = {one.key: one for id, one in known.items() if id not in listed}
    held = frozenset(one.key for one in known.values()) - left.keys()
    taken = set(held)
    unknown: list[int] = []
    for item in draft.desired.items:
        record = next((known[key] for key in item.keys if key in known), None)
        if record is not None and is_gone(seen.items.get(record.key)) and (heir := seen.replaced.get(record.key)):
            record = replace(record, key=heir, is_adopted=True)
            taken.add(heir)
        if record is None:
            unknown.append(len(out))
        out.append((item, record, []))
    for at in unknown:
        item = out[at][0]
        keys = [own for key in item.keys for own in _own_keys(catalog, key)]
        # An item is its own entry's even where that of another was merged into it.
        own = next((key for key in keys if key not in held and seen.may_be(item.entry, key)), None)
        if own is not None and (heir := seen.replaced.get(own)) and is_gone(seen.items.get(own)):
            own = heir
        if own is not None:
            taken.add(own)
            out[at] = (item, left.get(own) or _found(item, own), [])
    # One into which a person merged others may stand for several entries.
    taken -= set(seen.replaced.values())
    for at in unknown:
        item, record, _ = out[at]
        if record is None and (hits := seen.alike(item.entry, taken)):
            key = next((one for one in hits if one in left), hits[0])
            taken.add(key)
            record = left.get(key) or replace(_found(item, key), is_adopted=True)
            out[at] = (item, record, [one for one in hits if one != key])
    return out


def _own_keys(catalog: str, id: str) -> tuple[str, str]:
    """The key that an item of refsync's has, and the one that it gets where the first is another item's."""
    return client_key(catalog, "item", id), client_key(catalog, "item", f"{id}\nagain")


def _found(item: Item, key: str) -> Record:
    """An item of the library that is this entry, of which nothing is known to be refsync's."""
    return Record(what="item", id=item.entry.key, key=key)
