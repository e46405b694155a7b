"""Knows files of the cache: one that is damaged or not ours is set aside, and where none can be kept a run goes on without.

What lies in a cache can be had again, so nothing that is wrong with it is an error.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from itertools import count
from pathlib import Path

from refsync.model import Problem

_BESIDE = ("-journal", "-wal", "-shm")  # what SQLite lays beside a file; it must not be taken for the next one's


def usable(place: Path, is_ours: Callable[[sqlite3.Connection], bool]) -> tuple[Path | None, tuple[Problem, ...]]:
    """(`place`, None when no file can be kept there; what a person is told). A file that is damaged, or that `is_ours` does
    not know, is set aside first."""
    told: tuple[Problem, ...] = ()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists() and not _is_whole(place, is_ours):
            told = (set_aside(place),)
        with closing(sqlite3.connect(place)) as base:
            base.isolation_level = None
            # A folder or a disk that takes no writes shows at the first of them only.
            base.execute("begin immediate")
            base.execute("create table probe (x)")
            base.execute("rollback")
    except (OSError, sqlite3.Error) as error:
        return None, (without(place, error),)
    return place, told


def set_aside(place: Path) -> Problem:
    """Renames what stands at `place`, whatever it is. Raises OSError when it cannot be."""
    aside = next(
        one for at in count(1) if not (one := place.with_name(f"{place.name}.damaged{at if at > 1 else ''}")).exists()
    )
    with suppress(FileNotFoundError):  # another run was first
        place.rename(aside)
    for ending in _BESIDE:
        with suppress(OSError):
            place.with_name(place.name + ending).rename(aside.with_name(aside.name + ending))
    what = "is damaged, or is no cache of refsync; it is begun anew."
    return Problem(where=str(place), what=what, hint=f"Remove {aside.name} beside it when it is not yours.")


def without(place: Path, error: Exception) -> Problem:
    """What is told when no file can be kept at `place`."""
    why = (error.strerror if isinstance(error, OSError) else None) or str(error)
    what = f"the cache cannot be used: {why.rstrip('.')}. The run goes on without it."
    return Problem(where=str(place), what=what, hint="Name another folder with REFSYNC_CACHE_DIR.")


def _is_whole(place: Path, is_ours: Callable[[sqlite3.Connection], bool]) -> bool:
    if not place.is_file():
        return False
    try:
        with closing(sqlite3.connect(place)) as base:
            return base.execute("pragma quick_check(1)").fetchone() == ("ok",) and is_ours(base)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN}:
            raise  # it says nothing of the file
        return False
    except sqlite3.DatabaseError:
        return False


def fits(base: sqlite3.Connection, table: str, columns: Sequence[str], key: Sequence[str]) -> bool:
    """Whether a table has these columns and this primary key, or is not there yet."""
    there = [(row[1], row[5]) for row in base.execute(f"pragma table_info({table})")]
    in_key = sorted((at, name) for name, at in there if at)
    return not there or ([name for name, _ in there], [name for _, name in in_key]) == (list(columns), list(key))
