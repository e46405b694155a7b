"""Knows the libraries of a sandbox: users, groups and keys, and items and collections with their versions, in SQLite.

Each object is written in a transaction of its own, which takes the next version of its library; so a process may end at
any moment, and several threads and processes may share one file.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from refsync.model import Failure, Problem
from refsync.sync.rules import Data, zoned

_MARK, _FORMAT = 0x72665362, 1  # application_id "rfSb", and the version of the tables below
_WAIT = 30.0  # seconds that a write waits for another process
_REMEMBERED = timedelta(hours=12)  # write tokens
_LETTERS = "23456789ABCDEFGHIJKLMNPQRSTUVWXYZ"
_SCHEMA = """
create table users(id integer primary key, name text not null, display text not null);
create table groups(id integer primary key, name text not null, owner integer not null, public integer not null, made text not null);
create table people(groupid integer, userid integer, primary key(groupid, userid)) without rowid;
create table keys(number integer primary key, key text unique not null, userid integer not null, access text not null);
create table sessions(token text primary key, made text not null, key text) without rowid;
create table tokens(key text, token text, made text, primary key(key, token)) without rowid;
create table libraries(name text primary key, version integer not null) without rowid;
create table objects(
  library text, kind text, key text, version integer, type text, parent text, trashed integer, added text,
  modified text, data text, primary key(library, kind, key));
