"""Knows a library as it was seen: its collections and items, and how its values compare with those of a catalog."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from refsync import identifiers, matching, names, titles
from refsync.model import Date, Entry, Person

Data = Mapping[str, Any]
ALPHABET = "23456789ABCDEFGHIJKLMNPQRSTUVWXYZ"  # of the server's keys: no 0, no 1, no O
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
_NO_PAPERS = frozenset({"attachment", "note", "annotation"})


def client_key(catalog: str, what: str, id: str) -> str:
    """The key that an object of a catalog has in every library: the same each time, so that a retry makes no second."""
    number = int.from_bytes(hashlib.sha256(f"{catalog}\n{what}\n{id}".encode()).digest()[:8])
    out = ""
    for _ in range(8):
        number, at = divmod(number, len(ALPHABET))
        out += ALPHABET[at]
    return out


def plain(value: Any) -> str:
    """A value as two are compared: as the server stores it (trimmed, without control characters), and in NFC."""
    text = "" if value is None else str(value)
    if text.isascii() and text.isprintable():  # nearly all: nothing to take out, nothing to compose
        return text.strip(" ")
    return unicodedata.normalize("NFC", _CONTROL.sub("", text)).strip(" \t\n\0")


def creators_of(value: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Creators as two lists are compared."""
    out = []
    for one in value:
        if one.get("name"):
            named = {"name": plain(one["name"])}
        else:
            named = {"firstName": plain(one.get("firstName")), "lastName": plain(one.get("lastName"))}
            if not named["firstName"]:
                named = {"name": named["lastName"]}
        out.append({"creatorType": one.get("creatorType", "author"), **named})
    return out


def lines_of(value: Any) -> list[str]:
    """The lines of an item's Extra."""
    return [one.rstrip() for one in plain(value).split("\n") if one.strip()]


def is_gone(data: Data | None) -> bool:
    """Whether an object is not there, or in the trash."""
    return data is None or bool(data.get("deleted"))


