"""Knows how an item of a library and an entry of the catalog are brought together, three ways, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from refsync.sync.base import Record
from refsync.sync.desired import Item
from refsync.sync.fields import means_same
from refsync.sync.itemtypes import ItemType, item_types
from refsync.sync.seen import Data, creators_of, lines_of, plain

Pair = tuple[Any, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Differences:
    """Differences that are left as they are: {field: (there, here)}; `new` are those that nobody was shown yet."""

    told: Mapping[str, Any] = field(default_factory=dict)
    new: Mapping[str, Pair] = field(default_factory=dict)
    has_base: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What becomes of an item: the properties to send (none: nothing), the base afterwards, what is told, and the line of
    corrections.yaml that takes over the item's own key."""

    sent: Mapping[str, Any]
    record: Record
    before: Mapping[str, Any]
    fields: Mapping[str, Pair]
    told: Differences
    line: str = ""


def is_same(name: str, one: Any, other: Any) -> bool:
    """Whether two values of a field are one, as the server stores them."""
    if one == other:
        return True
    if name == "creators":
        return creators_of(one or ()) == creators_of(other or ())
    if name == "parentCollection":
        return (one or False) == (other or False)
    return plain(one) == plain(other)


def merged(
    wanted: Mapping[str, Any], now: Data, last: Mapping[str, Any], told: Mapping[str, Any], *, has_base: bool
) -> tuple[dict[str, Any], Differences, dict[str, Any]]:
    """(fields to change, differences that stay, fields as the base then has them), of what is `wanted`, what is there
    `now`, and what was `last` written."""
    changed: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    stay: dict[str, Any] = {}
    new: dict[str, Pair] = {}
    for name in dict.fromkeys((*wanted, *last)):
        nothing = [] if name == "creators" else ""
        here, there, before = wanted.get(name, nothing), now.get(name), last.get(name)
        if is_same(name, there, here) or means_same(name, there, here):
            if here:
                kept[name] = here
        elif (not there and before is None and name != "parentCollection") or (
            before is not None and is_same(name, there, before)
        ):
            changed[name] = here
            if here or name == "parentCollection":
                kept[name] = here
        else:
            if before is not None:
                kept[name] = before
            stay[name] = [there, here]
            if told.get(name) != [there, here]:
                new[name] = (there, here)
    if "parentCollection" in wanted and "parentCollection" not in stay:
        kept["parentCollection"] = wanted["parentCollection"]
    return changed, Differences(told=stay, new=new, has_base=has_base), kept


def compared(
    item: Item,
    data: Data,
    record: Record,
    shelves: Sequence[str],
    wanted_shelves: frozenset[str],
    *,
    has_base: bool,
    restore: bool = False,
) -> Outcome:
    """What becomes of the item `data` of the library, for the entry that `item` is of; `shelves` are the collections that
    it belongs to and that are there, `wanted_shelves` also those that a person has removed."""
    if has_base and not restore:  # nearly all are as they were written, and as they are wanted
        same = whole(item, record.key, [*wanted_shelves.union(shelves)])
        if same == record and same.fields.items() <= data.items():
            return Outcome(sent={}, record=record, before={}, fields={}, told=Differences())
    record, changed, kept, told = _fields(item, data, record, has_base=has_base)
    tags = record.tags
    if not record.is_adopted:
        tags = item.tags
        if (new_tags := _tags(item, data, record)) is not None and has_base:
            changed["tags"] = new_tags
    put = record.collections if has_base else ()
    collections = _collections(data, put, shelves, wanted_shelves, restore=restore)
    if collections is not None:
        changed["collections"] = collections
    after = replace(
        record,
        fields=kept,
        tags=tags,
        collections=tuple(sorted({*shelves, *wanted_shelves})),
        told={**{name: value for name, value in record.told.items() if name == "others"}, **told.told},
        gone=None,
        found=record.found if has_base else _found(data, kept),
    )
    before = {name: data.get(name, [] if name in {"tags", "collections", "creators"} else "") for name in changed}
    fields = {name: (before[name], value) for name, value in changed.items()}
    if "itemType" in changed:  # with a type go the fields that only it has
        names = item_types().types[data["itemType"]].fields
        before = {**{name: data[name] for name in names if data.get(name)}, **before}
    line = ""
    if "citationKey" in told.new and record.is_adopted:
        line = f"{item.entry.key}: {{key: {plain(data.get('citationKey'))}}}"
    return Outcome(sent=changed, record=after, before=before, fields=fields, told=told, line=line)


def _found(data: Data, kept: Mapping[str, Any]) -> dict[str, Any]:
    """What of an item nobody knows who wrote: a person, or another refsync."""
    known = item_types().types.get(str(data["itemType"]), item_types().types["document"])
    out = {name: data[name] for name in (*known.fields, "creators") if data.get(name) and name not in kept}
    return {**out, "tags": data["tags"]} if data.get("tags") else out


