"""Knows what Zotero's server accepts in an item or a collection, and what it stores of it.

A write turns what was sent and what is stored into what is stored next, or is Refused with the code and the words that
the server uses. Lengths, trimming and dates as zotero/dataserver has them (model/Items.inc.php, model/DataObjects.inc.php).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from refsync.sync.itemtypes import FILED, LINK_MODES, ItemTypes

Data = dict[str, Any]
Look = Callable[[str, str], Data | None]  # ("items", key) -> what is stored under it

KEY = re.compile(r"[23456789ABCDEFGHIJKLMNPQRSTUVWXYZ]{8}")
_URI = re.compile(r"http://zotero\.org/(?:users|groups)/\d+/items/[0-9A-Z]{8}")
_CONTROLS = {code: None for code in range(32) if chr(code) not in "\t\n"}
_ZOTERO_URIS, _ANY = ("owl:sameAs", "dc:replaces", "dc:relation"), "mendeleyDB:"
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:Z|[+-]\d\d:?\d\d)?")
_MULTIPART = re.compile(r"\d{4}-\d\d-\d\d (?=.)")
_CHILDREN = ("note", "attachment", "annotation")
_ATTACHED = ("contentType", "charset")
_FILE = ("filename", "md5", "mtime")
_LONGEST_FIELD, _LONGEST_NAME, _LONGEST_NOTE = 65535, 255, 500_000  # bytes, characters, characters


class Refused(Exception):
    """A request or one object of it is not accepted. `code` is the HTTP status, `data` what the server adds to it."""

    def __init__(self, code: int, message: str, data: Data | None = None, version: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.version = version


class Broken(Exception):
    """What was sent makes the server fall over: the whole request is answered with 500."""


def zoned(moment: datetime) -> str:
    """A moment as the API writes it, in UTC and to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# ------------------------------------------------------------------------------------------------------------------
# Items


def item(
    types: ItemTypes, sent: Data, before: Data | None, look: Look, *, whole: bool, now: datetime, trusted: bool
) -> Data:
    """What is stored of an item once `sent` is applied to `before`; equal to `before` when nothing changes.

    `whole` says that nothing may be missing (PUT); `trusted` that the client may set dateModified beside other changes.
    """
    kind = _kind(types, sent, before, whole=whole)
    if whole:
        _complete(sent)
    after = _of_type(types, before, kind) if before else {"itemType": kind, "dateAdded": zoned(now)}
    if whole:
        after = {name: value for name, value in after.items() if name not in {"deleted", "parentItem"}}
    for name, value in sent.items():
        if name not in {"key", "version", "itemType", "dateModified"}:
            _set(after, name, _property(types, kind, name, value, look, before, now))
    if kind == "attachment" and "linkMode" not in after:
        raise Refused(400, "'linkMode' property not provided")
    _placed(after, kind, look)
    wanted = _moment("dateModified", sent["dateModified"]) if sent.get("dateModified") else None
    return _dated(before, after, wanted, bool(sent.get("tags")), zoned(now), trusted)


def _kind(types: ItemTypes, sent: Data, before: Data | None, *, whole: bool) -> str:
    kind = sent.get("itemType")
    if kind is None:
        if before is None or whole or "itemType" in sent:
            raise Refused(400, "'itemType' property not provided")
        return str(before["itemType"])
    if not isinstance(kind, str) or kind not in types.types:
        raise Refused(400, f"'{kind}' is not a valid itemType")
    return kind


def _complete(sent: Data) -> None:
    for name in ("tags", "collections", "relations"):
        if name not in sent and not (name == "collections" and sent.get("parentItem")):
            raise Refused(400, f"'{name}' property not provided")


def _of_type(types: ItemTypes, before: Data, kind: str) -> Data:
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
            return _tags(value)
        case "creators":
            return _creators(types, kind, value)
        case "collections":
            return _collections(value, look)
        case "relations":
            return relations(value, (*_ZOTERO_URIS, _ANY))
        case "deleted":
            return _trashed(value)
        case "dateAdded":
            return _moment(name, value)
        case "parentItem":
            return _parent(kind, value, look)
        case "note":
            if kind not in ("note", "attachment"):
                raise Refused(400, "'note' property is valid only for note and attachment items")
            return _note(value)
        case "linkMode" | "path" | "contentType" | "charset" | "filename" | "md5" | "mtime":
            return _of_attachment(kind, name, value, before)
    return _field(types, kind, name, value, now)


def _placed(after: Data, kind: str, look: Look) -> None:
    if "parentItem" in after and after.get("collections"):
        raise Refused(400, "Child items cannot be assigned to collections")
    mode = after.get("linkMode")
    if any(name in after for name in _FILE) and mode not in FILED:
        name = next(name for name in _FILE if name in after)
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
# Properties