@dataclass(frozen=True)
class Seen:
    """A library at one version. Objects are the `data` of the Web API by key, those in the trash too; items are all items,
    attachments and notes among them."""

    version: int
    collections: Mapping[str, Data]
    items: Mapping[str, Data]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it, the trash aside."""
        return all(map(is_gone, self.collections.values())) and all(map(is_gone, self.items.values()))

    @cached_property
    def kin(self) -> Mapping[str, list[str]]:
        """The living attachments and notes of each item."""
        out: dict[str, list[str]] = defaultdict(list)
        for key, data in self.items.items():
            if data.get("parentItem") and not is_gone(data):
                out[data["parentItem"]].append(key)
        return out

    @cached_property
    def members(self) -> Mapping[str, list[str]]:
        """The living items of each collection."""
        out: dict[str, list[str]] = defaultdict(list)
        for key, data in self.items.items():
            if not is_gone(data):
                for one in data.get("collections", ()):
                    out[one].append(key)
        return out

    @cached_property
    def inner(self) -> Mapping[str, list[str]]:
        """The living collections in each collection ("" for the top)."""
        living = {
            above: [key for key in keys if not is_gone(self.collections[key])] for above, keys in self.nested.items()
        }
        return {above: keys for above, keys in living.items() if keys}

    @cached_property
    def nested(self) -> Mapping[str, list[str]]:
        """The collections in each collection, those in the trash too: what is deleted with it."""
        out: dict[str, list[str]] = defaultdict(list)
        for key, data in self.collections.items():
            out[data.get("parentCollection") or ""].append(key)
        return out

    def is_living(self, collection: str) -> bool:
        """Whether a collection is there, and none above it is in the trash."""
        seen: set[str] = set()
        while collection and collection not in seen:
            seen.add(collection)
            data = self.collections.get(collection)
            if data is None or is_gone(data):
                return False
            collection = data.get("parentCollection") or ""
        return True

    @cached_property
    def replaced(self) -> Mapping[str, str]:
        """The item that an item was merged into by a person, by the key that it had."""
        out: dict[str, str] = {}
        for key, data in self.items.items():
            if is_gone(data):
                continue
            gone = (data.get("relations") or {}).get("dc:replaces") or ()
            for uri in [gone] if isinstance(gone, str) else gone:
                out.setdefault(uri.rpartition("/")[2], key)
        return out

    @cached_property
    def _index(self) -> Mapping[tuple[str, str], list[str]]:
        """Living papers by what tells them: DOI, arXiv id, title, citation key."""
        out: dict[tuple[str, str], list[str]] = defaultdict(list)
        for key, data in self.items.items():
            if data.get("itemType") in _NO_PAPERS or data.get("parentItem") or is_gone(data):
                continue
            for scheme, value in ids_of(data).items():
                out[scheme, value].append(key)
            if form := titles.comparison(plain(data.get("title"))):
                out["title", form].append(key)
            if cited := plain(data.get("citationKey")):
                out["citationKey", cited].append(key)
        return out

    def alike(self, entry: Entry, taken: Iterable[str] = ()) -> list[str]:
        """The items that are an entry, the best first: those with most children, then the oldest."""
        gone = set(taken)
        hits = [
            key
            for scheme, value in entry.ids.items()
            for key in self._index.get((scheme, value.casefold()), ())
            if self._agrees(entry, key, is_identified=True)
        ]
        forms = {titles.comparison(title) for title in (entry.title, *entry.aka)} - {""}
        hits += [
            key for form in sorted(forms) for key in self._index.get(("title", form), ()) if self._agrees(entry, key)
        ]
        hits += [
            key
            for cited in (entry.key, *entry.aliases)
            for key in self._index.get(("citationKey", cited), ())
            if titles.comparison(plain(self.items[key].get("title"))) in forms
        ]
        found = [key for key in dict.fromkeys(hits) if key not in gone]
        return sorted(found, key=lambda key: (-len(self.kin.get(key, ())), self.items[key].get("dateAdded", ""), key))

    def may_be(self, entry: Entry, key: str) -> bool:
        """Whether the item that has the key of an entry's may be the entry: a key is a hash, and could be another item's."""
        data = self.items.get(key)
        if data is None or data.get("itemType") in _NO_PAPERS:
            return False
        if plain(data.get("citationKey")) in {entry.key, *entry.aliases}:
            return True
        other = entry_of(data)
        if any(entry.ids.get(scheme, "").casefold() == value for scheme, value in other.ids.items()):
            return True
        return any(
            matching.same_identifier(replace(entry, title=title), other).same is True
            for title in (entry.title, *entry.aka)
        )

    def _agrees(self, entry: Entry, key: str, *, is_identified: bool = False) -> bool:
        """Whether an item with an identifier or the title of an entry is its work."""
        other = entry_of(self.items[key])
        ours, theirs = titles.comparison(entry.title), titles.comparison(other.title)
        if is_identified:
            return not theirs or matching.same_identifier(entry, other).same is True
        if matching.contradiction(entry, other):
            return False
        near = entry.year is None or other.year is None or abs(entry.year - other.year) <= 1
        if not near:
            return False
        told = matching.share_author(entry, other) or bool(entry.year and other.year)
        return told or (ours == theirs and len(ours.split()) >= 4)


def within(items: Mapping[str, Data], collections: Mapping[str, Data]) -> dict[str, Data]:
    """The items without the collections that are gone: the server does not say that it has changed them."""
    return {
        key: {**data, "collections": [one for one in data["collections"] if one in collections]}
        if any(one not in collections for one in data.get("collections") or ())
        else data
        for key, data in items.items()
    }


def ids_of(data: Data) -> dict[str, str]:
    """The identifiers of an item, lower case: of its fields, its address, its lines in Extra."""
    out: dict[str, str] = {}
    extra = dict(one.partition(":")[::2] for one in lines_of(data.get("extra")) if ":" in one)
    extra = {name.strip().casefold(): value.strip() for name, value in extra.items()}
    texts = [data.get("DOI") or extra.get("doi"), data.get("archiveID") or extra.get("arxiv"), data.get("url")]
    if doi := identifiers.doi(plain(texts[0])):
        scheme, value = identifiers.of_doi(doi) or ("doi", doi)
        out[scheme] = value.casefold()
    if texts[1] and (found := identifiers.arxiv_texts(f"arXiv:{plain(texts[1]).removeprefix('arXiv:').strip()}")):
        out.setdefault("arxiv", found[0][1].casefold())
    if texts[2] and (named := identifiers.of_url(plain(texts[2]))):
        out.setdefault(named[0], named[1].casefold())
    return out


def entry_of(data: Data) -> Entry:
    """What of an item tells which work it is."""
    people = tuple(
        Person(literal=one["name"])
        if one.get("name")
        else Person(family=one.get("lastName") or None, given=one.get("firstName") or None)
        for one in data.get("creators") or ()
    )
    year = _YEAR.search(plain(data.get("date")))
    return Entry(
        title=plain(data.get("title")),
        authors=tuple(names.person(one.literal) if one.literal and " " in one.literal else one for one in people),
        date=Date(year=int(year[1])) if year else None,
        ids=ids_of(data),
    )
