"""Knows how a request reaches the sandbox: its addresses, who may do what there, and faults as the server tells them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import BaseConverter, Map, Rule
from werkzeug.wrappers import Request, Response

from refsync.sync.itemtypes import item_types
from refsync.sync.sandbox import outside, reads, writes
from refsync.sync.sandbox.accounts import Access, Accounts
from refsync.sync.sandbox.library import Library
from refsync.sync.sandbox.properties import Broken, Refused
from refsync.sync.sandbox.showing import View
from refsync.sync.sandbox.visits import LARGEST, Visit, plain

_log = logging.getLogger(__name__)
_METHODS = ("HEAD", "GET", "POST", "PUT", "PATCH", "DELETE")  # in the order of the Allow header


class Asked(Request):
    """A request to this machine."""

    # A page on the web may not lead a browser here under a name of its own.
    trusted_hosts: list[str] | None = ["127.0.0.1", "localhost"]
    max_content_length = LARGEST


class Key(BaseConverter):
    """The key of an object in an address."""

    regex = "[23456789ABCDEFGHIJKLMNPQRSTUVWXYZ]{8}"


Paths = Mapping[str, tuple[str, list[str]]]  # path -> (what answers, the methods it takes)
MANY, ONE = ["GET", "POST", "DELETE"], ["GET", "PUT", "PATCH", "DELETE"]


def rules(prefix: str, own: Paths, library: Paths) -> list[Rule]:
    """The addresses of a server: its own, and those of every library."""
    whose = f"{prefix}/<any(users, groups):owners>/<owner>"
    paths = [
        *((f"{prefix}{path}", at) for path, at in own.items()),
        *((whose + path, at) for path, at in library.items()),
    ]
    return [Rule(path, endpoint=name, methods=methods) for path, (name, methods) in paths]


_LIBRARY = {
    "/items": ("items", MANY),
    "/items/top": ("items", ["GET"]),
    "/items/trash": ("items", ["GET"]),
    "/items/<key:key>": ("item", ONE),
    "/items/<key:key>/children": ("children", ["GET"]),
    "/items/<key:key>/tags": ("tags", ["GET"]),
    "/collections": ("collections", MANY),
    "/collections/top": ("collections", ["GET"]),
    "/collections/<key:key>": ("collection", ONE),
    "/collections/<key:key>/collections": ("subcollections", ["GET"]),
    "/collections/<key:key>/items": ("members", ["GET", "POST"]),
    "/collections/<key:key>/items/top": ("members", ["GET"]),
    "/collections/<key:key>/items/<key:item>": ("member", ["DELETE"]),
    "/tags": ("tags", ["GET", "DELETE"]),
    "/deleted": ("deleted", ["GET"]),
    "/searches": ("nothing", ["GET"]),
    "/settings": ("nothing", ["GET"]),
}
_OWN = {
    "/keys/current": ("key", ["GET", "DELETE"]),
    "/keys/sessions": ("sessions", ["POST"]),
    "/keys/sessions/<token>": ("session", ["GET", "DELETE"]),
    "/keys/<key>": ("key", ["GET", "DELETE"]),
    "/login": ("login", ["GET"]),
    "/groups": ("groups", ["GET"]),
    "/groups/<owner>": ("group", ["GET"]),
    "/users/<owner>/groups": ("user_groups", ["GET"]),
    "/schema": ("schema", ["GET"]),
    "/itemTypes": ("item_types", ["GET"]),
    "/itemFields": ("item_fields", ["GET"]),
    "/itemTypeFields": ("item_type_fields", ["GET"]),
    "/itemTypeCreatorTypes": ("creator_types", ["GET"]),
    "/items/new": ("template", ["GET"]),
}
_MAP = Map(rules("", _OWN, _LIBRARY), converters={"key": Key}, strict_slashes=False)


class Sandbox:
    """The application (WSGI) over the accounts and libraries of a database."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self.types = item_types()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Asked(environ)
        try:
            response = self._answered(request)
        except Refused as refused:
            response = plain(refused.message, refused.code, refused.version)
        except MethodNotAllowed as error:
            response = plain("Method not allowed", 405)
            response.headers["Allow"] = ", ".join(name for name in _METHODS if name in (error.valid_methods or ()))
        except HTTPException as error:
            response = plain(error.name, error.code or 500)
        except Broken:
            response = plain("An error occurred", 500)
        except Exception as error:  # a fault of the sandbox is told in a line; who asked sees what a server says
            _log.error("%s: %s: %s", request.method, type(error).__name__, error)
            response = plain("An error occurred", 500)
        response.headers["Zotero-API-Version"] = "3"
        response.headers["Zotero-Schema-Version"] = str(self.types.version)
        return response(environ, start_response)

    def _answered(self, request: Request) -> Response:
        host = request.host_url.rstrip("/")
        _check_version(request)
        access = self._access(request)
        name, found = _MAP.bind_to_environ(request.environ).match()
        values = dict(found)
        if "Expect" in request.headers:
            raise Refused(417, "Expect header is not supported")
        if "owners" not in values:
            return outside.answer(outside.Caller(request, access, self.accounts, self.types), name, **values)
        library, notes = self._library(request, access, values.pop("owners"), values.pop("owner"), name)
        view = View(library=library, accounts=self.accounts, types=self.types, host=host, notes=notes)
        visit = Visit(request=request, view=view, key=access.key if access else "", now=self.accounts.now())
        if request.method in ("GET", "HEAD"):
            return reads.answer(visit, name, **values)
        return writes.answer(visit, name, **values)

    def _access(self, request: Request) -> Access | None:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        sent = request.headers.get("Zotero-API-Key") or (bearer.strip() if scheme.lower() == "bearer" else "")
        asked = request.args.get("key", "")
        if sent and asked and sent != asked:
            raise Refused(400, "Zotero-API-Key header and 'key' parameter differ")
        if not (sent or asked):
            return None
        access = self.accounts.access(sent or asked)
        if access is None:
            raise Refused(403, "Invalid key")
        return access

    def _library(
        self, request: Request, access: Access | None, owners: str, owner: str, name: str
    ) -> tuple[Library, bool]:
        """(the library, whether notes are seen). Raises Refused when it may not be read, or not be written."""
        number = outside.number(owner)
        may_read = may_write = False
        if owners == "users":
            outside.check_user(self.accounts, owner)
            if access and access.user == number:
                may_read, may_write = access.library, access.library and access.write
        else:
            group = self.accounts.group(number)
            if group is None:
                raise Refused(404, "Not found")
            rights = access.to_group(group) if access else None
            may_read, may_write = group.public or rights is not None, bool(rights)
        if request.method not in ("GET", "HEAD"):
            if access is None:
                raise Refused(403, "An API key is required for write requests.")
            if not may_write:
                raise Refused(403, "Write access denied")
        elif not may_read:
            single = {"item": "Item does not exist", "collection": "Collection not found"}.get(name)
            raise Refused(404, single) if single else Refused(403, "Forbidden")
        library = Library(database=self.accounts.database, name=f"{owners}/{number}")
        return library, owners == "groups" or bool(access and access.notes)


def _check_version(request: Request) -> None:
    header, asked = request.headers.get("Zotero-API-Version"), request.args.get("v")
    for version in filter(None, (header, asked)):
        if version not in ("1", "2", "3"):
            raise Refused(400, f"Invalid API version '{version}'")
    if header and asked and header != asked:
        raise Refused(400, "Zotero-API-Version header does not match 'v' query parameter")
