"""Knows what refsync last wrote into a library, field by field: what tells a person's edit from the catalog's.

The base is sorted JSON lines, one an object, under a line that names server, library and catalog. While a run writes, what
is about to be sent and what was answered are appended to a log beside it, so that a run killed anywhere is continued; the
log is folded into the base when the run ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from refsync import documents, files
from refsync.documents import Struct
from refsync.model import Failure, Problem

What = Literal["collection", "item", "attachment"]
Id = tuple[What, str]
VERSION = 1
# How an object is gone that no person has removed: `UNDONE`, taken back with `refsync undo`, and the next sync brings it
# back; `WAITING`, never made, because a person removed its collection.
UNDONE, WAITING = "undone", "waiting"


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What refsync wrote of one object. `id` is the topic, the entry's key, or "key label" of a link; `key` is Zotero's.

    `fields` are the values last written (`creators` and `extra` among them), `tags` and `collections` those that it put
    there. `is_adopted`: a person's own item, of which refsync filled what was empty; `theirs` are the fields that were not. `told` are the differences that a
    person has been shown: {field: (there, here)}; `gone` says how a person removed it; `found` are the values that stood
    there when nothing was known of who wrote them.
    """

    what: What
    id: str
    key: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    is_adopted: bool = False
    theirs: tuple[str, ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)
    gone: str | None = None
    found: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Whose base it is: the server (its origin), the library ("users/1", "groups/7"), the catalog."""

    server: str
    library: str
    catalog: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """What was last written, and `pending`: what was about to be written when a run ended, of which nobody knows the answer;
    `removing` are the collections that it was about to remove.

    `version` is the library's when it was last seen.
    """

    owner: Owner
    version: int = 0
    records: Mapping[Id, Record] = field(default_factory=dict)
    pending: Mapping[Id, Record] = field(default_factory=dict)
    removing: frozenset[Id] = frozenset()


class BaseFile:
    """The base in a file, and the log beside it. `fold` ends a run."""

    def __init__(self, path: Path, owner: Owner) -> None:
        self.path, self.owner = path, owner
        self._log_path = path.with_name(f"{path.name}.log")

    def load(self) -> Base:
        """What the file and its log say; an empty base where there is none, or where it is of another library.

        Raises Failure where the file cannot be read: what was written by refsync and what by a person is then unknown.
        """
        base = read(self.path) or Base(owner=self.owner)
        if base.owner != self.owner:
            return Base(owner=self.owner)
        return _replayed(base, self._log_path)

    def intend(self, records: Iterable[Record]) -> None:
        """Notes what is about to be sent."""
        self._append([{"pending": value_of(one)} for one in records])

    def commit(self, records: Iterable[Record], version: int) -> None:
        """Notes what a library has answered: these were written."""
        self._append([*({"written": value_of(one)} for one in records), {"version": version}])

    def drop(self, ids: Iterable[Id]) -> None:
        """Notes what was not written after all."""
        self._append([{"dropped": list(one)} for one in ids])

    def intend_removal(self, ids: Iterable[Id]) -> None:
        """Notes what is about to be removed."""
        self._append([{"removing": list(one)} for one in ids])

    def forget(self, ids: Iterable[Id]) -> None:
        """Notes what is no longer refsync's."""
        self._append([{"forgotten": list(one)} for one in ids])

    def fold(self, base: Base) -> None:
        """Writes the base whole, and removes the log. Bytes are the same for the same base."""
        text = written(replace(base, owner=self.owner))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        files.write({self.path: text})
        self._log_path.unlink(missing_ok=True)

    def _append(self, rows: list[Mapping[str, Any]]) -> None:
        if not rows:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        files.append(self._log_path, "".join(f"{_json(one)}\n" for one in rows))


def written(base: Base) -> str:
    """The text of a base file: a head, then a line for each record, sorted."""
    head = {"refsync": VERSION, "written": f"W{files.MARK} sync", **_owner_value(base.owner), "version": base.version}
    rows = [head, *(value_of(base.records[one]) for one in sorted(base.records))]
    return "".join(f"{_json(one)}\n" for one in rows)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _owner_value(owner: Owner) -> dict[str, str]:
    return {"server": owner.server, "library": owner.library, "catalog": owner.catalog}


