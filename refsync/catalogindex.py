"""Knows the index of a catalog: a file of the cache that answers a few words at once, where the catalog takes seconds.

It is SQLite, so that only what is asked for is read, and holds the SHA-256 of the catalog that it was made of: another
catalog makes it anew. What is wrong with it is no error, for it can be had again.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from refsync import finding
from refsync.model import Failure, Problem

if TYPE_CHECKING:
    from refsync.model import Catalog, Entry

VERSION = "2"  # of the tables below and of what finding.py packs into them
CATALOG = "catalog.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """An entry that was found. `catalog` is the catalog with this entry alone, in JSON Lines."""

    key: str
    title: str
    authors: str
    year: int | None
    venue: str
    hit: finding.Hit
    catalog: str


def located(path: Path) -> Path:
    """The catalog that a PATH means: a file of entries, or the catalog.yaml of a folder. Raises Failure where there is none."""
    if path.is_file():
        return path
    if (path / CATALOG).is_file():
        return path / CATALOG
    if path.is_dir():
        raise Failure(Problem(where=str(path), what="holds no catalog.yaml.", hint=f"Make it: refsync build {path}"))
    hint = "Check the path; a query of several words stands in quotes."
    raise Failure(Problem(where=str(path), what="no such file or folder.", hint=hint))


def search(query: str, path: Path, folder: Path, limit: int) -> list[Found]:
    """At most `limit` entries of the catalog in file `path` that a query may mean, the best first. `folder` is the cache.

    Raises Failure when the file cannot be read or holds no entries.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Failure(Problem(where=str(path), what=f"cannot be read: {error.strerror}.", hint="")) from None
    digest = f"{VERSION}:{hashlib.sha256(data).hexdigest()}"
    place = folder / "cite" / (hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:24] + ".sqlite")
    with suppress(sqlite3.Error, OSError):
        if place.is_file():
            with closing(sqlite3.connect(f"{place.as_uri()}?mode=ro", uri=True)) as base:
                if base.execute("select digest from made").fetchone() == (digest,):
                    return _answer(base, query, limit)
    with closing(_made(path, data, digest)) as base:
        _keep(base, place)
        return _answer(base, query, limit)


def _answer(base: sqlite3.Connection, query: str, limit: int) -> list[Found]:
    (total,) = base.execute("select count(*) from entries").fetchone()
    head, vocabulary = base.execute("select head, vocabulary from made").fetchone()

    def places_of(some: Sequence[str]) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        for start in range(0, len(some), 500):
            part = some[start : start + 500]
            marks = ",".join("?" * len(part))
            found.update(base.execute(f"select word, places from words where word in ({marks})", part))
        return found

    out: list[Found] = []
    for hit in finding.hits(query, vocabulary.split(), places_of, total, limit):
        row = base.execute(
            "select key, title, authors, year, venue, value from entries where number = ?", (hit.number,)
        ).fetchone()
        key, title, authors, year, venue, value = row
        alone = f"{head}\n{value}\n"
        out.append(Found(key=key, title=title, authors=authors, year=year, venue=venue, hit=hit, catalog=alone))
    return out


# ------------------------------------------------------------------------------------------------------------------
# Making it


def _made(path: Path, data: bytes, digest: str) -> sqlite3.Connection:
    """The index of the file in memory."""
    from refsync.formats import catalog as catalog_file

    catalog = _catalog(path, data)
    entries = catalog.entries
    head = json.dumps(catalog_file.head(catalog), ensure_ascii=False)
    words = finding.vocabulary(entries)
    base = sqlite3.connect(":memory:")
    base.execute("create table made (digest text, head text, vocabulary text)")
    base.execute("create table words (word text primary key, places blob) without rowid")
    base.execute(
        "create table entries (number integer primary key, key text, title text, authors text, year integer, venue text, value text)"
    )
    with base:
        base.execute("insert into made values (?, ?, ?)", (digest, head, " ".join(sorted(words))))
        base.executemany("insert into words values (?, ?)", sorted(words.items()))
        base.executemany("insert into entries values (?, ?, ?, ?, ?, ?, ?)", _rows(entries))
    return base


def _rows(entries: Sequence[Entry]) -> Iterable[tuple[object, ...]]:
    from refsync import names
    from refsync.formats import catalog as catalog_file

    for number, entry in enumerate(entries):
        people = [one.family or one.literal or names.natural(one) for one in entry.authors or entry.editors]
        authors = ", ".join(people[:2]) + (" et al." if len(people) > 2 or entry.authors_complete is False else "")
        venue = (entry.venue.short or entry.venue.name) if entry.venue else ""
        value = json.dumps(catalog_file.entry_value(entry, origin=False), ensure_ascii=False)
        yield number, entry.key, entry.title, authors, entry.year, venue, value


def _catalog(path: Path, data: bytes) -> Catalog:
    from refsync import convert, documents
    from refsync.mapping import Tables

    text, _ = documents.records_in(data, str(path))
    return convert.read(text, str(path), None, Tables()).catalog


def _keep(base: sqlite3.Connection, place: Path) -> None:
    """Lays the index into the cache, whole or not at all; where none can be kept, the next run makes it again."""
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    with suppress(OSError, sqlite3.Error):
        place.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(draft)) as file:
            base.backup(file)
        draft.replace(place)
    with suppress(OSError):
        draft.unlink()
