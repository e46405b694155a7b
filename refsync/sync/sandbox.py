"""Knows the sandbox: a library that speaks Zotero's Web API (version 3) on this machine, for trying out and for tests.

It answers as api.zotero.org does where refsync asks: versions, preconditions, partly failed writes, what is stored
otherwise than sent. Files, full text, saved searches and settings have no place in it, and it sets no pace.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter, Map, Rule
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from refsync.sync.itemtypes import LINK_MODES, item_types
from refsync.sync.rules import Broken, Refused
from refsync.sync.sandboxlibrary import Visit, answer, plain
from refsync.sync.shelf import Access, Shelf
from refsync.sync.showing import View, group, template

_log = logging.getLogger(__name__)
_METHODS = ("HEAD", "GET", "POST", "PUT", "PATCH", "DELETE")  # in the order of the Allow header
_LOGIN_TIME = 900  # seconds that a login waits


class _Key(BaseConverter):
    regex = "[23456789ABCDEFGHIJKLMNPQRSTUVWXYZ]{8}"


_MANY, _ONE = ["GET", "POST", "DELETE"], ["GET", "PUT", "PATCH", "DELETE"]
_LIBRARY = {
    "/items": ("items", _MANY),
    "/items/top": ("items:top", ["GET"]),
    "/items/trash": ("items:trash", ["GET"]),
    "/items/<key:key>": ("item", _ONE),
    "/items/<key:key>/children": ("children", ["GET"]),
    "/items/<key:key>/tags": ("tags", ["GET"]),
    "/collections": ("collections", _MANY),
    "/collections/top": ("collections:top", ["GET"]),
    "/collections/<key:key>": ("collection", _ONE),
    "/collections/<key:key>/collections": ("subcollections", ["GET"]),
    "/collections/<key:key>/items": ("members", ["GET", "POST"]),
    "/collections/<key:key>/items/top": ("members:top", ["GET"]),
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
    "/groups/<number>": ("group", ["GET"]),
    "/users/<number>/groups": ("user_groups", ["GET"]),
    "/schema": ("schema", ["GET"]),
    "/itemTypes": ("item_types", ["GET"]),
    "/itemFields": ("item_fields", ["GET"]),
    "/itemTypeFields": ("item_type_fields", ["GET"]),
    "/itemTypeCreatorTypes": ("creator_types", ["GET"]),
    "/items/new": ("template", ["GET"]),
}
_MAP = Map(
    [
        *(Rule(path, endpoint=name, methods=methods) for path, (name, methods) in _OWN.items()),
        *(
            Rule(f"/<any(users, groups):owners>/<owner>{path}", endpoint=f"library:{name}", methods=methods)
            for path, (name, methods) in _LIBRARY.items()
        ),
    ],
    converters={"key": _Key},
    strict_slashes=False,
)


class Sandbox:
    """The application (WSGI) over the libraries of a shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.types = item_types()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        try:
            response = self._answered(request)
        except Refused as refused:
            response = plain(refused.message, refused.code, refused.version)
        except MethodNotAllowed as error:
            response = plain("Method not allowed", 405)
            response.headers["Allow"] = ", ".join(name for name in _METHODS if name in (error.valid_methods or ()))
        except NotFound:
            response = plain("Not Found", 404)
        except HTTPException as error:
            response = plain(error.name, error.code or 500)
        except Broken:
            response = plain("An error occurred", 500)
        except Exception as error:  # a fault of the sandbox is told in a line; who asked sees what a server says
            _log.warning("%s %s: %s: %s", request.method, request.path, type(error).__name__, error)
            response = plain("An error occurred", 500)
        response.headers["Zotero-API-Version"] = "3"
        response.headers["Zotero-Schema-Version"] = str(self.types.version)
        return response(environ, start_response)

    def _answered(self, request: Request) -> Response:
        _check_version(request)
        access = self._access(request)
        endpoint, found = _MAP.bind_to_environ(request.environ).match()
        values = dict(found)
        if "Expect" in request.headers:
            raise Refused(417, "Expect header is not supported")
        if endpoint.startswith("library:"):
            name = endpoint.removeprefix("library:")
            library, notes = self._library(request, access, values.pop("owners"), values.pop("owner"), name)
            host = request.host_url.rstrip("/")
            view = View(shelf=self.shelf, types=self.types, library=library, host=host, notes=notes)
            visit = Visit(request=request, view=view, key=access.key if access else "", now=self.shelf.now())
            return answer(visit, name, **values)
        answered: Response = getattr(self, f"_on_{endpoint}")(request, access, **values)
        return answered

    # --------------------------------------------------------------------------------------------------------------
    # Who may

    def _access(self, request: Request) -> Access | None:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        sent = request.headers.get("Zotero-API-Key") or (bearer.strip() if scheme.lower() == "bearer" else "")
        asked = request.args.get("key", "")
        if sent and asked and sent != asked:
            raise Refused(400, "Zotero-API-Key header and 'key' parameter differ")
        if not (sent or asked):
            return None
        access = self.shelf.access(sent or asked)
        if access is None:
            raise Refused(403, "Invalid key")
        return access

    def _library(self, request: Request, access: Access | None, owners: str, owner: str, name: str) -> tuple[str, bool]:
        """(name of the library, whether notes are seen). Raises Refused when it may not be read, or not be written."""
        number = _number(owner)
        reads = writes = False
        if owners == "users":
            if number is None:
                raise Refused(400, "Invalid user ID")
            if self.shelf.user(number) is None:
                raise Refused(404, f"User {owner} not found")
            if access and access.user == number:
                reads, writes = access.library, access.library and access.write
        else:
            found = next((one for one in self.shelf.groups() if one["id"] == number), None)
            if found is None:
                raise Refused(404, "Not found")
            rights = _group_rights(access, found)
            reads, writes = found["public"] or rights is not None, bool(rights)
        if request.method not in ("GET", "HEAD"):
            if access is None:
                raise Refused(403, "An API key is required for write requests.")
            if not writes:
                raise Refused(403, "Write access denied")
        elif not reads:
            single = {"item": "Item does not exist", "collection": "Collection not found"}.get(name)
            raise Refused(404, single) if single else Refused(403, "Forbidden")
        return f"{owners}/{number}", owners == "groups" or bool(access and access.notes)

    # --------------------------------------------------------------------------------------------------------------
    # Keys and logins

    def _on_key(self, request: Request, access: Access | None, key: str = "") -> Response:
        if key:
            access = self.shelf.access(key)
            if access is None:
                raise Refused(404, f"Key '{key}' not found")
        if access is None:
            raise Refused(403, "Forbidden")
        if request.method == "DELETE":
            self.shelf.drop_key(access.key)
            return plain("", 204)
        return _json(self._told(access))

    def _told(self, access: Access) -> dict[str, Any]:
        name, display = self.shelf.user(access.user) or ("", "")
        own = {right: True for right in ("library", "files", "notes", "write") if getattr(access, right)}
        rights: dict[str, Any] = {"user": own} if access.library else {}
        if access.groups:
            rights["groups"] = {
                group: {"library": True, **({"write": True} if write else {})} for group, write in access.groups.items()
            }
        return {"key": access.key, "userID": access.user, "username": name, "displayName": display, "access": rights}

    def _on_sessions(self, request: Request, _: Access | None) -> Response:
        token = self.shelf.add_session()
        return _json({"sessionToken": token, "loginURL": f"{request.host_url}login?session={token}"}, 201)

    def _on_session(self, request: Request, _: Access | None, token: str) -> Response:
        found = self.shelf.session(token)
        if found is None:
            raise Refused(404, "Session not found")
        begun, key = found
        late = (self.shelf.now() - datetime.fromisoformat(begun)).total_seconds() > _LOGIN_TIME
        if request.method == "DELETE":
            if key or late:
                raise Refused(409, "Session already completed, expired, or cancelled")
            self.shelf.drop_session(token)
            return plain("", 204)
        if late:
            raise Refused(410, "Session expired")
        access = self.shelf.access(key) if key else None
        if access is None:
            return _json({"status": "pending"})
        name = (self.shelf.user(access.user) or ("", ""))[0]
        done = {"status": "completed", "apiKey": access.key, "userID": access.user, "username": name, "emails": []}
        return _json(done)

    def _on_login(self, request: Request, _: Access | None) -> Response:
        """The page that a person opens to let a program in: in the sandbox whoever opens it is its first user."""
        if not self.shelf.grant(request.args.get("session", ""), self.shelf.first_key().user):
            raise Refused(404, "Session not found")
        return plain("refsync may now use the sandbox. You can close this page.", 200)

    # --------------------------------------------------------------------------------------------------------------
    # Groups

    def _on_groups(self, request: Request, access: Access | None) -> Response:
        return self._groups(request, access, [one for one in self.shelf.groups() if one["public"]])

    def _on_user_groups(self, request: Request, access: Access | None, number: str) -> Response:
        user = _number(number)
        if user is None:
            raise Refused(400, "Invalid user ID")
        if self.shelf.user(user) is None:
            raise Refused(404, f"User {number} not found")
        seen = [one for one in self.shelf.groups(user) if one["public"] or _group_rights(access, one) is not None]
        return self._groups(request, access, seen)

    def _groups(self, request: Request, access: Access | None, found: list[dict[str, Any]]) -> Response:
        host = request.host_url.rstrip("/")
        if request.args.get("format") == "versions":
            response = _json({str(one["id"]): one["version"] for one in found})
        else:
            response = _json([group(one, host, access.user if access else None) for one in found])
        response.headers["Total-Results"] = str(len(found))
        response.headers["Link"] = f'<https://www.zotero.org{request.path}>; rel="alternate"'
        return response

    def _on_group(self, request: Request, access: Access | None, number: str) -> Response:
        found = next((one for one in self.shelf.groups() if one["id"] == _number(number)), None)
        if found is None:
            raise Refused(404, "Not found")
        if not found["public"] and _group_rights(access, found) is None:
            raise Refused(403, "Forbidden")
        return _json(group(found, request.host_url.rstrip("/"), access.user if access else None))

    # --------------------------------------------------------------------------------------------------------------
    # Types

    def _type(self, request: Request) -> str:
        kind = request.args.get("itemType", "")
        if kind not in self.types.types:
            raise Refused(400, f"Invalid item type '{kind}'")
        return kind

    def _on_schema(self, *_: Any) -> Response:
        types = []
        for name, row in self.types.types.items():
            fields = [{"field": one, **({"baseField": row.base[one]} if one in row.base else {})} for one in row.fields]
            creators = [
                {"creatorType": one, **({} if number else {"primary": True})} for number, one in enumerate(row.creators)
            ]
            types.append({"itemType": name, "fields": fields, "creatorTypes": creators})
        called = {name: row.name for name, row in self.types.types.items()}
        english = {"itemTypes": called, "fields": self.types.fields, "creatorTypes": self.types.creators}
        dates = {name: {"type": "date"} for name in self.types.dates}
        head = {"version": self.types.version, "itemTypes": types}
        return _json({**head, "meta": {"fields": dates}, "locales": {"en-US": english}})

    def _on_item_types(self, *_: Any) -> Response:
        rows = [(name, row.name) for name, row in self.types.types.items() if name not in ("annotation", "attachment")]
        return _json([{"itemType": name, "localized": called} for name, called in sorted(rows, key=lambda row: row[1])])

    def _on_item_fields(self, *_: Any) -> Response:
        return _json([{"field": name, "localized": called} for name, called in self.types.fields.items()])

    def _on_item_type_fields(self, request: Request, _: Access | None) -> Response:
        fields = self.types.types[self._type(request)].fields
        return _json([{"field": name, "localized": self.types.fields[name]} for name in fields])

    def _on_creator_types(self, request: Request, _: Access | None) -> Response:
        creators = self.types.types[self._type(request)].creators
        return _json([{"creatorType": name, "localized": self.types.creators[name]} for name in creators])

    def _on_template(self, request: Request, _: Access | None) -> Response:
        kind, mode = self._type(request), request.args.get("linkMode")
        if kind == "attachment" and mode not in LINK_MODES:
            raise Refused(400, f"Invalid linkMode '{mode}'")
        empty = template(self.types, kind, mode)
        if creators := self.types.types[kind].creators:
            empty["creators"] = [{"creatorType": creators[0], "firstName": "", "lastName": ""}]
        return _json(empty)


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), status, content_type="application/json")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _group_rights(access: Access | None, found: dict[str, Any]) -> bool | None:
    """Whether a key may write to a group; None when it may not even read what only its people may."""
    if access is None or access.user not in found["people"]:
        return None
    return access.groups.get(str(found["id"]), access.groups.get("all"))