def _fields(
    item: Item, data: Data, record: Record, *, has_base: bool
) -> tuple[Record, dict[str, Any], dict[str, Any], Differences]:
    """(the record, with what of a person's own item they filled; fields to change; fields as the base then has them;
    differences that stay), type and Extra among them."""
    kind, wanted = _typed(item, data, record, has_base=has_base)
    last = _of_type(record.fields, kind) if has_base else {}
    now = {**_carried(data, kind), "creators": data.get("creators")}
    told_before = {name: value for name, value in record.told.items() if name not in {"others", "retired"}}
    if record.is_adopted:
        record = replace(record, theirs=_theirs(record, data, {**wanted, "extra": ""}, last))
        changed, told, kept = _filled(wanted, now, last, record.theirs, told_before)
    else:
        changed, told, kept = merged(wanted, now, last, told_before, has_base=has_base)
        kept = {"itemType": kind, **kept}
    if kind != data["itemType"]:
        changed |= {"itemType": kind} | cleared(data, wanted, kind)
    elif kind != item.fields["itemType"] and not record.is_adopted:
        told = _with_type(told, kind, item.fields["itemType"], told_before)
    extra, kept_extra = _extra(item, data, record, has_base=has_base)
    if extra is not None:
        changed["extra"] = extra
    if kept_extra:
        kept["extra"] = kept_extra
    return record, changed, kept, told


def _typed(item: Item, data: Data, record: Record, *, has_base: bool) -> tuple[str, dict[str, Any]]:
    """(the type that the item is to have, the fields that are wanted of it). A type is changed only where neither it nor a
    field was touched, and no field would be lost; else the fields are those of the type that is there."""
    types = item_types().types
    there, here = str(data["itemType"]), item.fields["itemType"]
    wanted: dict[str, Any] = {name: value for name, value in item.fields.items() if name != "itemType"}
    if item.creators:
        wanted["creators"] = [dict(one) for one in item.creators]
    if there == here:
        return here, wanted
    known = types.get(there, types["document"])
    is_ours = has_base and not record.is_adopted and "itemType" not in record.told
    if is_ours and record.fields.get("itemType") == there and not _edits(record, data):
        return here, wanted
    out: dict[str, Any] = {}
    for name, value in wanted.items():
        if name == "creators":
            out[name] = [{**one, "creatorType": known.creator_for(one["creatorType"], types[here])} for one in value]
        elif (named := known.field_for(name, types[here])) is not None:
            out.setdefault(named, value)
    return there, out


def _carried(data: Data, kind: str) -> dict[str, Any]:
    """The fields of an item under the names that they have in a type: where the server carries them over."""
    known = item_types().types.get(str(data["itemType"]))
    if data["itemType"] == kind or known is None:
        return dict(data)
    return _of_type({name: data[name] for name in ("itemType", *known.fields) if data.get(name)}, kind)


