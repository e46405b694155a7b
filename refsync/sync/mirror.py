"""Knows a library as it was last seen, in a file: a cache, made again when it is lost or damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from refsync import documents
from refsync.sync.seen import Data, Seen

_KINDS = ("collections", "items")


class Mirror:
    """The objects of one library in SQLite. A mirror that cannot be read is empty, one that cannot be written is not kept."""

    def __init__(self, path: Path, owner: str) -> None:
        self._path, self._owner = path, owner
        self._last: Seen | None = None

    def load(self) -> Seen | None:
        """What was last seen, None when nothing is known."""
        if not self._path.exists():
            return None
        try:
            base = sqlite3.connect(self._path)
            try:
                rows = base.execute("select owner, version from head").fetchall()
                if len(rows) != 1 or rows[0][0] != self._owner:
                    return None
                found: dict[str, dict[str, Data]] = {kind: {} for kind in _KINDS}
                for kind, key, data in base.execute("select kind, key, data from objects"):
                    found[kind][key] = documents.unpacked(data, dict)
                    int(found[kind][key]["version"])
            finally:
                base.close()
            seen = Seen(version=int(rows[0][1]), **found)
        except (sqlite3.Error, documents.Damaged, KeyError, TypeError, ValueError):
            return None
        self._last = seen
        return self._last

    def save(self, seen: Seen) -> None:
        """Keeps what is seen now: only what has changed is written."""
        last = self._last
        if last is seen or (last and last.version == seen.version):
            return
        self._last = seen
        with suppress(sqlite3.Error, OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._write(seen, last)
            except sqlite3.DatabaseError:
                self._path.unlink(missing_ok=True)
                self._write(seen, None)

    def _write(self, seen: Seen, last: Seen | None) -> None:
        base = sqlite3.connect(self._path)
        try:
            with base:
                base.execute("create table if not exists head (owner text, version integer)")
                base.execute(
                    "create table if not exists objects (kind text, key text, data blob, primary key (kind, key))"
                )
                if last is None:
                    base.execute("delete from objects")
                for kind in _KINDS:
                    now: Mapping[str, Data] = getattr(seen, kind)
                    before: Mapping[str, Data] = getattr(last, kind) if last else {}
                    gone = [(kind, key) for key in before if key not in now]
                    base.executemany("delete from objects where kind = ? and key = ?", gone)
                    base.executemany("insert or replace into objects values (?, ?, ?)", _rows(kind, now, before))
                base.execute("delete from head")
                base.execute("insert into head values (?, ?)", (self._owner, seen.version))
        finally:
            base.close()


def _rows(kind: str, now: Mapping[str, Data], before: Mapping[str, Data]) -> Iterable[tuple[str, str, bytes]]:
    return ((kind, key, documents.packed(data)) for key, data in now.items() if before.get(key) is not data)
