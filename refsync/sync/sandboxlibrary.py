"""Knows how one library of the sandbox answers: its lists, its single objects, and writes with their preconditions."""

from __future__ import annotations

import html
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from refsync.sync import listing, rules
from refsync.sync.rules import KEY, Broken, Data, Refused
from refsync.sync.shelf import Stored, new_key
from refsync.sync.showing import View

_MOST = 50  # objects of one write
_LARGEST = 50_000_000  # bytes of a body once it is unpacked
_CALLED = {"items": "Item", "collections": "Collection"}
_MISSING = {"items": "Item does not exist", "collections": "Collection not found"}
_NEEDS = "must be provided for"


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One request to a library, with the key it came with and the time it is."""

    request: Request
    view: View
    key: str
    now: datetime

    @property
    def since(self) -> int | None:
        """The header If-Unmodified-Since-Version."""
        return _version_header(self.request, "If-Unmodified-Since-Version")

    @property
    def trusted(self) -> bool:
        """Whether the client is Zotero itself, which may set dateModified beside other changes."""
        agent = self.request.headers.get("User-Agent", "")
        return "Zotero" in agent or "Firefox" in agent

    def version(self) -> int:
        """The version of the library."""
        return self.view.shelf.version(self.view.library)

    def look(self, kind: str, key: str) -> Data | None:
        """What is stored of an object."""
        found = self.view.shelf.found(self.view.library, kind, key)
        return found.data if found else None

    def found(self, kind: str, key: str) -> Stored:
        """A stored object that one who asks may see. Raises Refused when there is none."""
        found = self.view.shelf.found(self.view.library, kind, key)
        if found is None:
            raise Refused(404, _MISSING[kind])
        if not self.view.visible(found):
            raise Refused(404, "Not found")
        return found


def plain(text: str, status: int, version: int | None = None) -> Response:
    """A line of text as the server answers, with the version of what it speaks of."""
    response = Response(html.escape(text, quote=False), status, content_type="text/html; charset=UTF-8")
    if version is not None:
        response.headers["Last-Modified-Version"] = str(version)
    return response


def answer(visit: Visit, name: str, **values: str) -> Response:
    """The answer of the library to a request; `name` is the endpoint."""
    reads = visit.request.method in ("GET", "HEAD")
    if name in ("item", "collection"):
        kind = f"{name}s"
        return _shown(visit, kind, **values) if reads else _write_one(visit, kind, **values)
    if not reads:
        return _WRITES[visit.request.method, name](visit, **values)
    with visit.view.shelf.reading():
        version = visit.version()
        known = _version_header(visit.request, "If-Modified-Since-Version")
        if known is not None and known >= version:
            return Response(status=304)
        response = _read(visit, name, **values)
    response.headers["Last-Modified-Version"] = str(version)
    return response


def _version_header(request: Request, name: str) -> int | None:
    value = request.headers.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()):
        raise Refused(400, f"Invalid {name} value")
    return int(value[:18])


# ------------------------------------------------------------------------------------------------------------------
# Reads


def _shown(visit: Visit, kind: str, key: str) -> Response:
    with visit.view.shelf.reading():
        version = visit.found(kind, key).version
        response = _json(visit.view.shown(kind, key))
    response.headers["Last-Modified-Version"] = str(version)
    return response


def _read(visit: Visit, name: str, key: str = "") -> Response:
    view, request = visit.view, visit.request
    if name == "deleted":
        return _json(_deleted(visit))
    if name == "nothing":
        return _listed(listing.Listed(total=0, body={} if request.path.endswith("settings") else [], links=""))
    args, tags, endpoint = request.args.to_dict(), request.args.getlist("tag"), name.partition(":")[0]
    among = _among(visit, endpoint, key) if key else None
    if endpoint == "tags":
        return _listed(listing.tags(view, request.path, args, among))
    kind = "collections" if "collections" in endpoint else "items"
    return _listed(listing.objects(view, kind, request.path, args, tags, among))


def _among(visit: Visit, endpoint: str, key: str) -> set[str]:
    """The keys of what lies below an item or a collection."""
    shelf, library = visit.view.shelf, visit.view.library
    kind = "items" if endpoint in ("children", "tags") else "collections"
    visit.found(kind, key)
    if endpoint == "tags":
        return {key}
    if endpoint == "members":
        tops = shelf.members(library, key)
        return tops | {one.key for one in shelf.listed(library, "items", "parent != ''") if one.parent in tops}
    return {one.key for one in shelf.listed(library, kind, "parent = ?", (key,))}


def _deleted(visit: Visit) -> Data:
    since = visit.request.args.get("since", "")
    if not since:
        raise Refused(400, "'since' parameter must be provided")
    if not (since.isascii() and since.isdigit()):
        raise Refused(400, "Invalid value for 'since' parameter")
    kinds = ("collections", "items", "searches", "tags", "settings")
    shelf, number = visit.view.shelf, int(since[:18])
    return {kind: shelf.deleted(visit.view.library, kind, number) for kind in kinds}


def _listed(found: listing.Listed) -> Response:
    response = plain(found.body, 200) if isinstance(found.body, str) else _json(found.body)
    response.headers["Total-Results"] = str(found.total)
    if found.links:
        response.headers["Link"] = found.links
    return response


def _json(value: Any) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), content_type="application/json")


# ------------------------------------------------------------------------------------------------------------------
# Writes of several


def _write_many(visit: Visit, kind: str) -> Response:
    """POST: every object is a transaction of its own, and what fails is told beside what does not."""
    shelf, library = visit.view.shelf, visit.view.library
    token = _token(visit)
    _check_library(visit)
    sent = _body(visit.request)
    if not isinstance(sent, list):
        raise Refused(400, "Uploaded data must be a JSON array")
    if len(sent) > _MOST:
        raise Refused(413, f"Cannot add more than {_MOST} {kind} at a time")
    report: dict[str, dict[str, Any]] = {"successful": {}, "success": {}, "unchanged": {}, "failed": {}}
    for number, one in enumerate(sent):
        index = str(number)
        try:
            if not isinstance(one, dict):
                called = f"expected JSON {kind.removesuffix('s')} object"
                raise Refused(400, f"Invalid value for index {number} in uploaded data; {called}")
            key, changed = _write_listed(visit, kind, _unwrapped(one))
        except Refused as refused:
            data = {"data": refused.data} if refused.data else {}
            report["failed"][index] = {
                "code": refused.code,
                "message": html.escape(refused.message, quote=False),
                **data,
            }
            continue
        if changed:
            report["successful"][index] = visit.view.shown(kind, key)
        report["success" if changed else "unchanged"][index] = key
    # The real server forgets a token whose last object failed.
    if token and not (sent and str(len(sent) - 1) in report["failed"]):
        shelf.use_token(visit.key, token)
    response = _json(report)
    response.headers["Last-Modified-Version"] = str(shelf.version(library))
    return response


def _token(visit: Visit) -> str | None:
    token = visit.request.headers.get("Zotero-Write-Token")
    if token is None:
        return None
    if not 5 <= len(token) <= 32:
        raise Refused(400, "Write token must be 5-32 characters in length")
    if visit.view.shelf.token_used(visit.key, token):
        raise Refused(412, "Write token already used")
    return token


def _check_library(visit: Visit) -> None:
    version = visit.version()
    if visit.since is not None and visit.since < version:
        raise Refused(
            412, f"Library has been modified since specified version (expected {visit.since}, found {version})"
        )


def _write_listed(visit: Visit, kind: str, sent: Data) -> tuple[str, bool]:
    """(key, whether anything changed) of one object of a POST."""
    called, key, version = _CALLED[kind], sent.get("key"), _version_of(sent)
    if key is None and "version" in sent:
        raise Refused(400, f"'version' is valid only if {called.lower()} key is provided")
    if key is not None and not isinstance(key, str):
        raise Refused(400, "'key' must be a string")
    if key is not None and not KEY.fullmatch(key):
        raise Refused(400, f"'{key}' is not a valid {called.lower()} key")
    if key is not None and version is None and visit.since is None:
        raise Refused(428, f"Either If-Unmodified-Since-Version or 'version' property {_NEEDS} 'key'-based writes")
    with visit.view.shelf.writing(visit.view.library) as next_version:
        stored = visit.view.shelf.found(visit.view.library, kind, key) if key else None
        if version is not None:
            if stored is None and version:
                raise Refused(404, f"{called} doesn't exist (expected version {version}; use 0 instead)")
            if stored is not None and version < stored.version:
                raise _stale(kind, version, stored)
        return _put(visit, kind, key or new_key(), sent, stored, next_version, whole=False)


def _version_of(sent: Data) -> int | None:
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
        after = rules.item(visit.view.types, sent, before, visit.look, **args)
        changed = after != before or bool(sent.get("tags") and after.get("tags"))
    else:
        after = rules.collection(sent, before, visit.look, whole=whole)
        changed = after != before
        if changed:
            now = rules.zoned(visit.now)
            after |= {"dateModified": now, "dateAdded": (before or {}).get("dateAdded", now)}
            _break_cycle(visit, key, after["parentCollection"], version)
    if changed:
        visit.view.shelf.put(visit.view.library, kind, key, version, after)
    return key, changed


def _without_mirrored(visit: Visit, sent: Data, stored: Stored | None) -> Data:
    """What was sent without the relations that only others have with the item, and that it was shown with."""
    pointed = sent.get("relations")
    if not (stored and stored.related and isinstance(pointed, dict) and "dc:relation" in pointed):
        return sent
    mirrored = {f"http://zotero.org/{visit.view.library}/items/{key}" for key in stored.related}
    mirrored -= set(stored.data.get("relations", {}).get("dc:relation", ()))
    objects = pointed["dc:relation"]
    own = [one for one in (objects if isinstance(objects, list) else [objects]) if one not in mirrored]
    return {**sent, "relations": {**pointed, "dc:relation": own}}


def _break_cycle(visit: Visit, key: str, parent: str | bool, version: int) -> None:
    """Puts the new parent of a collection on top when it lay below it."""
    above, seen = parent, set()
    while isinstance(above, str) and above not in seen:
        seen.add(above)
        found = visit.look("collections", above) or {}
        above = found.get("parentCollection", False)
        if above == key and isinstance(parent, str):
            data = visit.look("collections", parent) or {}
            moved = {**data, "parentCollection": False}
            visit.view.shelf.put(visit.view.library, "collections", parent, version, moved)
            return


# ------------------------------------------------------------------------------------------------------------------
# Writes of one


def _write_one(visit: Visit, kind: str, key: str) -> Response:
    if visit.request.method == "DELETE":
        return _delete_one(visit, kind, key)
    sent = _body(visit.request)
    if not isinstance(sent, dict):
        raise Refused(400, "Uploaded data must be a JSON object")
    sent = _unwrapped(sent)
    if sent.get("key", key) != key:
        raise Refused(409, f"'key' property in JSON does not match {_CALLED[kind].lower()} key of request")
    header, version = visit.since, _version_of(sent)
    if header is not None and version is not None and header != version:
        raise Refused(
            400, f"If-Unmodified-Since-Version value does not match JSON 'version' property ({header} != {version})"
        )
    expected, whole = header if header is not None else version, visit.request.method == "PUT"
    shelf, library = visit.view.shelf, visit.view.library
    with shelf.writing(library) as next_version:
        stored = shelf.found(library, kind, key)
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
    expected, shelf, library = visit.since, visit.view.shelf, visit.view.library
    if expected is None:
        raise Refused(428, f"If-Unmodified-Since-Version {_NEEDS} delete requests")
    with shelf.writing(library) as version:
        stored = shelf.found(library, kind, key)
        if stored is None and expected:
            raise Refused(412, f"{_CALLED[kind]} not found (expected version {expected})")
        if stored is not None and expected < stored.version:
            raise _stale(kind, expected, stored, stored.version)
        shelf.drop(library, kind, key, version)
    return plain("", 204, version)


# ------------------------------------------------------------------------------------------------------------------
# Other writes


def _delete_many(visit: Visit, kind: str) -> Response:
    _check_library(visit)
    keys = visit.request.args.get("itemKey" if kind == "items" else "collectionKey", "")
    shelf, library = visit.view.shelf, visit.view.library
    with shelf.writing(library) as version:
        for key in filter(KEY.fullmatch, keys.split(",")):
            shelf.drop(library, kind, key, version)
    return plain("", 204, version)


def _delete_tags(visit: Visit) -> Response:
    if visit.since is None:
        raise Refused(428, "If-Unmodified-Since-Version not provided")
    _check_library(visit)
    gone = {text.strip() for one in visit.request.args.getlist("tag") for text in one.split("||")}
    shelf, library = visit.view.shelf, visit.view.library
    with shelf.writing(library) as version:
        for item in shelf.listed(library, "items"):
            tags = item.data.get("tags", [])
            kept = [tag for tag in tags if tag["tag"] not in gone]
            if len(kept) < len(tags):
                data = visit.look("items", item.key) or item.data
                shelf.put(library, "items", item.key, version, {**data, "tags": kept})
                for tag in tags:
                    if tag not in kept:
                        shelf.note_deleted(library, "tags", tag["tag"], version)
    return plain("", 204, version)


def _add_members(visit: Visit, key: str) -> Response:
    """Puts items into a collection. They get the version that the library has: the server takes no new one here."""
    shelf, library = visit.view.shelf, visit.view.library
    visit.found("collections", key)
    version = visit.version()
    for name in visit.request.get_data(as_text=True).split():
        with shelf.reading():
            data = visit.look("items", name)
        if data is not None and key not in data.get("collections", ()):
            shelf.join(library, key, name, version)
    return plain("", 204, version)


def _remove_member(visit: Visit, key: str, item: str) -> Response:
    raise Broken(f"the real server fails here: {key} {item}")


def _many(write: Callable[[Visit, str], Response], kind: str) -> Callable[..., Response]:
    return lambda visit: write(visit, kind)


_WRITES: Mapping[tuple[str, str], Callable[..., Response]] = {
    ("POST", "items"): _many(_write_many, "items"),
    ("POST", "collections"): _many(_write_many, "collections"),
    ("DELETE", "items"): _many(_delete_many, "items"),
    ("DELETE", "collections"): _many(_delete_many, "collections"),
    ("DELETE", "tags"): _delete_tags,
    ("POST", "members"): _add_members,
    ("DELETE", "member"): _remove_member,
}


# ------------------------------------------------------------------------------------------------------------------
# Bodies


def _body(request: Request) -> Any:
    """The JSON that was sent, packed or not. Raises Refused for what is no JSON."""
    data = request.get_data()
    if request.headers.get("Content-Encoding", "").lower() == "gzip":
        data = _unpacked(data)
    if not data:
        raise Refused(400, f"{request.method} data not provided")
    try:
        value = json.loads(data.decode(), parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise Refused(400, "JSON Error: Syntax error, malformed JSON") from None
    return value


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _unpacked(data: bytes) -> bytes:
    try:
        unpacked = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, _LARGEST + 1)
    except zlib.error:
        raise Refused(400, "Invalid gzip data") from None
    if len(unpacked) > _LARGEST:
        raise Refused(413, "Request body too large")
    return unpacked


def _unwrapped(sent: Data) -> Data:
    """The data of a whole object as the API shows it; what was sent when it is not one."""
    data = sent.get("data")
    return data if isinstance(data, dict) else sent
