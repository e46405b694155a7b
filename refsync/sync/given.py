"""Knows under which keys Zotero's desktop keeps what refsync made there, because it gives keys of its own.

All else in refsync calls an object by the key that follows from the catalog, as it is called at the server: its name here.
The names and the keys of one library are kept in one file beside the bases, a line as soon as an answer is read; and what
is about to be sent before that, so that what arrived without an answer is found again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from refsync import documents, files
from refsync.sync.seen import Data, Seen

# What tells an object that was sent from all others, of its properties.
_TELLING = ("name", "parentCollection", "parentItem", "url", "citationKey", "title", "DOI", "archiveID", "collections")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """An object that was sent to be made, and of which no answer was read: its name, what tells it (with the desktop's
    keys in it), and the version that the library had then. `kind` is collections or items."""

    kind: str
    name: str
    at: int
    data: Mapping[str, Any]


def sent(kind: str, name: str, at: int, data: Data) -> Sent:
    """An object that is about to be sent."""
    return Sent(kind=kind, name=name, at=at, data={one: data[one] for one in _TELLING if data.get(one)})


class _SentRow(documents.Struct, frozen=True):
    kind: Literal["collections", "items"]
    name: str
    at: int
    data: dict[str, Any]


class _Row(documents.Struct, frozen=True):
    """A line of the file."""

    sent: tuple[_SentRow, ...] = ()
    given: dict[str, str] = {}
    dropped: tuple[str, ...] = ()
    zotero: str | None = None
    takes: bool = False


class Given:
    """The keys of one library by name, in a file; `open` is what was sent and not answered, by name.

    Where nothing `writes`, the file stays as it is. Lines are only added, so that two runs may do so at a time.
    """

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        self._path, self._writes = path, writes
        self.keys: dict[str, str] = {}
        self.open: dict[str, Sent] = {}
        self._takes: dict[str, bool] = {}

    def load(self) -> None:
        """Reads what the file says by now. A line that was cut off by a sudden end is passed over."""
        if not self._path.exists():
            return
        for _, value in documents.rows_of(self._path):
            if (row := documents.fitting(value, _Row)) is not None:
                self._learn(row)

    def _learn(self, row: _Row) -> None:
        for one in row.sent:
            self.open[one.name] = Sent(kind=one.kind, name=one.name, at=one.at, data=one.data)
        for name, key in row.given.items():
            self.keys[name] = key
            self.open.pop(name, None)
        for name in row.dropped:
            self.open.pop(name, None)
        if row.zotero is not None:
            self._takes[row.zotero] = row.takes

    def takes_names(self, zotero: str) -> bool | None:
        """Whether a Zotero of this version lets its clients choose keys, None where that was never tried."""
        return self._takes.get(zotero)

    def note_takes(self, zotero: str, takes: bool) -> None:
        """Notes what came of a try."""
        self._append({"zotero": zotero, "takes": takes})

    def send(self, objects: Iterable[Sent]) -> None:
        """Notes what is about to be sent."""
        rows = [{"kind": one.kind, "name": one.name, "at": one.at, "data": dict(one.data)} for one in objects]
        self._append({"sent": rows} if rows else {})

    def give(self, keys: Mapping[str, str]) -> None:
        """Notes which keys objects have got."""
        self._append({"given": dict(keys)} if keys else {})

    def drop(self, names: Iterable[str]) -> None:
        """Notes what was not made after all."""
        gone = [one for one in names if one in self.open]
        self._append({"dropped": gone} if gone else {})

    def _append(self, row: Mapping[str, Any]) -> None:
        if not row:
            return
        if (read := documents.fitting(row, _Row)) is not None:
            self._learn(read)
        if not self._writes:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        files.append(self._path, f"{json.dumps(row, ensure_ascii=False, sort_keys=True)}\n")


def renamed(seen: Seen, to: Mapping[str, str]) -> Seen:
    """A library with other keys: those of its objects, and all that they say of one another."""
    if not to:
        return seen
    return Seen(
        version=seen.version,
        collections={to.get(key, key): renamed_data(data, to) for key, data in seen.collections.items()},
        items={to.get(key, key): renamed_data(data, to) for key, data in seen.items.items()},
    )


def renamed_data(data: Data, to: Mapping[str, str]) -> Data:
    """An object with other keys; the same one where nothing in it is called otherwise."""
    new: dict[str, Any] = {}
    for name in ("key", "parentCollection", "parentItem"):
        if (value := data.get(name)) and value in to:
            new[name] = to[value]
    if shelves := data.get("collections"):
        new["collections"] = [to.get(one, one) for one in shelves]
        if new["collections"] == shelves:
            del new["collections"]
    if merged := (data.get("relations") or {}).get("dc:replaces"):
        uris = [merged] if isinstance(merged, str) else merged
        others = [_readdressed(str(one), to) for one in uris]
        if others != list(uris):
            new["relations"] = {**data["relations"], "dc:replaces": others}
    return {**data, **new} if new else data


def _readdressed(uri: str, to: Mapping[str, str]) -> str:
    start, slash, key = uri.rpartition("/")
    return f"{start}{slash}{to.get(key, key)}"
