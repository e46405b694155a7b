"""Knows what a .bib file has beside its entries: macros for the names of venues, and JabRef's tree of topics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from refsync import names, venues
from refsync.formats.bibvalues import MARKER, keyword, text, unmarked
from refsync.formats.dates import MONTHS
from refsync.formats.latex import ascii_of, escaped
from refsync.formats.options import Options, short_name
from refsync.mapping import Tables
from refsync.model import Entry, Topic
from refsync.references import line


def macros_of(entries: Iterable[Entry], table: venues.Venues) -> dict[str, str]:
    """A macro for each name of a venue: its short name in small letters, which no other has and no month."""
    taken = set(MONTHS.values())
    found: dict[str, str] = {}
    for venue in (entry.venue for entry in entries if entry.venue is not None):
        if venue.name not in found:
            base = re.sub(
                r"[^a-z0-9]+", "-", names.ascii_word(venue.short or table.short(venue.name) or venue.name)
            ).strip("-")[:40]
            base = base if base[:1].isalpha() else f"venue-{base}".rstrip("-")
            name = next(one for one in numbered(base) if one not in taken)
            taken.add(name)
            found[venue.name] = name
    return found


def numbered(base: str) -> Iterator[str]:
    """`base`, and the same with a number from 2 on."""
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1


def strings(entries: Iterable[Entry], macros: Mapping[str, str], tables: Tables, options: Options) -> dict[str, str]:
    """venues.bib with the full names, and the same macros with the short ones: a paper swaps one file."""
    table = venues.load(tables.folder)
    known = {entry.venue.name: entry.venue for entry in entries if entry.venue is not None}
    rows = sorted((macro, known[name]) for name, macro in macros.items())
    files = {}
    for file, full in (("venues.bib", True), ("venues-short.bib", False)):
        values = [(macro, text(venue.name if full else short_name(venue, table))) for macro, venue in rows]
        lines = [f"@string{{{macro} = {ascii_of(one) if options.ascii else one}}}\n" for macro, one in values]
        files[file] = f"{MARKER}\n\n{''.join(lines)}"
    return files


_JABREF = re.compile(r"[\\;]")


def groups(topics: Iterable[Topic]) -> str:
    """JabRef's comment that shows the topics as a tree of groups, each found by its keyword.

    A group is "depth KeywordGroup:name;context;field;keyword;case;regex;expanded;colour;icon;description;" where 2 is
    the context that includes what stands under subgroups, and `;` is quoted once for the name and once for the line
    (JabRef, GroupSerializer).
    """
    paths = {path[:depth] for topic in topics for path in [topic.path] for depth in range(1, len(path) + 1)}
    if not paths:
        return ""
    order = list(dict.fromkeys(t.path[:depth] for t in topics for depth in range(1, len(t.path) + 1)))
    lines = []
    for path in _tree(order):
        name, found_by = (unmarked(one) for one in (escaped(path[-1]), keyword(" > ".join(map(line, path)))))
        unit = ";".join((*map(_quoted, (name,)), "2", "keywords", _quoted(found_by), "0", "0", "1", "", "", "", ""))
        lines.append(f"{len(path)} KeywordGroup:{_quoted(unit)};\n")
    return f"\n@comment{{jabref-meta: grouping:\n0 AllEntriesGroup:;\n{''.join(lines)}}}\n"


def _tree(paths: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Paths as a tree is walked: each below its parent, siblings in the order given."""
    place: dict[tuple[str, ...], int] = {}
    for number, path in enumerate(paths):
        place.setdefault(path, number)
    return sorted(place, key=lambda path: [place[path[:depth]] for depth in range(1, len(path) + 1)])


def _quoted(text: str) -> str:
    return _JABREF.sub(lambda mark: f"\\{mark[0]}", text)
