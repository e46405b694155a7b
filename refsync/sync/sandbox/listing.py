"""Knows how the API lists: which objects a query asks for, in what order, how many at a time, and the links to the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from refsync.sync.sandbox.library import Stored
from refsync.sync.sandbox.properties import KEY, Data, Refused
from refsync.sync.sandbox.showing import SITE, View, collated, creator_summary

_DEFAULT, _MOST, _MOST_KEYS = 25, 100, 100
_FORMATS = ("json", "keys", "versions")
_DESCENDING = ("dateAdded", "dateModified", "date")
_SORTS = (
    *_DESCENDING,
    *("title", "creator", "itemType", "publisher", "publicationTitle", "journalAbbreviation", "language"),
    *("accessDate", "libraryCatalog", "callNumber", "rights", "addedBy", "numItems"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """What a query asks for. `limit` is None for all of it."""

    format: str
    sort: str
    descending: bool
    start: int
    limit: int | None
    since: int
    links: Mapping[str, str]

    @classmethod
    def of(cls, args: Mapping[str, str], keys: str = "", *, paged: bool = True) -> Query:
        """The query that the arguments make. Raises Refused for values that the server refuses. `keys` names the
        argument that lists keys, which raises the limit; there is none but what is asked for when not `paged`."""
        format = args.get("format", "json")
        sort = args.get("sort", "") or args.get("order", "") or "dateModified"
        if format not in _FORMATS:
            raise Refused(400, f"Invalid 'format' value '{format}'")
        if sort not in _SORTS:
            raise Refused(400, f"Invalid 'sort' value '{sort}'")
        direction = args.get("direction", "") or ("desc" if sort in _DESCENDING else "asc")
        if direction not in ("asc", "desc"):
            raise Refused(400, f"Invalid 'direction' value '{direction}'")
        asked = _number(args, "limit")
        limit: int | None = asked
        if format == "json" and paged:
            limit = min(asked or (_MOST_KEYS if keys and args.get(keys, "") else _DEFAULT), _MOST)
        defaults = {"start": "0", "direction": "desc" if sort in _DESCENDING else "asc", "include": "data"}
        links = {
            name: value for name, value in args.items() if name not in ("key", "v") and defaults.get(name) != value
        }
        if "limit" in links:
            links["limit"] = str(limit)
        return cls(
            format=format,
            sort=sort,
            descending=direction == "desc",
            start=_number(args, "start"),
            limit=limit or None,
            since=_number(args, "since"),
            links=links,
        )


def _number(args: Mapping[str, str], name: str) -> int:
    value = args.get(name, "0") or "0"
    if not (value.isascii() and value.isdigit()):
        raise Refused(400, f"Invalid value for '{name}' parameter")
    return min(int(value[:18]), 2**53)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A part of a list: what is shown, of how many, and what was asked."""

    total: int
    body: Any
    query: Query | None = None


def objects(
    view: View, kind: str, path: str, args: Mapping[str, str], tags: Sequence[str], among: set[str] | None
) -> Listed:
    """The items or collections that the list at `path` holds. `among` limits it to some keys, `tags` to those that have
    all of these."""
    keys_name = "itemKey" if kind == "items" else "collectionKey"
    query = Query.of(args, keys_name, paged=view.paged)
    where = ["version > ?"]
    if path.endswith("/top"):
        where.append("parent = ''")
    if path.endswith("/trash"):
        where.append("trashed")
    elif kind == "items" and args.get("includeTrashed", "") != "1":
        where.append("not trashed")
    some: list[str] = []
    if wanted := args.get(keys_name, ""):
        some = [key for key in wanted.split(",") if KEY.fullmatch(key)][:_MOST_KEYS]
        where.append(f"key in ({', '.join('?' * len(some))})")
    found = [
        one
        for one in view.library.listed(kind, " and ".join(where), query.since, *some, by=view.order)
        if view.visible(one) and (among is None or one.key in among)
    ]
    if kind == "items":
        found = [one for one in found if _asked_for(one, args, tags)]
    found.sort(key=lambda one: (_rank(view, query.sort, one), view.tie(one)), reverse=query.descending)
    shown = found[query.start :][: query.limit]
    body: Any
    if query.format == "keys":
        body = "".join(f"{one.key}\n" for one in shown) or "\n"
    elif query.format == "versions":
        body = {one.key: one.version for one in shown}
    else:
        body = [view.shown(kind, one.key) for one in shown]
    return Listed(total=len(found), body=body, query=query)


