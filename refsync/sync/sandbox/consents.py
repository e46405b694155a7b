"""Knows who may write to the desktop that a sandbox plays: who it is, what a person allowed, and the keys for that."""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from refsync.sync.sandbox.database import Database
from refsync.sync.sandbox.library import new_key
from refsync.sync.sandbox.properties import Refused

Consent = Callable[[str], Literal["once", "always", "deny"]]  # what a person answers a program of that name
_PROMPTS, _WITHIN = 5, timedelta(minutes=1)
_LETTERS = string.ascii_letters + string.digits
# Beside the tables of the Web API in the same file; those who never play the desktop do without.
_SCHEMA = """
create table if not exists desktop(name text primary key, value text not null) without rowid;
create table if not exists remembered(key text primary key, app text not null) without rowid;
"""


class Consents:
    """What a person said. Keys for one request last as long as this object, as the desktop keeps them in memory."""

    def __init__(self, database: Database, now: Callable[[], datetime], ask: Consent) -> None:
        self._database, self._now, self._ask = database, now, ask
        self._lock = threading.Lock()
        self._once: set[str] = set()
        self._asked: list[datetime] = []
        with database.transaction("immediate"):
            for statement in _SCHEMA.split(";"):
                database.run(statement)
            for name, value in (("server", _letters(12)), ("user", new_key())):
                database.run("insert or ignore into desktop values(?, ?)", name, value)
            database.run("insert or ignore into libraries values('users/0', 0)")

    def known_as(self, name: Literal["server", "user"]) -> str:
        """The Zotero-Server-ID, or what stands for a user who has no account."""
        return str(self._database.one("select value from desktop where name = ?", name)[0])

    def asked(self, app: str) -> tuple[str, bool] | None:
        """(a key, whether it is remembered) once a person has answered; None when that was no. Raises Refused when too
        many were asked for."""
        with self._lock:
            now = self._now()
            self._asked = [one for one in self._asked if now - one < _WITHIN]
            if len(self._asked) >= _PROMPTS:
                raise Refused(429, "Too many authorization requests")
            self._asked.append(now)
        said = self._ask(app)
        if said == "deny":
            return None
        key = _letters(32)
        if said == "always":
            self.remember(key, app)
        else:
            self.lend(key)
        return key, said == "always"

    def remember(self, key: str, app: str) -> None:
        """Lets a key write for good."""
        self._database.run("insert or replace into remembered values(?, ?)", key, app)

    def lend(self, key: str) -> None:
        """Lets a key write once."""
        with self._lock:
            self._once.add(key)

    def admits(self, key: str) -> bool:
        """Whether a key may write now; one for a single request is used up."""
        with self._lock:
            if key in self._once:
                self._once.remove(key)
                return True
        return self._database.one("select 1 from remembered where key = ?", key) is not None


def _letters(count: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(count))
