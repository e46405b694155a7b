"""Knows what Zotero's desktop stores when an item or a collection is written through its own API: nearly everything.

What the Web API refuses is bent into shape here, as the desktop does (Zotero.Item.fromJSON, not strict): fields without
a place become lines of Extra, and lines of Extra that name an empty field of the type fill it.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Any

from refsync.sync.itemtypes import ItemType, ItemTypes
from refsync.sync.sandbox import properties, rules
from refsync.sync.sandbox.properties import CHILDREN, Data, Look, Refused, zoned

_MANY_LINES = ("abstractNote", "extra")  # the fields that may have more than one line
_OF_ATTACHMENTS = ("linkMode", "path", "contentType", "charset", *properties.OF_FILES)
_KEPT = ("itemType", "creators", "tags", "dateAdded", "dateModified", "note", *_OF_ATTACHMENTS)  # by PUT, when omitted
_OF_ALL = ("tags", "creators", "collections", "relations", "deleted", "dateAdded", "parentItem", "note")
_LINE = re.compile(r"([A-Za-z][A-Za-z _-]*): *(\S.*)")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def item(
    types: ItemTypes, sent: Data, before: Data | None, look: Look, *, key: str, whole: bool, now: datetime
) -> Data:
    """What is stored of an item once `sent` is applied to `before`; equal to `before` when nothing changes.

    `whole` says that omitted fields are cleared (PUT). `key` is told in faults, empty for a new item.
    """
    kind = _kind(types, sent, before)
    row = types.types[kind]
    after = rules.of_type(types, before, kind) if before else {"itemType": kind, "dateAdded": zoned(now)}
    if whole:
        after = {name: value for name, value in after.items() if name in _KEPT}
    strange = {}
    for name, value in sent.items():
        if name in ("key", "version", "itemType", "dateModified"):
            continue
        if name in row.fields or name in (*_OF_ALL, *_OF_ATTACHMENTS):
            after[name] = _property(row, name, value, look, key, now)
        elif text := _text(name, value):
            strange[name] = text
    if kind == "attachment" and not after.get("linkMode"):
        raise Refused(400, "linkMode not set for attachment")
    if after.get("parentItem") and after.get("collections"):
        raise Refused(400, "Child items cannot be added to collections")
    if "extra" in sent or strange:
        _sort_extra(row, after, strange)
    after = {name: value for name, value in after.items() if value not in ("", None, False, [], {})}
    return _dated(before, after, sent.get("dateModified"), zoned(now))


def _kind(types: ItemTypes, sent: Data, before: Data | None) -> str:
    kind = sent.get("itemType") or (before and before["itemType"])
    if not kind:
        raise Refused(400, "itemType property not provided")
    if not isinstance(kind, str) or kind not in types.types:
        raise Refused(400, f"Unknown itemType '{kind}'")
    if before and kind != before["itemType"] and {kind, before["itemType"]} & CHILDREN:
        raise Refused(400, f"Cannot change item type from {before['itemType']} to {kind}")
    return kind


def _property(row: ItemType, name: str, value: Any, look: Look, key: str, now: datetime) -> Any:
    match name:
        case "tags":
            return _tags(value)
        case "creators":
            return _creators(row, value)
        case "collections":
            return _collections(value, look, key)
        case "relations":
            return _relations(value)
        case "deleted":
            return bool(value)
        case "dateAdded":
            return properties.moment(name, value)
        case "parentItem":
            if value and (not isinstance(value, str) or look("items", value) is None):
                raise Refused(400, f"Parent item 1/{value} not found")
            return value
        case "accessDate":
            return _accessed(_text(name, value), now)
        case "mtime" if isinstance(value, int):
            return value
    return _text(name, value)


def _text(name: str, value: Any) -> str:
    """Any value as text: composed, trimmed, and on one line unless it may have more."""
    if isinstance(value, list | dict):
        raise Refused(400, f"Invalid value for '{name}'")
    text = value if isinstance(value, str) else properties.text_of(name, value)
    text = unicodedata.normalize("NFC", text.strip())
    return text if name in (*_MANY_LINES, "note") else re.sub(r"[\r\n]+", " ", text)


def _accessed(text: str, now: datetime) -> str:
    """A date or moment; empty for anything else."""
    try:
        return properties.accessed(text, now)
    except Refused:
        return ""


def _tags(value: Any) -> list[Data]:
    """Tags, plain texts among them, each once: one of a person's rather than an automatic one."""
    found: dict[str, int] = {}
    for one in value if isinstance(value, list) else [value]:
        name, kind = (one.get("tag"), one.get("type")) if isinstance(one, dict) else (one, 0)
        if text := _text("tag", name):
            found[text] = min(found.get(text, 1), 1 if kind == 1 else 0)
    ordered = sorted(found.items(), key=lambda pair: (pair[0].casefold(), pair[0].swapcase()))
    return [{"tag": text, "type": kind} if kind else {"tag": text} for text, kind in ordered]


