"""Knows what is wrong with a catalog: named checks, each a question a careful editor would ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

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


CHECKS: Mapping[str, Callable[[Catalog], Iterable[Problem]]] = {
    "missing-title": _untitled,
    "missing-year": _missing("missing-year", "year", lambda entry: entry.date),
    "missing-author": _missing("missing-author", "author", lambda entry: entry.authors),
    "missing-venue": _missing("missing-venue", "venue", lambda entry: entry.venue),
    "unknown-venue": _unknown_venues,
    "date": _unread_dates,
}


def problems(catalog: Catalog) -> tuple[Problem, ...]:
    """What every check finds, in the order of the checks, each in the order of the list."""
    found = [problem for check in CHECKS.values() for problem in sorted(check(catalog), key=_place)]
    return tuple(found)


def _place(problem: Problem) -> tuple[str, int]:
    file, _, line = problem.where.rpartition(":")
    return (file, int(line)) if line.isdigit() else (problem.where, 0)
