"""Knows what a person has changed in a library, and how corrections.yaml says it. Pure.

Three ways, in the fields of an entry: what refsync last wrote, what is there, what the catalog wants. What is there and
neither of the others is a person's. Only what lets the next sync be quiet is proposed: the rest is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from refsync import corrections, documents, keys, merging
from refsync.corrections import Fix
from refsync.mapping import MAPS, Tables
from refsync.model import Catalog, Date, Entry, Failure, Problem, Venue
from refsync.settings import Settings
from refsync.sync.base import Base, Record
from refsync.sync.desired import Desired, Item, items
from refsync.sync.fields import Reader, named, people, reader
from refsync.sync.identity import Match, matched
from refsync.sync.items import compared
from refsync.sync.seen import Data, Seen, is_gone, plain
from refsync.sync.settling import settled
from refsync.venues import Venues

# Fields that corrections.yaml can empty; of the others it cannot say that there is none.
_EMPTIED = frozenset({"volume", "number", "pages", "edition", "genre", "version", "abstract", "language"})
_KEY = "citationKey"
_LEAVE = "It stays as it is in Zotero."


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """What a person changed of one item. `key` is the entry's; `fields` are {field of a correction: (here, there)} in the
    words of corrections.yaml; `who` and `when` (as the library says it) may be empty."""

    key: str
    zotero_key: str
    title: str
    fields: Mapping[str, tuple[Any, Any]]
    who: str = ""
    when: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulled:
    """The edits in the order of the catalog, and what a person changed that is not proposed, with why."""

    edits: tuple[Edit, ...] = ()
    left: tuple[Problem, ...] = field(default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rules:
    """What the comparison of each item needs: how items are read, what would be wanted of an entry, keys that are taken."""

    read: Reader
    item_of: Callable[[Entry], Item]
    venues: Venues
    tables: Tables
    tags: bool | tuple[str, ...]
    taken: Mapping[str, str]


def proposed(
    catalog: Catalog, wanted: Desired, seen: Seen, base: Base, *, tables: Tables, settings: Settings, venues: Venues
) -> Pulled:
    """What a person changed in the library `seen` since refsync wrote it, of the entries of `catalog`, which is the one
    that `wanted` was made of. What refsync wrote or filled in, and what nobody knows who wrote, is none of it."""
    known = settled(base, seen)
    taken = {key.casefold(): one.key for one in catalog.entries for key in (one.key, *one.aliases)}
    taken |= {key.casefold(): old for old, one in catalog.retired.items() for key in (old, *one.aliases)}
    rules = _Rules(
        read=reader(tables), item_of=items(catalog, tables, settings), venues=venues, tables=tables,
        tags=settings.zotero.tags, taken=taken,
    )  # fmt: skip
    edits: list[Edit] = []
    left: list[Problem] = []
    for match in matched(wanted, seen, known):
        data = seen.items.get(match.record.key) if match.record else None
        if match.record is None or data is None or is_gone(data):
            continue
        record = known.records.get(("item", match.record.id))
        found = _edit(match, data, record, rules, left)
        if found:
            edits.append(
                Edit(
                    key=match.item.entry.key, zotero_key=match.record.key, title=match.item.entry.title, fields=found,
                    when=str(data.get("dateModified") or ""),
                )
            )  # fmt: skip
    return Pulled(edits=tuple(edits), left=tuple(left))


def _edit(
    match: Match, data: Data, record: Record | None, rules: _Rules, left: list[Problem]
) -> dict[str, tuple[Any, Any]]:
    """{field: (here, there)} of one item."""
    entry = match.item.entry
    key = _key(entry, data, record, rules, left, is_theirs=match.record is not None and match.record.is_adopted)
    if record is None or record.is_adopted or match.sharers or (match.record and match.record.is_adopted):
        return key
    there = _differences(entry, data, record, rules, left)
    held = [name for name in there if not _settles(match.item, data, record, {name: there[name]}, rules)]
    if held and not _settles(match.item, data, record, there, rules):
        for name in held:
            what = f"its {name} was changed in Zotero, to what corrections.yaml cannot say."
            left.append(Problem(where=entry.key, what=what, hint=_LEAVE))
        there = {name: value for name, value in there.items() if name not in held}
    return {**key, **{name: (_here(entry, name), value) for name, value in there.items()}}


def _key(
    entry: Entry, data: Data, record: Record | None, rules: _Rules, left: list[Problem], *, is_theirs: bool
) -> dict[str, tuple[Any, Any]]:
    """The citation key that a person gave an item, where the entry can take it over."""
    there = plain(data.get(_KEY))
    last = record.fields.get(_KEY) if record is not None else None
    if not there or there in {entry.key, *entry.aliases} or (is_theirs is False and (record is None or there == last)):
        return {}
    if record is not None and there == plain(record.found.get(_KEY)) and not is_theirs:
        return {}
    other = rules.taken.get(there.casefold(), entry.key)
    if other != entry.key:
        left.append(Problem(where=entry.key, what=f"its key in Zotero, {there!r}, is that of {other}.", hint=_LEAVE))
        return {}
    if not keys.is_usable(there):
        what = f"its key in Zotero, {there!r}, cannot be a citation key."
        left.append(Problem(where=entry.key, what=what, hint=keys.GRAMMAR))
        return {}
    return {"key": (entry.key, there)}


# ---------------------------------------------------------------------------------------------------------------
# Three ways


def _differences(entry: Entry, data: Data, record: Record, rules: _Rules, left: list[Problem]) -> dict[str, Any]:
    """What is there and neither here nor in the base: {field of a correction: its value}."""
    kind = _kind(entry, data, rules.tables)
    if kind is None:
        what = f"its type in Zotero, {data.get('itemType')!r}, is no kind of work that refsync knows."
        left.append(Problem(where=entry.key, what=what, hint=_LEAVE))
        return {}
    last: dict[str, Any] = {"itemType": data["itemType"], **record.found, **record.fields}
    last |= {name: value for name, value in record.found.items() if name not in record.fields}
    item = rules.item_of(entry)
    now = {**item.fields, "extra": "\n".join(item.extra)}
    there = _flat(rules.read(data, kind))
    before = _flat(rules.read(last, _kind(entry, last, rules.tables)))
    here = {**_flat(rules.read(now, entry.kind)), **_own(entry)}
    out = {
        name: there.get(name)
        for name in dict.fromkeys((*there, *before))
        if name != "key" and there.get(name) != before.get(name) and there.get(name) != here.get(name)
    }
    found = _people(entry, data, last)
    return {**_corrected(entry, out, left), **found, **_tags(entry, item, data, record, rules)}


def _kind(entry: Entry, data: Mapping[str, Any], tables: Tables) -> str | None:
    """The kind of work that the type of an item says: the entry's own where that has the type."""
    there = str(data.get("itemType"))
    return entry.kind if there in tables.kinds[entry.kind]["zotero"] else tables.kind_of("zotero", there)