create index children on objects(library, kind, parent);
create table members(library text, collection text, item text, primary key(library, collection, item)) without rowid;
create index collections on members(library, item);
create table related(library text, target text, item text, primary key(library, target, item)) without rowid;
create table deleted(library text, kind text, key text, version integer, primary key(library, kind, key)) without rowid;
"""


class NoShelf(Failure):
    """The file is damaged, or is not one that the sandbox wrote. It is left as it was."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(Problem(where=str(path), what=what, hint="Name another file, or move it away."))


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """What a key allows. `groups` is "all" or the number of a group -> whether it may be written."""

    key: str
    user: int
    library: bool = True
    files: bool = True
    notes: bool = True
    write: bool = True
    groups: Mapping[str, bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """An item or a collection. `related` are the items whose dc:relation points here; times as the API writes them."""

    kind: str
    key: str
    version: int
    parent: str
    trashed: bool
    added: str
    modified: str
    data: Data
    children: int = 0
    related: tuple[str, ...] = ()


class Shelf:
    """The libraries of one file, or of memory: `with Shelf.opened(path) as shelf`. `now` gives the time of writes."""

    def __init__(self, base: sqlite3.Connection, now: Callable[[], datetime]) -> None:
        self.now = now
        self._base = base
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._base.close()

    @classmethod
    def opened(cls, path: Path | None, now: Callable[[], datetime]) -> Self:
        """The libraries in the file at `path`, made when there is none: a user with one key. Raises NoShelf."""
        if path is None:
            shelf = cls(_connected(":memory:"), now)
            shelf._made()
            return shelf
        try:
            _check_head(path)
            shelf = cls(_connected(str(path)), now)
            shelf._made()
            if shelf._base.execute("pragma quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError
            shelf._base.execute(
                "pragma journal_mode = wal"
            )  # each object is one commit: without it a disk waits for each
            shelf._base.execute("pragma synchronous = normal")
        except OSError as error:
            raise NoShelf(path, f"cannot be opened: {error.strerror or error}.") from None
        except sqlite3.OperationalError as error:
            raise NoShelf(path, f"cannot be opened: {error}.") from None
        except sqlite3.DatabaseError:
            raise NoShelf(path, "is damaged.") from None
        return shelf

    def _made(self) -> None:
        with self._transaction("immediate"):
            if self._one("pragma application_id")[0] == _MARK:
                return
            for statement in _SCHEMA.split(";"):
                self._base.execute(statement)
            self._base.execute(f"pragma application_id = {_MARK}")
            self._base.execute(f"pragma user_version = {_FORMAT}")
            self.add_key(self.add_user("sandbox", "Sandbox"))

    @contextmanager
    def _transaction(self, how: str) -> Iterator[None]:
        with self._lock:
            if self._base.in_transaction:
                yield
                return
            self._base.execute(f"begin {how}")
            try:
                yield
            except BaseException:
                self._base.rollback()
                raise
            self._base.commit()

    def _one(self, query: str, *values: Any) -> Any:
        return self._base.execute(query, values).fetchone()

    # --------------------------------------------------------------------------------------------------------------
    # Who

    def add_user(self, name: str, display: str, user: int | None = None) -> int:
        """The number of a new user with an empty library; of a user that is there already, renamed, when `user` is one."""
        with self._transaction("immediate"):
            made = self._base.execute("insert or replace into users values(?, ?, ?)", (user, name, display))
            self._base.execute("insert or ignore into libraries values(?, 1)", (f"users/{made.lastrowid}",))
            return int(made.lastrowid or 0)

    def add_group(
        self, name: str, owner: int, *, people: Iterable[int] = (), public: bool = False, group: int | None = None
    ) -> int:
        """The number of a new group. `people` may read and write it beside its owner; all may read a public one."""
        with self._transaction("immediate"):
            row = (group, name, owner, public, zoned(self.now()))
            made = self._base.execute("insert into groups values(?, ?, ?, ?, ?)", row).lastrowid or 0
            self._base.executemany(
                "insert or ignore into people values(?, ?)", [(made, one) for one in (owner, *people)]
            )
            self._base.execute("insert or ignore into libraries values(?, 1)", (f"groups/{made}",))
            return made

    def add_key(self, user: int, key: str | None = None, **access: Any) -> str:
        """A key of 24 characters for a user; `access` as in Access, all of it when nothing is said."""
        text = key or "".join(
            secrets.choice("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(24)
        )
        with self._transaction("immediate"):
            row = (text, user, json.dumps({"groups": {"all": True}, **access}))
            self._base.execute("insert into keys(key, userid, access) values(?, ?, ?)", row)
        return text

    def access(self, key: str) -> Access | None:
        """What a key allows; None for one that is not known."""
        with self._transaction("deferred"):
            row = self._one("select userid, access from keys where key = ?", key)
        return Access(key=key, user=row[0], **json.loads(row[1])) if row else None

    def first_key(self) -> Access:
        """The key that came with the file."""
        with self._transaction("deferred"):
            key: str = self._one("select key from keys order by number limit 1")[0]
        access = self.access(key)
        assert access is not None
        return access

    def drop_key(self, key: str) -> None:
        """Forgets a key."""
        with self._transaction("immediate"):
            self._base.execute("delete from keys where key = ?", (key,))

    def user(self, number: int) -> tuple[str, str] | None:
        """(name, display name) of a user."""
        with self._transaction("deferred"):
            row: tuple[str, str] | None = self._one("select name, display from users where id = ?", number)
        return row

    def groups(self, user: int | None = None) -> list[dict[str, Any]]:
        """Groups by number, of one user or all: id, name, owner, public, made, people, version and number of items."""
        query = """select id, groups.name, owner, public, made, version,
            (select group_concat(userid) from people where groupid = id) as people,
            (select count(*) from objects where library = 'groups/' || id and kind = 'items') as items
            from groups join libraries on libraries.name = 'groups/' || id order by id"""
        with self._transaction("deferred"):
            rows = self._base.execute(query).fetchall()
        names = ("id", "name", "owner", "public", "made", "version", "people", "items")
        found = [dict(zip(names, row, strict=True)) for row in rows]
        for one in found:
            one["people"] = {int(person) for person in one["people"].split(",")}
        return [one for one in found if user is None or user in one["people"]]

    def token_used(self, key: str, token: str) -> bool:
        """Whether a write token was used with a key in the last twelve hours."""
        since = zoned(self.now() - _REMEMBERED)
        with self._transaction("deferred"):
            query = "select 1 from tokens where key = ? and token = ? and made > ?"
            return self._one(query, key, token, since) is not None

    def use_token(self, key: str, token: str) -> None:
        """Remembers a write token."""
        with self._transaction("immediate"):
            self._base.execute("delete from tokens where made <= ?", (zoned(self.now() - _REMEMBERED),))
            self._base.execute("insert or replace into tokens values(?, ?, ?)", (key, token, zoned(self.now())))

    def add_session(self) -> str:
        """The token of a new login that waits for a person."""
        token = secrets.token_urlsafe(24)
        with self._transaction("immediate"):
            self._base.execute("insert into sessions values(?, ?, null)", (token, zoned(self.now())))
        return token

    def session(self, token: str) -> tuple[str, str | None] | None:
        """(when it began, the key that it gave) of a login; None for one that is not known."""
        with self._transaction("deferred"):
            row: tuple[str, str | None] | None = self._one("select made, key from sessions where token = ?", token)
        return row

    def grant(self, token: str, user: int) -> bool:
        """Gives the login that waits under `token` a key of `user`; False when none waits."""
        with self._transaction("immediate"):
            row = self._one("select key from sessions where token = ?", token)
            if row is None or row[0]:
                return False
            self._base.execute("update sessions set key = ? where token = ?", (self.add_key(user), token))
        return True

    def drop_session(self, token: str) -> None:
        """Forgets a login."""
        with self._transaction("immediate"):
            self._base.execute("delete from sessions where token = ?", (token,))

    # --------------------------------------------------------------------------------------------------------------
    # What

    @contextmanager
    def reading(self) -> Iterator[None]:
        """All that is read inside is of one moment."""
        with self._transaction("deferred"):
            yield

    @contextmanager
    def writing(self, library: str) -> Iterator[int]:
        """The next version of a library: what is written inside is there whole or not at all."""
        with self._transaction("immediate"):
            self._base.execute("update libraries set version = version + 1 where name = ?", (library,))
            yield self.version(library)

    def version(self, library: str) -> int:
        """The version of a library."""
        with self._transaction("deferred"):
            return int(self._one("select version from libraries where name = ?", library)[0])

    def listed(self, library: str, kind: str, where: str = "", values: Iterable[Any] = ()) -> list[Stored]:
        """Objects of a library in the order of their versions, without the counts that only `found` gives. `where` is a
        condition in SQL on the table of objects."""
        condition = f"and ({where})" if where else ""
        query = f"select {_COLUMNS} from objects where library = ? and kind = ? {condition} order by version, rowid"
        with self._transaction("deferred"):
            rows = self._base.execute(query, (library, kind, *values)).fetchall()
        return [_stored(kind, row) for row in rows]

    def found(self, library: str, kind: str, key: str) -> Stored | None:
        """One object with all that is known of it."""
        with self._transaction("deferred"):
            query = f"select {_COLUMNS}, {_COUNTS[kind]} from objects o where library = ? and kind = ? and key = ?"
            row = self._one(query, library, kind, key)
            if row is None:
                return None
            related = self._base.execute(
                "select item from related where library = ? and target = ? order by item", (library, key)
            )
            stored = _stored(kind, row, row[-1], tuple(one[0] for one in related) if kind == "items" else ())
            if kind == "items" and not stored.parent:
                query = "select collection from members where library = ? and item = ? order by collection"
                if collections := [one[0] for one in self._base.execute(query, (library, key))]:
                    stored.data["collections"] = collections
            return stored

    def put(self, library: str, kind: str, key: str, version: int, data: Data) -> None:
        """Writes an object, new or not."""
        text = json.dumps({name: value for name, value in data.items() if name != "collections"}, ensure_ascii=False)
        parent = data.get("parentItem") or data.get("parentCollection") or ""
        times = (data.get("dateAdded", ""), data.get("dateModified", ""))
        kept = (version, data.get("itemType", ""), parent, bool(data.get("deleted")), *times, text)
        self._base.execute(
            """insert into objects(library, kind, key, version, type, parent, trashed, added, modified, data)
            values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set version = excluded.version,
            type = excluded.type, parent = excluded.parent, trashed = excluded.trashed, added = excluded.added,
            modified = excluded.modified, data = excluded.data""",
            (library, kind, key, *kept),
        )
        self._base.execute("delete from deleted where library = ? and kind = ? and key = ?", (library, kind, key))
        if kind == "items":
            self._place(library, key, data)

    def _place(self, library: str, key: str, data: Data) -> None:
        self._base.execute("delete from members where library = ? and item = ?", (library, key))
        self._base.executemany(
            "insert into members values(?, ?, ?)", [(library, one, key) for one in data.get("collections", ())]
        )
        here = f"http://zotero.org/{library}/items/"
        targets = data.get("relations", {}).get("dc:relation", ())
        self._base.execute("delete from related where library = ? and item = ?", (library, key))
        self._base.executemany(
            "insert into related values(?, ?, ?)",
            [(library, one.removeprefix(here), key) for one in targets if one.startswith(here)],
        )
        for tag in data.get("tags", ()):
            query = "delete from deleted where library = ? and kind = 'tags' and key = ?"
            self._base.execute(query, (library, tag["tag"]))

    def join(self, library: str, collection: str, item: str, version: int) -> None:
        """Puts an item into a collection."""
        with self._transaction("immediate"):
            self._base.execute("insert or ignore into members values(?, ?, ?)", (library, collection, item))
            query = "update objects set version = ? where library = ? and kind = 'items' and key = ?"
            self._base.execute(query, (version, library, item))

    def drop(self, library: str, kind: str, key: str, version: int, *, listed: bool = True) -> None:
        """Deletes an object for ever with those below it: items say so each, collections only the one that is named."""
        for below in self.listed(library, kind, "parent = ?", (key,)):
            self.drop(library, kind, below.key, version, listed=kind == "items")
        gone = self._base.execute(
            "delete from objects where library = ? and kind = ? and key = ?", (library, kind, key)
        )
        side = "collection" if kind == "collections" else "item"
        self._base.execute(f"delete from members where library = ? and {side} = ?", (library, key))
        if kind == "items":
            self._base.execute("delete from related where library = ? and item = ?", (library, key))
        if gone.rowcount and listed:
            self.note_deleted(library, kind, key, version)

    def note_deleted(self, library: str, kind: str, key: str, version: int) -> None:
        """Adds to what `deleted` tells."""
        self._base.execute("insert or replace into deleted values(?, ?, ?, ?)", (library, kind, key, version))

    def deleted(self, library: str, kind: str, since: int) -> list[str]:
        """The keys of what was deleted after a version."""
        query = "select key from deleted where library = ? and kind = ? and version > ? order by key"
        with self._transaction("deferred"):
            return [row[0] for row in self._base.execute(query, (library, kind, since))]

    def members(self, library: str, collection: str) -> set[str]:
        """The items of a collection."""
        query = "select item from members where library = ? and collection = ?"
        with self._transaction("deferred"):
            return {row[0] for row in self._base.execute(query, (library, collection))}


_COLUMNS = "key, version, parent, trashed, added, modified, data"
_COUNTS = {
    "items": "(select count(*) from objects c where c.library = o.library and c.kind = 'items' and c.parent = o.key)",
    "collections": "(select count(*) from objects c where c.library = o.library and c.kind = o.kind and c.parent = o.key)",
}


def _stored(kind: str, row: Any, children: int = 0, related: tuple[str, ...] = ()) -> Stored:
    key, version, parent, trashed, added, modified, text = row[:7]
    return Stored(
        kind=kind,
        key=key,
        version=version,
        parent=parent,
        trashed=bool(trashed),
        added=added,
        modified=modified,
        data=json.loads(text),
        children=children,
        related=related,
    )


def _connected(name: str) -> sqlite3.Connection:
    return sqlite3.connect(name, timeout=_WAIT, isolation_level=None, check_same_thread=False)


def _check_head(path: Path) -> None:
    """Raises NoShelf when the file holds something else, before SQLite may write to it."""
    if not path.exists():
        return
    with path.open("rb") as file:
        head = file.read(100)
    if not head:
        return
    if not head.startswith(b"SQLite format 3\0") or head[68:72] != _MARK.to_bytes(4, "big"):
        raise NoShelf(path, "is no library of the sandbox.")
    if int.from_bytes(head[60:64], "big") > _FORMAT:
        raise NoShelf(path, "was written by a newer refsync.")


def new_key() -> str:
    """A key for an object, as the server makes them."""
    return "".join(secrets.choice(_LETTERS) for _ in range(8))
