"""Knows one library of a sandbox: its items and collections with their versions, and what was deleted.

Each object is written in a transaction of its own, which takes the next version of the library; so a process may end at
any moment, and several threads and processes may write at once.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from refsync.sync.sandbox.database import Database
from refsync.sync.sandbox.properties import Data

_LETTERS = "23456789ABCDEFGHIJKLMNPQRSTUVWXYZ"
_COLUMNS = "key, version, parent, trashed, data"
_CHILDREN = """(select count(*) from objects below where below.library = above.library and below.kind = above.kind
    and below.parent = above.key)"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """An item or a collection. `related` are the items whose dc:relation points here."""

    kind: str
    key: str
    version: int
    parent: str
    trashed: bool
    data: Data
    children: int = 0
    related: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """The library `name` ("users/1", "groups/2") of a database. Kinds of objects are "items" and "collections"."""

    database: Database
    name: str

    def version(self) -> int:
        """The version of the library."""
        return int(self.database.one("select version from libraries where name = ?", self.name)[0])

    @contextmanager
    def writing(self) -> Iterator[int]:
        """The next version of the library: what is written inside is there whole or not at all."""
        with self.database.transaction("immediate"):
            self.database.run("update libraries set version = version + 1 where name = ?", self.name)
            yield self.version()

    def listed(self, kind: str, where: str = "true", *values: Any, by: str = "version, rowid") -> list[Stored]:
        """Objects by version, without what only `found` tells. `where` is a condition in SQL on the table of objects."""
        query = f"select {_COLUMNS} from objects where library = ? and kind = ? and ({where}) order by {by}"
        return [_stored(kind, row) for row in self.database.all(query, self.name, kind, *values)]

    def found(self, kind: str, key: str) -> Stored | None:
        """One object with all that is known of it."""
        query = f"select {_COLUMNS}, {_CHILDREN} from objects above where library = ? and kind = ? and key = ?"
        with self.database.transaction():
            row = self.database.one(query, self.name, kind, key)
            if row is None:
                return None
            if kind == "collections":
                return _stored(kind, row)
            query = "select item from related where library = ? and target = ? order by item"
            stored = _stored(kind, row, tuple(one[0] for one in self.database.all(query, self.name, key)))
            query = "select collection from members where library = ? and item = ? order by collection"
            if collections := [one[0] for one in self.database.all(query, self.name, key)]:
                stored.data["collections"] = collections
        return stored

    def look(self, kind: str, key: str) -> Data | None:
        """What is stored under a key."""
        found = self.found(kind, key)
        return found.data if found else None

    def members(self, collection: str) -> set[str]:
        """The items of a collection."""
        query = "select item from members where library = ? and collection = ?"
        return {row[0] for row in self.database.all(query, self.name, collection)}

    def deleted(self, kind: str, since: int) -> list[str]:
        """The keys of what was deleted after a version."""
        query = "select key from deleted where library = ? and kind = ? and version > ? order by key"
        return [row[0] for row in self.database.all(query, self.name, kind, since)]

    # --------------------------------------------------------------------------------------------------------------
    # Inside `writing`

    def put(self, kind: str, key: str, version: int, data: Data) -> None:
        """Writes an object, new or not."""
        text = json.dumps({name: value for name, value in data.items() if name != "collections"}, ensure_ascii=False)
        parent = data.get("parentItem") or data.get("parentCollection") or ""
        self.database.run(
            """insert into objects(library, kind, key, version, parent, trashed, data) values(?, ?, ?, ?, ?, ?, ?)
            on conflict do update set version = excluded.version, parent = excluded.parent, trashed = excluded.trashed,
            data = excluded.data""",
            *(self.name, kind, key, version, parent, bool(data.get("deleted")), text),
        )
        self._forget("deleted", "kind = ? and key = ?", kind, key)
        if kind == "items":
            self._place(key, data)

    def _place(self, key: str, data: Data) -> None:
        self._forget("members", "item = ?", key)
        members = [(self.name, one, key) for one in data.get("collections", ())]
        self.database.run_each("insert into members values(?, ?, ?)", members)
        here = f"http://zotero.org/{self.name}/items/"
        targets = [one for one in data.get("relations", {}).get("dc:relation", ()) if one.startswith(here)]
        self._forget("related", "item = ?", key)
        related = [(self.name, one.removeprefix(here), key) for one in targets]
        self.database.run_each("insert into related values(?, ?, ?)", related)
        for tag in data.get("tags", ()):
            self._forget("deleted", "kind = 'tags' and key = ?", tag["tag"])

    def _forget(self, table: str, where: str, *values: Any) -> int:
        return self.database.run(f"delete from {table} where library = ? and {where}", self.name, *values).rowcount

    def join(self, collection: str, item: str, version: int) -> None:
        """Puts an item into a collection."""
        self.database.run("insert or ignore into members values(?, ?, ?)", self.name, collection, item)
        query = "update objects set version = ? where library = ? and kind = 'items' and key = ?"
        self.database.run(query, version, self.name, item)

    def drop(self, kind: str, key: str, version: int, *, told: bool = True) -> None:
        """Deletes an object for ever with those below it: items say so each, collections only the one that is named."""
        for below in self.listed(kind, "parent = ?", key):
            self.drop(kind, below.key, version, told=kind == "items")
        self._forget("members", f"{kind.removesuffix('s')} = ?", key)
        if kind == "items":
            self._forget("related", "item = ?", key)
        if self._forget("objects", "kind = ? and key = ?", kind, key) and told:
            self.note_deleted(kind, key, version)

    def note_deleted(self, kind: str, key: str, version: int) -> None:
        """Adds to what `deleted` tells."""
        self.database.run("insert or replace into deleted values(?, ?, ?, ?)", self.name, kind, key, version)


def _stored(kind: str, row: Any, related: tuple[str, ...] = ()) -> Stored:
    key, version, parent, trashed, text, *children = row
    return Stored(
        kind=kind,
        key=key,
        version=version,
        parent=parent,
        trashed=bool(trashed),
        data=json.loads(text),
        children=children[0] if children else 0,
        related=related,
    )


def new_key() -> str:
    """A key for an object, as the server makes them."""
    return "".join(secrets.choice(_LETTERS) for _ in range(8))
