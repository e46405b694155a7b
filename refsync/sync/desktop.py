"""Knows the Zotero that runs on this machine: where it answers, why it does not, and how its library is written.

Its local API differs from the Web API: it is asked for by a person's click, it has no list of what was deleted, and up to
now it gives keys to new objects by itself. What it made without refsync reading the answer is found again before anything
is made a second time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2

from refsync.model import Failure, Problem
from refsync.sync import given as of_given
from refsync.sync.base import Base
from refsync.sync.desired import ROOT, Desired
from refsync.sync.given import Given, renamed, renamed_data
from refsync.sync.permission import Permission, client
from refsync.sync.recognising import arrived, ours
from refsync.sync.seen import Seen, client_key, within
from refsync.sync.transport import Locked, Moved, Transport, Unsure
from refsync.sync.zotero import Answer, Fault, Library, Rewound

T = TypeVar("T")
DESKTOP = "desktop"
VARIABLE = "REFSYNC_DESKTOP_URL"  # another address; empty: none
_ADDRESS = "http://127.0.0.1:23119/api"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_WHERE = "Zotero"
_SETTING = 'Settings > Advanced > "Allow other applications on this computer to communicate with Zotero"'
_FALLBACK = "Without it: `refsync convert catalog.yaml for-zotero.ris --for zotero`, and in Zotero File > Import."
_NAME = re.compile(r"\b[2-9A-NP-Z]{8}\b")
_AGAIN = 409  # as a server says that what an object stands in is not there (yet)


class SwitchedOff(Failure):
    """A Zotero is running, and its local API is off, as it is unless somebody switches it on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Desktop:
    """A Zotero that answers: the address of its API, its Zotero-Server-ID (which lives in its database), its version."""

    url: str
    id: str
    version: str

    @property
    def server(self) -> str:
        """What tells its library from all others, for the base."""
        return f"{DESKTOP} {self.id}"


def address(environment: Mapping[str, str]) -> str:
    """Where Zotero's local API is; empty where nobody is to be asked. Raises Failure for an address beyond this machine."""
    named = environment.get(VARIABLE, _ADDRESS).strip().rstrip("/")
    with suppress(ValueError):
        parts = urlsplit(named)
        if not named or (parts.scheme == "http" and parts.hostname in _LOOPBACK and parts.port != 0):
            return named
    raise Failure(Problem(where=VARIABLE, what="is no address on this machine.", hint=f"One is {_ADDRESS}."))


def found(url: str, *, connect: float = 5.0, silence: float = 30.0) -> Desktop:
    """The Zotero that answers at an address. Raises Failure, with what to click, where there is none that can be written;
    `connect` and `silence` are seconds."""
    if not url:
        raise _failure("is not asked.", f"{VARIABLE} is empty: take it out.")
    try:
        with client(connect=connect, silence=silence) as asking:
            answer = asking.get(f"{url}/")
    except httpx2.ConnectError:
        raise _failure("is not running.", f"Start it and run this again. {_FALLBACK}") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError):
        hint = f"Wait until it has started, and run this again. {_FALLBACK}"
        raise _failure("does not answer.", hint) from None
    version = _plain(answer.headers.get("X-Zotero-Version", ""))
    id = answer.headers.get("Zotero-Server-ID", "")
    if answer.status_code == 403 and ("Zotero-API-Version" in answer.headers or version):
        problem = _failure("lets no program in.", f"Switch on, in Zotero: {_SETTING}. {_FALLBACK}").problem
        raise SwitchedOff(problem)
    if answer.status_code != 200 or not ("Zotero-API-Version" in answer.headers or version):
        what = f"gives an answer that is not Zotero's ({answer.status_code})."
        raise Failure(Problem(where=url, what=what, hint=f"Check what runs at that address. {_FALLBACK}"))
    if not re.fullmatch(r"[\w-]{4,64}", id):
        hint = f"Update it to Zotero 10, with Help > Check for Updates. {_FALLBACK}"
        raise _failure(f"{f'{version} ' if version else ''}lets programs read only.", hint)
    return Desktop(url=url, id=id, version=version)


def _failure(what: str, hint: str) -> Failure:
    return Failure(Problem(where=_WHERE, what=what, hint=hint))


def _plain(text: str) -> str:
    return text if re.fullmatch(r"[\w.+-]{1,40}", text) else ""


