"""Knows how a library of the sandbox is written: one object or up to fifty at a time, with their preconditions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from werkzeug.wrappers import Response

from refsync.sync.sandbox import properties, rules
from refsync.sync.sandbox.library import Stored, new_key
from refsync.sync.sandbox.properties import KEY, Broken, Data, Refused
from refsync.sync.sandbox.visits import Visit, as_json, body, escaped, plain, unwrapped

MOST = 50  # objects of one write
_CALLED = {"items": "Item", "collections": "Collection"}
_NEEDS = "must be provided for"


def answer(visit: Visit, name: str, **values: str) -> Response:
    """The answer to a request that writes; `name` is the endpoint."""
    return _WRITES[visit.request.method, name](visit, **values)


# ------------------------------------------------------------------------------------------------------------------
# Writes of several


def _write_many(visit: Visit, kind: str) -> Response:
    """POST: every object is a transaction of its own, and what fails is told beside what does not."""
    library = visit.library
    token = checked_token(visit)
    check_library(visit, library.version())
    sent = body(visit.request)
    if not isinstance(sent, list):
        raise Refused(400, "Uploaded data must be a JSON array")
    if len(sent) > MOST:
        raise Refused(413, f"Cannot add more than {MOST} {kind} at a time")
    report: dict[str, dict[str, Any]] = {"successful": {}, "success": {}, "unchanged": {}, "failed": {}}
    for number, one in enumerate(sent):
        index = str(number)
        try:
            if not isinstance(one, dict):
                called = f"expected JSON {kind.removesuffix('s')} object"
                raise Refused(400, f"Invalid value for index {number} in uploaded data; {called}")
            key, changed = _write_listed(visit, kind, unwrapped(one))
        except Refused as refused:
            data = {"data": refused.data} if refused.data else {}
            report["failed"][index] = {"code": refused.code, "message": escaped(refused.message), **data}
            continue
        if changed:
            report["successful"][index] = visit.view.shown(kind, key)
        report["success" if changed else "unchanged"][index] = key
    # The real server forgets a token whose last object failed.
    if token and not (sent and str(len(sent) - 1) in report["failed"]):
        visit.view.accounts.use_token(visit.key, token)
    response = as_json(report)
    response.headers["Last-Modified-Version"] = str(library.version())
    return response


def checked_token(visit: Visit) -> str | None:
    """The write token that came along. Raises Refused when it was used before."""
    token = visit.request.headers.get("Zotero-Write-Token")
    if token is None:
        return None
    if not 5 <= len(token) <= 32:
        raise Refused(400, "Write token must be 5-32 characters in length")
    if visit.view.accounts.token_used(visit.key, token):
        raise Refused(412, "Write token already used")
    return token


def check_library(visit: Visit, version: int) -> None:
    """Raises Refused when the library is newer than the request allows."""
    if visit.since is not None and visit.since < version:
        expected = f"(expected {visit.since}, found {version})"
        raise Refused(412, f"Library has been modified since specified version {expected}")


def _write_listed(visit: Visit, kind: str, sent: Data) -> tuple[str, bool]:
    """(key, whether anything changed) of one object of a POST."""
    called, key, version = _CALLED[kind], sent.get("key"), version_of(sent)
    if key is None and "version" in sent:
        raise Refused(400, f"'version' is valid only if {called.lower()} key is provided")
    if key is not None and not isinstance(key, str):
        raise Refused(400, "'key' must be a string")
    if key is not None and not KEY.fullmatch(key):
        raise Refused(400, f"'{key}' is not a valid {called.lower()} key")
    if key is not None and version is None and visit.since is None:
        raise Refused(428, f"Either If-Unmodified-Since-Version or 'version' property {_NEEDS} 'key'-based writes")
    with visit.library.writing() as next_version:
        stored = visit.library.found(kind, key) if key else None
        if version is not None:
            if stored is None and version:
                raise Refused(404, f"{called} doesn't exist (expected version {version}; use 0 instead)")
            if stored is not None and version < stored.version:
                raise _stale(kind, version, stored)
        return _put(visit, kind, key or new_key(), sent, stored, next_version, whole=False)


def version_of(sent: Data) -> int | None:
    """The version that an object says it has."""
    version = sent.get("version")
    if isinstance(version, str) and version.isascii() and version.isdigit():
        return int(version[:18])
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        raise Refused(400, "'version' must be an integer")
    return version


def _stale(kind: str, version: int, stored: Stored, header: int | None = None) -> Refused:
    what = f"has been modified since specified version (expected {version}, found {stored.version})"
    return Refused(412, f"{_CALLED[kind]} {what}", version=header)


def _put(
    visit: Visit, kind: str, key: str, sent: Data, stored: Stored | None, version: int, *, whole: bool
) -> tuple[str, bool]:
    """Writes an object inside a transaction. The version of its library is taken even when nothing changes."""
    before = stored.data if stored else None
    if kind == "items":
        sent = _without_mirrored(visit, sent, stored)
        args: dict[str, Any] = {"whole": whole, "now": visit.now, "trusted": visit.trusted}
        after = rules.item(visit.view.types, sent, before, visit.library.look, **args)
        changed = after != before or bool(sent.get("tags") and after.get("tags"))
    else:
        after = rules.collection(sent, before, visit.library.look, whole=whole)
        changed = after != before
        if changed:
            now = properties.zoned(visit.now)
            after |= {"dateModified": now, "dateAdded": (before or {}).get("dateAdded", now)}
            _break_cycle(visit, key, after["parentCollection"], version)
    if changed:
        visit.library.put(kind, key, version, after)
    return key, changed


def _without_mirrored(visit: Visit, sent: Data, stored: Stored | None) -> Data:
    """What was sent without the relations that only others have with the item, and that it was shown with."""
    pointed = sent.get("relations")
    if not (stored and stored.related and isinstance(pointed, dict) and "dc:relation" in pointed):
        return sent
    mirrored = {f"http://zotero.org/{visit.library.name}/items/{key}" for key in stored.related}
    mirrored -= set(stored.data.get("relations", {}).get("dc:relation", ()))
    objects = pointed["dc:relation"]
    own = [one for one in (objects if isinstance(objects, list) else [objects]) if one not in mirrored]
    return {**sent, "relations": {**pointed, "dc:relation": own}}


def _break_cycle(visit: Visit, key: str, parent: str | bool, version: int) -> None:
    """Puts the new parent of a collection on top when it lay below it."""
    if parent == key:
        raise Refused(400, f"Collection {key} cannot be its own parent")
    above, seen = parent, set()
    while isinstance(above, str) and above not in seen:
        seen.add(above)
        found = visit.library.look("collections", above) or {}
        above = found.get("parentCollection", False)
        if above == key and isinstance(parent, str):
            data = visit.library.look("collections", parent) or {}
            moved = {**data, "parentCollection": False}
            visit.library.put("collections", parent, version, moved)
            return


# ------------------------------------------------------------------------------------------------------------------
# Writes of one


def _write_one(visit: Visit, kind: str, key: str) -> Response:
    sent = body(visit.request)
    if not isinstance(sent, dict):
        raise Refused(400, "Uploaded data must be a JSON object")
    sent = unwrapped(sent)
    if sent.get("key", key) != key:
        raise Refused(409, f"'key' property in JSON does not match {_CALLED[kind].lower()} key of request")
    header, version = visit.since, version_of(sent)
    if header is not None and version is not None and header != version:
        raise Refused(
            400, f"If-Unmodified-Since-Version value does not match JSON 'version' property ({header} != {version})"
        )
    expected, whole = header if header is not None else version, visit.request.method == "PUT"
    library = visit.library
    with library.writing() as next_version:
        stored = library.found(kind, key)
        if stored is None:
            _check_missing(kind, expected, whole)
        else:
            _check_one(kind, expected, stored)
        _, changed = _put(visit, kind, key, sent, stored, next_version, whole=whole)
    return plain("", 204, next_version if changed else next_version - 1)


def _check_missing(kind: str, expected: int | None, whole: bool) -> None:
    called = _CALLED[kind]
    if expected:
        raise Refused(412, f"{called} not found (expected version {expected})")
    if expected is None and not whole:
        how = "to create, use If-Unmodified-Since-Version: 0, JSON 'version' 0, or PUT method"
        raise Refused(404, f"{called} not found ({how})")


def _check_one(kind: str, expected: int | None, stored: Stored) -> None:
    if expected is None:
        raise Refused(428, f"Either If-Unmodified-Since-Version or object version property {_NEEDS} key-based writes")
    if expected < stored.version:
        raise _stale(kind, expected, stored, stored.version)


def _delete_one(visit: Visit, kind: str, key: str) -> Response:
    expected, library = visit.since, visit.library
    if expected is None:
        raise Refused(428, f"If-Unmodified-Since-Version {_NEEDS} delete requests")
    with library.writing() as version:
        stored = library.found(kind, key)
        if stored is None and expected:
            raise Refused(412, f"{_CALLED[kind]} not found (expected version {expected})")
        if stored is not None and expected < stored.version:
            raise _stale(kind, expected, stored, stored.version)
        library.drop(kind, key, version)
    return plain("", 204, version)


# ------------------------------------------------------------------------------------------------------------------
# Other writes


def _delete_many(visit: Visit, kind: str) -> Response:
    keys = visit.request.args.get("itemKey" if kind == "items" else "collectionKey", "")
    library = visit.library
    with library.writing() as version:
        check_library(visit, version - 1)
        for key in filter(KEY.fullmatch, keys.split(",")):
            library.drop(kind, key, version)
    return plain("", 204, version)


def _delete_tags(visit: Visit) -> Response:
    if visit.since is None:
        raise Refused(428, "If-Unmodified-Since-Version not provided")
    gone = {text.strip() for one in visit.request.args.getlist("tag") for text in one.split("||")}
    library = visit.library
    with library.writing() as version:
        check_library(visit, version - 1)
        for item in library.listed("items"):
            tags = item.data.get("tags", [])
            kept = [tag for tag in tags if tag["tag"] not in gone]
            if len(kept) < len(tags):
                data = library.look("items", item.key) or item.data
                library.put("items", item.key, version, {**data, "tags": kept})
                for tag in tags:
                    if tag not in kept:
                        library.note_deleted("tags", tag["tag"], version)
    return plain("", 204, version)


def _add_members(visit: Visit, key: str) -> Response:
    """Puts items into a collection. They get the version that the library has: the server takes no new one here."""
    library = visit.library
    with library.database.transaction("immediate"):
        visit.found("collections", key)
        version = library.version()
        for name in visit.request.get_data(as_text=True).split():
            data = library.look("items", name)
            if data is not None and key not in data.get("collections", ()):
                library.join(key, name, version)
    return plain("", 204, version)


def _remove_member(visit: Visit, key: str, item: str) -> Response:
    raise Broken(f"the real server fails here: {key} {item}")


_WRITES: Mapping[tuple[str, str], Callable[..., Response]] = {
    ("POST", "items"): partial(_write_many, kind="items"),
    ("POST", "collections"): partial(_write_many, kind="collections"),
    ("DELETE", "items"): partial(_delete_many, kind="items"),
    ("DELETE", "collections"): partial(_delete_many, kind="collections"),
    ("DELETE", "tags"): _delete_tags,
    ("POST", "members"): _add_members,
    ("DELETE", "member"): _remove_member,
    **{(method, "item"): partial(_write_one, kind="items") for method in ("PUT", "PATCH")},
    **{(method, "collection"): partial(_write_one, kind="collections") for method in ("PUT", "PATCH")},
    ("DELETE", "item"): partial(_delete_one, kind="items"),
    ("DELETE", "collection"): partial(_delete_one, kind="collections"),
}
