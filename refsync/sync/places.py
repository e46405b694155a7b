"""Knows which library is meant, by its SPEC: its server, its path, the key that opens it; and where refsync keeps its state.

A person's own library is opened only where the SPEC names it. A key belongs to one server (its origin) and is sent to no other.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from refsync.model import Failure, Problem
from refsync.sync import desktop, keyrings
from refsync.sync.base import Owner
from refsync.sync.given import Given
from refsync.sync.permission import Permission
from refsync.sync.transport import Patience, Transport
from refsync.sync.zotero import Library

SANDBOX = "sandbox"
ZOTERO = "https://api.zotero.org"
KEY_PAGE = "https://www.zotero.org/settings/keys/new"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A library that a SPEC names. `server` tells servers apart: an origin, or the file of a sandbox; `key` is not shown."""

    spec: str
    kind: str
    path: str
    url: str
    server: str
    name: str = ""
    key: str | None = None

    def __repr__(self) -> str:
        return f"Place({self.spec!r}, {self.url!r}, {self.path!r})"

    @property
    def label(self) -> str:
        """What a person calls it."""
        if self.kind == SANDBOX:
            return f"the sandbox ({self.server})"
        if self.kind == desktop.DESKTOP:
            return self.name
        whose = f"the library of {self.name}" if self.name else f"the library {self.path}"
        return whose if self.server == ZOTERO else f"{whose} at {self.server}"

    def as_json(self) -> dict[str, str]:
        """The library as the contract has it."""
        return {"kind": self.kind, "id": self.path.partition("/")[2], "name": self.name or self.server}

    def owner(self, catalog: str) -> Owner:
        """Whose base that of a catalog is here."""
        return Owner(server=self.server, library=self.path, catalog=catalog)


def base_path(state: Path, owner: Owner, folder: Path | None) -> Path:
    """Where the base of a catalog lies: in the state folder, or in the survey's own `folder`, for co-maintainers."""
    if folder is not None:
        other = "" if owner.server == ZOTERO else f"-{_digest(owner.server)[:8]}"
        return folder / f"zotero-{owner.library.replace('/', '-')}{other}.jsonl"
    return state / "bases" / f"{_digest(owner.server, owner.library, owner.catalog)}.jsonl"


def mirror_path(cache: Path, owner: Owner) -> Path:
    """Where the mirror of a library lies, which all catalogs share."""
    return cache / "libraries" / f"{_digest(owner.server, owner.library)}.sqlite"


