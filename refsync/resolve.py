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
from refsync import merging, settings
from refsync.mapping import Tables
from refsync.model import Catalog, Entry, Failure, Problem
from refsync.outcomes import Outcome, outcome, without_twins
from refsync.resolvers import RESOLVERS, Resolver, bibliographies, local, named
from refsync.resolvers.asking import Sources
from refsync.resolvers.searching import Search, Told


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The outcomes in the order of the catalog, the build that wrote them, and whether a person stopped the asking."""

    outcomes: tuple[Outcome, ...]
    build: building.Report
    is_stopped: bool = False
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
    asked = [work for work in works if (work.key in again if again else not merging.is_settled(work))][:limit]
    problems: list[Problem] = []
    with ExitStack() as stack:
        opened = [stack.enter_context(_library(spec, folder, cache, sources.tables, told)) for spec in libraries]
        search = Search(
            [_without_facts(work) if work.key in again else work for work in asked], opened, sources, online, told
        )
        search.run()
        # Now, since a damaged index shows where it is read.
        problems += (problem for library in opened for problem in library.problems)
    outcomes = [outcome(work, search, at, today, adds_only=wanted.freeze) for at, work in enumerate(asked)]
    outcomes = without_twins(outcomes, before.catalog)
    ready = {one.before.key: one.after for one in outcomes}
    kept = [
        Outcome(state="resolved", before=work, after=work, is_new=False)
        for work in works
        if work.key not in ready and merging.is_settled(work)
    ]
    catalog = replace(before.catalog, entries=tuple(ready.get(one.key, one) for one in before.catalog.entries))
    built = building.build(path, dry_run=dry_run, last=catalog, renew="none" if wanted.freeze else "resolved")
    return Report(
        outcomes=tuple(sorted((*outcomes, *kept), key=lambda one: one.before.key)),
        build=built,
        is_stopped=search.is_stopped,
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


def _without_facts(work: Entry) -> Entry:
    """The work as it is asked for again: identifiers that a source gave are looked for anew."""
    ids = {one: value for one, value in work.ids.items() if f"ids.{one}" not in work.said}
    return replace(work, ids=ids)
