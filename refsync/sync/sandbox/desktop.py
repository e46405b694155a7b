"""Knows how a request reaches the desktop that a sandbox plays: the local API of Zotero 10, of an older one, or off."""

from __future__ import annotations

import logging
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed, SecurityError
from werkzeug.routing import Map
from werkzeug.wrappers import Request, Response

from refsync.sync.itemtypes import item_types
from refsync.sync.sandbox import localwrites, outside, reads
from refsync.sync.sandbox.accounts import Accounts
from refsync.sync.sandbox.app import MANY, ONE, Asked, Key, rules
from refsync.sync.sandbox.consents import Consents
from refsync.sync.sandbox.library import Library
from refsync.sync.sandbox.localshowing import LocalView, links
from refsync.sync.sandbox.properties import Broken, Refused
from refsync.sync.sandbox.visits import Visit, as_json, body, version_header

_log = logging.getLogger(__name__)
_LIBRARY = {
    "/items": ("items", MANY),
    "/items/top": ("items", ["GET"]),
    "/items/trash": ("items", ["GET"]),
    "/items/<key:key>": ("item", ONE),
    "/items/<key:key>/children": ("children", ["GET"]),
    "/collections": ("collections", MANY),
    "/collections/top": ("collections", ["GET"]),
    "/collections/<key:key>": ("collection", ONE),
    "/collections/<key:key>/collections": ("subcollections", ["GET"]),
    "/collections/<key:key>/items": ("members", ["GET"]),
    "/collections/<key:key>/items/top": ("members", ["GET"]),
    "/tags": ("tags", ["GET"]),
    "/searches": ("nothing", ["GET"]),
    "/settings": ("nothing", ["GET"]),
    "/groups": ("nothing", ["GET"]),
}
_OWN = {
    "/": ("root", ["GET"]),
    "/local/authorize": ("authorize", ["POST"]),
    "/schema": ("schema", ["GET"]),
    "/itemTypes": ("item_types", ["GET"]),
    "/itemFields": ("item_fields", ["GET"]),
    "/itemTypeFields": ("item_type_fields", ["GET"]),
    "/itemTypeCreatorTypes": ("creator_types", ["GET"]),
}
_MAP = Map(rules("/api", _OWN, _LIBRARY), converters={"key": Key}, merge_slashes=False)


