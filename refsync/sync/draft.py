"""Knows what has been decided so far for a library to agree with a catalog: the state that the steps of a plan share."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from refsync.sync.base import UNDONE, Base, Id, Record, What
from refsync.sync.changes import Change, Plan, Removal, Sign, Write, planned
from refsync.sync.desired import Desired
from refsync.sync.items import Differences
from refsync.sync.seen import Data, Seen, plain

TRASHED = "it is in the trash; `refsync sync --restore` takes it out"
DELETED = "it was deleted in Zotero; `refsync sync --restore` makes it again"


@dataclass
class Draft:
    """A plan in the making: what it is made from, and what has been decided of collections, items and links.

    `base` is what was last written, an interrupted run settled; `written` what the base itself says. `skip` are objects that
    the library has refused in this run.
    """

    desired: Desired
    seen: Seen
    base: Base
    written: Mapping[Id, Record]
    restore: bool
    skip: frozenset[Id]
    living: dict[str, str] = field(default_factory=dict)  # the collections that are there or will be, by id
    wanted: dict[str, str] = field(default_factory=dict)  # the keys of all collections of the list, removed ones too
    names: dict[str, str] = field(default_factory=dict)  # what they are called, by key
    parents: dict[str, str] = field(default_factory=dict)  # what they stand in from now on, by key
    memberships: dict[str, frozenset[str]] = field(default_factory=dict)  # collections of items that change, by key
    placed: set[str] = field(default_factory=set)  # the keys of the items that stand for entries of the list
    listed: set[str] = field(default_factory=set)  # the ids under which something is known of these
    changes: list[Change] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)
    records: dict[Id, Record | None] = field(default_factory=dict)
    more: Counter[str] = field(default_factory=Counter)

    @cached_property
    def put(self) -> Mapping[str, frozenset[str]]:
        """The collections that refsync has put an item into, for whichever entries it stands: by its key."""
        out: dict[str, frozenset[str]] = defaultdict(frozenset)
        for (what, _), record in self.base.records.items():
            if what == "item":
                out[record.key] |= frozenset(record.collections)
        return out

    @cached_property
    def links(self) -> Mapping[str, list[str]]:
        """The ids of the links that were written of an entry, by its key."""
        out: dict[str, list[str]] = defaultdict(list)
        for what, id in self.base.records:
            if what == "attachment":
                out[id.partition(" ")[0]].append(id)
        return out

    @cached_property
    def own_links(self) -> Mapping[str, str]:
        """The id of each link that refsync has made, by its key."""
        return {one.key: id for (what, id), one in self.base.records.items() if what == "attachment"}

    def ours(self) -> frozenset[str]:
        """The keys of the collections that refsync manages."""
        known = frozenset(one.key for (what, _), one in self.base.records.items() if what == "collection")
        return known | frozenset(self.living.values())

    def write(self, write: Write, sign: Sign, label: str, fields: Mapping[str, tuple[Any, Any]]) -> None:
        """Has an object sent, and shown."""
        if (write.what, write.id) in self.skip:
            self.more["skip"] += 1
            return
        self.writes.append(write)
        self.changes.append(Change(sign=sign, what=write.what, key=label, zotero_key=write.key, fields=fields))

    def tell(self, what: What, label: str, key: str, why: str) -> None:
        """Has a person shown why something stays as it is."""
        self.changes.append(Change(sign="!", what=what, key=label, zotero_key=key, why=why))

    def tell_conflict(self, what: What, label: str, key: str, told: Differences, line: str = "") -> None:
        """Differences that are a person's: shown once, then only counted."""
        self.more["conflict"] += len(told.told)
        if told.new:
            why = "changed in Zotero: kept" if told.has_base else "differs, and nothing is known of who wrote it: kept"
            self.changes.append(
                Change(sign="!", what=what, key=label, zotero_key=key, fields=told.new, why=why, line=line)
            )

    def is_removed(self, record: Record | None, data: Data | None) -> bool:
        """Whether a person has removed something that is not there, and it is not to come back: it was not asked back, and
        it was no `undo` that put it into the trash."""
        is_undone = record is not None and record.gone == UNDONE and data is not None
        return (record is not None or data is not None) and not (self.restore or is_undone)

    def leave_removed(self, id: Id, record: Record | None, label: str, key: str, data: Data | None) -> None:
        """Something that a person has removed: told once, and left as it is."""
        record = record or Record(what=id[0], id=id[1], key=key)
        if record.gone is None:
            self.tell(id[0], label, key, DELETED if data is None else TRASHED)
        self.more["skip"] += 1
        self.records[id] = replace(record, gone="deleted" if data is None else "trashed")

    def leave_unlisted(self, record: Record, label: str, why: str) -> None:
        """Something whose entry or topic has left the list, and that stays: told once."""
        self.more["skip"] += 1
        if "retired" not in record.told:
            self.tell(record.what, label, record.key, f"it is no longer in the list, and stays: {why}")
            self.records[record.what, record.id] = replace(record, told={**record.told, "retired": [why, None]})

    def readable(self, fields: Mapping[str, tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
        """Changed fields with collections by their names."""
        out = dict(fields)
        if "collections" in out:
            old, new = ([self._name(one) for one in side] for side in out["collections"])
            out["collections"] = (old, new)
        return out

    def _name(self, key: str) -> str:
        data = self.seen.collections.get(key)
        return self.names.get(key) or (plain(data.get("name")) if data else key)

    def finished(self) -> Plan:
        """The plan. What an interrupted run has written after all is known from now on."""
        gone: dict[Id, Record | None] = dict.fromkeys(self.written.keys() - self.base.records.keys())
        records: dict[Id, Record | None] = {**gone, **self.base.records, **self.records}
        known = {id: one for id, one in records.items() if (last := self.written.get(id)) is not one and last != one}
        return planned(self.changes, self.writes, self.removals, known, self.more)
