"""Knows what is wrong with a catalog: named checks, each a question a careful editor would ask."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

from refsync import documents, identifiers, mapping, names
from refsync.model import Catalog, Entry, Problem

# What a work of a kind is expected to state, for the checks of missing fields.
_PAPERS = frozenset(
    {"article", "conference-paper", "workshop-paper", "preprint", "book", "chapter", "thesis", "report", "document"}
)


def where(entry: Entry) -> str:
    """The first place of an entry in the list ("README.md:91"), or its key."""
    return f"{entry.origin[0].file}:{entry.origin[0].line}" if entry.origin else entry.key


def _missing(name: str, label: str, has: Callable[[Entry], object]) -> Callable[[Catalog], Iterator[Problem]]:
    def check(catalog: Catalog) -> Iterator[Problem]:
        for entry in catalog.entries:
            if entry.kind in _PAPERS and not has(entry):
                hint = f"Add it to the list, or in corrections.yaml under `{entry.key}`."
                yield Problem(where=where(entry), what=f"no {label}: {entry.title}", hint=hint, check=name)

    return check


def _untitled(catalog: Catalog) -> Iterator[Problem]:
    for entry in catalog.entries:
        if not entry.title:
            yield Problem(where=where(entry), what="no title.", hint="Add it to the list.", check="missing-title")


def _unknown_venues(catalog: Catalog) -> Iterator[Problem]:
    """Each venue that the table does not know, once, at its first entry."""
    seen: set[str] = set()
    for entry in sorted(
        catalog.entries, key=lambda one: (one.origin[0].file, one.origin[0].line) if one.origin else ("", 0)
    ):
        if entry.venue and entry.venue.kind is None and entry.venue.name not in seen and "venue" not in entry.said:
            seen.add(entry.venue.name)
            hint = "Kept as written; a row in your own venues.yaml (setting `mappings`) makes it known."
            yield Problem(
                where=where(entry), what=f"unknown venue: {entry.venue.name}.", hint=hint, check="unknown-venue"
            )


def _unread_dates(catalog: Catalog) -> Iterator[Problem]:
    for entry in catalog.entries:
        if isinstance(entry.date, str):
            what = f"no date of the form 2021, 2021-07 or 2021-07-18: {entry.date!r}."
            yield Problem(where=where(entry), what=what, hint="It is kept as text.", check="date")


def _shared_identifiers(catalog: Catalog) -> Iterator[Problem]:
    """Two entries with one DOI or arXiv number: what the merging did not dare to call one work."""
    holders: dict[tuple[str, str], Entry] = {}
    for entry in catalog.entries:
        for scheme, value in entry.ids.items():
            first = holders.setdefault((scheme, value), entry)
            if first is not entry and scheme in identifiers.SCHEMES:
                what = f"{first.key} and {entry.key} both have the {scheme} {value}."
                hint = f"Put `same: [[{first.key}, {entry.key}]]` into corrections.yaml, or correct one of them."
                yield Problem(where=where(entry), what=what, hint=hint, check="shared-id")


_MOST_ALIKE = 31  # natbib's styles have letters a to z and a few marks; bibtex then breaks off (run, November 2026)


def _crowded_labels(catalog: Catalog) -> Iterator[Problem]:
    """More entries with one author-year label than styles of natbib can tell apart."""
    labels: dict[tuple[object, ...], list[Entry]] = {}
    for entry in catalog.entries:
        if entry.authors:
            people = [names.surname(one) for one in entry.authors]
            labels.setdefault((*(people if len(people) < 3 else [people[0], "et al."]), entry.year), []).append(entry)
    for label, entries in labels.items():
        if len(entries) > _MOST_ALIKE:
            shown = " ".join(str(part) for part in label if part)
            what = f"{len(entries)} entries have the author-year label {shown!r}; natbib's styles break at more than {_MOST_ALIKE}."
            hint = "Use a numeric style, or cite fewer of them in one paper."
            yield Problem(where=where(entries[0]), what=what, hint=hint, check="crowded-label")


def _beyond_pdflatex(catalog: Catalog) -> Iterator[Problem]:
    """Characters that stop pdflatex, in what a style prints."""
    for entry in catalog.entries:
        people = [
            part or "" for one in (*entry.authors, *entry.editors) for part in (one.family, one.given, one.literal)
        ]
        venue = [entry.venue.name, entry.venue.publisher or ""] if entry.venue else []
        text = unicodedata.normalize("NFC", "".join([entry.title, *people, *venue]))
        odd = "" if text.isascii() else "".join(sorted(set(text) - settable()))
        if odd:
            what = f"pdflatex cannot set {odd[:20]!r} in {entry.key}."
            hint = "Use lualatex or xelatex, or correct the entry."
            yield Problem(where=where(entry), what=what, hint=hint, check="pdflatex")


@cache
def settable() -> frozenset[str]:
    """The characters that pdflatex sets: ASCII, and those of mappings/pdflatex.yaml."""
    value, place = mapping.table_value("pdflatex.yaml")
    ranges = documents.checked(value, dict[str, str], place)["characters"].split()
    ends = [(part.partition("-")[0], part.rpartition("-")[2]) for part in ranges]
    found = {chr(code) for first, last in ends for code in range(int(first, 16), int(last, 16) + 1)}
    # Invisible ones are left out when a file is written.
    return frozenset(found | set(map(chr, range(128))) | set("\u00ad\u200b\u2060\ufeff"))


CHECKS: Mapping[str, Callable[[Catalog], Iterable[Problem]]] = {
    "missing-title": _untitled,
    "missing-year": _missing("missing-year", "year", lambda entry: entry.date),
    "missing-author": _missing("missing-author", "author", lambda entry: entry.authors),
    "missing-venue": _missing("missing-venue", "venue", lambda entry: entry.venue),
    "unknown-venue": _unknown_venues,
    "date": _unread_dates,
    "shared-id": _shared_identifiers,
    "crowded-label": _crowded_labels,
    "pdflatex": _beyond_pdflatex,
}


def problems(catalog: Catalog) -> tuple[Problem, ...]:
    """What every check finds, in the order of the checks, each in the order of the list."""
    found = [problem for check in CHECKS.values() for problem in sorted(check(catalog), key=place)]
    return tuple(found)


def place(problem: Problem) -> tuple[str, int]:
    """Where a problem stands among others: by file and line."""
    file, _, line = problem.where.rpartition(":")
    return (file, int(line)) if line.isascii() and line.isdigit() else (problem.where, 0)
