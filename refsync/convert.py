"""Knows how one file becomes another: a list, a bibliography or a catalog in, any format that is written out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from refsync import collecting, files, formats, keys
from refsync.formats import Export, Format, cataloglines
from refsync.formats.options import Options
from refsync.mapping import Tables
from refsync.model import Catalog, Entry, Failure, Problem

LIST = "list"
LISTS = (".md", ".markdown", ".mdown", ".rst", ".txt")
READABLE = (LIST, *(one.name for one in formats.FORMATS if one.is_read))
WRITABLE = tuple(one.name for one in formats.FORMATS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """What a file holds, as a catalog in the order of the file, and what could not be read."""

    catalog: Catalog
    problems: tuple[Problem, ...] = ()


def read(text: str, name: str, kind: str | None, tables: Tables) -> Read:
    """The works in the text of a file. `kind` is one of READABLE; the ending of `name` tells it when None.

    Raises Failure when the file is of no such kind (exit 2) or holds no works (exit 1).
    """
    if kind == LIST or (kind is None and PurePath(name).suffix.lower() in LISTS):
        found = _of_list(text, name, tables)
    else:
        found = _of_bibliography(text, name, _format(name, kind, "--from", READABLE), tables)
    if not found.catalog.entries:
        raise Failure(_why_nothing(found.problems, name))
    return found


def _why_nothing(problems: Sequence[Problem], name: str) -> Problem:
    """Why a file holds no entries: the first thing that is wrong with it, where it is wrong."""
    if not problems:
        return Problem(where=name, what="holds no entries.", hint="Name a file with references.")
    return replace(problems[0], what=f"holds no entries: {problems[0].what}")


def format_of(name: str, kind: str | None, dialect: str | None = None) -> Format:
    """The format that a file is to be written in. Raises Failure (exit 2) when neither `kind` nor its ending tells."""
    found = _format(name, kind, "--to", WRITABLE)
    if dialect and found.name in {"bibtex", "biblatex"} and kind is None:
        found = _format(name, dialect, "--to", WRITABLE)
    return found


def write(catalog: Catalog, into: Format, tables: Tables, options: Options) -> Export:
    """The text of a file; of catalogs the entries are sorted by key, else they stay in their order."""
    if into.name.startswith("catalog"):
        catalog = replace(catalog, entries=tuple(sorted(catalog.entries, key=lambda entry: entry.key)))
    return into.write(catalog, tables, options)


@dataclass(frozen=True, kw_only=True, slots=True)
class Flowed:
    """How many works went from one file into another, and what of them has no place there."""

    count: int
    problems: tuple[Problem, ...]


def flows(name: str, kind: str | None, into: Format, options: Options) -> bool:
    """Whether a file can be turned into another a work at a time: a catalog in JSON Lines, into a format without a part
    that needs all works."""
    known = formats.named(kind) if kind else formats.of_path(name)
    return known is not None and known.name == "catalog-lines" and into.flows and options.venues != "strings"


def flow(source: Path, target: Path, into: Format, tables: Tables, options: Options) -> Flowed | None:
    """Turns a catalog in JSON Lines into another file a work at a time, in memory that does not grow with it.

    None, with everything as it was, for a file that has to be read whole, because that tells what is wrong with it.
    """
    problems: list[Problem] = []
    with collecting.paused():
        try:
            works = cataloglines.works(source, str(source))
            entries = iter(works.entries)
            first = next(entries, None)
        except (Failure, OSError, ValueError):
            return None
        if first is None:
            return None
        numbers = itertools.count()
        counted = (entry for entry, _ in zip(itertools.chain([first], entries), numbers, strict=False))
        try:
            files.write_pieces(target, into.pieces(replace(works, entries=counted), tables, options, problems))
        except ValueError:
            return None
    return Flowed(count=next(numbers), problems=tuple(problems))


def _format(name: str, kind: str | None, option: str, known: Sequence[str]) -> Format:
    found = formats.named(kind) if kind else formats.of_path(name)
    if found is not None:
        return found
    what = "the ending tells no format" if PurePath(name).suffix else "no ending tells the format"
    raise Failure(Problem(where=name, what=f"{what}.", hint=f"Say {option} with one of {', '.join(known)}."), code=2)


def _of_list(text: str, name: str, tables: Tables) -> Read:
    from refsync import assemble, sources
    from refsync.formats import survey
    from refsync.settings import Settings

    reading = survey.read(text, name, tables.folder)
    source = sources.Source(name=name, text=text, reading=reading)
    result = assemble.assembled([source], settings=Settings(), tables=tables, name=PurePath(name).stem)
    in_order = sorted(result.catalog.entries, key=lambda entry: entry.origin[0].line if entry.origin else 0)
    return Read(catalog=replace(result.catalog, entries=tuple(in_order)), problems=result.problems)


def _of_bibliography(text: str, name: str, known: Format, tables: Tables) -> Read:
    found = known.read(text, name, tables)
    problems = list(found.problems)
    catalog = Catalog(
        id=found.id or PurePath(name).stem,
        title=found.title,
        topics=found.topics,
        entries=tuple(_keyed(found.entries, name, problems)),
        retired=found.retired,
    )
    return Read(catalog=catalog, problems=tuple(problems))


def _keyed(entries: Sequence[Entry], name: str, problems: list[Problem]) -> list[Entry]:
    """The entries, each under a key of its own: a key that is missing, or stands a second time, is made."""
    taken = {entry.key.casefold() for entry in entries if entry.key}
    seen: set[str] = set()
    out: list[Entry] = []
    for entry in entries:
        key = entry.key
        if not key:
            key = keys.unique(keys.base(entry), taken)
        elif key.casefold() in seen:
            key = keys.unique(key, taken)
            what = f"the key {entry.key!r} stands twice: the second is now {key!r}."
            problems.append(Problem(where=name, what=what, hint="Cite it by that key, or rename one of them."))
        taken.add(key.casefold())
        seen.add(key.casefold())
        out.append(entry if key == entry.key else replace(entry, key=key))
    return out
