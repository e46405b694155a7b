"""Knows in what order sources are asked for works: bibliographies first, then titles, then identifiers in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from refsync import candidates, facts, merging, proceedings, titles, venues
from refsync.candidates import Choice, Found
from refsync.identifiers import SCHEMES
from refsync.model import Entry
from refsync.resolvers import RESOLVERS, Id, Resolver, local, named
from refsync.resolvers.asking import Sources

# One batch tells the identifiers of most works; the sources that know more of them are then asked by these.
_BY_ID = ("semanticscholar", "arxiv", "crossref", "acl", "openreview")
_ELSE = ("datacite", "openalex", "doi")  # asked for what those do not know
_BY_TITLE = ("semanticscholar", "crossref", "openalex", "dblp")

Told = Callable[[str, int, int], None]  # hears what is done, how much of it, and of how much


class Search:
    """The records that are found for works, stage by stage: libraries, then titles, then identifiers on the web."""

    def __init__(
        self,
        works: Sequence[Entry],
        libraries: Sequence[local.Library],
        sources: Sources,
        online: Sequence[Resolver],
        told: Told,
    ) -> None:
        self.works = works
        self.found: list[list[Found]] = [[] for _ in works]
        self.choices: list[Choice] = [Choice() for _ in works]
        self.missing: list[set[Id]] = [set() for _ in works]
        self.unanswered: list[dict[str, str]] = [{} for _ in works]
        self.searched: list[str] = ["" for _ in works]  # the source that was asked for the title
        self.is_stopped = False
        self._libraries, self._sources, self._told = libraries, sources, told
        self._table = venues.load(sources.tables.folder)
        self._online = {one.name: one for one in online}
        self._order = [*(one.name for one in libraries), *(one.name for one in RESOLVERS)]

    def run(self) -> None:
        """Asks, until all is asked or a person stops it; what was learned until then counts."""
        try:
            for library in self._libraries:
                for at, work in enumerate(self.works):
                    self._look(library, at, work)
                    self._told(library.name, at + 1, len(self.works))
            self._search_titles([at for at in self._open() if not self._names(at)])
            for name in _BY_ID:
                self._ask_ids(name, self._open())
            for name in _ELSE:
                self._ask_ids(name, [at for at in self._open() if not self._is_told(at)])
        except KeyboardInterrupt:
            self.is_stopped = True

    def _look(self, library: local.Library, at: int, work: Entry) -> None:
        for scheme, value in work.ids.items():
            records = [proceedings.placed(one, self._table) for one in library.by_id(scheme, value)]
            self.found[at] += [_by_id(entry, library.name, (scheme, value)) for entry in records]
        for title in dict.fromkeys(title for title in (work.title, *work.aka) if len(titles.words(title)) > 1):
            records = [proceedings.placed(one, self._table) for one in library.by_title(title)]
            self.found[at] += [Found(entry=entry, by=library.name, via=work.title) for entry in records]
        self._choose(at)

    def _choose(self, at: int) -> None:
        self.choices[at] = candidates.chosen(self.works[at], self._ranked(self.found[at]))

    def _ranked(self, found: Iterable[Found]) -> list[Found]:
        """In order of trust, each record once."""
        ranked = sorted(found, key=lambda one: (self._order.index(one.by), not one.is_identified))
        once: dict[tuple[str, str], Found] = {}
        for one in ranked:
            once.setdefault((one.by, repr(one.entry)), one)
        return list(once.values())

    def _open(self) -> list[int]:
        """The works of which something is not known yet."""
        return [at for at, work in enumerate(self.works) if not is_complete(self._so_far(at, work))]

    def _so_far(self, at: int, work: Entry) -> Entry:
        own = {library.name for library in self._libraries}
        accepted = [one.entry for one in self.choices[at].accepted if one.by in own]
        return merging.merged([*accepted, work]) if accepted else work

    def _names(self, at: int) -> list[Id]:
        """The identifiers of a work: its own, and those of the records that were accepted for it."""
        ids = dict(self.works[at].ids)
        for one in self.choices[at].accepted:
            for scheme, value in one.entry.ids.items():
                if not facts.is_of_volume(scheme, value):
                    ids.setdefault(scheme, value)
        return [(scheme, value) for scheme, value in ids.items() if scheme in (*SCHEMES, "s2")]

    def _is_told(self, at: int) -> bool:
        """Whether a source that names people in full knows the work."""
        return any(not (source := named(one.by)) or not source.initials for one in self.choices[at].accepted)

    def _search_titles(self, places: Sequence[int]) -> None:
        """One question for each work, to the first source that answers."""
        searching = [self._online[name] for name in _BY_TITLE if name in self._online]
        for count, at in enumerate(places):
            work = self.works[at]
            if self.choices[at].accepted:
                continue
            for source in searching:
                self._told(f"searching {source.name}", count, len(places))
                records, is_answered = self._sources.by_title(source, work)
                if not is_answered:
                    self.unanswered[at][source.name] = self._sources.silent.get(source.name, "no answer")
                    continue
                self.unanswered[at].clear()
                placed = [proceedings.placed(one, self._table) for one in records]
                self.found[at] += [Found(entry=one, by=source.name, via=work.title) for one in placed]
                self.searched[at] = source.name
                self._choose(at)
                break

    def _ask_ids(self, name: str, places: Sequence[int]) -> None:
        source = self._online.get(name)
        if source is None:
            return
        wanted: dict[Id, list[int]] = {}
        for at in places:
            for one in self._names(at):
                if one[0] in source.schemes:
                    wanted.setdefault(one, []).append(at)
        if not wanted:
            return
        self._told(f"asking {source.name}", 0, len(wanted))
        known, missing = self._sources.by_ids(source, list(wanted))
        for one, places_of in wanted.items():
            for at in places_of:
                if one in known:
                    self._learn(source, at, one, known[one])
                elif one in missing:
                    self.missing[at].add(one)
                else:
                    self.unanswered[at][source.name] = self._sources.silent.get(source.name, "no answer")

    def _learn(self, source: Resolver, at: int, by: Id, record: Entry) -> None:
        """A record found by an identifier of the work, or by one that an accepted record gave it: then the title that led
        there is its evidence, and has to agree."""
        work, record = self.works[at], proceedings.placed(record, self._table)
        if work.ids.get(by[0]) == by[1]:
            self.found[at].append(_by_id(record, source.name, by))
        else:
            via = next((one.via for one in self.choices[at].accepted if one.entry.ids.get(by[0]) == by[1]), work.title)
            if not candidates.follows(work, self.choices[at].accepted, record):
                self.found[at] = [_without(one, by) for one in self.found[at]]  # it is of another work
                self._choose(at)
                return
            self.found[at].append(Found(entry=record, by=source.name, via=via, is_identified=True))
        self._choose(at)


def _by_id(entry: Entry, by: str, one: Id) -> Found:
    return Found(entry=entry, by=by, via=f"{one[0]}:{one[1]}", is_identified=True)


def _without(found: Found, pair: Id) -> Found:
    """A record without an identifier that leads to another work."""
    if found.entry.ids.get(pair[0]) != pair[1]:
        return found
    ids = {scheme: value for scheme, value in found.entry.ids.items() if scheme != pair[0]}
    return replace(found, entry=replace(found.entry, ids=ids))


def is_complete(work: Entry) -> bool:
    """Whether a work has what a citation needs: all authors, a date and a venue."""
    return (
        bool(work.authors) and work.authors_complete is not False and work.date is not None and work.venue is not None
    )
