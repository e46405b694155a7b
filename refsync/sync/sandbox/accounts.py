"""Knows who may do what in a sandbox: users, groups, keys and what these allow, logins, and write tokens."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from refsync.sync.sandbox.database import Database, api_key
from refsync.sync.sandbox.properties import zoned

_REMEMBERED = timedelta(hours=12)  # write tokens


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

    def to_group(self, group: Group) -> bool | None:
        """Whether the key may write to a group; None when it may not even read what only its people may."""
        return self.groups.get(str(group.number), self.groups.get("all")) if self.user in group.people else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A group, the version of its library and how many items are there. All may read a public one."""

    number: int
    name: str
    owner: int
    public: bool
    made: str
    people: frozenset[int]
    version: int
    items: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Accounts:
    """The people and keys of a database. `now` gives the time of what is made."""

    database: Database
    now: Callable[[], datetime]

    def add_user(self, name: str, display: str, user: int | None = None) -> int:
        """The number of a new user with an empty library; of one that is there already, renamed, when `user` is one."""
        with self.database.transaction("immediate"):
            number = (
                self.database.run("insert or replace into users values(?, ?, ?)", user, name, display).lastrowid or 0
            )
            self.database.run("insert or ignore into libraries values(?, 1)", f"users/{number}")
        return number

    def add_group(
        self, name: str, owner: int, *, people: Iterable[int] = (), public: bool = False, group: int | None = None
    ) -> int:
        """The number of a new group. `people` may read and write it beside its owner; all may read a public one."""
        with self.database.transaction("immediate"):
            row = (group, name, owner, public, zoned(self.now()))
            number = self.database.run("insert into groups values(?, ?, ?, ?, ?)", *row).lastrowid or 0
            self.database.run_each("insert into people values(?, ?)", [(number, one) for one in {owner, *people}])
            self.database.run("insert or ignore into libraries values(?, 1)", f"groups/{number}")
        return number

    def add_key(self, user: int, key: str | None = None, **access: Any) -> str:
        """A key for a user, made when none is given; `access` as in Access, all of it when nothing is said."""
        text = key or api_key()
        query = "insert into keys(key, userid, access) values(?, ?, ?)"
        self.database.run(query, text, user, json.dumps({"groups": {"all": True}, **access}))
        return text

    def drop_key(self, key: str) -> None:
        """Forgets a key."""
        self.database.run("delete from keys where key = ?", key)

    def access(self, key: str) -> Access | None:
        """What a key allows; None for one that is not known."""
        row = self.database.one("select userid, access from keys where key = ?", key)
        return Access(key=key, user=row[0], **json.loads(row[1])) if row else None

    def first(self) -> tuple[int, str]:
        """(user, key) that came with the file, or the oldest that is left."""
        row: tuple[int, str] | None = self.database.one("select userid, key from keys order by number limit 1")
        return row or (1, self.add_key(1))

    def user(self, number: int) -> tuple[str, str] | None:
        """(name, display name) of a user."""
        row: tuple[str, str] | None = self.database.one("select name, display from users where id = ?", number)
        return row

    def group(self, number: int | None) -> Group | None:
        """The group of that number."""
        return next((one for one in self.groups() if one.number == number), None)

    def groups(self) -> list[Group]:
        """All groups, by number."""
        query = """select id, groups.name, owner, public, made, version,
            (select group_concat(userid) from people where groupid = id),
            (select count(*) from objects where library = 'groups/' || id and kind = 'items')
            from groups join libraries on libraries.name = 'groups/' || id order by id"""
        return [
            Group(
                number=row[0],
                name=row[1],
                owner=row[2],
                public=bool(row[3]),
                made=row[4],
                version=row[5],
                people=frozenset(map(int, row[6].split(","))),
                items=row[7],
            )
            for row in self.database.all(query)
        ]

    # --------------------------------------------------------------------------------------------------------------
    # Write tokens and logins

    def token_used(self, key: str, token: str) -> bool:
        """Whether a write token was used with a key in the last twelve hours."""
        query = "select 1 from tokens where key = ? and token = ? and made > ?"
        return self.database.one(query, key, token, zoned(self.now() - _REMEMBERED)) is not None

    def use_token(self, key: str, token: str) -> None:
        """Remembers a write token."""
        with self.database.transaction("immediate"):
            self.database.run("delete from tokens where made <= ?", zoned(self.now() - _REMEMBERED))
            self.database.run("insert or replace into tokens values(?, ?, ?)", key, token, zoned(self.now()))

    def add_session(self) -> str:
        """The token of a new login that waits for a person."""
        token = secrets.token_urlsafe(24)
        self.database.run("insert into sessions values(?, ?, null)", token, zoned(self.now()))
        return token

    def session(self, token: str) -> tuple[datetime, str | None] | None:
        """(when it began, the key that it gave) of a login; None for one that is not known."""
        row = self.database.one("select made, key from sessions where token = ?", token)
        return (datetime.fromisoformat(row[0]), row[1]) if row else None

    def grant(self, token: str, user: int) -> bool:
        """Gives the login that waits under `token` a key of `user`; False when none waits."""
        with self.database.transaction("immediate"):
            row = self.session(token)
            if row is None or row[1]:
                return False
            self.database.run("update sessions set key = ? where token = ?", self.add_key(user), token)
        return True

    def drop_session(self, token: str) -> None:
        """Forgets a login."""
        self.database.run("delete from sessions where token = ?", token)
