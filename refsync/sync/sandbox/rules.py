"""Knows what Zotero's server stores when an item or a collection is written: what was sent, applied to what is there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from refsync.sync.itemtypes import FILED, ItemTypes
from refsync.sync.sandbox import properties
from refsync.sync.sandbox.properties import CHILDREN, Data, Look, Refused, zoned


def item(
    types: ItemTypes, sent: Data, before: Data | None, look: Look, *, whole: bool, now: datetime, trusted: bool
) -> Data:
    """What is stored of an item once `sent` is applied to `before`; equal to `before` when nothing changes.

    `whole` says that nothing may be missing (PUT); `trusted` that the client may set dateModified beside other changes.
    """
    kind = _kind(types, sent, before, whole=whole)
    if whole:
        _complete(sent)
    after = of_type(types, before, kind) if before else {"itemType": kind, "dateAdded": zoned(now)}
    if whole:
        after = {name: value for name, value in after.items() if name not in {"deleted", "parentItem"}}
    for name, value in sent.items():
        if name not in {"key", "version", "itemType", "dateModified"}:
            _set(after, name, _property(types, kind, name, value, look, before, now))
    if kind == "attachment" and "linkMode" not in after:
        raise Refused(400, "'linkMode' property not provided")
    _placed(after, kind, look)
    wanted = properties.moment("dateModified", sent["dateModified"]) if sent.get("dateModified") else None
    return _dated(before, after, wanted, bool(sent.get("tags")), zoned(now), trusted)


def _kind(types: ItemTypes, sent: Data, before: Data | None, *, whole: bool) -> str:
    kind = sent.get("itemType")
    if kind is None:
        if before is None or whole or "itemType" in sent:
            raise Refused(400, "'itemType' property not provided")
        return str(before["itemType"])
    if not isinstance(kind, str) or kind not in types.types:
        raise Refused(400, f"'{kind}' is not a valid itemType")
    old = before["itemType"] if before else kind
    if kind != old and {kind, old} & CHILDREN:
        raise Refused(400, f"Cannot change item type from {old} to {kind}")
    return kind


def _complete(sent: Data) -> None:
    for name in ("tags", "collections", "relations"):
        if name not in sent and not (name == "collections" and sent.get("parentItem")):
            raise Refused(400, f"'{name}' property not provided")


def of_type(types: ItemTypes, before: Data, kind: str) -> Data:
    """The stored item as one of another type: what has no place there is dropped."""
    old, new = types.types[before["itemType"]], types.types[kind]
    if old is new:
        return dict(before)
    after: Data = {"itemType": kind}
    for name, value in before.items():
        if name not in types.fields:
            after.setdefault(name, value)
        elif place := new.field_for(name, old):
            after.setdefault(place, value)
    if "creators" in after:
        after["creators"] = [
            {**one, "creatorType": new.creator_for(one["creatorType"], old)} for one in before["creators"]
        ]
    return after


def _set(after: Data, name: str, value: Any) -> None:
    if value in ("", None, False, [], {}):
        after.pop(name, None)
    else:
        after[name] = value


def _property(
    types: ItemTypes, kind: str, name: str, value: Any, look: Look, before: Data | None, now: datetime
) -> Any:
    """The value of one property as it is stored; something empty for none."""
    match name:
        case "tags":
            return properties.tags(value)
        case "creators":
            return properties.creators(types, kind, value)
        case "collections":
            return properties.collections(value, look)
        case "relations":
            return properties.relations(value, properties.OF_ITEMS)
        case "deleted":
            return properties.trashed(value)
        case "dateAdded":
            return properties.moment(name, value)
        case "parentItem":
            return properties.parent_item(kind, value, look)
        case "note":
            if kind not in ("note", "attachment"):
                raise Refused(400, "'note' property is valid only for note and attachment items")
            return properties.note(value)
        case "linkMode" | "path" | "contentType" | "charset" | "filename" | "md5" | "mtime":
            return properties.of_attachment(kind, name, value, before)
    return properties.field(types, kind, name, value, now)


def _placed(after: Data, kind: str, look: Look) -> None:
    if "parentItem" in after and after.get("collections"):
        raise Refused(400, "Child items cannot be assigned to collections")
    mode = after.get("linkMode")
    if any(name in after for name in properties.OF_FILES) and mode not in FILED:
        name = next(name for name in properties.OF_FILES if name in after)
        raise Refused(400, f"'{name}' is valid only for imported and embedded-image attachments")
    if "path" in after and mode != "linked_file":
        raise Refused(400, "'path' is valid only for linked file attachments")


def _dated(before: Data | None, after: Data, wanted: str | None, tagged: bool, now: str, trusted: bool) -> Data:
    """The item with its dateModified: a new place in collections or new relations leave it, all else sets it to now."""
    if before is None:
        return {**after, "dateModified": wanted or now}
    aside = {"collections", "relations", "dateModified"}
    names = (before.keys() | after.keys()) - aside
    # Tags that were sent count as a change even when they are the same, unless there are none.
    if (tagged and after.get("tags")) or any(before.get(name) != after.get(name) for name in names):
        return {**after, "dateModified": wanted if wanted and trusted else now}
    return {**after, "dateModified": wanted or before["dateModified"]}


# ------------------------------------------------------------------------------------------------------------------
# Collections


def collection(sent: Data, before: Data | None, look: Look, *, whole: bool) -> Data:
    """What is stored of a collection once `sent` is applied to `before`."""
    after: Data = dict(before or {"parentCollection": False}) if not whole else {"parentCollection": False}
    for name, value in sent.items():
        match name:
            case "key" | "version":
                pass
            case "name":
                after["name"] = properties.collection_name(value)
            case "parentCollection":
                after["parentCollection"] = properties.parent_collection(value, look)
            case "relations":
                _set(after, "relations", properties.relations(value, properties.OF_COLLECTIONS))
            case "deleted":
                _set(after, "deleted", properties.trashed(value))
            case _:
                raise Refused(400, f"Invalid property '{name}'")
    if "name" not in after:
        raise Refused(400, "'name' property not provided")
    return after
