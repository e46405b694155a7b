"""A library of Zotero's desktop and the people around it: as tests/library.py has it for one of a server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from refsync.sync import desktop, places, sandbox
from refsync.sync.given import Given, renamed_data
from refsync.sync.itemtypes import item_types
from refsync.sync.places import Place
from refsync.sync.transport import Patience, Transport
from refsync.sync.zotero import Library
from tests.library import World, world

KINDS = ("user", "desktop")  # libraries that the tests of sync run over
_NAME = re.compile(r"\b[2-9A-Z]{8}\b")


@dataclass
class DesktopWorld(World):
    """The library of a desktop. `server` is what refsync sees of it; the person works at `window`, where objects may have any key.

    All objects are called by the names that refsync has for them. What arrived without an answer gets its name before the
    person does anything.
    """

    window: sandbox.Server = None  # type: ignore[assignment]
    shown_text: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return requests.get(f"{self.window.url}/", timeout=60).headers["Zotero-Server-ID"]

    @property
    def place(self) -> Place:
        return Place(
            spec="desktop",
            kind="desktop",
            path="users/0",
            url=self.server.url,
            server=f"desktop {self.id}",
            name="Zotero",
        )

    @property
    def environment(self) -> dict[str, str]:
        return {desktop.VARIABLE: self.server.url}

    @property
    def secret(self) -> str:
        file = self.folder / "desktop-keys.json"
        return str(json.loads(file.read_text())[self.id]) if file.exists() else "no key yet"

    @contextmanager
    def library(self, url: str = "") -> Iterator[Library]:  # type: ignore[override]
        def transport(server: str, patience: Patience) -> Transport:
            return Transport(server, patience, sleep=lambda _: None)

        given = {desktop.VARIABLE: url or self.server.url}  # not that of a person who looks on
        with places.opened(
            "desktop", state=self.folder, environment=given, patience=self.patience, transport_of=transport,
            show=self.shown_text.append,
        ) as (_, library):  # fmt: skip
            yield library

    @property
    def given(self) -> Given:
        """The keys by name, as refsync knows them."""
        given = Given(places.given_path(self.folder, self.place.owner("")))
        given.load()
        if given.open:
            with self.library(self.window.url) as library:
                library.seen()
            given.load()
        return given

    def _there(self, text: str) -> str:
        keys = self.given.keys
        return _NAME.sub(lambda match: keys.get(match[0], match[0]), text)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        with_keys = {"Zotero-API-Key": self.window.key, "Zotero-Server-ID": self.id}
        named = {**with_keys, **{name.replace("_", "-"): value for name, value in headers.items()}}
        sent = json.loads(self._there(json.dumps(body))) if body is not None else None
        return requests.request(
            method, f"{self.window.url}/users/0/{self._there(path)}", json=sent, headers=named, timeout=60
        )

    def all(self, what: str) -> dict[str, dict[str, Any]]:
        back = {key: name for name, key in self.given.keys.items()}
        return {
            back.get(key, key): {**_whole(data), **renamed_data(data, back)} for key, data in super().all(what).items()
        }


def _whole(data: Mapping[str, Any]) -> dict[str, Any]:
    """The empty fields of an item, which the desktop leaves out."""
    if "itemType" not in data:
        return {}
    row = item_types().types[data["itemType"]]
    empty: dict[str, Any] = dict.fromkeys(row.fields, "") | {"extra": "", "tags": [], "relations": {}}
    return empty if data.get("parentItem") else {**empty, "creators": [], "collections": []}


def _always(app: str) -> str:
    return "always"


@contextmanager
def world_of(
    kind: str, folder: Path, middleware: Callable[[Any], Any] = lambda app: app, *, is_fixed: bool = False,
    path: Path | None = None, consent: Any = _always, **more: Any,
) -> Iterator[World]:  # fmt: skip
    """A world whose library is one of KINDS, kept in the file at `path`, or as long as the block lasts."""
    if kind == "user":
        with world(folder, middleware, path=path, **more) as there:
            yield there
        return
    file = path or folder / "library.sqlite"
    with (
        sandbox.serving(file, middleware=middleware, desktop=True, consent=consent, is_fixed=is_fixed) as server,
        sandbox.serving(file, desktop=True, consent=_always, is_fixed=True) as window,
    ):
        yield at_desktop(server, window, folder, **more)


def at_desktop(server: sandbox.Server, window: sandbox.Server, folder: Path, **more: Any) -> DesktopWorld:
    """A world around a desktop that is being served. The person at the window is asked nothing."""
    head = {"Zotero-Server-ID": requests.get(f"{window.url}/", timeout=60).headers["Zotero-Server-ID"]}
    asked = requests.post(f"{window.url}/local/authorize", json={"appName": "window"}, headers=head, timeout=60)
    window = sandbox.Server(url=window.url, key=asked.json()["key"], user=0, accounts=window.accounts)
    return DesktopWorld(server=server, folder=folder, window=window, **more)
