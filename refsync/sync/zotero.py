"""Knows the Zotero Web API, through pyzotero: reads a library in few requests, writes batches, and reads every report in full."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
from pyzotero.zotero import Zotero

from refsync.model import Failure, Problem
from refsync.sync.base import Base
from refsync.sync.desired import Desired
from refsync.sync.seen import Data, Seen, within
from refsync.sync.transport import Moved, Patience, Transport, Unchanged, Unsure

__all__ = ["Answer", "Fault", "Library", "Moved", "Patience", "Rewound", "Unsure"]

_Read = dict[str, dict[str, Data]]  # objects by kind and key
READ, WRITTEN = 100, 50  # objects in one request that reads, and in one that writes
_RESTARTS = 6


class Rewound(Exception):
    """The library is at a lower version than it was: it is another one, or was put back from a copy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Why one object of a batch was not written: the server's code, its words, and what it names."""

    code: int
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What became of each object of a batch, by its place; `version` is the library's afterwards.

    `is_alone`: nobody else has written meanwhile, so that all that there was before is still as it was.
    """

    version: int
    written: Mapping[int, Data]
    unchanged: frozenset[int]
    failed: Mapping[int, Fault]
    is_alone: bool


class _Lent(httpx2.BaseTransport):
    """A transport that its user does not close: pyzotero does that when it is collected, in the middle of a request of
    another library on the same transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """What the transport answers."""
        return self._transport.handle_request(request)