class Desktop:
    """The application (WSGI). `user` is the number of the account that is logged in, 0 for none.

    `enabled` says whether a person has switched the API on; with `reads_only` it is a Zotero before 10; with `is_fixed`
    one in which clients may choose keys.
    """

    def __init__(
        self,
        accounts: Accounts,
        consents: Consents,
        *,
        user: int = 0,
        enabled: bool = True,
        reads_only: bool = False,
        is_fixed: bool = False,
    ) -> None:
        self.accounts, self.consents, self.types = accounts, consents, item_types()
        self.user, self.enabled, self.reads_only, self.is_fixed = user, enabled, reads_only, is_fixed

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Asked(environ)
        if _from_a_page(request):
            raise ConnectionAbortedError  # the server hangs up without a word
        response = self._before_the_api(request)
        if response is None:
            response = self._answered(request)
        response.headers["X-Zotero-Version"] = "9.0.0" if self.reads_only else "10.0.3"
        return response(environ, start_response)

    def _before_the_api(self, request: Request) -> Response | None:
        """The answer of Zotero's server when a request does not get as far as the API."""
        try:
            name, _ = _MAP.bind(request.host).match(request.path, request.method)
        except SecurityError:
            return _told("Invalid Host header\n", 400)
        except MethodNotAllowed:
            name = ""
        except HTTPException:
            return _told("No endpoint found\n", 404)
        if self.reads_only and request.method not in ("GET", "HEAD"):
            if request.method != "POST":
                return _told("Method not implemented\n", 501)
            name = name if name == "authorize" else ""
        if self.reads_only and name == "authorize":
            return _told("No endpoint found\n", 404)
        return None if name else _told("Endpoint does not support method\n", 400)

    def _answered(self, request: Request) -> Response:
        name, found = _MAP.bind(request.host).match(request.path, request.method)
        try:
            response = self._of_api(request, name, dict(found))
        except Refused as refused:
            response = _told(refused.message, refused.code)
            if refused.code == 401:  # comes from before the API, as what follows does not
                if "required" in refused.message:
                    response.headers["WWW-Authenticate"] = 'Zotero-API-Key realm="Zotero Local API"'
                return response
            if refused.code == 429:
                response.headers["Retry-After"] = "60"
        except HTTPException as error:
            response = _told(error.name, error.code or 500)
        except Broken:
            return Response("", 500)
        except Exception as error:  # a fault of the sandbox is told in a line; who asked sees what the desktop says
            _log.error("%s: %s: %s", request.method, type(error).__name__, error)
            return Response("", 500)
        response.headers["Zotero-API-Version"] = "3"
        response.headers["Zotero-Schema-Version"] = str(self.types.version)
        if not self.reads_only:
            response.headers["Zotero-Server-ID"] = self.consents.known_as("server")
        return response

    def _of_api(self, request: Request, name: str, values: dict[str, str]) -> Response:
        if not self.enabled:
            raise Refused(403, "Local API is not enabled")
        writes = request.method not in ("GET", "HEAD")
        self._check_server(request, writes=writes)
        version = request.headers.get("Zotero-API-Version") or request.args.get("v") or "3"
        if version != "3" and name != "root":
            raise Refused(501, f"API version not implemented: {version}")
        if name == "root":
            return _told("Nothing to see here.", 200)
        if name == "authorize":
            return self._authorized(request)
        key = request.headers.get("Zotero-API-Key", "")
        if writes and not key:
            raise Refused(401, "API key required -- POST /api/local/authorize to obtain one")
        if writes and not self.consents.admits(key):
            raise Refused(401, "Invalid or expired API key")
        if "owners" not in values:
            return self._of_types(request, name)
        self._check_owner(values.pop("owners"), values.pop("owner"))
        visit = self._visit(request, key)
        if writes:
            return localwrites.answer(visit, name, is_fixed=self.is_fixed, **values)
        return self._read(visit, name, values.get("key", ""))

    def _check_server(self, request: Request, *, writes: bool) -> None:
        sent = request.headers.get("Zotero-Server-ID")
        if self.reads_only or (sent is None and not writes):
            return
        if sent is None:
            raise Refused(428, "Zotero-Server-ID not provided")
        if sent != self.consents.known_as("server"):
            raise Refused(412, "Zotero-Server-ID does not match this server")

    def _authorized(self, request: Request) -> Response:
        sent = body(request)
        app = sent.get("appName") if isinstance(sent, dict) else None
        if not isinstance(app, str) or not app.strip():
            raise Refused(400, "appName is required")
        given = self.consents.asked(app.strip())
        if given is None:
            return as_json({"denied": True}, 403)
        return as_json({"key": given[0], "remember": given[1]})

    def _of_types(self, request: Request, name: str) -> Response:
        if name == "item_types":
            rows = sorted(self.types.types.items())
            return as_json([{"itemType": kind, "localized": row.name} for kind, row in rows])
        return outside.answer(outside.Caller(request, None, self.accounts, self.types), name)

    def _check_owner(self, owners: str, owner: str) -> None:
        if owners == "groups":
            raise Refused(404, "Not found")
        if outside.number(owner) not in (0, self.user):
            real = f" or {self.user}" if self.user else ""
            raise Refused(400, f"Only data for the logged-in user is available locally -- use userID 0{real}")

    def _visit(self, request: Request, key: str) -> Visit:
        view = LocalView(
            library=Library(database=self.accounts.database, name="users/0"),
            accounts=self.accounts,
            types=self.types,
            host=f"http://localhost:{request.environ['SERVER_PORT']}",
            user=self.user,
            local=self.consents.known_as("user"),
        )
        return Visit(request=request, view=view, key=key, now=self.accounts.now())

    def _read(self, visit: Visit, name: str, key: str) -> Response:
        library, request = visit.library, visit.request
        with library.database.transaction():
            if name in ("item", "collection"):
                stored = library.found(f"{name}s", key)
                if stored is None:
                    raise Refused(404, "Not found")
                version, total, link = stored.version, 1, ""
                value = visit.view.shown(f"{name}s", key)
            else:
                defaults = {"sort": "title"} if "collections" in name else {}
                found = reads.listed(visit, name, key, **defaults)
                version, total, value = library.version(), found.total, found.body
                link = links(found, request.host_url.rstrip("/"), request.path, request.args.to_dict())
        known = version_header(request, "If-Modified-Since-Version")
        if known and known >= version:
            response = Response(status=304)
        elif isinstance(value, str):
            response = _told(value.rstrip("\n"), 200)
        else:
            response = as_json(value)
        if not request.path.endswith("/settings"):
            response.headers |= {"Total-Results": str(total), "Link": link}
            if not request.path.endswith("/groups"):
                response.headers["Last-Modified-Version"] = str(version)
        return response


def _from_a_page(request: Request) -> bool:
    """Whether a browser asks, which Zotero lets do so only when the page says that it means to."""
    agent = request.headers.get("User-Agent", "")
    return (agent.startswith("Mozilla/") or "Origin" in request.headers) and (
        "Zotero-Allowed-Request" not in request.headers
    )


def _told(text: str, status: int) -> Response:
    return Response(text, status, content_type="text/plain")
