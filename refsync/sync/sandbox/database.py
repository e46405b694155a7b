"""Knows the file of a sandbox: what tables it has, that it is one, and how threads and processes take turns at it."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from refsync.model import Failure, Problem

_MARK, _FORMAT = 0x72665362, 1  # application_id "rfSb", and the version of the tables below
_WAIT = 30.0  # seconds that a write waits for another process
_LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_SCHEMA = """
create table users(id integer primary key, name text not null, display text not null);
create table groups(id integer primary key, name text, owner integer, public integer, made text);
create table people(groupid integer, userid integer, primary key(groupid, userid)) without rowid;
create table keys(number integer primary key, key text unique not null, userid integer not null, access text not null);
create table sessions(token text primary key, made text not null, key text) without rowid;
create table tokens(key text, token text, made text, primary key(key, token)) without rowid;
create table libraries(name text primary key, version integer not null) without rowid;
create table objects(
  library text, kind text, key text, version integer, parent text, trashed integer, data text,
  primary key(library, kind, key));
create index children on objects(library, kind, parent);
create table members(library text, collection text, item text, primary key(library, collection, item)) without rowid;
create index collections on members(library, item);
create table related(library text, target text, item text, primary key(library, target, item)) without rowid;
create table deleted(library text, kind text, key text, version integer, primary key(library, kind, key)) without rowid;
insert into users values(1, 'sandbox', 'Sandbox');
insert into libraries values('users/1', 1);
"""


class NoShelf(Failure):
    """The file is damaged, or is not one that the sandbox wrote. It is left as it was."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(Problem(where=str(path), what=what, hint="Name another file, or move it away."))


class Database:
    """The tables of one file, or of memory: `with Database.opened(path) as database`."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._base.close()

    @classmethod
    def opened(cls, path: Path | None) -> Self:
        """The file at `path`, made when there is none: with a user and a key. Raises NoShelf."""
        if path is None:
            database = cls(_connected(":memory:"))
            database._make()
            return database
        base = None
        try:
            _check_head(path)
            base = _connected(str(path))
            database = cls(base)
            database._make()
            database._check()
        except (OSError, sqlite3.Error) as error:
            if base is not None:
                base.close()
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
                raise NoShelf(path, "is damaged.") from None
            why = (isinstance(error, OSError) and error.strerror) or error
            raise NoShelf(path, f"cannot be opened: {why}.") from None
        return database

    def _make(self) -> None:
        with self.transaction("immediate"):
            if self.one("pragma application_id")[0] == _MARK:
                return
            for statement in _SCHEMA.split(";"):
                self.run(statement)
            self.run("insert into keys(key, userid, access) values(?, 1, ?)", api_key(), '{"groups": {"all": true}}')
            self.run(f"pragma application_id = {_MARK}")
            self.run(f"pragma user_version = {_FORMAT}")

    def _check(self) -> None:
        if self.one("pragma quick_check(1)")[0] != "ok":
            raise sqlite3.DatabaseError
        # Each object is a commit: without these the disk is waited for at each. A process that ends loses nothing.
        with suppress(sqlite3.OperationalError):  # one who opens it at the same moment does the same, for all
            self.run("pragma journal_mode = wal")
        self.run("pragma synchronous = normal")

    @contextmanager
    def transaction(self, how: str = "deferred") -> Iterator[None]:
        """What is done inside is of one moment, and written whole or not at all. "immediate" is for writes; one inside
        another is part of it."""
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

    def run(self, query: str, *values: Any) -> sqlite3.Cursor:
        """Runs a statement."""
        with self._lock:
            return self._base.execute(query, values)

    def run_each(self, query: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Runs a statement with each row of values."""
        with self._lock:
            self._base.executemany(query, rows)

    def one(self, query: str, *values: Any) -> Any:
        """The first row, None when there is none."""
        with self._lock:
            return self._base.execute(query, values).fetchone()

    def all(self, query: str, *values: Any) -> list[Any]:
        """All rows."""
        with self._lock:
            return self._base.execute(query, values).fetchall()


def api_key() -> str:
    """A key of 24 characters, as the server makes them."""
    return "".join(secrets.choice(_LETTERS) for _ in range(24))


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
