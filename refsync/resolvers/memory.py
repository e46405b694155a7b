"""Knows what each source has said of each identifier, so that a batch asks only for those that are new.

A cache of answers knows a batch only whole; the next run asks for other works, and so in other batches.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

from refsync import __version__, caches, documents
from refsync.model import Entry
from refsync.resolvers import Id

_KNOWN, _MISSING = timedelta(days=30), timedelta(days=7)  # that a work, and that "no such work", is believed


class Memory:
    """What sources have said, in a file of the cache; where none can be kept it remembers for this run only.

    `problems` tell what was wrong with the file.
    """

    def __init__(self, folder: Path, today: str) -> None:
        self._today = date.fromisoformat(today)
        place, self.problems = caches.usable(folder / "works.sqlite", _is_ours)
        try:
            self._base = _opened(place or Path(":memory:"))
        except sqlite3.Error as error:  # a disk that is all but full
            self.problems = (*self.problems, caches.without(folder / "works.sqlite", error))
            self._base = _opened(Path(":memory:"))

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def recalled(self, source: str, ids: Iterable[Id]) -> dict[Id, Entry | None]:
        """What a source has said of identifiers: the work, or None where it knows none. What was never asked is not in it."""
        out: dict[Id, Entry | None] = {}
        for one in ids:
            # What cannot be read was not remembered: the source is asked again.
            with suppress(sqlite3.Error, documents.Damaged, ValueError, TypeError):
                row = self._base.execute(
                    "select day, data from works where source = ? and scheme = ? and value = ? and version = ?",
                    (source, *one, __version__),
                ).fetchone()
                if row is None:
                    continue
                age = self._today - date.fromisoformat(row[0])
                if age <= (_KNOWN if row[1] is not None else _MISSING):
                    out[one] = documents.unpacked(row[1], Entry) if row[1] is not None else None
        return out

    def keep(self, source: str, said: Mapping[Id, Entry | None]) -> None:
        """Remembers what a source has said."""
        rows = [
            (source, *one, __version__, self._today.isoformat(), documents.packed(entry) if entry else None)
            for one, entry in said.items()
        ]
        with suppress(sqlite3.Error), self._base:
            self._base.executemany("insert or replace into works values (?, ?, ?, ?, ?, ?)", rows)

    def tried(self, works: Iterable[str]) -> dict[str, tuple[int, bool]]:
        """Of works that were asked for: (how often, whether a source has not answered yet)."""
        known = dict.fromkeys(works)
        with suppress(sqlite3.Error):
            rows = self._base.execute("select name, times, owed from tried").fetchall()
            return {name: (int(times), bool(owed)) for name, times, owed in rows if name in known}
        return {}

    def note(self, owed: Mapping[str, bool]) -> None:
        """Remembers that works were asked for, and for which of them a source has not answered."""
        what = "insert into tried values (?, 1, ?) on conflict (name) do update set times = times + 1, owed = excluded.owed"
        with suppress(sqlite3.Error), self._base:
            self._base.executemany(what, [(name, int(is_owed)) for name, is_owed in owed.items()])


_COLUMNS = ("source", "scheme", "value", "version", "day", "data")
_SCHEMA = (
    "create table if not exists works (source text, scheme text, value text, version text, day text, data blob, "
    "primary key (source, scheme, value))"
)
_TRIED = "create table if not exists tried (name text primary key, times integer, owed integer)"


def _opened(place: Path) -> sqlite3.Connection:
    base = sqlite3.connect(place)
    base.execute(_SCHEMA)
    base.execute(_TRIED)
    return base


def _is_ours(base: sqlite3.Connection) -> bool:
    is_tried = caches.fits(base, "tried", ("name", "times", "owed"), key=("name",))
    return is_tried and caches.fits(base, "works", _COLUMNS, key=("source", "scheme", "value"))
