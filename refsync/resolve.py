"""Completes the metadata of a folder's works, with evidence: what each source says is weighed, and only what is sure is
written. The rest is a question, with the line of corrections.yaml that answers it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from refsync import build as building
from refsync import candidates, facts, merging, proceedings, settings, titles, venues
from refsync.candidates import Choice, Found
from refsync.mapping import Tables
from refsync.model import Catalog, Entry, Failure, Problem
from refsync.resolvers import RESOLVERS, Id, Resolver, local, named
from refsync.resolvers.asking import Sources

State = Literal["resolved", "ambiguous", "conflict", "not found", "blocked", "no identifier"]
STATES: tuple[State, ...] = ("resolved", "ambiguous", "conflict", "not found", "blocked", "no identifier")
_NAMING = ("arxiv", "doi", "acl", "openreview")  # schemes whose identifiers name one work
# One batch tells the identifiers of most works; the sources that know more of them are then asked by these.
_BY_ID = ("semanticscholar", "arxiv", "crossref", "acl", "openreview")
_ELSE = ("datacite", "openalex", "doi")  # asked for what those do not know
_BY_TITLE = ("semanticscholar", "crossref", "openalex", "dblp")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one work: its state, why, the line of corrections.yaml that settles it ("" when nothing is open), and
    the work before and after. `is_dead`: no source knows an identifier that the list gives."""

    state: State
    before: Entry
    after: Entry
    why: str = ""
    line: str = ""
    is_new: bool = True
    is_dead: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The outcomes in the order of the catalog, the build that wrote them, and whether a person stopped the asking."""

    outcomes: tuple[Outcome, ...]
    build: building.Report
    is_stopped: bool = False
    silent: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


Told = Callable[[str, int, int], None]  # hears what is done, how much of it, and of how much


def resolve(
    path: Path,
    *,
    sources: Sources,
    cache: Path,
    today: str,
    specs: Sequence[str] = (),
    refresh: Collection[str] = (),
    limit: int | None = None,
    dry_run: bool = False,
    told: Told = lambda *_: None,
) -> Report:
    """Completes the works of the folder (or list file) at `path`, and builds it with what was learned.

    `specs` are sources asked before those of refsync.yaml; `refresh` are keys (or "all") that alone are asked for, and
    anew; no more than `limit` works are asked for. Raises Failure for an unknown source or key, and for what a build raises.
    """
    folder, _ = building.located(path)
    wanted = settings.load(folder)
    tables = Tables(folder=folder / wanted.mappings if wanted.mappings else None)
    before = building.build(path, dry_run=True)
    libraries, online = _sources_of((*specs, *wanted.resolvers))
    works = [entry for entry in before.catalog.entries if entry.kind != "web-page"]
    again = _refreshed(refresh, before.catalog)
    sources.is_fresh = bool(again)
    asked = [work for work in works if (work.key in again if again else not _is_known(work))][:limit]
    problems: list[Problem] = []
    with ExitStack() as stack:
        opened = [
            stack.enter_context(_library(spec, folder, cache, tables, told, problems))
            for spec in dict.fromkeys(libraries)
        ]
        search = _Search(
            [_without_facts(work) if work.key in again else work for work in asked], opened, sources, online, told
        )
        search.run()
    outcomes = [_outcome(work, search, at, today, adds_only=wanted.freeze) for at, work in enumerate(asked)]
    outcomes = _without_twins(outcomes, before.catalog)
    ready = {one.before.key: one.after for one in outcomes}
    kept = [
        Outcome(state="resolved", before=work, after=work, is_new=False)
        for work in works
        if work.key not in ready and _is_known(work)
    ]
    catalog = replace(before.catalog, entries=tuple(ready.get(one.key, one) for one in before.catalog.entries))
    built = building.build(path, dry_run=dry_run, last=catalog, renew="none" if wanted.freeze else "resolved")
    return Report(
        outcomes=tuple(sorted((*outcomes, *kept), key=lambda one: one.before.key)),
        build=built,
        is_stopped=search.is_stopped,
        silent=dict(sources.silent),
        problems=tuple(problems),
    )


def _library(
    spec: str, folder: Path, cache: Path, tables: Tables, told: Told, problems: list[Problem]
) -> local.Library:
    found = local.Library.opened(spec, folder, cache, tables, lambda count: told(f"reading {spec}", count, 0))
    problems += found.problems
    return found


def _sources_of(names: Sequence[str]) -> tuple[list[str], list[Resolver]]:
    """(local sources, sources on the web) that are asked, in order. Raises Failure for a name that is neither.

    Where no source on the web is named, those are asked that are by default.
    """
    libraries = [name for name in names if local.is_local(name)]
    online: list[Resolver] = []
    for name in dict.fromkeys(names):
        if local.is_local(name):
            continue
        source = named(name)
        if source is None:
            known = [*(one.name for one in RESOLVERS), *(f"{kind}:" for kind in local.KINDS)]
            near = get_close_matches(name, known, n=1)
            hint = (
                f"Did you mean {near[0]}?" if near else f"Say one of {', '.join(known)} (with a path after the colon)."
            )
            raise Failure(
                Problem(where="--source / resolvers", what=f"no source is called {name!r}.", hint=hint), code=2
            )
        online.append(source)
    return libraries, online or [one for one in RESOLVERS if one.is_default]


def _refreshed(names: Collection[str], catalog: Catalog) -> set[str]:
    """The keys that a person wants to be asked for again. Raises Failure for one that there is not."""
    if "all" in names:
        return {entry.key for entry in catalog.entries}
    out = set()
    for name in names:
        if name not in catalog.by_key:
            near = get_close_matches(name, catalog.by_key, n=1)
            hint = f"Did you mean {near[0]}?" if near else "See the keys in catalog.yaml."
            raise Failure(Problem(where="--refresh", what=f"no entry has the key {name!r}.", hint=hint), code=2)
        out.add(catalog.by_key[name].key)
    return out


def _is_known(work: Entry) -> bool:
    """Whether a source has settled the work before."""
    return any(by.by not in merging.OWN and by.via is not None for by in work.said.values())


def _without_facts(work: Entry) -> Entry:
    """The work as it is asked for again: identifiers that a source gave are looked for anew."""
    ids = {one: value for one, value in work.ids.items() if f"ids.{one}" not in work.said}
    return replace(work, ids=ids)


def _is_complete(work: Entry) -> bool:
    return (
        bool(work.authors) and work.authors_complete is not False and work.date is not None and work.venue is not None
    )


class _Search:
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
            records = map(self._placed, library.by_id(scheme, value))
            self.found[at] += [_by_id(entry, library.name, (scheme, value)) for entry in records]
        for title in dict.fromkeys(title for title in (work.title, *work.aka) if len(titles.words(title)) > 1):
            records = map(self._placed, library.by_title(title))
            self.found[at] += [Found(entry=entry, by=library.name, via=work.title) for entry in records]
        self._choose(at)

    def _placed(self, record: Entry) -> Entry:
        """A record with its venue as the table knows it, so that it can be compared."""
        if record.venue is None:
            is_arxiv = record.kind == "preprint" and "arxiv" in record.ids
            return replace(record, venue=self._table.venue("arXiv")) if is_arxiv else record
        return replace(record, venue=proceedings.venue_of(record.venue, self._table))

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
        return [at for at, work in enumerate(self.works) if not _is_complete(self._so_far(at, work))]

    def _so_far(self, at: int, work: Entry) -> Entry:
        accepted = [
            one.entry for one in self.choices[at].accepted if one.by in {library.name for library in self._libraries}
        ]
        return merging.merged([*accepted, work]) if accepted else work

    def _names(self, at: int) -> list[Id]:
        """The identifiers of a work: its own, and those of the records that were accepted for it."""
        ids = dict(self.works[at].ids)
        for one in self.choices[at].accepted:
            for scheme, value in one.entry.ids.items():
                if not facts.is_of_volume(scheme, value):
                    ids.setdefault(scheme, value)
        return [(scheme, value) for scheme, value in ids.items() if scheme in (*_NAMING, "s2")]

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
                self.found[at] += [Found(entry=self._placed(one), by=source.name, via=work.title) for one in records]
                self._choose(at)
                break

    def _ask_ids(self, name: str, places: Sequence[int]) -> None:
        source = self._online.get(name)
        if source is None:
            return
        wanted: dict[Id, list[int]] = {}
        for at in places:
            for one in self._names(at):
                if one[0] in source.schemes or (one[0] == "s2" and name == "semanticscholar" and self._is_sparse(at)):
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

    def _is_sparse(self, at: int) -> bool:
        return not any(one.entry.authors for one in self.choices[at].accepted)

    def _learn(self, source: Resolver, at: int, by: Id, record: Entry) -> None:
        """A record found by an identifier of the work, or by one that an accepted record gave it: then the title that led
        there is its evidence, and has to agree."""
        work, record = self.works[at], self._placed(record)
        if work.ids.get(by[0]) == by[1]:
            self.found[at].append(_by_id(record, source.name, by))
        else:
            via = next((one.via for one in self.choices[at].accepted if one.entry.ids.get(by[0]) == by[1]), work.title)
            seen = Found(entry=record, by=source.name, via=via, is_identified=True)
            if not candidates.by_identifier(work, record).same:
                return
            self.found[at].append(seen)
        self._choose(at)


def _by_id(entry: Entry, by: str, one: Id) -> Found:
    return Found(entry=entry, by=by, via=f"{one[0]}:{one[1]}", is_identified=True)


def _outcome(work: Entry, search: _Search, at: int, today: str, *, adds_only: bool) -> Outcome:
    choice = search.choices[at]
    if choice.accepted:
        after = facts.learned(work, choice.accepted, today, adds_only=adds_only)
        return Outcome(state="resolved", before=work, after=after)
    if choice.asked:
        lines = "\n".join(_line(work, one) for one in choice.asked)
        state: State = "conflict" if choice.is_conflict else "ambiguous"
        return Outcome(state=state, before=work, after=work, why=choice.why, line=lines)
    line = f"{work.key}: {{authors: [...]}}" if _names_of(work) else f"{work.key}: {{ids: {{doi: ...}}}}"
    if why := search.unanswered[at]:
        if all(reason == "not asked: offline" for reason in why.values()) and not _names_of(work):
            return Outcome(state="no identifier", before=work, after=work, why="not asked by title: offline", line=line)
        shown = "; ".join(f"{name}: {reason}" for name, reason in why.items())
        return Outcome(state="blocked", before=work, after=work, why=shown, line=line)
    if search.is_stopped and not search.found[at]:
        return Outcome(state="blocked", before=work, after=work, why="stopped before it was asked")
    if gone := sorted(f"{scheme} {value}" for scheme, value in search.missing[at]):
        return Outcome(
            state="not found",
            before=work,
            after=work,
            why=f"no source knows {', '.join(gone)}",
            line=line,
            is_dead=True,
        )
    return Outcome(state="not found", before=work, after=work, why="no source has a work with this title", line=line)


def _names_of(work: Entry) -> bool:
    return any(scheme in _NAMING for scheme in work.ids)


def _line(work: Entry, one: Found) -> str:
    """The line of corrections.yaml that says that a record is the work."""
    record = one.entry
    scheme = next((scheme for scheme in _NAMING if scheme in record.ids and scheme not in work.ids), None)
    scheme = scheme or next((scheme for scheme in _NAMING if scheme in record.ids), None)
    quoted = record.title.replace("\\", "\\\\").replace('"', '\\"')
    given = f'ids: {{{scheme}: "{record.ids[scheme]}"}}' if scheme else f'title: "{quoted}"'
    place = ", ".join(
        str(part)
        for part in (record.venue.short or record.venue.name if record.venue else "", record.year or "")
        if part
    )
    return f"{work.key}: {{{given}}}  # {record.title}" + (f" ({place})" if place else "") + f", says {one.by}"


def _without_twins(outcomes: Sequence[Outcome], catalog: Catalog) -> list[Outcome]:
    """An identifier that another work has is a question, never a fact: one of the two is in the list twice, or was taken
    for the other. The work that had it before keeps it; where both have learned it, neither does."""
    stated: dict[Id, str] = {}
    for entry in catalog.entries:
        for pair in entry.ids.items():
            if pair[0] in _NAMING:
                stated.setdefault(pair, entry.key)
    first = [_questioned(one, {pair: [key] for pair, key in stated.items()}) for one in outcomes]
    learners: dict[Id, list[str]] = {}
    for one in first:
        for pair in _learned_ids(one):
            learners.setdefault(pair, []).append(one.before.key)
    return [_questioned(one, learners) for one in first]


def _learned_ids(one: Outcome) -> list[Id]:
    return [pair for pair in one.after.ids.items() if pair[0] in _NAMING and one.before.ids.get(pair[0]) != pair[1]]


def _questioned(one: Outcome, holders: Mapping[Id, Sequence[str]]) -> Outcome:
    """The outcome as a question, where another work holds an identifier that this one has learned."""
    twins = ((pair, key) for pair in _learned_ids(one) for key in holders.get(pair, ()) if key != one.before.key)
    twin = next(twins, None)
    if twin is None:
        return one
    (scheme, value), other = twin
    why = f"it would get {scheme} {value}, which {other} has too"
    line = f"same: [[{other}, {one.before.key}]]   # or different: [[{other}, {one.before.key}]]"
    return Outcome(state="ambiguous", before=one.before, after=one.before, why=why, line=line)


def of_the_list(report: Report) -> tuple[Problem, ...]:
    """What the list itself gets wrong, for its maintainer: wrong venues and years, misspelt titles, works published since,
    links that lead to another work or nowhere."""
    out = list(report.build.result.claims)
    for one in report.outcomes:
        where = next((f"{at.file}:{at.line}" for at in one.before.origin), one.before.key)
        if one.state == "conflict":
            what = f"{one.before.title!r}: {one.why}."
            out.append(Problem(where=where, what=what, hint="Mend the link or the title.", check="list"))
        elif one.state == "not found" and one.is_dead:
            what = f"{one.before.title!r}: {one.why}."
            out.append(Problem(where=where, what=what, hint="Mend the link.", check="list"))
    return tuple(sorted(out, key=_by_line))


def _by_line(problem: Problem) -> tuple[str, int]:
    file, _, line = problem.where.rpartition(":")
    return file, int(line) if line.isdigit() else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What is new of one field of a work, and who says it; `old` is None or empty for what was not there."""

    name: str
    old: object
    new: object
    by: str


def changes(before: Entry, after: Entry) -> tuple[Change, ...]:
    """What a work has learned, field by field, in the order of the catalog."""
    out: list[Change] = []
    for name in Entry.__dataclass_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if name in {"said", "key", "aliases", "aka", "topics", "origin", "authors_complete"} or old == new:
            continue
        pairs = (
            [(f"{name}.{one}", None, new[one]) for one in sorted(set(new) - set(old))]
            if isinstance(new, Mapping)
            else [(name, old, new)]
        )
        for field_name, was, now in pairs:
            by = after.said.get(field_name, after.said.get("venue" if name == "kind" else name))
            out.append(Change(name=field_name, old=was, new=now, by=by.by if by else ""))
    return tuple(out)
