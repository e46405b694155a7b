"""Knows what refsync last wrote into a library, field by field: what tells a person's edit from the catalog's.

The base is sorted JSON lines, one an object, under a line that names server, library and catalog. While a run writes, what
is about to be sent and what was answered are appended to a log beside it, so that a run killed anywhere is continued; the
log is folded into the base when the run ends.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from refsync import documents, files
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
    person has been shown: {field: (there, here)}; `gone` says how a person removed it.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Whose base it is: the server (its origin), the library ("users/1", "groups/7"), the catalog."""

    server: str
    library: str
    catalog: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """What was last written, and `pending`: what was about to be written when a run ended, of which nobody knows the answer.

    `version` is the library's when it was last seen.
    """

    owner: Owner
    version: int = 0
    records: Mapping[Id, Record] = field(default_factory=dict)
    pending: Mapping[Id, Record] = field(default_factory=dict)


class BaseFile:
    """The base in a file, and the log beside it. `with` closes the log; `fold` ends a run."""

    def __init__(self, path: Path, owner: Owner) -> None:
        self.path, self.owner = path, owner
        self._log_path = path.with_name(f"{path.name}.log")
        self._log: Any = None

    def __enter__(self) -> BaseFile:
        return self

    def __exit__(self, *_: object) -> None:
        if self._log is not None:
            self._log.close()

    def load(self) -> Base:
        """What the file and its log say; an empty base where there is none, or where it is of another library.

        Raises Failure where the file cannot be read: what was written by refsync and what by a person is then unknown.
        """
        head, records = _read(self.path)
        if head is not None and head != self.owner:
            return Base(owner=self.owner)
        base = records if records is not None else Base(owner=self.owner)
        base = replace(base, owner=self.owner)
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

    def forget(self, ids: Iterable[Id]) -> None:
        """Notes what is no longer refsync's."""
        self._append([{"forgotten": list(one)} for one in ids])

    def fold(self, base: Base) -> None:
        """Writes the base whole, and removes the log. Bytes are the same for the same base."""
        head = {
            "refsync": VERSION,
            "written": f"W{files.MARK} sync",
            **_owner_value(self.owner),
            "version": base.version,
        }
        rows = [head, *(value_of(base.records[one]) for one in sorted(base.records))]
        text = "".join(f"{_json(one)}\n" for one in rows)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        files.write({self.path: text})
        if self._log is not None:
            self._log.close()
            self._log = None
        self._log_path.unlink(missing_ok=True)

    def _append(self, rows: list[Mapping[str, Any]]) -> None:
        if not rows:
            return
        if self._log is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            cut = self._log_path.exists() and not self._log_path.read_bytes().endswith(b"\n")
            self._log = self._log_path.open("a", encoding="utf-8")
            self._log.write("\n" if cut else "")
        self._log.write("".join(f"{_json(one)}\n" for one in rows))
        self._log.flush()
        os.fsync(self._log.fileno())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _owner_value(owner: Owner) -> dict[str, str]:
    return {"server": owner.server, "library": owner.library, "catalog": owner.catalog}


def value_of(record: Record) -> dict[str, Any]:
    """A record as JSON, without what is empty."""
    named = {
        "what": record.what, "id": record.id, "key": record.key, "fields": dict(record.fields),
        "tags": list(record.tags), "collections": list(record.collections), "adopted": record.is_adopted, "theirs": list(record.theirs),
        "told": dict(record.told), "gone": record.gone,
    }  # fmt: skip
    return {name: value for name, value in named.items() if value or name in {"what", "id", "key"}}


def record_of(value: Mapping[str, Any]) -> Record:
    return Record(
        what=value["what"],
        id=value["id"],
        key=value["key"],
        fields=value.get("fields", {}),
        tags=tuple(value.get("tags", ())),
        collections=tuple(value.get("collections", ())),
        is_adopted=bool(value.get("adopted")),
        theirs=tuple(value.get("theirs", ())),
        told=value.get("told", {}),
        gone=value.get("gone"),
    )


def _read(path: Path) -> tuple[Owner | None, Base | None]:
    if not path.exists():
        return None, None
    lines = documents.text_of(path).split("\n")
    try:
        head = documents.json_of(lines[0])
        owner = Owner(server=head["server"], library=head["library"], catalog=head["catalog"])
        rows = documents.json_of(f"[{','.join(one for one in lines[1:] if one.strip())}]")  # at once: much faster
        records = [record_of(one) for one in rows]
        base = Base(owner=owner, version=int(head["version"]), records={(one.what, one.id): one for one in records})
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        what = f"is damaged ({type(error).__name__}): what refsync wrote into the library is not known from it."
        hint = "Restore it, or remove it: then nothing is changed or removed in the library, only added."
        raise Failure(Problem(where=str(path), what=what, hint=hint)) from None
    return owner, base


def _replayed(base: Base, log: Path) -> Base:
    """The base with what a log adds; a line that was cut off by a sudden end is passed over."""
    if not log.exists():
        return base
    records, pending, version = dict(base.records), dict(base.pending), base.version
    for text in documents.text_of(log).split("\n"):
        try:
            row = documents.json_of(text)
        except ValueError:
            continue
        if not isinstance(row, dict):
            continue
        if "pending" in row:
            one = record_of(row["pending"])
            pending[(one.what, one.id)] = one
        elif "written" in row:
            one = record_of(row["written"])
            records[(one.what, one.id)] = one
            pending.pop((one.what, one.id), None)
        elif "dropped" in row:
            pending.pop((row["dropped"][0], row["dropped"][1]), None)
        elif "forgotten" in row:
            records.pop((row["forgotten"][0], row["forgotten"][1]), None)
        elif "version" in row:
            version = row["version"]
    return replace(base, records=records, pending=pending, version=version)