class Library:
    """One library of one server. `path` is "users/1" or "groups/7"."""

    def __init__(self, url: str, path: str, key: str | None, transport: Transport) -> None:
        kind, _, number = path.partition("/")
        self.path, self.transport = path, transport
        self._client = httpx2.Client(transport=_Lent(transport), follow_redirects=False, trust_env=False)
        self._zotero = Zotero(number, kind.removesuffix("s"), key, client=self._client)
        self._zotero.endpoint = url.rstrip("/")

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.transport.close()

    def look_for(self, desired: Desired, base: Base) -> None:
        """Nothing has to be recognised: objects have the keys that follow from the catalog."""

    def key_there(self, key: str) -> str:
        """The key that the library has for an object: the same."""
        return key

    def told(self, text: str) -> str:
        """A text with the keys in it that the library has: the same."""
        return text

    # ------------------------------------------------------------------------------------------------------------
    # Reading

    def rights(self) -> Mapping[str, Any]:
        """What the key may do: {userID, username, access: {user: {library, write, ...}, groups: {...}}}."""
        # Not pyzotero's key_info: that puts the key into the address, and addresses are logged on the way.
        answer = self._client.get(f"{self._zotero.endpoint}/keys/current", headers=self._zotero.default_headers())
        with suppress(ValueError):
            found = answer.json()
            if isinstance(found, dict) and isinstance(found.get("access"), dict):
                return found
        raise self._odd()

    def seen(self, before: Seen | None = None) -> Seen:
        """The library as it is now. What was seen before is not read again; where nothing has changed, that is one request.

        Raises Rewound where the library is older than what was seen, Failure where it cannot be read whole.
        """
        read: _Read = {"collections": {}, "items": {}}
        for restart in range(_RESTARTS):
            if restart > 1:  # somebody is at work: a while, until that is done
                self.transport.pause(2.0 ** (restart - 2))
            found = self._seen(before, read) if before is not None else self._first(read)
            if found is not None:
                return found
        what = "is being written to without a pause: it could not be read at one version."
        raise Failure(Problem(where=self.transport.server, what=what, hint="Run it again later."))

    def _first(self, read: _Read) -> Seen | None:
        versions = self._versions("items", includeTrashed=1)
        at = self._version
        shelves = self._versions("collections")
        if self._version != at:
            return None
        collections = self._objects("collections", shelves, at, read)
        items = self._objects("items", versions, at, read) if collections is not None else {}
        if collections is None or items is None:
            return None
        return Seen(version=at, collections=collections, items=items)

    def _seen(self, before: Seen, read: _Read) -> Seen | None:
        try:
            self.transport.since = before.version
            changed = self._versions("items", since=before.version, includeTrashed=1)
        except Unchanged:
            return before
        finally:
            self.transport.since = None
        at = self._version
        if at < before.version:
            raise Rewound
        # All collections: one that goes with the one above it is in no list of what was deleted.
        shelves = self._versions("collections")
        is_one = self._version == at
        gone = self._read("deleted", since=before.version)
        if not is_one or self._version != at:
            return None
        new = {key: version for key, version in shelves.items() if _is_new(before.collections.get(key), version)}
        collections = self._objects("collections", new, at, read)
        fresh = {key: version for key, version in changed.items() if _is_new(before.items.get(key), version)}
        items = self._objects("items", fresh, at, read) if collections is not None else {}
        if collections is None or items is None:
            return None
        there = {key: data for key, data in before.collections.items() if key in shelves} | collections
        lost = set(gone.get("items", ())) - set(changed)
        kept = {key: data for key, data in before.items.items() if key not in lost} | items
        return Seen(version=at, collections=there, items=within(kept, there))

    def authors(self, keys: Sequence[str]) -> dict[str, str]:
        """Who last changed each of these items, where the library says so: a group's does."""
        out: dict[str, str] = {}
        for some in (keys[start : start + READ] for start in range(0, len(keys) if self.path[:1] == "g" else 0, READ)):
            for one in self._read("items", itemKey=",".join(some), limit=READ):
                by = (one.get("meta") or {}).get("lastModifiedByUser") or {}
                if name := str(by.get("name") or by.get("username") or ""):
                    out[one["key"]] = name
        return out

    @property
    def _version(self) -> int:
        headers = self._zotero.request.headers if self._zotero.request is not None else {}
        return int(headers.get("Last-Modified-Version", 0))

    def _versions(self, what: str, **wanted: Any) -> dict[str, int]:
        found = self._read(what, format="versions", limit=None, **wanted)
        if not isinstance(found, dict):
            raise self._odd()
        return found

    def _objects(self, what: str, versions: Mapping[str, int], at: int, read: _Read) -> dict[str, Data] | None:
        """Objects by key, None where the library has moved on meanwhile. What was `read` at its version is not read again."""
        name = {"items": "itemKey", "collections": "collectionKey"}[what]  # what is missing, the key may not see
        more = {"includeTrashed": 1} if what == "items" else {}
        known, is_one = read[what], True
        wanted = sorted(key for key, version in versions.items() if _is_new(known.get(key), version))
        for some in (wanted[start : start + READ] for start in range(0, len(wanted), READ)):
            found = self._read(what, **{name: ",".join(some)}, limit=READ, **more)
            if not isinstance(found, list):
                raise self._odd()
            known.update((one["key"], {**one["data"], "version": one["version"]}) for one in found)
            is_one = is_one and self._version == at
        if not is_one:  # what has been read until now need not be read the next time
            return None
        return {key: known[key] for key in versions if key in known}

    def _read(self, name: str, **wanted: Any) -> Any:
        try:
            return getattr(self._zotero, name)(**wanted)
        except (ValueError, KeyError) as error:  # no JSON, no type of content
            raise self._odd() from error

    def _odd(self) -> Failure:
        what = "gives an answer that is not Zotero's."
        return Failure(Problem(where=self.transport.server, what=what, hint=f"Check {self.transport.named_by}."))

    # ------------------------------------------------------------------------------------------------------------
    # Writing

    def write(self, what: str, objects: Sequence[Mapping[str, Any]], version: int) -> Answer:
        """Writes up to 50 "items" or "collections", each with `key` and `version` (0: a new one), where the library is
        still at `version`. Raises Moved where it is not, Unsure where nobody knows."""
        send = self._zotero.create_items if what == "items" else self._zotero.create_collections
        try:
            report = send([dict(one) for one in objects], last_modified=version)
        except (ValueError, KeyError) as error:
            raise Unsure("the answer is no JSON") from error
        if not isinstance(report, dict) or not report.keys() >= {"successful", "unchanged", "failed"}:
            raise Unsure("the answer is not Zotero's")
        at = self._version
        written = {int(place): {**one["data"], "version": one["version"]} for place, one in _rows(report["successful"])}
        unchanged = frozenset(int(place) for place, _ in _rows(report["unchanged"]))
        failed = {int(place): _fault(one) for place, one in _rows(report["failed"])}
        steps = len(written) + len(unchanged)
        alone = at - version in {steps, 1} if steps else at == version
        if steps and at - version == 1:
            alone = steps == 1 or all(one["version"] == at for one in written.values())
        return Answer(version=at, written=written, unchanged=unchanged, failed=failed, is_alone=alone)

    def delete_collections(self, keys: Sequence[str], version: int) -> int:
        """Deletes up to 50 collections, where the library is still at `version`; the items in them stay. The version after."""
        self._zotero.delete_collection([{"key": key, "version": version} for key in keys], last_modified=version)
        return self._version or version + 1


def _rows(value: Any) -> Iterator[tuple[str, Any]]:
    """The members of a part of a report; an empty one is a list on some servers."""
    yield from value.items() if isinstance(value, dict) else enumerate(value)


def _fault(value: Mapping[str, Any]) -> Fault:
    data = value.get("data")
    message = html.unescape(str(value.get("message", "")))
    return Fault(code=int(value.get("code", 0)), message=message, data=data if isinstance(data, dict) else {})


def _is_new(data: Data | None, version: int) -> bool:
    return data is None or int(data["version"]) != version
