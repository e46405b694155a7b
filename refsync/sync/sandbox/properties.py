"""Knows what Zotero's server accepts in each property of an item or a collection, and what it stores of it.

A value that is not accepted is Refused with the code and the words that the server uses. Lengths, trimming and dates as
zotero/dataserver has them (model/Items.inc.php, model/Creators.inc.php, model/Tags.inc.php).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from refsync.sync.itemtypes import LINK_MODES, ItemTypes

Data = dict[str, Any]
Look = Callable[[str, str], Data | None]  # ("items", key) -> what is stored under it

KEY = re.compile(r"[23456789ABCDEFGHIJKLMNPQRSTUVWXYZ]{8}")
_URI = re.compile(r"http://zotero\.org/(?:users|groups)/\d+/items/[0-9A-Z]{8}")
_CONTROLS = {code: None for code in range(32) if chr(code) not in "\t\n"}
_ANY = "mendeleyDB:"  # predicates with this prefix may point at anything
OF_ITEMS, OF_COLLECTIONS = ("owl:sameAs", "dc:replaces", "dc:relation", _ANY), ("owl:sameAs",)
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:Z|[+-]\d\d:?\d\d)?")
_MULTIPART = re.compile(r"\d{4}-\d\d-\d\d (?=.)")
CHILDREN = frozenset({"note", "attachment", "annotation"})  # what may hang below an item
OF_FILES = ("filename", "md5", "mtime")
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


def zoned(when: datetime) -> str:
    """A moment as the API writes it, in UTC and to the second."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def text_of(name: str, value: Any) -> str:
    """Any value as text: trimmed, and without control characters."""
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
    return str(value).removesuffix(".0")


def field(types: ItemTypes, kind: str, name: str, value: Any, now: datetime) -> str:
    """A field of a type of item."""
    if name not in types.fields:
        raise Refused(400, f"Invalid property '{name}'")
    text = text_of(name, value)
    if name not in types.types[kind].fields:
        if text:
            raise Refused(400, f"'{name}' is not a valid field for type '{kind}'")
        return ""
    if len(text.encode()) > _LONGEST_FIELD:
        label, start = types.fields[name], f"{text[:50]}…"
        raise Refused(413, f"{label} field value '{start}' too long", {"field": label, "value": start})
    if name == "accessDate":
        return accessed(text, now)
    if types.types[kind].base.get(name, name) in types.dates:
        return _MULTIPART.sub("", text)
    return text


def accessed(text: str, now: datetime) -> str:
    """The moment or the day at which something was looked at."""
    if text == "CURRENT_TIMESTAMP":
        return zoned(now)
    if not text or re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return text
    if found := _parsed(text):
        return found
    expected = "in ISO 8601 or UTC 'YYYY-MM-DD[ hh:mm:ss]' format or 'CURRENT_TIMESTAMP'"
    raise Refused(400, f"'accessDate' must be {expected} ({text})")


def moment(name: str, value: Any) -> str:
    """A point in time, in UTC."""
    found = _parsed(value) if isinstance(value, str) else None
    if not found:
        raise Refused(400, f"'{name}' must be in ISO 8601 or UTC 'YYYY-MM-DD hh:mm:ss' format ({value})")
    return found


def _parsed(text: str) -> str | None:
    if not _DATETIME.fullmatch(text):
        return None
    try:
        when = datetime.fromisoformat(text)
        return zoned(when if when.tzinfo else when.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def tags(value: Any) -> list[Data]:
    """Tags without doubles, sorted by their bytes."""
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
        text = text_of("tag", one["tag"])
        if len(text) > _LONGEST_NAME:
            raise Refused(413, f"Tag '{text[:50]}…' too long", {"tag": text})
        if text:
            found.add((text, int(one.get("type", 0))))
    by_bytes = sorted(found, key=lambda pair: (pair[0].encode(), pair[1]))
    return [{"tag": text, "type": kind} if kind else {"tag": text} for text, kind in by_bytes]


def creators(types: ItemTypes, kind: str, value: Any) -> list[Data]:
    """The creators of a type of item, in the order given; none for a single empty one."""
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
    text = text_of("creator", value).strip()
    if len(text) > _LONGEST_NAME:
        start = f"{text[:50]}…"
        raise Refused(413, f"The creator name ‘{start}’ is too long to sync.", {"field": "creator", "value": start})
    return text


def collections(value: Any, look: Look) -> list[str]:
    """The keys of collections that are there."""
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


def trashed(value: Any) -> bool:
    """Whether an object is in the trash."""
    if value is None or (isinstance(value, bool | int) and value in (0, 1)):
        return bool(value)
    raise Refused(500, "An error occurred")


def parent_item(kind: str, value: Any, look: Look) -> str | None:
    """The key of the item that another hangs below."""
    if value is False or value is None:
        return None
    if not isinstance(value, str) or not KEY.fullmatch(value):
        raise Refused(400, "'parentItem' must be a valid item key or false")
    if kind not in CHILDREN:
        raise Refused(400, "Child item must be note, attachment, or annotation")
    parent = look("items", value)
    if parent is None:
        raise Refused(409, f"Parent item {value} not found", {"parentItem": value})
    if parent["itemType"] in ("note", "attachment") and kind != "annotation":
        raise Refused(409, "Parent item cannot be a note or attachment", {"parentItem": value})
    return value


def note(value: Any) -> str:
    """The text of a note."""
    if isinstance(value, str) and len(value) > _LONGEST_NOTE:
        raise Refused(413, f"Note '{value[:79]}...' too long")
    return text_of("note", value)


def of_attachment(kind: str, name: str, value: Any, before: Data | None) -> Any:
    """A property that only attachments have."""
    if kind != "attachment":
        raise Refused(400, f"'{name}' is valid only for attachment items")
    if name == "linkMode":
        if value not in LINK_MODES:
            raise Refused(400, f"'{value}' is not a valid linkMode")
        if before and before.get("linkMode") != value:
            raise Refused(400, "Cannot change attachment linkMode")
        return value
    return value if name == "mtime" and isinstance(value, int) else text_of(name, value)


def collection_name(value: Any) -> str:
    """The name of a collection: the one text that the server composes (NFC)."""
    if not isinstance(value, str):
        raise Refused(400, "'name' must be a string")
    if not value:
        raise Refused(400, "Collection name cannot be empty")
    name = unicodedata.normalize("NFC", text_of("name", value))
    if len(name) > _LONGEST_NAME:
        start = f"{name[:50]}…"
        raise Refused(413, f"Collection name '{start}' too long", {"value": start})
    return name


def parent_collection(value: Any, look: Look) -> str | bool:
    """The key of the collection that another lies in; False for none."""
    if value is False or value is None or value == "":  # pyzotero sends an empty one
        return False
    if not isinstance(value, str) or not KEY.fullmatch(value):
        raise Refused(500, "An error occurred")
    if look("collections", value) is None:
        raise Refused(409, f"Parent collection {value} not found", {"collection": value})
    return value
