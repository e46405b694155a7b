"""Knows bibliographies that a person has: .bib, CSL-JSON, RIS and catalogs, files or folders of them, behind one index.

The index is a cache in SQLite, made anew when a file changes. It finds works by identifier, by equal title, and by the
rarest words of a title, so that 143 titles are looked up among 300,000 records in a second or two.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import IO

from refsync import __version__, documents, formats, identifiers, matching, titles
from refsync.mapping import Tables
from refsync.model import Entry, Failure, Problem

# What stands before the colon of a source, and the format of its files.
KINDS = {"bib": "bibtex", "csl": "csl", "ris": "ris", "catalog": "catalog"}
_SUFFIXES = {"bib": (".bib",), "csl": (".json",), "ris": (".ris",), "catalog": (".yaml", ".yml", ".jsonl")}
_SCHEMES = (*identifiers.SCHEMES, "isbn")
_PIECE = 1 << 22  # characters of a large CSL-JSON file that are read at a time
_BATCH = 2000
_COMMON = 3000  # a word that more titles have tells too little
_LOOK, _ALIKE = 40, 60.0  # candidates that are looked at, nearest first, and how alike they are at least


def is_local(spec: str) -> bool:
    """Whether a source is a bibliography of the person's own: "bib:refs.bib"."""
    kind, colon, path = spec.partition(":")
    return bool(colon and path and kind in KINDS)


