"""Knows how Zotero's server shows what it stores: an item with all fields of its type, a creator summary, a parsed date."""

from __future__ import annotations

import re
import unicodedata
from calendar import month_abbr
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from refsync.sync.itemtypes import FILED, ItemTypes
from refsync.sync.sandbox.accounts import Accounts, Group
from refsync.sync.sandbox.library import Library, Stored
from refsync.sync.sandbox.properties import Data

SITE = "https://www.zotero.org"
_MONTHS = {name.lower(): number for number, name in enumerate(month_abbr) if name}
_YEAR_FIRST = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?![-\d])|(\d{4})(?=-\d{4})")
_MONTH_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_YEAR, _DAY, _MONTH = re.compile(r"\b(\d{4})\b"), re.compile(r"\b(\d{1,2})\b"), re.compile(r"\b([a-z]{3})[a-z]*\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A library as one who asks sees it. `host` is the address of the server, without a slash."""

    library: Library
    accounts: Accounts
    types: ItemTypes
    host: str
    notes: bool = True
    paged: ClassVar[bool] = True  # whether a list has a limit when none is asked for
    order: ClassVar[str] = "version, rowid"  # of objects, before they are sorted

    def shown(self, kind: str, key: str) -> Data | None:
        """An object as the API shows it, None when there is none or the notes are hidden."""
        stored = self.library.found(kind, key)
        if stored is None or not self.visible(stored):
            return None
        name, page = self._owner()
        base = f"{self.host}/{self.library.name}/{kind}"
        links = {"self": link(f"{base}/{key}"), "alternate": _page(f"{page}/{kind}/{key}")}
        if stored.parent:
            links["up"] = link(f"{base}/{stored.parent}")
        owners, number = self.library.name.split("/")
        library = {
            "type": owners.removesuffix("s"),
            "id": int(number),
            "name": name,
            "links": {"alternate": _page(page)},
        }
        meta, data = self._item(stored) if kind == "items" else self._collection(stored)
        head = {"key": key, "version": stored.version}
        return {**head, "library": library, "links": links, "meta": meta, "data": {**head, **data}}

    def visible(self, stored: Stored) -> bool:
        """Whether one who asks may see it: keys may hide notes."""
        return self.notes or stored.data.get("itemType") != "note"

    def tag(self, text: str, kind: int, count: int) -> Data:
        """A tag as the API lists it."""
        path = f"{self.library.name}/tags/{quote(text, safe='')}"
        links = {"self": link(f"{self.host}/{path}"), "alternate": _page(f"http://zotero.org/{path}")}
        return {"tag": text, "links": links, "meta": {"type": kind, "numItems": count}}

    def tie(self, stored: Stored) -> int:
        """What orders objects that are sorted alike."""
        return stored.version

    def tag_rank(self, tag: tuple[str, int]) -> Any:
        """What orders tags."""
        return collated(tag[0]), tag

    def _owner(self) -> tuple[str, str]:
        """(name, page for people) of whose library it is."""
        owners, number = self.library.name.split("/")
        if owners == "groups":
            group = self.accounts.group(int(number))
            return group.name if group else "", f"{SITE}/{self.library.name}"
        name, display = self.accounts.user(int(number)) or ("", "")
        return display, f"{SITE}/{name}"

    def _collection(self, stored: Stored) -> tuple[Data, Data]:
        items = len(self.library.members(stored.key))
        data: Data = {"name": stored.data["name"], "parentCollection": stored.parent or False}
        data["relations"] = {name: _single(found) for name, found in stored.data.get("relations", {}).items()}
        if stored.trashed:
            data["deleted"] = True
        return {"numCollections": stored.children, "numItems": items}, data

    def _item(self, stored: Stored) -> tuple[Data, Data]:
        data, kind = stored.data, stored.data["itemType"]
        meta: Data = {}
        if summary := creator_summary(self.types, data):
            meta["creatorSummary"] = summary
        if parsed := parsed_date(self.types.date_of(kind, data)):
            meta["parsedDate"] = parsed
        if kind != "attachment" or data["linkMode"] in FILED:
            meta["numChildren"] = stored.children
        shown: Data = {"parentItem": stored.parent} if stored.parent else {}
        shown |= template(self.types, kind, data.get("linkMode"))
        shown |= {name: value for name, value in data.items() if name in shown}
        if stored.trashed:
            shown["deleted"] = 1
        if stored.parent:
            del shown["collections"]
        shown["relations"] = self._relations(stored)
        return meta, {**shown, "dateAdded": data["dateAdded"], "dateModified": data["dateModified"]}

    def _relations(self, stored: Stored) -> Data:
        found: dict[str, list[str]] = dict(stored.data.get("relations", {}))
        if stored.related:
            here = {f"http://zotero.org/{self.library.name}/items/{key}" for key in stored.related}
            found["dc:relation"] = sorted({*found.get("dc:relation", ()), *here})
        return {name: _single(several) for name, several in found.items()}


def link(address: str) -> Data:
    """A link to what the API gives."""
    return {"href": address, "type": "application/json"}


def _page(address: str) -> Data:
    return {"href": address, "type": "text/html"}


def _single(several: list[str]) -> str | list[str]:
    return several[0] if len(several) == 1 else several


def template(types: ItemTypes, kind: str, mode: str | None = None) -> Data:
    """An empty item of a type, its properties in the order of the API."""
    row = types.types[kind]
    shown: Data = {"itemType": kind}
    if kind == "attachment":
        shown["linkMode"] = mode
    if kind == "note":
        shown["note"] = ""
    for number, name in enumerate(row.fields):
        shown[name] = ""
        if number == 0 and row.creators:
            shown["creators"] = []
    if kind == "attachment":
        shown["note"] = ""
    shown |= {"tags": [], "collections": [], "relations": {}}
    if kind == "attachment":
        shown |= {"contentType": "", "charset": ""}
        shown |= {"filename": "", "md5": None, "mtime": None} if mode in FILED else {}
        shown |= {"path": ""} if mode == "linked_file" else {}
    return shown


def creator_summary(types: ItemTypes, data: Data) -> str:
    """ "Vaswani et al.": those of the type's primary creators, else of its editors, else of its contributors."""
    names = first_creators(types, data)
    return f"{names[0]} et al." if len(names) > 2 else " and ".join(names)


def first_creators(types: ItemTypes, data: Data) -> list[str]:
    """The last names that stand for an item."""
    creators = data.get("creators", ())
    for role in (*types.types[data["itemType"]].creators[:1], "editor", "contributor"):
        names = [one.get("name") or one.get("lastName", "") for one in creators if one["creatorType"] == role]
        if names:
            return names
    return []


def parsed_date(text: str) -> str:
    """What the server understands of a date, as YYYY[-MM[-DD]]; empty for nothing."""
    if match := _YEAR_FIRST.match(text):
        year, *rest = match[1] or match[4], match[2], match[3]
    elif match := _MONTH_FIRST.match(text):
        year, rest = match[3], [match[1], match[2]]
    elif found := _YEAR.search(text):
        words = (_MONTHS.get(word[1]) for word in _MONTH.finditer(text.lower()))
        month = next((number for number in words if number), None)
        day = _DAY.search(text) if month else None
        year, rest = found[1], [str(month) if month else None, day[1] if day else None]
    else:
        return ""
    month_, day_ = (int(part) if part else 0 for part in rest)
    if not 1 <= month_ <= 12:
        return year
    return f"{year}-{month_:02}-{day_:02}" if 1 <= day_ <= 31 else f"{year}-{month_:02}"


def collated(text: str) -> list[tuple[int, str]]:
    """Orders text about as the server's database does: signs, letters, then what lies beyond the 16-bit characters;
    without regard to case and accents."""
    plain = unicodedata.normalize("NFD", text).casefold()
    return [(2 if char > "\uffff" else int(char.isalnum()), char) for char in plain if not unicodedata.combining(char)]


def group(one: Group, host: str, user: int | None) -> Data:
    """A group as the API shows it to a user."""
    path = f"groups/{one.number}"
    links = {"self": link(f"{host}/{path}"), "alternate": _page(f"{SITE}/{path}")}
    meta = {"created": one.made, "lastModified": one.made, "numItems": one.items}
    if user == one.owner:
        meta["isAdmin"] = True
    head = {"id": one.number, "version": one.version}
    kind, reading = ("PublicClosed", "all") if one.public else ("Private", "members")
    data = {**head, "name": one.name, "owner": one.owner, "type": kind, "description": "", "url": ""}
    data |= {"libraryEditing": "members", "libraryReading": reading, "fileEditing": "none"}
    return {**head, "links": links, "meta": meta, "data": data}