def value_of(record: Record) -> dict[str, Any]:
    """A record as JSON, without what is empty."""
    named = {
        "what": record.what, "id": record.id, "key": record.key, "fields": dict(record.fields),
        "tags": list(record.tags), "collections": list(record.collections), "adopted": record.is_adopted, "theirs": list(record.theirs),
        "told": dict(record.told), "gone": record.gone, "found": dict(record.found),
    }  # fmt: skip
    return {name: value for name, value in named.items() if value or name in {"what", "id", "key"}}


class Values(Struct, frozen=True):
    """What of an object's properties has to be of a shape; all others are compared as text."""

    itemType: str | None = None
    creators: list[dict[str, Any]] | None = None
    tags: list[dict[str, Any]] | None = None
    collections: list[str] | None = None


class RecordRow(Struct, frozen=True):
    """A record as a line has it."""

    what: What
    id: str
    key: str
    fields: dict[str, Any] = {}
    tags: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    adopted: bool = False
    theirs: tuple[str, ...] = ()
    told: dict[str, Any] = {}
    gone: str | None = None
    found: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if documents.fitting(self.fields, Values) is None or documents.fitting(self.found, Values) is None:
            raise ValueError("fields")

    @property
    def record(self) -> Record:
        """The Record that it tells."""
        return Record(
            what=self.what, id=self.id, key=self.key, fields=self.fields, tags=self.tags, collections=self.collections,
            is_adopted=self.adopted, theirs=self.theirs, told=self.told, gone=self.gone, found=self.found,
        )  # fmt: skip


class _Head(Struct, frozen=True):
    refsync: int
    server: str
    library: str
    catalog: str
    version: int


class _Step(Struct, frozen=True):
    """A line of the log: one of these."""

    pending: RecordRow | None = None
    written: RecordRow | None = None
    dropped: tuple[What, str] | None = None
    forgotten: tuple[What, str] | None = None
    removing: tuple[What, str] | None = None
    version: int | None = None


def read(path: Path) -> Base | None:
    """The base in a file, None where there is none. Raises Failure for a file that is damaged, or of a newer refsync."""
    if not path.exists():
        return None
    (at, first), *rows = documents.rows_of(path) or [(1, None)]
    if isinstance(first, dict) and isinstance(made := first.get("refsync"), int) and made > VERSION:
        raise Failure(Problem(where=str(path), what="was written by a newer refsync.", hint="Upgrade refsync."))
    head = documents.fitting(first, _Head)
    if head is None or head.refsync != VERSION:
        raise _damaged(path, at)
    records: dict[Id, Record] = {}
    for at, value in rows:
        row = documents.fitting(value, RecordRow)
        if row is None:
            raise _damaged(path, at)
        records[(row.what, row.id)] = row.record
    owner = Owner(server=head.server, library=head.library, catalog=head.catalog)
    return Base(owner=owner, version=head.version, records=records)


def _damaged(path: Path, line: int) -> Failure:
    what = "is damaged: what refsync wrote into the library is not known from it."
    hint = "Restore it, or remove it: then nothing is changed or removed in the library, only added."
    return Failure(Problem(where=f"{path}:{line}", what=what, hint=hint))


def _replayed(base: Base, log: Path) -> Base:
    """The base with what a log adds; a line that was cut off by a sudden end is passed over, and any that is none."""
    if not log.exists():
        return base
    records, pending, version = dict(base.records), dict(base.pending), base.version
    removing = set(base.removing)
    for _, row in documents.rows_of(log):
        step = documents.fitting(row, _Step)
        if step is None:
            continue
        if step.pending is not None:
            pending[(step.pending.what, step.pending.id)] = step.pending.record
        elif step.written is not None:
            records[(step.written.what, step.written.id)] = step.written.record
            pending.pop((step.written.what, step.written.id), None)
        elif step.dropped is not None:
            pending.pop(step.dropped, None)
        elif step.forgotten is not None:
            records.pop(step.forgotten, None)
        elif step.removing is not None:
            removing.add(step.removing)
        elif step.version is not None:
            version = step.version
    return replace(base, records=records, pending=pending, removing=frozenset(removing), version=version)