class Library:
    """A bibliography behind its index: `with Library.opened(...) as library`. `count` is the number of its records."""

    def __init__(self, spec: str, base: sqlite3.Connection, problems: tuple[Problem, ...]) -> None:
        self.name = spec
        self.problems = problems
        self._base = base
        self.count: int = base.execute("select count(*) from records").fetchone()[0]

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
        kind, _, name = spec.partition(":")
        root = folder / Path(name).expanduser()
        files = _files(kind, root, spec)
        # Tables of a person's own folder may read the same files otherwise.
        state = json.dumps(
            [
                __version__,
                str(tables.folder),
                *([str(one), one.stat().st_size, one.stat().st_mtime_ns] for one in files),
            ]
        )
        place = cache / "sources" / f"{hashlib.sha256(f'{kind}:{root.resolve()}'.encode()).hexdigest()[:24]}.sqlite"
        if base := _kept(place, state):
            return cls(spec, base, ())
        problems: list[Problem] = []
        _write(place, state, _records(kind, files, tables, problems), told)
        base = _kept(place, state)
        if base is None:
            raise Failure(
                Problem(where=str(place), what="cannot be written.", hint="Name another folder with REFSYNC_CACHE_DIR.")
            )
        return cls(spec, base, tuple(problems))

    def by_id(self, scheme: str, value: str) -> tuple[Entry, ...]:
        """The records that have an identifier."""
        rows = self._base.execute(
            "select data from records join ids on ids.record = records.id where ids.name = ?", (f"{scheme}:{value}",)
        )
        return tuple(documents.unpacked(data, Entry) for (data,) in rows)

    def by_title(self, title: str) -> tuple[Entry, ...]:
        """The records with an equal title, then those with titles nearly alike, nearest first."""
        form = titles.comparison(title)
        if not form:
            return ()
        equal = self._base.execute("select id, data from records where form_hash = ?", (_hash(form),))
        found = {number: documents.unpacked(data, Entry) for number, data in equal}
        for number in self._near(form):
            if number not in found:
                (data,) = self._base.execute("select data from records where id = ?", (number,)).fetchone()
                found[number] = documents.unpacked(data, Entry)
        return tuple(found.values())

    def _near(self, form: str) -> list[int]:
        """Records whose titles share a rare word with `form` and are something like it, nearest first.

        Titles that are alike to 80 of 100 share most of their words, and so one of the rarest third and two more.
        """
        counts = {word: self._count(word) for word in set(form.split())}
        rare = sorted((word for word, count in counts.items() if count), key=lambda word: (counts[word], word))
        others: dict[int, str] = {}
        for at, word in enumerate(rare[: len(counts) // 3 + 3]):
            if counts[word] > _COMMON and at:
                break
            others.update(
                self._base.execute(
                    "select id, words_in_order from records where id in (select rowid from words where words match ? limit ?)",
                    (f'"{word}"', _COMMON),
                )
            )
        return matching.nearest(form, others, _ALIKE, _LOOK)

    def _count(self, word: str) -> int:
        row = self._base.execute("select doc from vocabulary where term = ?", (word,)).fetchone()
        return row[0] if row else 0


def _files(kind: str, root: Path, spec: str) -> list[Path]:
    def fits(path: Path) -> bool:
        return path.name.lower().removesuffix(".gz").endswith(_SUFFIXES[kind])

    if root.is_file():
        return [root]
    if not root.is_dir():
        raise Failure(Problem(where=spec, what="no such file or folder.", hint="Check the path of the source."))
    found = sorted(path for path in root.rglob("*") if path.is_file() and fits(path))
    if not found:
        what = f"holds no file that ends in {' or '.join(_SUFFIXES[kind])}."
        raise Failure(Problem(where=spec, what=what, hint="Check the path of the source."))
    return found


def _records(kind: str, files: Sequence[Path], tables: Tables, problems: list[Problem]) -> Iterator[Entry]:
    """Every record of every file. A large CSL-JSON file is read piece by piece, all else whole."""
    for path in files:
        if kind == "csl":
            with _opened(path) as file:
                for text in _arrays(file):
                    yield from _read("csl", text, path, tables, problems)
            continue
        name = "catalog-lines" if path.name.lower().removesuffix(".gz").endswith(".jsonl") else KINDS[kind]
        yield from _read(name, _text(path, problems), path, tables, problems)


def _read(name: str, text: str, path: Path, tables: Tables, problems: list[Problem]) -> Iterable[Entry]:
    known = formats.named(name)
    assert known is not None
    try:
        read = known.read(text, path.name, tables)
    except Failure as failure:
        problems.append(failure.problem)
        return ()
    problems += read.problems
    return read.entries


def _text(path: Path, problems: list[Problem]) -> str:
    if path.suffix.lower() != ".gz":
        text, doubts = documents.records_of(path, path.name)
        problems += doubts
        return text
    with _opened(path) as file:
        return file.read()


def _opened(path: Path) -> IO[str]:
    try:
        if path.suffix.lower() == ".gz":
            return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace")
        return path.open(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        why = error.strerror or str(error)
        raise Failure(Problem(where=path.name, what=f"cannot be read: {why}.", hint="Check its permissions.")) from None


def _arrays(file: IO[str]) -> Iterator[str]:
    """A JSON array as several smaller ones, so that a file of any size is held in memory a piece at a time. What is no
    plain array of objects is one piece: its reader says what is wrong with it."""
    text = file.read(_PIECE)
    if not text.lstrip().startswith("["):
        yield text + file.read()
        return
    decoder = json.JSONDecoder()
    rest, at = text.lstrip()[1:], 0
    items: list[str] = []
    while True:
        start = at
        while start < len(rest) and rest[start] in " \t\r\n,":
            start += 1
        if rest[start : start + 1] == "]":
            break
        try:
            _, at = decoder.raw_decode(rest, start)
        except ValueError:
            more = file.read(_PIECE)
            if not more:
                yield f"[{','.join([*items, rest[start:]])}"  # cut off, or broken: the reader tells
                return
            rest, at = rest[start:] + more, 0
            continue
        items.append(rest[start:at])
        if len(items) >= _BATCH:
            yield f"[{','.join(items)}]"
            items, rest, at = [], rest[at:], 0
    if items:
        yield f"[{','.join(items)}]"


def _kept(place: Path, state: str) -> sqlite3.Connection | None:
    """The index at `place`, None when it is not of the files as they are now."""
    if not place.exists():
        return None
    base = sqlite3.connect(place)
    with suppress(sqlite3.DatabaseError):
        if base.execute("select state from about").fetchone() == (state,):
            return base
    base.close()
    return None


_SCHEMA = """
pragma journal_mode = off;
pragma synchronous = off;
pragma cache_size = -65536;
create table about (state text);
create table records (id integer primary key, form_hash integer, words_in_order text, data blob);
create table ids (name text, record integer);
create virtual table words using fts5(form, content='', detail='none', columnsize=0, tokenize="unicode61 remove_diacritics 0 tokenchars '+#'");
create virtual table vocabulary using fts5vocab(words, row);
"""


def _write(place: Path, state: str, records: Iterable[Entry], told: Callable[[int], None]) -> None:
    """Writes an index whole or not at all."""
    draft = place.with_suffix(".tmp")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        with closing(sqlite3.connect(draft)) as base:
            base.executescript(_SCHEMA)
            number = 0
            source = iter(records)
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
            base.execute("insert into about values (?)", (state,))
            base.commit()
        draft.replace(place)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        what = f"the index cannot be written: {error}."
        raise Failure(
            Problem(where=str(place), what=what, hint="Name another folder with REFSYNC_CACHE_DIR.")
        ) from None


def _hash(form: str) -> int:
    """64 bits of a title: an index of them is a tenth of one of the titles."""
    return int.from_bytes(hashlib.blake2b(form.encode(), digest_size=8).digest(), "big", signed=True)
