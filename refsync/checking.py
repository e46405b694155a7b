"""Knows everything in a folder that needs a person: what a build finds, and what papers and exports say besides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from refsync import documents, formats, lint, selection, settings, sources, titles
from refsync.build import Report, build
from refsync.formats import cited
from refsync.mapping import Tables
from refsync.model import Catalog, Entry, Failure, Problem

# Checks that are made here; the others are those of lint and of the build itself.
OWN = ("stale", "dead-cite", "key-twice", "work-twice", "no-place")
OF_THE_BUILD = ("question", "unsure", "correction", "merge", "key", "twin", "ascii")
NAMES = (*OF_THE_BUILD, *lint.CHECKS, *OWN)


def found(path: Path, *, also: Iterable[Path] = (), without: Collection[str] = ()) -> tuple[Report, list[Problem]]:
    """What a build of the folder or list at `path` would make, and every problem of it, those of `without` left out.

    `also` are bibliographies of other people that a paper uses beside the catalog. Raises Failure (exit 2) for a check
    of `without` that there is not.
    """
    report = build(path, dry_run=True)
    wanted = settings.load(report.folder)
    off = _checked(set(without), "--without") | _checked(set(wanted.checks), settings.FILE)
    off -= {name for name, on in wanted.checks.items() if on}
    problems = [*report.problems, *report.notices, *_stale(report)]
    problems += _dead_citations(report.folder, wanted.cited, report.catalog)
    problems += _twice(report.catalog, also, wanted.tables(report.folder))
    return report, [one for one in problems if one.check not in off]


def fresh(problems: Iterable[Problem], before: Iterable[Problem]) -> list[Problem]:
    """The problems that were not there before, wherever their lines have moved since."""
    known = Counter((one.check, one.what) for one in before)
    out = []
    for one in problems:
        if known[one.check, one.what] > 0:
            known[one.check, one.what] -= 1
        else:
            out.append(one)
    return out


def _checked(names: set[str], where: str) -> set[str]:
    for name in sorted(names):
        if name not in NAMES:
            near = get_close_matches(name, NAMES, n=1, cutoff=0.5)
            hint = f"Did you mean `{near[0]}`?" if near else f"Checks are {', '.join(NAMES)}."
            raise Failure(Problem(where=where, what=f"there is no check `{name}`.", hint=hint), code=2)
    return names


def _stale(report: Report) -> Iterator[Problem]:
    for name in report.written.changed:
        if (report.folder / name).exists():
            what = "is not what a build would write now."
            yield Problem(where=name, what=what, hint="Run refsync build, or check --fix.", check="stale")


def _dead_citations(folder: Path, names: Iterable[str], catalog: Catalog) -> Iterator[Problem]:
    """Keys that a paper cites and no entry has, with the nearest that one has."""
    for path in (path for name in names for path in sources.matches(folder, name)):
        used = cited.read(documents.text_of(path, path.name), path.name)
        missing = selection.missing(catalog, [one.key for one in used])
        for one in used:
            if one.key in missing:
                near = missing[one.key]
                hint = f"Did you mean {near}?" if near else "It may stand in another bibliography: check --also FILE."
                what = f"cites {one.key}, which no entry has."
                yield Problem(where=f"{path.name}:{one.line}", what=what, hint=hint, check="dead-cite")


def _twice(catalog: Catalog, paths: Iterable[Path], tables: Tables) -> Iterator[Problem]:
    """Works and keys that other bibliographies have too. Raises Failure when one of them is none."""
    by_key = {key.casefold(): entry for key, entry in catalog.by_key.items()}
    by_title = {titles.comparison(entry.title): entry for entry in catalog.entries if entry.title}
    by_title.pop("", None)
    for path in paths:
        for other in _others(path, tables):
            same = _same_work(other, catalog, by_title)
            holder = by_key.get(other.key.casefold())
            if same is not None and same.key != other.key:
                what = f"holds {other.key}, which is {same.key} here: {other.title}"
                yield Problem(where=path.name, what=what, hint="Cite one of the two.", check="work-twice")
            elif holder is not None and holder is not same:
                what = f"holds the key {other.key} for {other.title!r}; here it is {holder.title!r}."
                yield Problem(where=path.name, what=what, hint="Rename one of them.", check="key-twice")


def _others(path: Path, tables: Tables) -> tuple[Entry, ...]:
    """The works of another bibliography. Raises Failure when it is none."""
    known = formats.of_path(path.name)
    if known is None:
        what = "is no bibliography."
        raise Failure(Problem(where=str(path), what=what, hint="Name a .bib, .json or .ris file."), code=2)
    text, _ = documents.records_of(path, str(path))
    others = known.read(text, path.name, tables).entries
    if not others:
        hint = "Name a bibliography with references."
        raise Failure(Problem(where=str(path), what="holds no entries.", hint=hint))
    return others


def _same_work(other: Entry, catalog: Catalog, by_title: dict[str, Entry]) -> Entry | None:
    for pair in other.ids.items():
        if pair in catalog.by_id:
            return catalog.by_id[pair]
    return by_title.get(titles.comparison(other.title))