def _creators(row: ItemType, value: Any) -> list[Data]:
    """The creators that have a name; one whose role the type does not know is an author."""
    if not isinstance(value, list):
        raise Refused(400, "Creators must be an array")
    found = []
    for one in value:
        if not isinstance(one, dict):
            raise Refused(400, "Creator must be an object")
        single = "name" in one
        names = {part: _text("creator", one.get(part)) for part in (("name",) if single else ("firstName", "lastName"))}
        if any(names.values()) and row.creators:
            role = one.get("creatorType")
            other = "author" if "author" in row.creators else row.creators[0]
            found.append({**names, "creatorType": role if role in row.creators else other})
    return found


def _collections(value: Any, look: Look, key: str) -> list[str]:
    if not isinstance(value, list):
        raise Refused(400, "Collections must be an array")
    for one in value:
        if not isinstance(one, str) or look("collections", one) is None:
            raise Refused(400, f"Collection {one} not found for item 1/{key or 'null'}")
    return sorted(set(value))


def _relations(value: Any) -> dict[str, list[str]]:
    pairs = value.items() if isinstance(value, dict) else ()
    several = {name: found if isinstance(found, list) else [found] for name, found in pairs}
    return {name: sorted({str(one) for one in found}) for name, found in several.items() if found}


def _sort_extra(row: ItemType, after: Data, strange: dict[str, str]) -> None:
    """Takes out of Extra what has a field of its own that is empty, and puts in what has none."""
    places = {_label(name): name for name in row.fields if name != "extra"}
    named = {_label(name): name for name in strange}
    lines = []
    for line in after.get("extra", "").split("\n"):
        match = _LINE.fullmatch(line)
        label = _label(match[1]) if match else ""
        if match and label in named:
            name = named.pop(label)
            lines.append(f"{match[1]}: {strange[name]}")
        elif match and label in places and not after.get(places[label]):
            after[places[label]] = _text(places[label], match[2])
        else:
            lines.append(line)
    added = sorted(f"{_title(name)}: {strange[name]}" for name in named.values())
    after["extra"] = "\n".join([*added, *lines]).strip()


def _label(name: str) -> str:
    """ "Citation Key" and "citationKey" -> "citation-key"."""
    return re.sub(r"[\s_]", "-", _HUMP.sub("-", name.strip()).lower())


def _title(name: str) -> str:
    """ "publicationTitle" -> "Publication Title"."""
    words = _HUMP.sub(" ", name)
    return words[:1].upper() + words[1:]


def _dated(before: Data | None, after: Data, sent: Any, now: str) -> Data:
    """The item with its dateModified: what was sent when that is new; else now when anything changed but places."""
    wanted = properties.moment("dateModified", sent) if sent else None
    if before is None or (wanted and wanted != before["dateModified"]):
        return {**after, "dateModified": wanted or now}
    names = (before.keys() | after.keys()) - {"collections", "relations", "dateModified"}
    changed = any(before.get(name) != after.get(name) for name in names)
    return {**after, "dateModified": now if changed else before["dateModified"]}


def collection(sent: Data, before: Data | None, look: Look, *, key: str, whole: bool) -> Data:
    """What is stored of a collection once `sent` is applied to `before`. Other properties are passed over."""
    after: Data = {"parentCollection": False} if whole or before is None else dict(before)
    if "name" in sent or "name" not in after:
        after["name"] = _collection_name(sent.get("name"))
    if "parentCollection" in sent:
        parent = sent["parentCollection"] or False
        if parent and (not isinstance(parent, str) or look("collections", parent) is None):
            raise Refused(400, f"Cannot set parent to invalid collection {parent}")
        _check_cycle(parent, key, look)
        after["parentCollection"] = parent
    for name, value in (("relations", _relations(sent.get("relations"))), ("deleted", bool(sent.get("deleted")))):
        if name in sent:
            after[name] = value
    return {name: value for name, value in after.items() if value or name == "parentCollection"}


def _collection_name(value: Any) -> str:
    if not value:
        raise Refused(400, "'name' property not provided for collection")
    if not isinstance(value, str):
        raise Refused(400, "value.trim is not a function")
    return unicodedata.normalize("NFC", value.strip())


def _check_cycle(parent: str | bool, key: str, look: Look) -> None:
    above = parent
    while isinstance(above, str):
        if above == key:
            raise Refused(400, f"Collection {key} cannot be moved into itself or what lies below it")
        above = (look("collections", above) or {}).get("parentCollection", False)
