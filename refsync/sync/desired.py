"""Knows what a catalog looks like in a Zotero library: its collections, items and links, valid before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from refsync.mapping import Tables
from refsync.model import Catalog, Entry, Problem
from refsync.references import line
from refsync.settings import Settings
from refsync.sync.fields import LONGEST_NAME, Creator, creators, writer
from refsync.sync.itemtypes import ItemType, item_types

ROOT, RETIRED = "", "retired"  # ids of the two collections that are no topics
RETIRED_NAME = "No longer listed"
# The server's limits (zotero/dataserver 5cf550f3): characters of a tag, a name and a collection, bytes of a field.
_LONGEST_FIELD = 65535


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """A collection: the topic it stands for (`id`), its name, the topic above it (None for the root), and its path."""

    id: str
    name: str
    parent: str | None
    path: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What a person calls it."""
        return " > ".join(self.path) or self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link attachment of an item: its label in the catalog, and the address."""

    label: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """An item as the catalog wants it. `fields` has the type (`itemType`) and every field that is not empty; `extra` are
    the lines of the field Extra that are refsync's; `shelves` are ids."""

    entry: Entry
    fields: Mapping[str, str]
    creators: tuple[Creator, ...] = ()
    extra: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    shelves: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that the entry has or had."""
        return (self.entry.key, *self.entry.aliases)


@dataclass(frozen=True, kw_only=True, slots=True)
class Desired:
    """A catalog as a library should hold it: collections, parents first, and items in the order of the catalog."""

    catalog: str
    shelves: tuple[Shelf, ...]
    items: tuple[Item, ...]
    problems: tuple[Problem, ...] = field(default=(), compare=False)


def desired(catalog: Catalog, tables: Tables, wanted: Settings) -> Desired:
    """The collections and items of a catalog. What the server would refuse is cut or left out, and told."""
    problems: list[Problem] = []
    shelves, place = _shelves(catalog, wanted.zotero.collection or catalog.title, problems)
    item_of = _items(tables, wanted, place, problems)
    items = tuple(map(item_of, catalog.entries))
    return Desired(catalog=catalog.id, shelves=shelves, items=items, problems=tuple(problems))


def items(catalog: Catalog, tables: Tables, wanted: Settings) -> Callable[[Entry], Item]:
    """A function from an entry to the item that is wanted of it, as `desired` has it."""
    _, place = _shelves(catalog, wanted.zotero.collection or catalog.title, [])
    return _items(tables, wanted, place, [])


def _items(
    tables: Tables, wanted: Settings, place: Mapping[str, str], problems: list[Problem]
) -> Callable[[Entry], Item]:
    fields_of = writer(tables)
    types = item_types().types
    names = {kind: row["zotero"][0] for kind, row in tables.kinds.items()}

    def item(entry: Entry) -> Item:
        kind = names.get(entry.kind, "document")
        fields = {"itemType": kind, **_fitting(dict(fields_of(entry)), types[kind], entry.key, problems)}
        extra = fields.pop("extra", "")
        return Item(
            entry=entry,
            fields=fields,
            creators=tuple(creators(entry, types[kind])),
            extra=(extra,) if extra else (),
            tags=_tags(entry, wanted.zotero.tags, problems),
            shelves=tuple(dict.fromkeys(place[one] for one in entry.topics if one in place)) or (ROOT,),
            links=_links(entry, wanted.zotero.links, problems),
        )

    return item


def retired_shelf() -> Shelf:
    """The collection of items whose entries have left the list."""
    return Shelf(id=RETIRED, name=RETIRED_NAME, parent=ROOT)


def _shelves(catalog: Catalog, title: str, problems: list[Problem]) -> tuple[tuple[Shelf, ...], dict[str, str]]:
    """(collections, parents first; topic id -> collection id). A heading above a topic that has no id of its own gets
    that of its path."""
    by_path = {topic.path: topic.id for topic in catalog.topics}
    out = [Shelf(id=ROOT, name=_named(title, "title", problems), parent=None)]
    seen: dict[tuple[str, ...], str] = {(): ROOT}
    for topic in catalog.topics:
        for depth in range(1, len(topic.path) + 1):
            path = topic.path[:depth]
            if path in seen:
                continue
            seen[path] = by_path.get(path, "/".join(("", *path)))
            name = _named(path[-1], " > ".join(path), problems)
            out.append(Shelf(id=seen[path], name=name, parent=seen[path[:-1]], path=path))
    return tuple(out), {topic.id: seen[topic.path] for topic in catalog.topics}


def _named(text: str, where: str, problems: list[Problem]) -> str:
    name = line(text) or "Untitled"
    return _cut(name, where, "the name of a collection", problems)


def _cut(text: str, where: str, what: str, problems: list[Problem]) -> str:
    if len(text) <= LONGEST_NAME:
        return text
    told = f"{what} is longer than Zotero takes ({len(text)} of {LONGEST_NAME} characters): it is cut."
    problems.append(Problem(where=where, what=told, check="zotero"))
    return text[: LONGEST_NAME - 1].rstrip() + "…"


def _fitting(fields: dict[str, str], kind: ItemType, where: str, problems: list[Problem]) -> dict[str, str]:
    """The fields that an item of this type has and the server takes."""
    out = {}
    for name, value in fields.items():
        if name not in kind.fields:
            continue
        if len(value.encode("utf-8")) > _LONGEST_FIELD:
            what = f"its {name} is longer than Zotero takes ({_LONGEST_FIELD} bytes): it is left out."
            problems.append(Problem(where=where, what=what, check="zotero"))
            continue
        out[name] = value
    return out


def _tags(entry: Entry, wanted: bool | Sequence[str], problems: list[Problem]) -> tuple[str, ...]:
    """The tags of an entry that are wanted in the library, sorted as the server sorts them."""
    if wanted is False:
        return ()
    out = set()
    for tag in map(line, entry.tags):
        if not tag or (wanted is not True and tag not in wanted):
            continue
        if len(tag) > LONGEST_NAME:
            what = f"a tag is longer than Zotero takes ({len(tag)} characters): it is left out."
            problems.append(Problem(where=entry.key, what=what, check="zotero"))
            continue
        out.add(tag)
    return tuple(sorted(out))


def _links(entry: Entry, wanted: bool | Sequence[str], problems: list[Problem]) -> tuple[Link, ...]:
    """The links of an entry that are wanted as attachments, but for that of the paper, which is the item's own."""
    if wanted is False:
        return ()
    out = []
    for label, url in entry.links.items():
        plain = label.rstrip("0123456789 ")  # "code 2" is a second link to code
        asked = plain not in {"paper", "page"} if wanted is True else plain in wanted or label in wanted
        if asked and len(line(url).encode("utf-8")) > _LONGEST_FIELD:
            what = f"its link {label} is longer than Zotero takes ({_LONGEST_FIELD} bytes): it is left out."
            problems.append(Problem(where=entry.key, what=what, check="zotero"))
        elif asked and line(url):
            out.append(Link(label=line(label)[:LONGEST_NAME], url=line(url)))
    return tuple(out)
