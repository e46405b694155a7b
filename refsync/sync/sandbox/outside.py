"""Knows what the sandbox answers outside libraries: keys, logins, groups, and the types of items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from werkzeug.wrappers import Request, Response

from refsync.sync.itemtypes import LINK_MODES, ItemTypes
from refsync.sync.sandbox.accounts import Access, Accounts, Group
from refsync.sync.sandbox.properties import Refused
from refsync.sync.sandbox.showing import SITE, group, template
from refsync.sync.sandbox.visits import as_json, plain

_LOGIN_TIME = 900  # seconds that a login waits


class Caller(NamedTuple):
    """A request and what its key allows."""

    request: Request
    access: Access | None
    accounts: Accounts
    types: ItemTypes


def answer(caller: Caller, name: str, **values: str) -> Response:
    """The answer to a request; `name` is the endpoint."""
    return _ANSWERS[name](caller, **values)


def number(text: str) -> int | None:
    """The number of a user or group in an address."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def check_user(accounts: Accounts, text: str) -> int:
    """The number of a user in an address. Raises Refused when there is none."""
    user = number(text)
    if user is None:
        raise Refused(400, "Invalid user ID")
    if accounts.user(user) is None:
        raise Refused(404, f"User {text} not found")
    return user


# ------------------------------------------------------------------------------------------------------------------
# Keys and logins


def _key(caller: Caller, key: str = "") -> Response:
    access = caller.accounts.access(key) if key else caller.access
    if access is None:
        raise Refused(404, f"Key '{key}' not found") if key else Refused(403, "Forbidden")
    if caller.request.method == "DELETE":
        caller.accounts.drop_key(access.key)
        return plain("", 204)
    name, display = caller.accounts.user(access.user) or ("", "")
    rights: dict[str, Any] = {}
    if access.library:
        rights["user"] = {right: True for right in ("library", "files", "notes", "write") if getattr(access, right)}
    if access.groups:
        rights["groups"] = {
            name: {"library": True, **({"write": True} if write else {})} for name, write in access.groups.items()
        }
    head = {"key": access.key, "userID": access.user, "username": name, "displayName": display}
    return as_json({**head, "access": rights})


def _begin_login(caller: Caller) -> Response:
    token = caller.accounts.add_session()
    return as_json({"sessionToken": token, "loginURL": f"{caller.request.host_url}login?session={token}"}, 201)


def _login(caller: Caller, token: str) -> Response:
    found = caller.accounts.session(token)
    if found is None:
        raise Refused(404, "Session not found")
    begun, key = found
    late = (caller.accounts.now() - begun).total_seconds() > _LOGIN_TIME
    if caller.request.method == "DELETE":
        if key or late:
            raise Refused(409, "Session already completed, expired, or cancelled")
        caller.accounts.drop_session(token)
        return plain("", 204)
    if late:
        raise Refused(410, "Session expired")
    access = caller.accounts.access(key) if key else None
    if access is None:
        return as_json({"status": "pending"})
    name = (caller.accounts.user(access.user) or ("", ""))[0]
    done = {"status": "completed", "apiKey": access.key, "userID": access.user, "username": name, "emails": []}
    return as_json(done)


def _login_page(caller: Caller) -> Response:
    """The page that a person opens to let a program in: in the sandbox whoever opens it is its first user."""
    if not caller.accounts.grant(caller.request.args.get("session", ""), caller.accounts.first()[0]):
        raise Refused(404, "Session not found")
    return plain("refsync may now use the sandbox. You can close this page.", 200)


# ------------------------------------------------------------------------------------------------------------------
# Groups


def _may_read(caller: Caller, one: Group) -> bool:
    return one.public or bool(caller.access and caller.access.to_group(one) is not None)


def _groups(caller: Caller) -> Response:
    return _listed(caller, [one for one in caller.accounts.groups() if one.public])


def _user_groups(caller: Caller, owner: str) -> Response:
    user = check_user(caller.accounts, owner)
    return _listed(caller, [one for one in caller.accounts.groups() if user in one.people and _may_read(caller, one)])


def _listed(caller: Caller, found: list[Group]) -> Response:
    if caller.request.args.get("format") == "versions":
        response = as_json({str(one.number): one.version for one in found})
    else:
        response = as_json([_shown(caller, one) for one in found])
    response.headers["Total-Results"] = str(len(found))
    response.headers["Link"] = f'<{SITE}{caller.request.path}>; rel="alternate"'
    return response


def _shown(caller: Caller, one: Group) -> dict[str, Any]:
    return group(one, caller.request.host_url.rstrip("/"), caller.access.user if caller.access else None)


def _group(caller: Caller, owner: str) -> Response:
    found = caller.accounts.group(number(owner))
    if found is None:
        raise Refused(404, "Not found")
    if not _may_read(caller, found):
        raise Refused(403, "Forbidden")
    return as_json(_shown(caller, found))


# ------------------------------------------------------------------------------------------------------------------
# Types


def _kind(caller: Caller) -> str:
    kind = caller.request.args.get("itemType", "")
    if kind not in caller.types.types:
        raise Refused(400, f"Invalid item type '{kind}'")
    return kind


def _called(name: str, rows: Iterable[str], called: Mapping[str, str]) -> Response:
    return as_json([{name: one, "localized": called[one]} for one in rows])


def _schema(caller: Caller) -> Response:
    """The schema without its translations."""
    types = []
    for name, row in caller.types.types.items():
        fields = [{"field": one, **({"baseField": row.base[one]} if one in row.base else {})} for one in row.fields]
        creators = [
            {"creatorType": one, **({"primary": True} if one == row.creators[0] else {})} for one in row.creators
        ]
        types.append({"itemType": name, "fields": fields, "creatorTypes": creators})
    called = {name: row.name for name, row in caller.types.types.items()}
    english = {"itemTypes": called, "fields": caller.types.fields, "creatorTypes": caller.types.creators}
    dates = {name: {"type": "date"} for name in caller.types.dates}
    head = {"version": caller.types.version, "itemTypes": types}
    return as_json({**head, "meta": {"fields": dates}, "locales": {"en-US": english}})


def _item_types(caller: Caller) -> Response:
    called = {name: row.name for name, row in caller.types.types.items() if name not in ("annotation", "attachment")}
    return _called("itemType", sorted(called, key=lambda name: called[name]), called)


def _item_fields(caller: Caller) -> Response:
    return _called("field", caller.types.fields, caller.types.fields)


def _item_type_fields(caller: Caller) -> Response:
    return _called("field", caller.types.types[_kind(caller)].fields, caller.types.fields)


def _creator_types(caller: Caller) -> Response:
    return _called("creatorType", caller.types.types[_kind(caller)].creators, caller.types.creators)


def _template(caller: Caller) -> Response:
    kind, mode = _kind(caller), caller.request.args.get("linkMode")
    if kind == "attachment" and mode not in LINK_MODES:
        raise Refused(400, f"Invalid linkMode '{mode}'")
    empty = template(caller.types, kind, mode)
    if creators := caller.types.types[kind].creators:
        empty["creators"] = [{"creatorType": creators[0], "firstName": "", "lastName": ""}]
    return as_json(empty)


_ANSWERS: Mapping[str, Callable[..., Response]] = {
    "key": _key,
    "sessions": _begin_login,
    "session": _login,
    "login": _login_page,
    "groups": _groups,
    "group": _group,
    "user_groups": _user_groups,
    "schema": _schema,
    "item_types": _item_types,
    "item_fields": _item_fields,
    "item_type_fields": _item_type_fields,
    "creator_types": _creator_types,
    "template": _template,
}