def _check_version(request: Request) -> None:
    header, asked = request.headers.get("Zotero-API-Version"), request.args.get("v")
    for version in filter(None, (header, asked)):
        if version not in ("1", "2", "3"):
            raise Refused(400, f"Invalid API version '{version}'")
    if header and asked and header != asked:
        raise Refused(400, "Zotero-API-Version header does not match 'v' query parameter")


# ------------------------------------------------------------------------------------------------------------------
# Serving


class _Quiet(WSGIRequestHandler):
    """Keeps addresses, which may hold keys, out of any log."""

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A sandbox that is being served: its address, and the user and key that come with it."""

    url: str
    key: str
    user: int
    shelf: Shelf


def _clock() -> datetime:
    return datetime.now(UTC)


@contextmanager
def serving(
    path: Path | None = None,
    *,
    now: Callable[[], datetime] = _clock,
    middleware: Callable[[Any], Any] = lambda app: app,
    port: int = 0,
) -> Iterator[Server]:
    """Serves the libraries in the file at `path`, or in memory, on this machine only, until the block ends.

    `now` gives the time of writes; `middleware` may wrap the application, as tests do to make it fail; any free `port`
    is taken when it is 0. Raises NoShelf for a file that is damaged or holds something else.
    """
    with Shelf.opened(path, now) as shelf:
        first = shelf.first_key()
        server = make_server("127.0.0.1", port, middleware(Sandbox(shelf)), threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield Server(url=f"http://127.0.0.1:{server.server_port}", key=first.key, user=first.user, shelf=shelf)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
