"""Knows how git is to merge the files that refsync writes: the catalog by key, the base by record, exports by being rebuilt."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import fields, replace
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from refsync import documents, files
from refsync.build import CATALOG
from refsync.formats import catalog as catalog_file
from refsync.formats import catalogmerge
from refsync.model import Catalog, Entry, Failure, Problem
from refsync.sync import base as bases
from refsync.sync import basemerge

BASES = "zotero-*.jsonl"
# What a side can only gain, or what says who it is: not taken over from the other side where this one left it as it was.
_KEPT = frozenset(["key", "aliases", "origin"])


def merge(old: Path, ours: Path, theirs: Path, name: str) -> tuple[Problem, ...]:
    """Merges the file `name`, whose three versions lie in these files, into `ours`. Returns what a person should know.

    Raises Failure, with the sides between conflict markers in `ours`, where only a person can merge them.
    """
    try:
        text, told = _merged(old, ours, theirs, name)
        ours.write_bytes(text.encode("utf-8"))
    except Failure:
        _marked(old, ours, theirs)
        raise
    return told


def _merged(old: Path, ours: Path, theirs: Path, name: str) -> tuple[str, tuple[Problem, ...]]:
    plain = PurePosixPath(name).name
    if fnmatch(plain, BASES):
        return _bases(old, ours, theirs, name), ()
    if plain == CATALOG:
        sides = (_catalog(old, name), _catalog(ours, name), _catalog(theirs, name))
        if sides[1] is None or sides[2] is None:
            return documents.text_of(ours if sides[1] else theirs, name), ()
        both, told = catalogs(sides[0], sides[1], sides[2], name)
        return catalog_file.write(both), told
    if files.foreign([ours, theirs]) is not None:
        what = "was not written by refsync on both sides."
        raise Failure(Problem(where=name, what=what, hint="Merge it by hand, or name another file under `exports`."))
    return documents.text_of(ours, name), ()


def _bases(old: Path, ours: Path, theirs: Path, name: str) -> str:
    mine, other = _base(ours), _base(theirs)
    if mine is None or other is None:
        return documents.text_of(ours if mine else theirs, name)
    return bases.written(basemerge.merged(_base(old), mine, other, name))


def _base(path: Path) -> bases.Base | None:
    return bases.read(path) if path.exists() and path.stat().st_size else None  # git's ancestor of a new file is empty


def _catalog(path: Path, name: str) -> Catalog | None:
    text = documents.text_of(path, name)
    return catalog_file.read(text, name)[0] if text.strip() else None


def catalogs(old: Catalog | None, ours: Catalog, theirs: Catalog, where: str) -> tuple[Catalog, tuple[Problem, ...]]:
    """Two catalogs that began as `old` as one: what a side has changed is that side's; where both have, every key and every
    fact of either is kept, and ours stands where they contradict each other."""
    if old is None:
        return catalogmerge.joined(ours, theirs, where)
    mine, other = _caught_up(old, ours, theirs), _caught_up(old, theirs, ours)
    return catalogmerge.joined(mine, other, where)


def _caught_up(old: Catalog, one: Catalog, other: Catalog) -> Catalog:
    """One side of a merge with everything that only the other has changed."""
    was, theirs = {entry.key: entry for entry in old.entries}, {entry.key: entry for entry in other.entries}
    entries = []
    for entry in one.entries:
        before, new = was.get(entry.key), theirs.get(entry.key)
        if new is None and before == entry and entry.key in other.retired:
            continue  # it has left the list over there
        entries.append(_entry(before, entry, new) if before and new else entry)
    topics = other.topics if one.topics == old.topics else one.topics
    title = other.title if one.title == old.title else one.title
    return replace(one, entries=tuple(entries), topics=topics, title=title)


def _entry(old: Entry, one: Entry, other: Entry) -> Entry:
    changed: dict[str, Any] = {}
    for name in (field.name for field in fields(Entry) if field.name not in _KEPT):
        was, mine, theirs = (getattr(entry, name) for entry in (old, one, other))
        if isinstance(was, Mapping):
            changed[name] = {
                **{key: value for key, value in theirs.items() if key not in mine and key not in was},
                **{key: value for key, value in mine.items() if not (was.get(key) == value and key not in theirs)},
                **{key: theirs[key] for key in theirs if key in was and mine.get(key) == was[key]},
            }
        elif mine == was:
            changed[name] = theirs
    return replace(one, **changed)


def _marked(old: Path, ours: Path, theirs: Path) -> None:
    """Leaves both sides in `ours` as git itself would, between conflict markers."""
    command = ["git", "merge-file", "-q", "-L", "ours", "-L", "base", "-L", "theirs"]
    subprocess.run([*command, str(ours), str(old), str(theirs)], capture_output=True, check=False)
