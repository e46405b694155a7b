"""Completes the metadata of a folder's works, with evidence: what each source says is weighed, and only what is sure is
written. The rest is a question, with the line of corrections.yaml that answers it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from refsync import build as building
from refsync import corrections, merging, settings
from refsync.mapping import Tables
from refsync.model import Catalog, Entry, Failure, Problem
from refsync.outcomes import Outcome, outcome, without_twins
from refsync.resolvers import RESOLVERS, Resolver, bibliographies, local, named
from refsync.resolvers.asking import OFFLINE, Sources
from refsync.resolvers.searching import Search, Told, is_complete


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The outcomes in the order of the catalog, the build that wrote them, and whether a person stopped the asking."""

    outcomes: tuple[Outcome, ...]
    build: building.Report
    is_stopped: bool = False
    owed: Mapping[str, str] = field(default_factory=dict)  # sources that did not answer for every work, and why
    silent: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


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
    before = building.build(path, dry_run=True)
    libraries, online = _sources_of((*specs, *wanted.resolvers))
    works = [entry for entry in before.catalog.entries if entry.kind != "web-page"]
    again = _refreshed(refresh, before.catalog)
    sources.is_fresh = bool(again)
    tried = sources.memory.tried(_name(before.catalog, work) for work in works)
    asked = [work for work in works if (work.key in again if again else _is_open(work, tried, before.catalog))]
    asked.sort(key=lambda work: tried.get(_name(before.catalog, work), (0, False))[0])  # `limit` comes to all in turn
    asked = asked[:limit]
    bare = _as_listed(path, before.catalog, asked)
    problems: list[Problem] = []
    with ExitStack() as stack:
        opened = [stack.enter_context(_library(spec, folder, cache, sources.tables, told)) for spec in libraries]
        search = Search([bare[work.key] for work in asked], opened, sources, online, told)
        search.run()
        # Now, since a damaged index shows where it is read.
        problems += (problem for library in opened for problem in library.problems)
    owed = [search.is_stopped or bool(silent) for silent in search.unanswered]
    outcomes = []
    for at, work in enumerate(asked):
        anew = work.key in again and not owed[at] and not wanted.freeze
        one = outcome(bare[work.key] if anew else work, search, at, today, adds_only=wanted.freeze)
        outcomes.append(_kept(work, one, anew=anew))
    known = before.catalog.by_key
    apart = [
        frozenset(known[name].key for name in names if name in known)
        for names in corrections.load(folder, sources.tables.kinds).different
    ]
    outcomes = without_twins(outcomes, before.catalog, [choice.accepted for choice in search.choices], apart)
    ready = {one.before.key: one.after for one in outcomes}
    kept = [
        Outcome(state="resolved", before=work, after=work, is_new=False)
        for work in works
        if work.key not in ready and merging.is_settled(work)
    ]
    catalog = replace(before.catalog, entries=tuple(ready.get(one.key, one) for one in before.catalog.entries))
    built = building.build(path, dry_run=dry_run, last=catalog, renew="none" if wanted.freeze else "resolved")
    if not dry_run:  # by the id and the keys that were written, which the first build makes
        known = built.catalog.by_key
        sources.memory.note({_name(built.catalog, known.get(one.key, one)): owed[at] for at, one in enumerate(asked)})
    return Report(
        outcomes=tuple(sorted((*outcomes, *kept), key=lambda one: one.before.key)),
        build=built,
        is_stopped=search.is_stopped,
        owed={name: why for silent in search.unanswered for name, why in silent.items() if why != OFFLINE},
        silent=dict(sources.silent),
        problems=(*sources.services.problems, *sources.memory.problems, *problems),
    )


def _library(spec: str, folder: Path, cache: Path, tables: Tables, told: Told) -> local.Library:
    return local.Library.opened(spec, folder, cache, tables, lambda count: told(f"reading {spec}", count, 0))


def _sources_of(names: Sequence[str]) -> tuple[list[str], list[Resolver]]:
    """(local sources, sources on the web) that are asked, in order. Raises Failure for a name that is neither.

    Where no source on the web is named, those are asked that are by default.
    """
    libraries: list[str] = []
    online: list[Resolver] = []
    for name in dict.fromkeys(names):
        if bibliographies.is_local(name):
            libraries.append(name)
            continue
        source = named(name)
        if source is None:
            known = [*(one.name for one in RESOLVERS), *(f"{kind}:" for kind in bibliographies.KINDS)]
            near = get_close_matches(name, known, n=1)
            asked = f"Did you mean {near[0]}" if near else f"Say one of {', '.join(known)}"
            path = " with a path after the colon" if not near or near[0].endswith(":") else ""
            hint = f"{asked}{path}{'?' if near else '.'}"
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


def _name(catalog: Catalog, work: Entry) -> str:
    return f"{catalog.id}:{work.key}"


def _is_open(work: Entry, tried: Mapping[str, tuple[int, bool]], catalog: Catalog) -> bool:
    """Whether a work is to be asked for: nothing is known of it, something is missing, it is a preprint that may have been
    published since, or a source has not answered yet. What was asked before is remembered, and costs no request."""
    if not merging.is_settled(work) or not is_complete(work):
        return True
    is_preprint = work.venue is not None and work.venue.kind == "preprint"
    return is_preprint or tried.get(_name(catalog, work), (0, False))[1]


def _as_listed(path: Path, catalog: Catalog, asked: Sequence[Entry]) -> dict[str, Entry]:
    """The works, by key, with what the list and a person say of them, and nothing that a source told before."""
    if not any(map(merging.is_settled, asked)):
        return {work.key: work for work in asked}
    keys = {work.key for work in asked}
    entries = tuple(
        replace(one, said={name: by for name, by in one.said.items() if by.by in merging.OWN})
        if one.key in keys
        else one
        for one in catalog.entries
    )
    bare = building.build(path, dry_run=True, last=replace(catalog, entries=entries)).catalog
    return {work.key: bare.by_key.get(work.key, work) for work in asked}


def _kept(work: Entry, one: Outcome, *, anew: bool) -> Outcome:
    """The outcome for a work of which something is known already: what a source told stays where nothing new is sure,
    unless a person asks anew and the answer is that it was never sure."""
    if one.state == "resolved":
        return replace(one, before=work, is_new=one.after != work or not merging.is_settled(work))
    if not merging.is_settled(work):
        return one
    if anew and one.state in {"ambiguous", "conflict"}:
        return replace(one, before=work)
    return Outcome(state="resolved", before=work, after=work, is_new=False)
