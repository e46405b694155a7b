"""Knows how a sync is taken back: what it made goes to the trash, what it changed gets its old value, where nobody has
touched it since."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from refsync.sync.base import UNDONE, WAITING, Base, Id, Record, What
from refsync.sync.changes import Change, Plan, Removal, Sign, Write, planned
from refsync.sync.items import cleared, is_same
from refsync.sync.itemtypes import item_types
from refsync.sync.journal import Deed
from refsync.sync.seen import Data, Seen, is_gone, plain

Later = Mapping[
    tuple[What, str], Mapping[str, int]
]  # (what, Zotero's key) -> what runs after this one sent -> their number


def undone(
    deeds: Sequence[Deed],
    seen: Seen,
    base: Base,
    skip: Iterable[Id] = (),
    later: Mapping[int, Sequence[Deed]] | None = None,
) -> Plan:
    """What takes the deeds of a run back, the last first. What a person has touched since stays, and is said; so does what
    `later` runs, by their number, have written to: the plan then is not whole."""
    touched: dict[tuple[What, str], dict[str, int]] = defaultdict(dict)
    for number, others in sorted((later or {}).items()):
        for deed in others:
            touched[deed.what, deed.key].update(dict.fromkeys(deed.sent, number))
    draft = _Draft(seen=seen, base=base, skip=frozenset(skip), later=touched)
    latest_first = _once(deeds)[::-1]
    draft.returning = {deed.key for deed in latest_first if deed.what == "collection" and deed.how == "removed"}
    for what in ("attachment", "item"):
        for deed in latest_first:
            if deed.what == what and (what, deed.id) not in draft.skip:
                draft.take_back(deed)
    for deed in latest_first:
        if deed.what == "collection" and ("collection", deed.id) not in draft.skip:
            draft.take_back_shelf(deed)
    found = planned(draft.changes, draft.writes, draft.removals, draft.records, draft.more)
    return replace(found, is_whole=draft.is_whole)


def _once(deeds: Sequence[Deed]) -> list[Deed]:
    """One deed for each object: a write that was sent again is one, with the oldest `before` and what was sent last."""
    out: dict[Id, Deed] = {}
    for deed in deeds:
        id: Id = (deed.what, deed.id)
        first = out.get(id)
        if first is None or first.how == "removed" or deed.how == "removed" or first.key != deed.key:
            out[id] = deed
        else:
            out[id] = replace(first, sent={**first.sent, **deed.sent}, before={**deed.before, **first.before})
    return list(out.values())


@dataclass
class _Draft:
    seen: Seen
    base: Base
    skip: frozenset[Id]
    later: Later
    returning: set[str] = field(default_factory=set)  # collections that are made again
    changes: list[Change] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)
    records: dict[Id, Record | None] = field(default_factory=dict)
    trashed: set[str] = field(default_factory=set)
    more: Counter[str] = field(default_factory=Counter)
    is_whole: bool = True

    @cached_property
    def _known(self) -> Mapping[tuple[What, str], Record]:
        """What the base has of an object, by its key: an entry may go by another name than in the run."""
        return {(one.what, one.key): one for one in self.base.records.values()}

    def _id(self, deed: Deed) -> Id:
        known = self._known.get((deed.what, deed.key))
        return (deed.what, known.id if known else deed.id)

    def _record(self, deed: Deed) -> Record | None:
        """What the base had before the run, under the name that the object has now."""
        return replace(deed.record, id=self._id(deed)[1]) if deed.record else None

    def take_back(self, deed: Deed) -> None:
        """An item or a link: one that was made goes to the trash, one that was changed gets its old values."""
        data = self.seen.items.get(deed.key)
        if deed.how == "made":
            self._unmake(deed, data)
            return
        if data is None:
            self._stays(deed, "it was deleted in Zotero")
            return
        back, left = self._old_values(deed, data)
        if left:
            self._stays(deed, self._why(deed, left))
        known = self._known.get((deed.what, deed.key))
        if back:
            self._write(deed, data, back, known if left else self._record(deed), "~")
        elif not left:
            self.records[self._id(deed)] = self._record(deed)

    def _unmake(self, deed: Deed, data: Data | None) -> None:
        """An item or a link that was made."""
        id = self._id(deed)
        known = self.base.records.get(id)
        if data is None or is_gone(data):
            if _removed(deed) is None and (data is None or known is None or known.gone != UNDONE):
                self.records[id] = None
            return
        if left := self._old_values(deed, data)[1]:
            self._stays(deed, self._why(deed, left))
            return
        if deed.key in self.seen.replaced.values():
            self._stays(deed, "another item was merged into it in Zotero")
            return
        if count := sum(one not in self.trashed for one in self.seen.kin.get(deed.key, ())):
            self._stays(deed, f"it has {count} notes or files")
            return
        self.trashed.add(deed.key)
        # What was written stays known, but for the collections: they go, and it is to be put into new ones.
        known = known or Record(what=deed.what, id=id[1], key=deed.key)
        self._write(deed, data, {"deleted": 1}, _removed(deed) or replace(known, collections=(), gone=UNDONE), "-")

    def take_back_shelf(self, deed: Deed) -> None:
        """A collection: one that was made goes when it is empty, one that was removed comes back."""
        data = self.seen.collections.get(deed.key)
        if deed.how == "removed":
            if data is None:
                self._bring_back(deed)
        elif data is None or is_gone(data):
            if deed.how == "made":
                self.records[self._id(deed)] = _removed(deed)
        elif deed.how == "changed":
            back, left = self._old_values(deed, data)
            if left:
                self._stays(deed, self._why(deed, left))
            if back:
                whole = {"name": data["name"], "parentCollection": data.get("parentCollection") or False, **back}
                known = self._known.get((deed.what, deed.key))
                self._write(deed, data, whole, known if left else self._record(deed), "~")
            elif not left:
                self.records[self._id(deed)] = self._record(deed)
        else:
            self._unmake_shelf(deed, data)

    def _bring_back(self, deed: Deed) -> None:
        old = {name: deed.before.get(name) for name in ("name", "parentCollection")}
        if old["parentCollection"] and not self._is_there(str(old["parentCollection"])):
            self._stays(deed, "the collection that it was in is gone")
            return
        record = deed.record or Record(what="collection", id=deed.id, key=deed.key, fields=old)
        self.writes.append(Write(what="collection", id=deed.id, key=deed.key, version=0, data=old, record=record))
        name = str(old["name"])
        self.changes.append(
            Change(sign="+", what="collection", key=name, zotero_key=deed.key, fields={"name": (None, name)})
        )

    def _unmake_shelf(self, deed: Deed, data: Data) -> None:
        """A collection that was made goes where nothing is left in it."""
        sent = {write.key: write.data for write in self.writes if write.what == "item" and "collections" in write.data}
        leaving = {key for key, one in sent.items() if deed.key not in one["collections"]}
        entering = {key for key, one in sent.items() if deed.key in one["collections"]}
        members = {*self.seen.members.get(deed.key, ()), *entering} - self.trashed - leaving
        going = {one.key for one in self.removals}
        inner = [one for one in self.seen.nested.get(deed.key, ()) if one not in going]
        left = {name for name in ("name", "parentCollection") if not is_same(name, data.get(name), deed.sent.get(name))}
        if left:
            self._stays(deed, self._why(deed, left))
        elif members or inner:
            count, what = (len(members), "items") if members else (len(inner), "collections")
            self._stays(deed, f"{count} {what} are in it")
        else:
            self.removals.append(Removal(id=self._id(deed)[1], key=deed.key, data=data))
            name = plain(data.get("name"))
            self.changes.append(
                Change(sign="-", what="collection", key=name, zotero_key=deed.key, fields={"name": (name, None)})
            )

    def _is_there(self, collection: str) -> bool:
        return collection in self.seen.collections or collection in self.returning

    def _old_values(self, deed: Deed, data: Data) -> tuple[dict[str, Any], set[str]]:
        """(properties with the values that they had before the run; those that are no longer as the run left them, or can
        not become as they were: a collection may be gone)."""
        back, left = _old_values(deed, data)
        if "collections" in back:
            there = [one for one in back["collections"] if self._is_there(one)]
            if not there and back["collections"]:
                del back["collections"]
                left.add("collections")
            else:
                back["collections"] = there
        if back.get("parentCollection") and not self._is_there(back["parentCollection"]):
            del back["parentCollection"]
            left.add("parentCollection")
        return back, left

    def _why(self, deed: Deed, left: set[str]) -> str:
        """Why properties stay as they are: a later run wrote them, or a person."""
        runs = {number for name in left if (number := self.later.get((deed.what, deed.key), {}).get(name))}
        names = ", ".join(sorted(left))
        if runs:
            self.is_whole = False
            return f"its {names} was changed by run {max(runs)}; take that back first: refsync undo {max(runs)}"
        return f"its {names} was changed in Zotero since"

    def _stays(self, deed: Deed, why: str) -> None:
        self.more["skip"] += 1
        self.changes.append(Change(sign="!", what=deed.what, key=deed.id, zotero_key=deed.key, why=f"stays: {why}"))

    def _write(self, deed: Deed, data: Data, back: Mapping[str, Any], record: Record | None, sign: Sign) -> None:
        id = self._id(deed)[1]
        kept = record or Record(what=deed.what, id=id, key=deed.key, gone=UNDONE)
        before = {name: data.get(name) for name in back}
        self.writes.append(
            Write(
                what=deed.what, id=id, key=deed.key, version=int(data["version"]), data=back, record=kept, before=before
            )
        )  # fmt: skip
        fields = {name: (data.get(name), value) for name, value in back.items()}
        self.changes.append(Change(sign=sign, what=deed.what, key=id, zotero_key=deed.key, fields=fields))


def _removed(deed: Deed) -> Record | None:
    """What the base had of something that a run made again: a person had removed it, and that counts again."""
    if deed.record is None or deed.record.gone == WAITING:
        return None
    return replace(deed.record, gone=deed.record.gone or "deleted")


def _old_values(deed: Deed, data: Data) -> tuple[dict[str, Any], set[str]]:
    """(properties with the values that they had before the run; those that are no longer as the run left them)."""
    back: dict[str, Any] = {}
    left: set[str] = set()
    for name, sent in deed.sent.items():
        if name in {"relations", "key", "version", "linkMode", "parentItem"} or (
            name == "itemType" and deed.how == "made"
        ):
            continue
        there = data.get(name)
        if not _is_as_sent(name, there, sent):
            left.add(name)
        elif name in deed.before and not _is_as_sent(name, there, deed.before[name]):
            back[name] = deed.before[name] if deed.before[name] is not None else ""
    if "itemType" in back:  # its fields went with the type
        names = {*item_types().types[back["itemType"]].fields, "itemType", "creators", "tags", "collections", "extra"}
        back = {**{name: value for name, value in deed.before.items() if name not in deed.sent}, **back}
        back = {name: value for name, value in back.items() if name in names}
        back |= cleared(data, back, back["itemType"])
    return back, left


def _is_as_sent(name: str, there: Any, sent: Any) -> bool:
    if name == "collections":
        return set(there or ()) == set(sent or ())
    if name == "tags":
        names = [{plain(one.get("tag")) for one in value or ()} for value in (there, sent)]
        return names[0] == names[1]
    if name == "deleted":
        return bool(there) == bool(sent)
    return is_same(name, there, sent)