def given_path(state: Path, owner: Owner) -> Path:
    """Where the keys lie that a desktop gave, to the objects of all catalogs."""
    return state / desktop.DESKTOP / f"{_digest(owner.server, owner.library)}.jsonl"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def origin(url: str) -> str:
    """The origin of a server's address. Raises Failure for what is none, and for plain http beyond this machine."""
    parts = _parts(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        hint = f"Name one like {ZOTERO}."
        shown = repr(url) if "@" not in url else "what it names"  # a password may be in it
        raise Failure(Problem(where="ZOTERO_API_URL", what=f"{shown} is no address of a server.", hint=hint))
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        what = f"{url!r} would carry the key unencrypted."
        raise Failure(Problem(where="ZOTERO_API_URL", what=what, hint="Name it with https://."))
    return f"{parts.scheme}://{parts.netloc}"


def _parts(url: str) -> SplitResult | None:
    """The parts of an address, None where it has none."""
    with suppress(ValueError):
        parts = urlsplit(url)
        return parts if parts.port != 0 and url.isprintable() and url.isascii() else None
    return None


@contextmanager
def opened(
    spec: str,
    *,
    state: Path,
    environment: Mapping[str, str] = os.environ,
    patience: Patience | None = None,
    fresh_rights: bool = False,
    writes: bool = True,
    transport_of: Any = Transport,
    show: Callable[[str], None] = lambda text: None,
) -> Iterator[tuple[Place, Library]]:
    """The library of a SPEC: `user`, `group:ID`, `desktop`, `sandbox`, `sandbox:FILE`. Where nothing `writes`, no file is made.
    `show` gets what a person has to know before Zotero asks them something.

    Raises Failure for an unknown SPEC (exit 2), a missing key, a key without the right to write, and a desktop that cannot
    be written.
    """
    with ExitStack() as stack:
        if spec == desktop.DESKTOP:
            yield stack.enter_context(_desktop(state, environment, patience, transport_of, show, writes=writes))
            return
        place = _place(spec, state, environment, stack, writes=writes)
        transport = transport_of(place.server if place.kind == SANDBOX else place.url, patience or Patience())
        if place.kind == SANDBOX:
            yield place, stack.enter_context(Library(place.url, place.path, place.key, transport))
            return
        place = _allowed(place, transport, state, fresh=fresh_rights, writes=writes)
        yield place, stack.enter_context(Library(place.url, place.path, place.key, transport))


@contextmanager
def _desktop(
    state: Path,
    environment: Mapping[str, str],
    patience: Patience | None,
    transport_of: Any,
    show: Callable[[str], None],
    *,
    writes: bool,
) -> Iterator[tuple[Place, Library]]:
    """The library of the Zotero that runs here. Its permission is asked for when something is written."""
    there = desktop.found(desktop.address(environment))
    place = Place(
        spec=desktop.DESKTOP, kind=desktop.DESKTOP, path="users/0", url=there.url, server=there.server,
        name="Zotero on this machine",
    )  # fmt: skip
    permission = Permission(there.url, there.id, state, show)
    transport = transport_of(there.url, patience or Patience())
    with desktop.DesktopLibrary(
        there, Given(given_path(state, place.owner("")), writes=writes), permission, transport
    ) as library:
        yield place, library


def _place(spec: str, state: Path, environment: Mapping[str, str], stack: ExitStack, *, writes: bool) -> Place:
    kind, colon, rest = spec.partition(":")
    if kind == SANDBOX and (rest or not colon):
        from refsync.sync import sandbox

        path = (Path(rest) if rest else state / "sandbox.sqlite").absolute()
        if writes:
            path.parent.mkdir(parents=True, exist_ok=True)
        # Into a file that is empty yet, its tables would be written.
        is_kept = writes or (path.exists() and path.stat().st_size > 0)
        served = stack.enter_context(sandbox.serving(path if is_kept else None))
        shown = os.path.relpath(path) if rest else str(path)
        return Place(
            spec=f"{SANDBOX}:{path}" if rest else SANDBOX, kind=SANDBOX, path=f"users/{served.user}", url=served.url, server=str(path), name=shown,
            key=served.key,
        )  # fmt: skip
    if spec == "user" or (kind == "group" and rest.isascii() and rest.isdigit()):
        url = (environment.get("ZOTERO_API_URL") or ZOTERO).rstrip("/")
        server = origin(url)
        whose = f"groups/{rest}" if kind == "group" else "users/0"
        return Place(spec=spec, kind=kind, path=whose, url=url, server=server, key=_key(server, environment))
    hint = "Name `user`, `group:ID`, `desktop`, `sandbox` or `sandbox:FILE`."
    raise Failure(Problem(where="--library / zotero.library", what=f"{spec!r} is no library.", hint=hint), code=2)


def _key(server: str, environment: Mapping[str, str]) -> str:
    """The key of a server. Raises Failure, with what to do, where there is none."""
    given = (environment.get("ZOTERO_API_KEY") or "").strip() or kept_key(server)
    if not given:
        hint = f"Run `refsync login`, or make one at {KEY_PAGE} and put it into ZOTERO_API_KEY."
        raise Failure(Problem(where=server, what="needs a key.", hint=hint))
    if not given.isascii() or not given.isalnum():
        raise Failure(
            Problem(where="ZOTERO_API_KEY", what="is no key: letters and digits only.", hint="Copy it again.")
        )
    return given


def kept_key(server: str) -> str | None:
    """The key that the system's keyring keeps for a server, None where there is none or no keyring."""
    with suppress(Exception):  # a keyring fails in as many ways as there are desktops; then there is no key
        found = keyrings.of_system().get_password("refsync", server)
        return str(found) if found else None
    return None


def _allowed(place: Place, transport: Transport, state: Path, *, fresh: bool, writes: bool) -> Place:
    """The place with its user, where the key may write there. What the server says of a key is asked once, and asked again
    where it was not enough: rights can be given later."""
    file = state / "rights.json"
    name = _digest(place.server, place.key or "")
    known: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        known = dict(json.loads(file.read_text(encoding="utf-8")))
    if not fresh and isinstance(known.get(name), dict):
        with suppress(Failure, AttributeError):
            return _granted(place, known[name])
    with_key = Library(place.url, "users/0", place.key, transport)
    rights = {name: value for name, value in with_key.rights().items() if name != "key"}
    granted = _granted(place, rights)
    if not writes:
        return granted
    with suppress(OSError):
        from refsync import files

        file.parent.mkdir(parents=True, exist_ok=True)
        files.write({file: json.dumps({**known, name: rights}, indent=1, sort_keys=True) + "\n"})
    return granted


def _granted(place: Place, rights: Mapping[str, Any]) -> Place:
    """The place with its user. Raises Failure where the key may not do there what refsync does."""
    access = rights.get("access") or {}
    user = rights.get("userID")
    if place.kind == "user":
        granted = access.get("user") or {}
        if not isinstance(user, int) or not granted.get("library"):
            raise _denied(place, "may not read the user's library")
        if not granted.get("write"):
            raise _denied(place, "is read-only")
        if not granted.get("notes"):  # an item with a note of the person's would look untouched
            raise _denied(place, "may not see notes")
        return replace(place, path=f"users/{user}", name=str(rights.get("displayName") or rights.get("username") or ""))
    groups = access.get("groups") or {}
    number = place.path.partition("/")[2]
    granted = groups.get(number) or groups.get("all") or {}
    if not granted.get("library"):
        raise _denied(place, f"may not read the group {number}")
    if not granted.get("write"):
        raise _denied(place, f"may not write to the group {number}")
    return place


def _denied(place: Place, what: str) -> Failure:
    hint = f"Make one that may, at {KEY_PAGE}, or run `refsync login` again."
    return Failure(Problem(where=place.server, what=f"the key {what}.", hint=hint))