def tags(view: View, args: Mapping[str, str], among: set[str] | None) -> Listed:
    """The tags of a library or of some of its items."""
    query = Query.of(args, paged=view.paged)
    counts: Counter[tuple[str, int]] = Counter()
    for item in view.library.listed("items"):
        if view.visible(item) and (among is None or item.key in among):
            counts.update((tag["tag"], tag.get("type", 0)) for tag in item.data.get("tags", ()))
    if wanted := args.get("q", ""):
        counts = Counter({tag: count for tag, count in counts.items() if wanted.lower() in tag[0].lower()})
    found = sorted(counts, key=view.tag_rank)
    shown = [view.tag(*tag, counts[tag]) for tag in found[query.start :][: query.limit]]
    return Listed(total=len(found), body=shown, query=query)


def _rank(view: View, sort: str, one: Stored) -> Any:
    if one.kind == "collections":
        return collated(one.data["name"]) if sort == "title" else []
    match sort:
        case "dateModified":
            return one.data["dateModified"]
        case "dateAdded":
            return one.data["dateAdded"]
        case "creator":
            return collated(creator_summary(view.types, one.data))
        case "title":
            row = view.types.types[one.data["itemType"]]
            return collated(one.data.get(row.fields[0], "") if row.fields else "")
    return collated(str(one.data.get(sort, "")))


def _asked_for(item: Stored, args: Mapping[str, str], tags: Sequence[str]) -> bool:
    kind = args.get("itemType", "")
    if kind and not _matches(kind, {item.data["itemType"]}):
        return False
    if any(not _matches(tag, _tags(item.data)) for tag in tags):
        return False
    words = args.get("q", "").casefold().split()
    if not words:
        return True
    names = [" ".join(map(str, creator.values())) for creator in item.data.get("creators", ())]
    text = " ".join([item.data.get("title", ""), *names, item.data.get("date", "")]).casefold()
    return all(word in text for word in words)


def _tags(data: Data) -> set[str]:
    return {tag["tag"] for tag in data.get("tags", ())}


def _matches(wanted: str, values: set[str]) -> bool:
    """Whether "a || b", "-a" or a value is among the values; a leading backslash takes the minus literally."""
    if wanted.startswith("-"):
        return not values & set(wanted[1:].split(" || "))
    return bool(values & set(wanted.removeprefix("\\").split(" || ")))


def links(query: Query, total: int, host: str, path: str) -> str:
    """The Link header of a part of a list: the first, previous, next and last part when there are several, and the page for people."""
    found: list[tuple[str, str]] = []

    def link(rel: str, start: int) -> None:
        params = {name: value for name, value in query.links.items() if name != "start"}
        if start > 0:
            params["start"] = str(start)
        text = urlencode(sorted(params.items()))
        found.append((f"{host}{path}?{text}" if text else f"{host}{path}", rel))

    if query.start or (query.limit and total > query.limit):
        size = query.limit or total or 1
        if query.start:
            link("first", 0)
            link("prev", query.start - size)
        if query.start + size < total:
            link("next", query.start + size)
        if query.start >= total:
            link("last", total - size)
        else:
            link("last", (total - 1) // size * size)
    found.append((f"{SITE}{path}", "alternate"))
    return ", ".join(f'<{url}>; rel="{rel}"' for url, rel in found)