def _of_type(fields: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What the base has of an item's fields, under the names that they have in a type."""
    if fields.get("itemType") == kind:
        return {name: value for name, value in fields.items() if name not in {"itemType", "extra"}}
    types = item_types().types
    known = types.get(kind, types["document"])  # a newer Zotero may have types that the table lacks
    old = types.get(str(fields.get("itemType", kind)), known)
    out: dict[str, Any] = {}
    for name, value in fields.items():
        if name in {"itemType", "extra"}:
            continue
        if name == "creators":
            out[name] = [{**one, "creatorType": known.creator_for(one["creatorType"], old)} for one in value]
        elif (named := known.field_for(name, old)) is not None:
            out[named] = value
    return out


def cleared(data: Data, wanted: Mapping[str, Any], kind: str) -> dict[str, str]:
    """The fields that the server would carry over into another type, where nothing is wanted: "arXiv" is no publisher."""
    types = item_types().types
    old = types[str(data["itemType"])]
    carried = {types[kind].field_for(name, old) for name in old.fields if data.get(name)}
    return {name: "" for name in sorted(one for one in carried if one) if name not in wanted and name != "extra"}


def _with_type(told: Differences, there: str, here: str, before: Mapping[str, Any]) -> Differences:
    pair = [there, here]
    new = told.new if before.get("itemType") == pair else {**told.new, "itemType": (there, here)}
    return Differences(told={**told.told, "itemType": pair}, new=new, has_base=told.has_base)


def _theirs(record: Record, data: Data, wanted: Iterable[str], last: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of a person's own item that they filled, now or before: emptied by them, they stay empty."""
    ours = {*last, *(["extra"] if record.fields.get("extra") else [])}
    return tuple(sorted({*record.theirs, *(name for name in wanted if data.get(name) and name not in ours)}))


def _filled(
    wanted: Mapping[str, Any], now: Data, last: Mapping[str, Any], theirs: Sequence[str], told: Mapping[str, Any]
) -> tuple[dict[str, Any], Differences, dict[str, Any]]:
    """As `merged`, for a person's own item: what is empty is filled, what refsync filled it keeps, and nothing is said of
    the rest but that it has a citation key of its own."""
    changed: dict[str, Any] = {}
    kept = dict(last)
    stay: dict[str, Any] = {}
    for name, here in wanted.items():
        there = now.get(name)
        if is_same(name, there, here):
            continue
        if (name in last and is_same(name, there, last[name])) or (
            not there and name not in last and name not in theirs
        ):
            changed[name] = kept[name] = here
        elif name == "citationKey":
            stay[name] = [there, here]
    new = {name: (pair[0], pair[1]) for name, pair in stay.items() if told.get(name) != pair}
    return changed, Differences(told=stay, new=new), kept


def _extra(item: Item, data: Data, record: Record, *, has_base: bool) -> tuple[str | None, str]:
    """(the field Extra with refsync's lines in it, None when it stays; refsync's lines as the base then has them). Lines of
    a person keep their place, blank ones too; a line of refsync's that changes keeps that of the old one."""
    here = list(item.extra)
    text = plain(data.get("extra"))
    there = lines_of(text)
    before = lines_of(record.fields.get("extra")) if has_base else []
    if record.is_adopted:  # filled where it is empty, and otherwise a person's own
        here = [one for one in here if (not there and "extra" not in record.theirs) or one in before]
    gone = [one for one in before if one not in here and one in there]
    new = [one for one in here if one not in there and one not in before]
    kept = "\n".join(here)
    if not gone and not new:
        return None, kept
    after = []
    for raw in text.split("\n") if text else []:
        if raw.rstrip() not in gone:
            after.append(raw)
        elif new:
            after.append(new.pop(0))
    return "\n".join([*after, *new]), kept


def _tags(item: Item, data: Data, record: Record) -> list[dict[str, Any]] | None:
    """The item's tags with those of the catalog, None when they stay; a tag that a person removed is not put back, one that
    is there as an automatic tag is not doubled."""
    there = {plain(one.get("tag")): dict(one) for one in data.get("tags") or ()}
    add = [one for one in item.tags if one not in there and one not in record.tags]
    drop = [one for one in record.tags if one not in item.tags and one in there and not there[one].get("type")]
    if not add and not drop:
        return None
    after = [one for name, one in there.items() if name not in drop] + [{"tag": name} for name in add]
    return sorted(after, key=lambda one: str(one["tag"]))


def _collections(
    data: Data, put: Sequence[str], shelves: Sequence[str], wanted: frozenset[str], *, restore: bool
) -> list[str] | None:
    """The item's collections with those of the catalog, None when they stay; only collections that refsync has `put` it
    into are taken away, and none that a person took away is put back."""
    there = list(data.get("collections") or ())
    add = [one for one in shelves if one not in there and (restore or one not in put)]
    drop = {one for one in there if one in put and one not in wanted}
    return None if not add and not drop else sorted({*there, *add} - drop)


def whole(item: Item, key: str, shelves: Sequence[str]) -> Record:
    """What the base says of an item that refsync makes."""
    fields: dict[str, Any] = dict(item.fields)
    if item.creators:
        fields["creators"] = [dict(one) for one in item.creators]
    if item.extra:
        fields["extra"] = "\n".join(item.extra)
    return Record(
        what="item", id=item.entry.key, key=key, fields=fields, tags=item.tags, collections=tuple(sorted(shelves))
    )


def properties(record: Record) -> dict[str, Any]:
    """Everything that is sent to make an item."""
    tags = [{"tag": one} for one in record.tags]
    return {**record.fields, "tags": tags, "collections": list(record.collections), "relations": {}}


def touched(record: Record, data: Data, children: int) -> str | None:
    """What a person has done to an item that refsync made, None when nothing; `children` are notes and files of theirs."""
    if record.is_adopted:
        return "it is an item of yours"
    if edits := _edits(record, data):
        return f"its {edits[0]} was changed in Zotero"
    if {plain(one.get("tag")) for one in data.get("tags") or ()} != set(record.tags):
        return "its tags were changed in Zotero"
    if set(data.get("collections") or ()) != set(record.collections):
        return "it was moved in Zotero"
    if any((data.get("relations") or {}).values()):
        return "it was merged with another in Zotero, or related to one"
    return f"it has {children} notes or files" if children else None


def _edits(record: Record, data: Data) -> list[str]:
    """The fields of an item that are not as they were written."""
    types = item_types().types
    kind: ItemType | None = types.get(str(data["itemType"]))
    if kind is None or record.fields.get("itemType") != data["itemType"]:
        return ["type"]
    names = dict.fromkeys((*kind.fields, "creators"))
    return [name for name in names if not is_same(name, data.get(name), record.fields.get(name))]