def suggestion(environment: Mapping[str, str]) -> str | None:
    """A line for one who named no library, where a Zotero answers at once: it is asked nothing but who it is."""
    command = "`refsync sync --library desktop` writes into its library"
    with suppress(Failure):
        if url := address(environment):
            try:
                found(url, connect=0.2, silence=0.5)
            except SwitchedOff:
                return f"Zotero is running here: {command} once you switch on {_SETTING}."
            return f"Zotero is running here: {command}."
    return None


class DesktopLibrary(Library):
    """The library of the person at this machine. Objects that refsync made are called by their names in all that comes in
    and goes out (see given.py)."""

    def __init__(self, desktop: Desktop, given: Given, permission: Permission, transport: Transport) -> None:
        super().__init__(desktop.url, "users/0", None, transport)
        transport.named_by = VARIABLE
        self._client.headers["Zotero-Server-ID"] = desktop.id
        self._zotero_version, self._given, self._permission = desktop.version, given, permission
        self._there: set[str] = set()  # the desktop's keys of all that is known to be there
        self._wanted: tuple[Desired, Base] | None = None

    # ------------------------------------------------------------------------------------------------------------
    # Reading

    def look_for(self, desired: Desired, base: Base) -> None:
        """Says which catalog's objects are to be recognised, should their keys be lost."""
        self._wanted = desired, base

    def key_there(self, name: str) -> str:
        """The key that the desktop has for an object, empty where there is none yet."""
        key = self._given.keys.get(name, name)
        return key if key in self._there else ""

    def told(self, text: str) -> str:
        """A text with the desktop's keys in it."""
        return _NAME.sub(lambda match: self._given.keys.get(match[0], match[0]), text)

    def seen(self, before: Seen | None = None) -> Seen:
        """The library as it is now, as `Library.seen` has it. What was sent without an answer is recognised here."""
        self._given.load()
        then = renamed(before, self._given.keys) if before is not None else None
        raw = super().seen(then)
        self._there = {*raw.collections, *raw.items}
        known = {*then.collections, *then.items} if then is not None else ()
        fresh = arrived(self._given.open.values(), raw, self._given.keys, known)
        if self._wanted is not None and self._lacks(*self._wanted):
            desired, base = self._wanted
            fresh = {**ours(desired, raw, {**self._given.keys, **fresh}, base), **fresh}
        self._given.give(fresh)
        # Sent for a library that has moved on since: it will not arrive any more.
        self._given.drop([name for name, one in self._given.open.items() if one.at < raw.version])
        if raw is then and before is not None and not fresh:
            return before
        return renamed(raw, {key: name for name, key in self._given.keys.items()})

    def _lacks(self, desired: Desired, base: Base) -> bool:
        """Whether a key is lost: that of the list's own collection, or of anything that the base knows."""
        known = self._given.keys.keys() | self._there
        if client_key(desired.catalog, "collection", ROOT) not in known:
            return True
        made = (one for one in base.records.values() if one.gone is None and one.key not in known)
        return any(one.key == client_key(desired.catalog, one.what, one.id) for one in made)

    def _seen(self, before: Seen, read: dict[str, dict[str, Any]]) -> Seen | None:
        """All versions are asked for, because nothing tells what was deleted; of objects only those that are new. Not whether
        there is anything new at all: one that was put back from a copy would say no."""
        for what, objects in (("collections", before.collections), ("items", before.items)):
            read[what] = {**objects, **read[what]}
        now = self._first(read)
        if now is None or now == before:
            return now and before
        if now.version < before.version:
            raise Rewound
        return replace(now, items=within(now.items, now.collections))

    # ------------------------------------------------------------------------------------------------------------
    # Writing

    def write(self, what: str, objects: Sequence[Mapping[str, Any]], version: int) -> Answer:
        """As `Library.write`; objects that stand in others of the batch are sent when those have their keys."""
        waiting = dict(enumerate(objects))
        total = Answer(version=version, written={}, unchanged=frozenset(), failed={}, is_alone=True)
        while waiting:
            wave = self._wave(waiting)
            if not wave:  # what they stand in was not made
                fault = Fault(code=_AGAIN, message="what it stands in is not there")
                return replace(total, failed={**total.failed, **dict.fromkeys(waiting, fault)})
            try:
                answer, again = self._sent(what, wave, total.version)
            except Moved as error:
                if total.written or total.unchanged:
                    raise Unsure(str(error)) from None
                raise
            waiting = {at: one for at, one in waiting.items() if at not in wave or at in again}
            total = Answer(
                version=answer.version,
                written={**total.written, **answer.written},
                unchanged=total.unchanged | answer.unchanged,
                failed={**total.failed, **answer.failed},
                is_alone=total.is_alone and answer.is_alone,
            )
        return total

    def _wave(self, waiting: Mapping[int, Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
        """The objects of a batch that can be sent now: all that they stand in is there. One alone where it has yet to be
        tried whether this Zotero takes names for keys."""
        wave = {at: one for at, one in waiting.items() if all(map(self.key_there, _stands_in(one)))}
        made = [at for at, one in wave.items() if not one["version"]]
        if made and self._given.takes_names(self._zotero_version) is None:
            return {made[0]: wave[made[0]]}
        return wave

    def _sent(self, what: str, wave: Mapping[int, Mapping[str, Any]], version: int) -> tuple[Answer, frozenset[int]]:
        """(what became of objects, by their places in the batch; those to be sent again, without a key)."""
        takes = self._given.takes_names(self._zotero_version)
        bodies, open = [], []
        for one in wave.values():
            body = dict(renamed_data(one, self._given.keys))
            if not one["version"]:
                body["key"] = one["key"]
                if takes is False:
                    del body["key"], body["version"]
                    open.append(of_given.sent(what, one["key"], version, body))
            bodies.append(body)
        # Noted until the library has moved on, even where this is refused: an earlier one may yet arrive, unanswered.
        self._given.send(open)
        answer = self._allowed(lambda: super(DesktopLibrary, self).write(what, bodies, version))
        return self._learnt(wave, answer, version, takes)

    def _learnt(
        self, wave: Mapping[int, Mapping[str, Any]], answer: Answer, version: int, takes: bool | None
    ) -> tuple[Answer, frozenset[int]]:
        """What an answer says, with the keys in it kept before anything else is done."""
        places = list(wave)
        names = [wave[at]["key"] for at in places]
        made = {names[at]: str(data["key"]) for at, data in answer.written.items() if not wave[places[at]]["version"]}
        self._given.give({name: key for name, key in made.items() if self._given.keys.get(name, name) != key})
        self._given.drop(names[at] for at in answer.failed)
        self._there |= set(made.values())
        again: frozenset[int] = frozenset()
        if takes is None and made:
            self._given.note_takes(self._zotero_version, all(name == key for name, key in made.items()))
        elif takes is None and any("primaryData" in fault.message for fault in answer.failed.values()):
            self._given.note_takes(self._zotero_version, False)
            again = frozenset(places)
        back = {key: name for name, key in self._given.keys.items()}
        return Answer(
            version=answer.version,
            written={places[at]: renamed_data(data, back) for at, data in answer.written.items()},
            unchanged=frozenset(places[at] for at in answer.unchanged),
            failed={places[at]: fault for at, fault in answer.failed.items() if places[at] not in again},
            is_alone=answer.version - version == len(answer.written),
        ), again

    def delete_collections(self, keys: Sequence[str], version: int) -> int:
        """As `Library.delete_collections`."""
        there = [self._given.keys.get(one, one) for one in keys]
        after = self._allowed(lambda: super(DesktopLibrary, self).delete_collections(there, version))
        self._there -= set(there)
        return after

    def _allowed(self, write: Callable[[], T]) -> T:
        """What a write gives, once a person has allowed it; a key that is good no more is asked for again."""
        while True:
            self._client.headers["Zotero-API-Key"] = self._permission.key()
            try:
                return write()
            except Locked:
                self._permission.refused()


def _stands_in(one: Mapping[str, Any]) -> list[str]:
    shelves = list(one.get("collections") or ())
    return [*shelves, *(one[name] for name in ("parentCollection", "parentItem") if one.get(name))]


def without_file(seen: Seen, keys: Sequence[str]) -> int:
    """How many of these items are there and have no file: attachments that are links are none."""
    count = 0
    for key in dict.fromkeys(keys):
        data = seen.items.get(key)
        if data is not None and not data.get("deleted"):
            children = (seen.items[one].get("linkMode") for one in seen.kin.get(key, ()))
            count += all(mode in {None, "linked_url"} for mode in children)
    return count
