"""Knows how a library of the sandbox answers who reads: single objects, lists, and what was deleted."""

from __future__ import annotations

from werkzeug.wrappers import Response

from refsync.sync.sandbox import listing
from refsync.sync.sandbox.properties import Data, Refused
from refsync.sync.sandbox.visits import Visit, as_json, version_header


def answer(visit: Visit, name: str, key: str = "") -> Response:
    """The answer to a request that reads; `name` is the endpoint."""
    with visit.library.database.transaction():
        if name in ("item", "collection"):
            kind = f"{name}s"
            version = visit.found(kind, key).version
            return as_json(visit.view.shown(kind, key), version=version)
        version = visit.library.version()
        known = version_header(visit.request, "If-Modified-Since-Version")
        if known is not None and known >= version:
            return Response(status=304)
        response = _several(visit, name, key)
    response.headers["Last-Modified-Version"] = str(version)
    return response


def _several(visit: Visit, name: str, key: str) -> Response:
    if name == "deleted":
        return as_json(_deleted(visit))
    found, path = listed(visit, name, key), visit.request.path.rstrip("/")
    keys = isinstance(found.body, str)
    response = Response(found.body, content_type="text/plain;charset=UTF-8") if keys else as_json(found.body)
    response.headers["Total-Results"] = str(found.total)
    if found.query:
        response.headers["Link"] = listing.links(found.query, found.total, visit.view.host, path)
    return response


def listed(visit: Visit, name: str, key: str, **defaults: str) -> listing.Listed:
    """The part of the list `name` that is asked for; `defaults` are arguments for what is not."""
    view, path = visit.view, visit.request.path.rstrip("/")
    if name == "nothing":
        return listing.Listed(total=0, body={} if path.endswith("settings") else [])
    args = {**defaults, **visit.request.args.to_dict()}
    among = _among(visit, name, key) if key else None
    if name == "tags":
        return listing.tags(view, args, among)
    kind = "collections" if "collections" in name else "items"
    return listing.objects(view, kind, path, args, visit.request.args.getlist("tag"), among)


def _among(visit: Visit, name: str, key: str) -> set[str]:
    """The keys of what lies below an item or a collection."""
    library = visit.library
    kind = "items" if name in ("children", "tags") else "collections"
    visit.found(kind, key)
    if name == "tags":
        return {key}
    if name == "members":
        tops = library.members(key)
        return tops | {one.key for one in library.listed("items", "parent != ''") if one.parent in tops}
    return {one.key for one in library.listed(kind, "parent = ?", key)}


def _deleted(visit: Visit) -> Data:
    since = visit.request.args.get("since", "")
    if not since:
        raise Refused(400, "'since' parameter must be provided")
    if not (since.isascii() and since.isdigit()):
        raise Refused(400, "Invalid value for 'since' parameter")
    kinds = ("collections", "items", "searches", "tags", "settings")
    return {kind: visit.library.deleted(kind, int(since[:18])) for kind in kinds}