def _text(name: str, value: Any) -> str:
    match value:
        case None | False:
            return ""
        case True:
            return "1"
        case str():
            return value.translate(_CONTROLS).strip(" \t\n")
        case list():
            raise Refused(400, f"Unexpected array for property '{name}'")
        case dict():
            raise Broken(name)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _field(types: ItemTypes, kind: str, name: str, value: Any, now: datetime) -> str:
    if name not in types.fields:
        raise Refused(400, f"Invalid property '{name}'")
    text = _text(name, value)
    if name not in types.types[kind].fields:
        if text:
            raise Refused(400, f"'{name}' is not a valid field for type '{kind}'")
        return ""
    if len(text.encode()) > _LONGEST_FIELD:
        label, start = types.fields[name], f"{text[:50]}…"
        raise Refused(413, f"{label} field value '{start}' too long", {"field": label, "value": start})
    if name == "accessDate":
        return _accessed(text, now)
    if types.types[kind].base.get(name, name) in types.dates:
        return _MULTIPART.sub("", text)
    return text


def _accessed(text: str, now: datetime) -> str:
    if text == "CURRENT_TIMESTAMP":
        return zoned(now)
    if not text or re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return text
    if moment := _parsed(text):
        return moment
    expected = "in ISO 8601 or UTC 'YYYY-MM-DD[ hh:mm:ss]' format or 'CURRENT_TIMESTAMP'"
    raise Refused(400, f"'accessDate' must be {expected} ({text})")


def _moment(name: str, value: Any) -> str:
    moment = _parsed(value) if isinstance(value, str) else None
    if not moment:
        raise Refused(400, f"'{name}' must be in ISO 8601 or UTC 'YYYY-MM-DD hh:mm:ss' format ({value})")
    return moment


