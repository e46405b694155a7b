"""Knows every format that refsync reads and writes: text <-> works."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import PurePath
from typing import Any, Protocol, cast

from refsync import collecting
from refsync.formats.options import PLAIN, Options
from refsync.mapping import Tables
from refsync.model import Catalog, Entry, Problem, Retired, Topic


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """A catalog as text, what the format could not hold, and the files that belong to it, by name."""

    text: str
    problems: tuple[Problem, ...] = ()
    beside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The works of a file in its order, keys as in the file ("" when it has none), the topics that the file names, and
    what could not be read. Only a catalog says more: its id, its title, and which works have left it."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...] = ()
    topics: tuple[Topic, ...] = ()
    id: str = ""
    title: str = ""
    retired: Mapping[str, Retired] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Works:
    """The works of a catalog as they are written, one after the other.

    `head` is the catalog, without its entries when these are read on the way; `keys` are the keys of all, which a format
    may need before the first work, and `are_distinct` when it is known that none is there twice, in any case of letters;
    `entries` are taken once.
    """

    head: Catalog
    keys: Iterable[str]
    entries: Iterable[Entry]
    are_distinct: bool = False

    @classmethod
    def of(cls, catalog: Catalog) -> Works:
        """Those of a catalog in memory."""
        return cls(head=catalog, keys=[entry.key for entry in catalog.entries], entries=catalog.entries)


class _Module(Protocol):
    def write(self, catalog: Catalog, tables: Tables, options: Options) -> Export: ...

    def pieces(self, works: Works, tables: Tables, options: Options, problems: list[Problem]) -> Iterator[str]: ...

    def read(self, text: str, where: str, tables: Tables) -> Reading: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """One format: its name, the endings of its files, and the module that knows it, imported when first used.

    `is_read` is False for a format that refsync only writes; `flows` is True when it is written a work at a time.
    """

    name: str
    module: str
    suffixes: tuple[str, ...] = ()
    is_read: bool = True
    flows: bool = False

    def write(self, catalog: Catalog, tables: Tables, options: Options = PLAIN) -> Export:
        """The catalog's entries, in their order, as the text of a file."""
        with collecting.paused():
            return self._loaded().write(catalog, tables, options)

    def pieces(self, works: Works, tables: Tables, options: Options, problems: list[Problem]) -> Iterator[str]:
        """The text of the same file a work at a time; what has no place in it is added to `problems` at the end."""
        return self._loaded().pieces(works, tables, options, problems)

    def read(self, text: str, where: str, tables: Tables) -> Reading:
        """The works in the text of a file that messages call `where`."""
        with collecting.paused():
            return self._loaded().read(text, where, tables)

    def _loaded(self) -> _Module:
        return cast(_Module, import_module(self.module))


FORMATS = (
    Format(name="bibtex", module="refsync.formats.bibtex", suffixes=(".bib",), flows=True),
    Format(name="biblatex", module="refsync.formats.biblatex", flows=True),
    Format(name="csl", module="refsync.formats.csl", suffixes=(".json",), flows=True),
    Format(name="csl-yaml", module="refsync.formats.cslyaml"),
    Format(name="ris", module="refsync.formats.ris", suffixes=(".ris",), flows=True),
    Format(name="hayagriva", module="refsync.formats.hayagriva", is_read=False),
    Format(name="html", module="refsync.formats.html", suffixes=(".html",), is_read=False),
    Format(name="survey-table", module="refsync.formats.surveytable", suffixes=(".tex",), is_read=False),
    Format(name="catalog", module="refsync.formats.catalogyaml", suffixes=(".yaml", ".yml")),
    Format(name="catalog-lines", module="refsync.formats.cataloglines", suffixes=(".jsonl",)),
)


def named(name: str) -> Format | None:
    """The format of that name."""
    return next((one for one in FORMATS if one.name == name), None)


def of_path(path: str) -> Format | None:
    """The format of a file, by the ending of its name."""
    suffix = PurePath(path).suffix.lower()
    return next((one for one in FORMATS if suffix in one.suffixes), None)


# ------------------------------------------------------------------------------------------------------------------
# One work at a time, for workers of a cluster


def entry(line: str | bytes) -> Entry:
    """The work in a line of a catalog.jsonl, other than its first. Raises ValueError for what is none."""
    return cast(Entry, _lines().entry_of(line))


def line(entry: Entry) -> str:
    """The line of a catalog.jsonl that a work is, with its line end."""
    return cast(str, _lines().line_of(entry))


def _lines() -> Any:
    return import_module("refsync.formats.cataloglines")