def _flat(value: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of an entry, by fields as the tables name them: `venue.name`, `ids.doi`."""
    out: dict[str, Any] = {}
    for name, one in value.items():
        if isinstance(one, Venue):
            out |= {f"venue.{part.name}": getattr(one, part.name) for part in fields(one) if getattr(one, part.name)}
        elif name in MAPS:
            out |= {f"{name}.{part}": text for part, text in one.items()}
        else:
            out[name] = one
    return out


def _own(entry: Entry) -> dict[str, Any]:
    """What the catalog itself says, which an item may not hold."""
    named_ = ("date", "volume", "number", "pages", "edition", "genre", "version", "abstract", "language")
    plain_ = {name: value for name in named_ if (value := getattr(entry, name))}
    return {
        **plain_,
        **{f"{one}.{name}": value for one in ("ids", "links") for name, value in getattr(entry, one).items()},
    }


def _corrected(entry: Entry, changed: Mapping[str, Any], left: list[Problem]) -> dict[str, Any]:
    """The changed fields as a correction has them: a venue whole, identifiers and links by their names."""
    out: dict[str, Any] = {}
    venue = entry.venue or Venue(name="")
    for name, value in changed.items():
        outer, _, inner = name.partition(".")
        if outer == "venue":
            venue = replace(venue, **{inner: value or ("" if inner == "name" else None)})  # type: ignore[arg-type]
        elif value in (None, "") and name not in _EMPTIED:
            what = f"its {inner or outer} was emptied in Zotero, which corrections.yaml cannot say."
            left.append(Problem(where=entry.key, what=what, hint=_LEAVE))
        elif inner:
            out.setdefault(outer, {})[inner] = value
        else:
            out[name] = _plain(value)
    if venue != (entry.venue or Venue(name="")):
        out["venue"] = {one.name: value for one in fields(venue) if (value := getattr(venue, one.name))}
        out["venue"].setdefault("name", "")
        if "kind" not in out and merging.kind_of("paper", venue) != entry.kind:  # else the venue would decide
            out["kind"] = entry.kind
    return out


def _plain(value: Any) -> Any:
    if isinstance(value, Date):
        text = "-".join([f"{value.year:04}", *(f"{part:02}" for part in (value.month, value.day) if part)])
        return value.year if text == str(value.year) else text
    return value or ""


def _people(entry: Entry, data: Data, last: Mapping[str, Any]) -> dict[str, Any]:
    """Authors and editors that are neither those of the entry nor those that were there."""
    known = (*entry.authors, *entry.editors)
    there, before = people(data, known), people({**last, "itemType": last["itemType"]}, known)
    out: dict[str, Any] = {}
    for at, name in enumerate(("authors", "editors")):
        mine = getattr(entry, name)
        if there[at] != before[at] and there[at] != mine:
            out[name] = named(there[at])
    if "authors" in out and entry.authors_complete is False and len(there[0]) <= len(entry.authors):
        out["authors_complete"] = False
    return out


def _tags(entry: Entry, item: Item, data: Data, record: Record, rules: _Rules) -> dict[str, Any]:
    """The tags of an entry with those that a person put there, without those that they took away; what Zotero itself put
    there is none."""
    if rules.tags is False:
        return {}
    rows = {plain(one.get("tag")): one.get("type") for one in data.get("tags") or ()}
    found = {plain(one.get("tag")) for one in record.found.get("tags") or ()}
    new = [
        one
        for one, kind in rows.items()
        if not kind and one not in {*record.tags, *found, *entry.tags} and (rules.tags is True or one in rules.tags)
    ]
    is_found = bool(record.found)
    gone = [one for one in record.tags if one in item.tags and one not in rows and (not is_found or one in found)]
    if not new and not gone:
        return {}
    return {"tags": [one for one in entry.tags if one not in gone] + sorted(new)}


# ---------------------------------------------------------------------------------------------------------------
# What a correction comes to


def _settles(item: Item, data: Data, record: Record, changed: Mapping[str, Any], rules: _Rules) -> bool:
    """Whether the next sync has nothing to write or to tell of what is `changed`, once it is corrected."""
    before = _unsettled(item, data, record)
    try:
        fix = documents.checked(dict(changed), Fix, corrections.FILE)
        entry = corrections.applied(item.entry, fix, rules.venues)
    except Failure:  # what the person wrote is no correction
        return False
    after = _unsettled(rules.item_of(entry), data, record)
    return after <= before and (len(after) < len(before) or entry != item.entry)


def _unsettled(item: Item, data: Data, record: Record) -> set[str]:
    """The fields of an item that a sync would write, or tell of."""
    places = record.collections
    outcome = compared(item, data, record, places, frozenset(places), has_base=True)
    return {*outcome.told.told, *(name for name in outcome.sent if name != "collections")}


def _here(entry: Entry, name: str) -> Any:
    """What a field of the catalog is, in the words of corrections.yaml."""
    value = getattr(entry, name)
    if name in {"authors", "editors"}:
        return named(value)
    if isinstance(value, Venue):
        return {one.name: text for one in fields(value) if (text := getattr(value, one.name))}
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else _plain(value)
