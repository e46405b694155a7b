"""Knows how a sync is taken back: what it made goes to the trash, what it changed gets its old value, where nobody has
touched it since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from refsync.sync.base import UNDONE, WAITING, Base, Id, Record
from refsync.sync.changes import Change, Plan, Removal, Write, planned
from refsync.sync.items import cleared, is_same
from refsync.sync.journal import Deed
from refsync.sync.seen import Data, Seen, is_gone, plain


def undone(deeds: Sequence[Deed], seen: Seen, base: Base, skip: Iterable[Id] = ()) -> Plan:
    """What takes the deeds of a run back, the last first. What a person has touched since stays, and is said."""
    draft = _Draft(seen=seen, base=base, skip=frozenset(skip))
    latest_first = _once(deeds)[::-1]
    for what in ("attachment", "item"):
        for deed in latest_first:
            if deed.what == what:
                draft.take_back(deed)
    for deed in latest_first:
        if deed.what == "collection":
            draft.take_back_shelf(deed)
    return planned(draft.changes, draft.writes, draft.removals, draft.records, draft.more)


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


@dataclass(slots=True)
class _Draft:
    seen: Seen
    base: Base
    skip: frozenset[Id]
    changes: list[Change] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)
    records: dict[Id, Record | None] = field(default_factory=dict)
    trashed: set[str] = field(default_factory=set)
    more: Counter[str] = field(default_factory=Counter)

    def take_back(self, deed: Deed) -> None:
        """An item or a link: one that was made goes to the trash, one that was changed gets its old values."""
        data = self.seen.items.get(deed.key)
        id: Id = (deed.what, deed.id)
        if id in self.skip:
            return
        if deed.how == "made":
            if data is None or is_gone(data):
                known = self.base.records.get(id)
                if _removed(deed) is None and (data is None or known is None or known.gone != UNDONE):
                    self.records[id] = None
                return
            if why := self._touched(deed, data):
                self._stays(deed, why)
                return
            self.trashed.add(deed.key)
            # What was written stays known, but for the collections: they go, and it is to be put into new ones.
            known = self.base.records.get(id) or Record(what=deed.what, id=deed.id, key=deed.key)
            kept = _removed(deed) or replace(known, collections=(), gone=UNDONE)
            self._write(deed, data, {"deleted": 1}, kept, "-")
            return
        if data is None:
            self._stays(deed, "it was deleted in Zotero")
            return
        back, left = _old_values(deed, data)
        if left:
            self._stays(deed, f"its {', '.join(sorted(left))} was changed in Zotero since")
        if back:
            self._write(deed, data, back, deed.record if not left else self.base.records.get(id), "~")
        elif not left:
            self.records[id] = deed.record

    def take_back_shelf(self, deed: Deed) -> None:
        """A collection: one that was made goes when it is empty, one that was removed comes back."""
        data = self.seen.collections.get(deed.key)
        id: Id = ("collection", deed.id)
        if id in self.skip:
            return
        if deed.how == "removed":
            if data is None:
                old = {name: deed.before.get(name) for name in ("name", "parentCollection")}
                record = deed.record or Record(what="collection", id=deed.id, key=deed.key, fields=old)
                self.writes.append(
                    Write(what="collection", id=deed.id, key=deed.key, version=0, data=old, record=record)
                )
                self.changes.append(
                    Change(
                        sign="+",
                        what="collection",
                        key=str(old["name"]),
                        zotero_key=deed.key,
                        fields={"name": (None, old["name"])},
                    )
                )
            return
        if data is None or is_gone(data):
            if deed.how == "made":
                self.records[id] = _removed(deed)
            return
        if deed.how == "changed":
            back, left = _old_values(deed, data)
            if left:
                self._stays(deed, f"its {', '.join(sorted(left))} was changed in Zotero since")
            if back:
                whole = {"name": data["name"], "parentCollection": data.get("parentCollection") or False, **back}
                self._write(deed, data, whole, deed.record, "~")
            return
        going = {one.key for one in self.removals}
        members = [one for one in self.seen.members.get(deed.key, ()) if one not in self.trashed]
        inner = [one for one in self.seen.nested.get(deed.key, ()) if one not in going]
        moved = [w for w in self.writes if w.what == "item" and deed.key in (w.data.get("collections") or ())]
        members = [one for one in members if not any(w.key == one and "collections" in w.data for w in self.writes)]
        if (
            members
            or inner
            or moved
            or any(not is_same(name, data.get(name), deed.sent.get(name)) for name in ("name", "parentCollection"))
        ):
            why = f"{len(members)} items are in it" if members else "it was changed in Zotero since"
            self._stays(deed, why)
            return
        self.removals.append(Removal(id=deed.id, key=deed.key, data=data))
        self.changes.append(
            Change(
                sign="-",
                what="collection",
                key=plain(data.get("name")),
                zotero_key=deed.key,
                fields={"name": (data.get("name"), None)},
            )
        )

    def _touched(self, deed: Deed, data: Data) -> str | None:
        left = _old_values(deed, data)[1]
        if left:
            return f"its {', '.join(sorted(left))} was changed in Zotero since"
        children = [one for one in self.seen.kin.get(deed.key, ()) if one not in self.trashed]
        return f"it has {len(children)} notes or files" if children else None

    def _stays(self, deed: Deed, why: str) -> None:
        self.more["skip"] += 1
        self.changes.append(Change(sign="!", what=deed.what, key=deed.id, zotero_key=deed.key, why=f"stays: {why}"))

    def _write(self, deed: Deed, data: Data, back: Mapping[str, Any], record: Record | None, sign: Any) -> None:
        kept = record or Record(what=deed.what, id=deed.id, key=deed.key, gone=UNDONE)
        before = {name: data.get(name) for name in back}
        self.writes.append(
            Write(
                what=deed.what,
                id=deed.id,
                key=deed.key,
                version=int(data["version"]),
                data=back,
                record=kept,
                before=before,
            )
        )
        fields = {name: (data.get(name), value) for name, value in back.items()}
        self.changes.append(Change(sign=sign, what=deed.what, key=deed.id, zotero_key=deed.key, fields=fields))


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
        back = {**{name: value for name, value in deed.before.items() if name not in deed.sent}, **back}
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
