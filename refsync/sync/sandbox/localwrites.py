"""Knows how the desktop's library is written: versions are equal or refused, and what does not change takes none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from werkzeug.wrappers import Response

from refsync.sync.sandbox import localrules
from refsync.sync.sandbox.library import Stored, new_key
from refsync.sync.sandbox.properties import KEY, Broken, Data, Refused
from refsync.sync.sandbox.visits import Visit, as_json, body, unwrapped
from refsync.sync.sandbox.writes import MOST, check_library, checked_token, version_of

_NO_VERSION = "If-Unmodified-Since-Version not provided"
_NO_KEYED = "Either If-Unmodified-Since-Version or 'version' property must be provided for 'key'-based writes"


def answer(visit: Visit, name: str, *, is_fixed: bool, **values: str) -> Response:
    """The answer to a request that writes; `name` is the endpoint. `is_fixed` says that clients may choose keys."""
    if visit.request.method in ("PUT", "PATCH"):
        return _write_one(visit, name, values["key"], is_fixed=is_fixed)
    if visit.request.method == "POST":
        return _write_many(visit, name, is_fixed=is_fixed)
    return _DELETES[name](visit, **values)


def _write_many(visit: Visit, kind: str, *, is_fixed: bool) -> Response:
    token, library = checked_token(visit), visit.library
    check_library(visit, visit.library.version())
    sent = body(visit.request)
    if not isinstance(sent, list):
        raise Refused(400, "Uploaded data must be a JSON array")
    if not sent:
        raise Refused(400, f"No {kind} provided")
    if len(sent) > MOST:
        raise Refused(413, f"Cannot add more than {MOST} {kind} at a time")
    report: dict[str, dict[str, Any]] = {"successful": {}, "success": {}, "unchanged": {}, "failed": {}}
    for number, one in enumerate(sent):
        index, data = str(number), unwrapped(one) if isinstance(one, dict) else {}
        try:
            if not isinstance(one, dict):
                called = f"expected JSON {kind.removesuffix('s')} object"
                raise Refused(400, f"Invalid value for index {number} in uploaded data; {called}")
            key, changed = _write_listed(visit, kind, data, is_fixed=is_fixed)
        except Refused as refused:
            key = data.get("key") or ""
            report["failed"][index] = {"key": key, "code": refused.code, "message": refused.message}
            continue
        if changed:
            report["successful"][index] = visit.view.shown(kind, key)
        report["success" if changed else "unchanged"][index] = key
    if token:
        visit.view.accounts.use_token(visit.key, token)
    return as_json(report, version=library.version())


def _write_listed(visit: Visit, kind: str, sent: Data, *, is_fixed: bool) -> tuple[str, bool]:
    key, version, called = sent.get("key") or "", version_of(sent), kind.removesuffix("s")
    if key and version is None and visit.since is None:
        raise Refused(428, _NO_KEYED)
    with visit.library.database.transaction("immediate"):
        stored = visit.library.found(kind, key) if isinstance(key, str) and key else None
        if stored:
            _check_equal(called, version, stored)
        elif key:
            if version:
                raise Refused(404, f"{called} doesn't exist (expected version {version}; use 0 instead)")
            _check_new(called, key, is_fixed=is_fixed)
        return _put(visit, kind, key, sent, stored, whole=False)


def _check_equal(called: str, version: int | None, stored: Stored) -> None:
    if version is not None and version != stored.version:
        raise Refused(412, f"{called} version mismatch: expected {version}, found {stored.version}")


def _check_new(called: str, key: Any, *, is_fixed: bool) -> None:
    """Raises Refused for a key that a client chose, unless that works."""
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise Refused(400, f"Invalid key: '{key}'")
    if not is_fixed:
        raise Refused(400, f"'primaryData' not loaded for {called} (null/1/{key})")


def _put(visit: Visit, kind: str, key: str, sent: Data, stored: Stored | None, *, whole: bool) -> tuple[str, bool]:
    """(key, whether anything changed), inside a transaction. Only a change takes a version."""
    before, look, known = stored.data if stored else None, visit.library.look, key if stored else ""
    if kind == "items":
        after = localrules.item(visit.view.types, sent, before, look, key=known, whole=whole, now=visit.now)
    else:
        after = localrules.collection(sent, before, look, key=known, whole=whole)
    if after == before:
        return key, False
    key = key or new_key()
    with visit.library.writing() as version:
        visit.library.put(kind, key, version, after)
    return key, True


def _write_one(visit: Visit, name: str, key: str, *, is_fixed: bool) -> Response:
    sent, kind, whole = body(visit.request), f"{name}s", visit.request.method == "PUT"
    if not isinstance(sent, dict):
        raise Refused(400, "Uploaded data must be a JSON object")
    sent = unwrapped(sent)
    version, library = version_of(sent), visit.library
    with library.database.transaction("immediate"):
        stored = library.found(kind, key)
        if stored:
            if version is None and visit.since is None:
                raise Refused(428, _NO_VERSION)
            _check_equal(name, version, stored)
            _check_since(visit, name, stored)
        elif not whole:
            raise Refused(404, "Not found")
        try:
            if not stored:
                _check_new(name, key, is_fixed=is_fixed)
            _put(visit, kind, key, sent, stored, whole=whole)
        except Refused as refused:  # told only in the reports of several
            raise Broken(refused.message) from None
    return _done(visit)


def _check_since(visit: Visit, called: str, stored: Stored) -> None:
    if visit.since is not None and visit.since < stored.version:
        raise Refused(412, f"{called} version mismatch: expected {visit.since}, found {stored.version}")


def _done(visit: Visit) -> Response:
    return Response(status=204, headers={"Last-Modified-Version": str(visit.library.version())})


def _delete_one(visit: Visit, kind: str, key: str) -> Response:
    if visit.since is None:
        raise Refused(428, _NO_VERSION)
    with visit.library.database.transaction("immediate"):
        stored = visit.library.found(kind, key)
        if stored is None:
            raise Refused(404, "Not found")
        _check_since(visit, kind.removesuffix("s"), stored)
        with visit.library.writing() as version:
            visit.library.drop(kind, key, version)
    return _done(visit)


def _delete_many(visit: Visit, kind: str) -> Response:
    named = f"{kind.removesuffix('s')}Key"
    keys = [key for key in visit.request.args.get(named, "").split(",") if key]
    if visit.since is None:
        raise Refused(428, _NO_VERSION)
    if not keys:
        raise Refused(400, f"{named} not provided")
    if len(keys) > MOST:
        raise Refused(413, f"Cannot delete more than {MOST} objects at a time")
    with visit.library.database.transaction("immediate"):
        check_library(visit, visit.library.version())
        if there := [key for key in keys if visit.library.found(kind, key)]:
            with visit.library.writing() as version:
                for key in there:
                    visit.library.drop(kind, key, version)
    return _done(visit)


_DELETES: Mapping[str, Callable[..., Response]] = {
    "items": partial(_delete_many, kind="items"),
    "collections": partial(_delete_many, kind="collections"),
    "item": partial(_delete_one, kind="items"),
    "collection": partial(_delete_one, kind="collections"),
}
