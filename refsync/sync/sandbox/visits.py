"""Knows a request to a library of the sandbox: its preconditions, its body, and the forms of answers."""

from __future__ import annotations

import html
import json
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from refsync.sync.sandbox.library import Library, Stored
from refsync.sync.sandbox.properties import Data, Refused
from refsync.sync.sandbox.showing import View

LARGEST = 50_000_000  # bytes of a body, also once it is unpacked
_MISSING = {"items": "Item does not exist", "collections": "Collection not found"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One request to a library, with the key it came with and the time it is."""

    request: Request
    view: View
    key: str
    now: datetime

    @property
    def library(self) -> Library:
        """The library that is asked."""
        return self.view.library

    @property
    def since(self) -> int | None:
        """The header If-Unmodified-Since-Version."""
        return version_header(self.request, "If-Unmodified-Since-Version")

    @property
    def trusted(self) -> bool:
        """Whether the client is Zotero itself, which may set dateModified beside other changes."""
        agent = self.request.headers.get("User-Agent", "")
        return "Zotero" in agent or "Firefox" in agent

    def found(self, kind: str, key: str) -> Stored:
        """A stored object that one who asks may see. Raises Refused when there is none."""
        found = self.library.found(kind, key)
        if found is None:
            raise Refused(404, _MISSING[kind])
        if not self.view.visible(found):
            raise Refused(404, "Not found")
        return found


def escaped(text: str) -> str:
    """A message as the server writes it, in JSON too."""
    return html.escape(text, quote=False).replace('"', "&quot;")


def plain(text: str, status: int, version: int | None = None) -> Response:
    """A line of text as the server answers, with the version of what it speaks of."""
    return _versioned(Response(escaped(text), status, content_type="text/html; charset=UTF-8"), version)


def as_json(value: Any, status: int = 200, version: int | None = None) -> Response:
    """A value as the server answers."""
    text = json.dumps(value, ensure_ascii=False)
    return _versioned(Response(text, status, content_type="application/json"), version)


def _versioned(response: Response, version: int | None) -> Response:
    if version is not None:
        response.headers["Last-Modified-Version"] = str(version)
    return response


def version_header(request: Request, name: str) -> int | None:
    """The version that a header names. Raises Refused when it is no number."""
    value = request.headers.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()):
        raise Refused(400, f"Invalid {name} value")
    return int(value[:18])


def body(request: Request) -> Any:
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
        unpacked = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, LARGEST + 1)
    except zlib.error:
        raise Refused(400, "Invalid gzip data") from None
    if len(unpacked) > LARGEST:
        raise Refused(413, "Request body too large")
    return unpacked


def unwrapped(sent: Data) -> Data:
    """The data of a whole object as the API shows it; what was sent when it is not one."""
    data = sent.get("data")
    return data if isinstance(data, dict) else sent
