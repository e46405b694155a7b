"""Follows the lists elsewhere that a folder is made of: fetches them again, pins what they are at, and builds.

Copies, refsync.yaml, catalog and exports are written together or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from refsync import build as building
from refsync import documents, fetching, files, news, pins, remote, settings, sources
from refsync.build import Report
from refsync.fetching import Fetched
from refsync.formats import cited as cited_files
from refsync.mapping import Tables
from refsync.model import Failure, Problem
from refsync.remote import Remote
from refsync.settings import Settings
from refsync.web import Sources, shown

# Of a list with so many entries, to lose more than this share at once is more likely an accident than an edit.
_MOST_LOST, _FROM = 0.3, 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """One list elsewhere: its address as it is shown, its copy, and the revisions it was and is at."""

    url: str
    copy: str
    old: str | None
    new: str
    is_changed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """What an update found and, unless it was a dry run, wrote. `build` is None where no source lies elsewhere."""

    followed: tuple[Followed, ...] = ()
    notices: tuple[Problem, ...] = ()
    news: tuple[news.Item, ...] = ()
    build: Report | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _One:
    """A source elsewhere on its way: its place among the sources, and its copy."""

    at: int
    remote: Remote
    copy: str
    path: Path
    now: Fetched


def updated(folder: Path, *, web: Sources, force: bool = False, dry_run: bool = False) -> Update:
    """Fetches every source of the folder that lies elsewhere, pins it, and builds.

    Raises Failure, with everything as it was before, when one of them cannot be had or is no list any more (exit 1), when
    one has lost a third of its entries, or when a copy was edited by hand (exit 4; `force` allows both).
    """
    wanted = settings.load(folder)
    copies = remote.copies(wanted.sources)
    if not copies:
        return Update()
    try:
        found = [_fetched(at, copy, wanted, folder, web) for at, copy in copies.items()]
        tables = wanted.tables(folder)
        for one in found:
            _check(one, tables, force=force)
        laid = {one.path: one.now.data for one in found}
        laid |= _settings(folder, found)
        before = building.last_catalog(folder)
        report = building.build(folder, force=force, dry_run=dry_run, laid=laid)
    except Failure as failure:
        raise fetching.with_note(failure) from None
    result = report.result
    places = _citations(folder, wanted)
    return Update(
        followed=tuple(_followed(one, report) for one in found),
        notices=tuple(notice for one in found for notice in one.now.notices),
        news=news.between(before, result.catalog, gone=result.gone, kept=result.kept, cited=places),
        build=report,
    )


def _fetched(at: int, copy: str, wanted: Settings, folder: Path, web: Sources) -> _One:
    one = remote.of(wanted.sources[at])
    assert one is not None  # it has a copy
    path = folder / copy
    files.target(path)
    return _One(at=at, remote=one, copy=copy, path=path, now=fetching.fetched(one, web, folder))


def _check(one: _One, tables: Tables, *, force: bool) -> None:
    """Raises Failure where a list is none any more, has lost much of what its copy holds, or the copy is somebody's work."""
    now = _count(one.now.data, one.copy, tables)
    where = shown(one.remote.url)
    if not now:
        hint = "Look at it before you go on."
        raise Failure(Problem(where=where, what="holds no entries any more.", hint=hint))
    old = one.path.read_bytes() if one.path.is_file() else None
    if old is None or old == one.now.data or force:
        return
    if one.remote.sha is None or _is_edited(one, old):
        what = (
            "was edited by hand; it is a copy." if one.remote.sha else "is there already, and no copy that is pinned."
        )
        hint = "Move what you wrote to a list of your own and name it under `sources`, or pass --force."
        raise Failure(Problem(where=one.copy, what=what, hint=hint), code=4)
    try:
        before = _count(old, one.copy, tables)
    except Failure:  # a copy that cannot be read holds nothing to lose
        return
    if before >= _FROM and before - now > _MOST_LOST * before:
        what = f"has {now} entries, and had {before}."
        raise Failure(Problem(where=where, what=what, hint="If that is meant, pass --force."), code=4)


def _is_edited(one: _One, copy: bytes) -> bool:
    """Whether a copy is not what its pin says. That of a commit is known where the list is still at it."""
    plain, fetched = (
        copy.replace(b"\r\n", b"\n"),
        one.now.data.replace(b"\r\n", b"\n"),
    )  # as git may have checked it out
    if one.remote.kind == "text":
        return one.remote.sha not in {hashlib.sha256(data).hexdigest() for data in (copy, plain)}
    return one.remote.sha == one.now.sha and plain != fetched


def _count(data: bytes, name: str, tables: Tables) -> int:
    """How many entries a list has, or records a bibliography."""
    read = sources.of(data, name, tables)
    return len(read.reading.accounts) if read.reading else len(read.entries)


def _settings(folder: Path, found: Sequence[_One]) -> dict[Path, bytes]:
    """refsync.yaml with the new pins; nothing where all are as they were."""
    shas = {one.at: one.now.sha for one in found if one.remote.sha != one.now.sha}
    if not shas:
        return {}
    path = folder / settings.FILE
    data = documents.bytes_of(path, settings.FILE)
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    return {path: pins.pinned(data.decode(encoding), shas).encode(encoding)}


def _followed(one: _One, report: Report) -> Followed:
    return Followed(
        url=shown(one.remote.url),
        copy=one.copy,
        old=one.remote.sha,
        new=one.now.sha,
        is_changed=one.remote.sha != one.now.sha or one.path.name in report.written.changed,
    )


def _citations(folder: Path, wanted: Settings) -> dict[str, tuple[str, ...]]:
    """Where papers cite each key: "main.tex:88"."""
    places: dict[str, tuple[str, ...]] = {}
    for path in (path for name in wanted.cited for path in sources.matches(folder, name)):
        for one in cited_files.read(documents.text_of(path), path.name):
            places[one.key] = (*places.get(one.key, ()), f"{path.name}:{one.line}")
    return places


def folder_of(path: Path) -> Path:
    """The folder that a PATH means. Raises Failure (exit 2) for a file: an update is of all sources of a folder."""
    folder, file = building.located(path)
    if file is not None and file.name != settings.FILE:
        hint = f"Name its folder: refsync update {folder}"
        raise Failure(Problem(where=str(path), what="is a file; `update` is of a folder.", hint=hint), code=2)
    return folder