def _parsed(text: str) -> str | None:
    if not _DATETIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return zoned(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _tags(value: Any) -> list[Data]:
    if not isinstance(value, list):
        raise Refused(400, "'tags' property must be an array")
    found: set[tuple[str, int]] = set()
    for one in value:
        if not isinstance(one, dict):
            raise Refused(400, "Tag must be an object")
        if not one:
            raise Refused(400, "Tag object is empty")
        for name in one:
            if name not in {"tag", "type"}:
                raise Refused(400, f"Invalid tag property '{name}'")
        if "tag" not in one:
            raise Refused(400, "Tag object must contain 'tag' property")
        if one.get("type", 0) not in (0, 1):
            raise Refused(400, f"Invalid tag type '{one['type']}'")
        text = _text("tag", one["tag"])
        if len(text) > _LONGEST_NAME:
            raise Refused(413, f"Tag '{text[:50]}…' too long", {"tag": text})
        if text:
            found.add((text, int(one.get("type", 0))))
    by_bytes = sorted(found, key=lambda pair: (pair[0].encode(), pair[1]))
    return [{"tag": text, "type": kind} if kind else {"tag": text} for text, kind in by_bytes]


def _creators(types: ItemTypes, kind: str, value: Any) -> list[Data]:
    if not isinstance(value, list):
        raise Refused(400, "'creators' property must be an array")
    found = [_creator(types, kind, one) for one in value]
    if len(found) == 1 and not any(text for name, text in found[0].items() if name != "creatorType"):
        return []
    for one in found:
        if not any(text for name, text in one.items() if name != "creatorType"):
            raise Refused(400, "creator object must contain 'firstName'/'lastName' or 'name'")
    return found


def _creator(types: ItemTypes, kind: str, value: Any) -> Data:
    if not isinstance(value, dict):
        raise Refused(400, "creator must be an object")
    for name in value:
        if name not in {"creatorType", "firstName", "lastName", "name"}:
            raise Refused(400, f"Invalid creator property '{name}'")
    if "creatorType" not in value:
        raise Refused(400, "creator object must contain 'creatorType'")
    role, allowed = value["creatorType"], types.types[kind].creators
    if not isinstance(role, str) or role not in types.creators:
        raise Refused(400, f"'{role}' is not a valid creator type")
    if role not in allowed:
        if role != "author" or not allowed:
            raise Refused(400, f"'{role}' is not a valid creator type for item type '{kind}'")
        role = allowed[0]
    names = [name for name in ("firstName", "lastName", "name") if name in value]
    if "name" in names and len(names) > 1:
        raise Refused(400, f"'{names[0]}' and 'name' creator fields are mutually exclusive")
    if not names:
        raise Refused(400, "creator object must contain 'firstName'/'lastName' or 'name'")
    if len(names) == 1 and names != ["name"]:
        other = "firstName" if names == ["lastName"] else "lastName"
        raise Refused(400, f"'{other}' creator field must be set if '{names[0]}' is set")
    return {"creatorType": role} | {name: _name(value[name]) for name in names}


def _name(value: Any) -> str:
    text = _text("creator", value).strip()
    if len(text) > _LONGEST_NAME:
        start = f"{text[:50]}…"
        raise Refused(413, f"The creator name ‘{start}’ is too long to sync.", {"field": "creator", "value": start})
    return text


def _collections(value: Any, look: Look) -> list[str]:
    if not isinstance(value, list):
        raise Refused(400, "'collections' property must be an array")
    for key in value:
        if not isinstance(key, str) or not KEY.fullmatch(key):
            raise Refused(400, f"'{key}' is not a valid collection key")
        if look("collections", key) is None:
            raise Refused(409, f"Collection {key} not found", {"collection": key})
    return sorted(set(value))


def relations(value: Any, allowed: tuple[str, ...]) -> dict[str, list[str]]:
    """Predicate -> what it points at, sorted. Raises Refused for what the server does not know."""
    if not isinstance(value, dict):
        if value == []:
            return {}
        raise Refused(400, "'relations' property must be an object")
    found = {}
    for predicate, objects in value.items():
        external = predicate.startswith(_ANY) and _ANY in allowed
        if predicate not in allowed and not external:
            raise Refused(400, f"Unsupported predicate '{predicate}'")
        several = objects if isinstance(objects, list) else [objects]
        if not external and not all(isinstance(one, str) and _URI.fullmatch(one) for one in several):
            raise Refused(400, "'relations' values currently must be Zotero item URIs")
        if several:
            found[predicate] = sorted({str(one) for one in several})
    return found


def _trashed(value: Any) -> bool:
    if value is None or (isinstance(value, bool | int) and value in (0, 1)):
        return bool(value)
    raise Refused(500, "An error occurred")


def _parent(kind: str, value: Any, look: Look) -> str | None:
    if value is False or value is None:
        return None
    if not isinstance(value, str) or not KEY.fullmatch(value):
        raise Refused(400, "'parentItem' must be a valid item key or false")
    if kind not in _CHILDREN:
        raise Refused(400, "Child item must be note, attachment, or annotation")
    parent = look("items", value)
    if parent is None:
        raise Refused(409, f"Parent item {value} not found", {"parentItem": value})
    if parent["itemType"] in ("note", "attachment") and kind != "annotation":
        raise Refused(409, "Parent item cannot be a note or attachment", {"parentItem": value})
    return value


def _note(value: Any) -> str:
    if isinstance(value, str) and len(value) > _LONGEST_NOTE:
        raise Refused(413, f"Note '{value[:79]}...' too long")
    return _text("note", value)


def _of_attachment(kind: str, name: str, value: Any, before: Data | None) -> Any:
    if kind != "attachment":
        raise Refused(400, f"'{name}' is valid only for attachment items")
    if name == "linkMode":
        if value not in LINK_MODES:
            raise Refused(400, f"'{value}' is not a valid linkMode")
        if before and before.get("linkMode") != value:
            raise Refused(400, "Cannot change attachment linkMode")
        return value
    return value if name == "mtime" and isinstance(value, int) else _text(name, value)


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
                after["name"] = _collection_name(value)
            case "parentCollection":
                after["parentCollection"] = _parent_collection(value, look)
            case "relations":
                _set(after, "relations", relations(value, ("owl:sameAs",)))
            case "deleted":
                _set(after, "deleted", _trashed(value))
            case _:
                raise Refused(400, f"Invalid property '{name}'")
    if "name" not in after:
        raise Refused(400, "'name' property not provided")
    return after


def _collection_name(value: Any) -> str:
    if not isinstance(value, str):
        raise Refused(400, "'name' must be a string")
    if not value:
        raise Refused(400, "Collection name cannot be empty")
    name = unicodedata.normalize("NFC", _text("name", value))
    if len(name) > _LONGEST_NAME:
        start = f"{name[:50]}…"
        raise Refused(413, f"Collection name '{start}' too long", {"value": start})
    return name


def _parent_collection(value: Any, look: Look) -> str | bool:
    if value is False or value is None:
        return False
    if not isinstance(value, str) or not KEY.fullmatch(value):
        raise Refused(500, "An error occurred")
    if look("collections", value) is None:
        raise Refused(409, f"Parent collection {value} not found", {"collection": value})
    return value
