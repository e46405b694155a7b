"""Knows how Zotero's desktop shows what it stores: no empty fields, relations as lists, and links of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from refsync.sync.sandbox.library import Stored
from refsync.sync.sandbox.listing import Listed
from refsync.sync.sandbox.properties import Data
from refsync.sync.sandbox.showing import View, collated, creator_summary, first_creators, link, parsed_date

_TAGS = "https://api.zotero.org"


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalView(View):
    """The library of the desktop's user. `user` is the number of the account, 0 for none, and `local` stands for it."""

    user: int
    local: str
    paged: ClassVar[bool] = False
    order: ClassVar[str] = "rowid"

    def shown(self, kind: str, key: str) -> Data | None:
        """An object as the desktop shows it, None when there is none."""
        stored = self.library.found(kind, key)
        if stored is None:
            return None
        base = f"{self.host}/api/users/{self.user}"
        links = {"self": link(f"{base}/{kind}/{key}")}
        if stored.parent:
            links["up"] = link(f"{base}/{kind}/{stored.parent}")
        library = {"type": "user", "id": self.user, "name": "My Library", "links": {"self": link(base)}}
        meta, data = self._item(stored) if kind == "items" else self._collection(stored)
        head = {"key": key, "version": stored.version}
        return {**head, "library": library, "links": links, "meta": meta, "data": {**head, **data}}

    def tag(self, text: str, kind: int, count: int) -> Data:
        """A tag as the desktop lists it."""
        owner = self.user or f"local/{self.local}"
        links = {"self": link(f"{_TAGS}/users/{owner}/tags/{quote(text, safe='')}")}
        return {"tag": text, "links": links, "meta": {"type": kind, "numItems": count}}

    def tie(self, stored: Stored) -> int:
        """Those sorted alike stay in the order in which they were made."""
        return 0

    def tag_rank(self, tag: tuple[str, int]) -> Any:
        """Small letters before capitals."""
        return collated(tag[0]), tag[0].swapcase(), tag[1]

    def _collection(self, stored: Stored) -> tuple[Data, Data]:
        data: Data = {"name": stored.data["name"], "parentCollection": stored.parent or False}
        data["relations"] = stored.data.get("relations", {})
        if stored.trashed:
            data["deleted"] = True
        return {"numCollections": stored.children, "numItems": len(self.library.members(stored.key))}, data

    def _item(self, stored: Stored) -> tuple[Data, Data]:
        data, kind = stored.data, stored.data["itemType"]
        meta: Data = {}
        if summary := self._summary(data):
            meta["creatorSummary"] = summary
        if parsed := parsed_date(self.types.date_of(kind, data)):
            meta["parsedDate"] = parsed
        empty: Data = {"tags": [], "relations": {}}
        if self.types.types[kind].creators:
            empty["creators"] = []
        if not stored.parent:
            empty["collections"] = []
        if kind == "note":
            empty["note"] = ""
        if kind == "attachment":
            empty |= {"contentType": "", "charset": ""}
        shown = {**empty, **data}
        if stored.trashed:
            shown["deleted"] = 1
        return {**meta, "numChildren": stored.children}, shown

    def _summary(self, data: Data) -> str:
        """As the server's, but two names are set apart so that each keeps the direction of its script."""
        names = first_creators(self.types, data)
        return (
            " and ".join(f"\u2068{name}\u2069" for name in names)
            if len(names) == 2
            else creator_summary(self.types, data)
        )


def links(found: Listed, host: str, path: str, args: Mapping[str, str]) -> str:
    """The Link header of a part of a list."""
    start = min(found.query.start, found.total) if found.query else 0
    size = (found.query.limit if found.query else None) or found.total - start
    ends: list[tuple[str, int]] = []
    if start:
        ends += [("first", 0), ("prev", start - size)]
    if not start and size >= found.total:
        ends.append(("last", 0))
    elif size:
        ends.append(("last", (found.total - 1) // size * size if start < found.total else found.total - size))
        if start + size < found.total:
            ends.append(("next", start + size))
    rest = {name: value for name, value in args.items() if name != "start"}
    pages = [(rel, urlencode({**rest, **({"start": at} if at > 0 else {})})) for rel, at in ends]
    return ", ".join(f'<{host}{path}{"?" if text else ""}{text}>; rel="{rel}"' for rel, text in pages)
