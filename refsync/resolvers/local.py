"""Knows bibliographies that a person has: .bib, CSL-JSON, RIS and catalogs, files or folders of them, behind one index.

The index is a cache in SQLite, made anew when a file changes. It finds works by identifier, by equal title, and by the
rarest words of a title, so that 143 titles are looked up among 300,000 records in a second or two.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

from refsync import __version__, caches, documents, identifiers, matching, titles
from refsync.mapping import Tables
from refsync.model import Entry, Problem
from refsync.resolvers.bibliographies import Bibliography

T = TypeVar("T")
_Index = tuple[sqlite3.Connection, tuple[Problem, ...]]  # open, with what the files had to say

_SCHEMES = (*identifiers.SCHEMES, "isbn")
_BATCH = 2000
_ABANDONED = 86400  # seconds after which nobody writes a draft any more
_COMMON = 3000  # a word that more titles have tells too little
_LOOK, _ALIKE = 40, 60.0  # candidates that are looked at, nearest first, and how alike they are at least


class Library:
    """A bibliography behind its index: `with Library.opened(...) as library`. `count` is the number of its records."""

    def __init__(self, spec: str, index: Callable[[bool], _Index]) -> None:
        """`index` opens the index; when it is told that the one there is damaged, it makes it anew."""
        self.name = spec
        self._index = index
        self._base, self.problems = index(False)
        self.count: int = self._asked(lambda base: base.execute("select count(*) from records").fetchone()[0])

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    @classmethod
    def opened(
        cls, spec: str, folder: Path, cache: Path, tables: Tables, told: Callable[[int], None] = lambda n: None
    ) -> Library:
        """The library that `spec` names, seen from `folder`; its index lies in `cache`. `told` hears how many records were
        read. Raises Failure when there is none."""
        read = Bibliography.named(spec, folder, tables)
        # Tables of a person's own folder may read the same files otherwise.
        state = json.dumps(
            [
                __version__,
                _SCHEMA,
                str(tables.folder),
                *([str(one), one.stat().st_size, one.stat().st_mtime_ns] for one in read.files),
            ]
        )
        place = cache / "sources" / f"{_digest(f'{read.kind}:{read.root.resolve()}')}.sqlite"

        def index(is_damaged: bool) -> _Index:
            aside: tuple[Problem, ...] = ()
            try:
                if not is_damaged and (kept := _kept(place, state)):
                    return kept
            except (sqlite3.Error, documents.Damaged):
                is_damaged = True
            if is_damaged:
                with suppress(OSError):
                    aside = (caches.set_aside(place),)
            base, problems = _written(place, state, read, told)
            return base, (*aside, *problems)

        return cls(spec, index)

    def by_id(self, scheme: str, value: str) -> tuple[Entry, ...]:
        """The records that have an identifier."""
        return self._asked(lambda base: _with_id(base, scheme, value))

    def by_title(self, title: str) -> tuple[Entry, ...]:
        """The records with an equal title, then those with titles nearly alike, nearest first."""
        form = titles.comparison(title)
        return self._asked(lambda base: _with_title(base, form)) if form else ()

    def _asked(self, find: Callable[[sqlite3.Connection], T]) -> T:
        """What is found in the index. Damage shows only where it is read: the index is then made anew, once."""
        try:
            return find(self._base)
        except (sqlite3.Error, documents.Damaged):
            self._base.close()
        self._base, self.problems = self._index(True)
        return find(self._base)


def _with_id(base: sqlite3.Connection, scheme: str, value: str) -> tuple[Entry, ...]:
    rows = base.execute(
        "select data from records join ids on ids.record = records.id where ids.name = ?", (f"{scheme}:{value}",)
    )
    return tuple(documents.unpacked(data, Entry) for (data,) in rows)


def _with_title(base: sqlite3.Connection, form: str) -> tuple[Entry, ...]:
    equal = base.execute("select id, data from records where form_hash = ?", (_hash(form),))
    found = {number: documents.unpacked(data, Entry) for number, data in equal}
    for number in _near(base, form):
        if number not in found:
            row = base.execute("select data from records where id = ?", (number,)).fetchone()
            if row is None:
                raise documents.Damaged
            found[number] = documents.unpacked(row[0], Entry)
    return tuple(found.values())


def _near(base: sqlite3.Connection, form: str) -> list[int]:
    """Records whose titles share a rare word with `form` and are something like it, nearest first.

    Titles that are alike to 80 of 100 share most of their words, and so one of the rarest third and two more.
    """
    counts = {word: _count(base, word) for word in set(form.split())}
    rare = sorted((word for word, count in counts.items() if count), key=lambda word: (counts[word], word))
    others: dict[int, str] = {}
    for at, word in enumerate(rare[: len(counts) // 3 + 3]):
        if counts[word] > _COMMON and at:
            break
        others.update(
            base.execute(
                "select id, words_in_order from records where id in (select rowid from words where words match ? limit ?)",
                (f'"{word}"', _COMMON),
            )
        )
    return matching.nearest(form, others, _ALIKE, _LOOK)


def _count(base: sqlite3.Connection, word: str) -> int:
    row = base.execute("select doc from vocabulary where term = ?", (word,)).fetchone()
    return row[0] if row else 0


def _kept(place: Path, state: str) -> _Index | None:
    """The index at `place` and what its files had to say, None when it is not of the files as they are now. Raises
    sqlite3.Error or Damaged for what is no index."""
    if not place.exists():
        return None
    base = sqlite3.connect(place)
    try:
        if base.execute("select state from about").fetchone() == (state,):
            told = tuple(documents.unpacked(data, Problem) for (data,) in base.execute("select data from problems"))
            return base, told
    except BaseException:
        base.close()
        raise
    base.close()
    return None


_SCHEMA = """
pragma journal_mode = off;
pragma synchronous = off;
pragma cache_size = -65536;
create table about (state text);
create table problems (data blob);
create table records (id integer primary key, form_hash integer, words_in_order text, data blob);
create table ids (name text, record integer);
create virtual table words using fts5(form, content='', detail='none', columnsize=0, tokenize="unicode61 remove_diacritics 0 tokenchars '+#'");
create virtual table vocabulary using fts5vocab(words, row);
"""


def _written(place: Path, state: str, read: Bibliography, told: Callable[[int], None]) -> _Index:
    """Writes an index whole or not at all, and opens it; where no file can be kept it lies in memory."""
    draft: Path | None = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        for old in place.parent.glob(f"{place.stem}.*.tmp"):  # of a run that was killed
            with suppress(FileNotFoundError):  # another run was first
                if time.time() - old.stat().st_mtime > _ABANDONED:
                    old.unlink()
        # A name of its own: two runs may read the same library at one time.
        handle, name = tempfile.mkstemp(prefix=f"{place.stem}.", suffix=".tmp", dir=place.parent)
        os.close(handle)
        draft = Path(name)
        with closing(sqlite3.connect(draft)) as base:
            _fill(base, state, read, told)
        draft.replace(place)
        return sqlite3.connect(place), tuple(read.problems)
    except (OSError, sqlite3.Error) as error:
        without = caches.without(place, error)
    finally:
        if draft is not None:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
    base = sqlite3.connect(":memory:")
    _fill(base, state, read, told)
    return base, (without, *read.problems)


def _fill(base: sqlite3.Connection, state: str, read: Bibliography, told: Callable[[int], None]) -> None:
    base.executescript(_SCHEMA)
    number = 0
    source = iter(read)
    while batch := list(islice(source, _BATCH)):
        rows, ids, words = [], [], []
        for entry in batch:
            number += 1
            form = titles.comparison(entry.title)
            rows.append((number, _hash(form), matching.in_order(form), documents.packed(entry)))
            words.append((number, form))
            ids += [(f"{one}:{entry.ids[one]}", number) for one in _SCHEMES if one in entry.ids]
        base.executemany("insert into records values (?, ?, ?, ?)", rows)
        base.executemany("insert into words (rowid, form) values (?, ?)", words)
        base.executemany("insert into ids values (?, ?)", ids)
        told(number)
    base.executescript("create index by_form on records (form_hash); create index by_name on ids (name);")
    base.executemany("insert into problems values (?)", [(documents.packed(one),) for one in read.problems])
    base.execute("insert into about values (?)", (state if read.is_whole else "",))
    base.commit()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _hash(form: str) -> int:
    """64 bits of a title: an index of them is a tenth of one of the titles."""
    return int.from_bytes(hashlib.blake2b(form.encode(), digest_size=8).digest(), "big", signed=True)
