"""Knows the catalog in JSON Lines as one format among the others, for programs that read a line at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from refsync import documents
from refsync.formats import Export, Reading, Works, catalog
from refsync.formats.catalogyaml import reading_of
from refsync.formats.options import Options, without_fields
from refsync.mapping import Tables
from refsync.model import Catalog, Entry


def write(one: Catalog, tables: Tables, options: Options) -> Export:
    """The mapping without entries, then an entry a line, with its origin."""
    return Export(text=catalog.write_lines(without_fields(one, options)))


def read(text: str, where: str, tables: Tables) -> Reading:
    """The works of a catalog. Raises Failure when the text is none."""
    return reading_of(catalog.read_lines(text, where))


def works(path: Path, where: str) -> Works:
    """The works of a catalog.jsonl, each read when it is asked for; its keys are looked through first.

    Raises Failure when it is no catalog or its keys clash, and ValueError, here or on the way, for a line that is none:
    `read` says what is wrong with it.
    """
    with path.open("rb") as file:
        head = catalog.head_of(file.readline(), where)
    catalog.check_keys(_Keys(path).with_aliases(), head.retired, where)
    return Works(head=head, keys=_Keys(path), entries=_entries(path), are_distinct=True)


def line_of(entry: Entry) -> str:
    """The line that a work is, with its line end."""
    return catalog.line_of(entry)


def entry_of(line: str | bytes) -> Entry:
    """The work in a line. Raises ValueError for what is none."""
    read, made = _reader()
    return made(read(line))


@cache
def _reader() -> tuple[Callable[[str | bytes], catalog.EntryFile], Callable[[catalog.EntryFile], Entry]]:
    return documents.json_reader(catalog.EntryFile), catalog.entry_reader()


class _Key(documents.Struct):
    """As much of a line as names its entry; the rest of it is passed over."""

    key: str
    aliases: tuple[str, ...] = ()


class _Keys:
    """The keys of a file, read anew each time that they are asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[str]:
        return (one for one, _ in self.with_aliases())

    def with_aliases(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        read = documents.json_reader(_Key)
        for line in _lines(self._path):
            one = read(line)
            yield one.key, one.aliases


def _entries(path: Path) -> Iterator[Entry]:
    return map(catalog.entry_reader(), map(documents.json_reader(catalog.EntryFile), _lines(path)))


def _lines(path: Path) -> Iterator[bytes]:
    """The lines after the first, without empty ones."""
    with path.open("rb") as file:
        next(file, None)
        for line in file:
            if not line.isspace():
                yield line
