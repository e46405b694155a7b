"""A library on loopback and the people around it: syncs, a person at Zotero, and what the library then holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from refsync.mapping import Tables
from refsync.model import Catalog, Date, Entry, Person, Topic, Venue
from refsync.settings import Settings
from refsync.sync import places, run, sandbox
from refsync.sync.desired import Desired, desired
from refsync.sync.places import Place
from refsync.sync.seen import client_key, creators_of, plain
from refsync.sync.transport import Patience, Transport
from refsync.sync.zotero import Library

SHORT = Patience(tries=3, pause=0.01, longest=0.05, connect=1.0, silence=0.6)
TABLES = Tables()


@dataclass
class World:
    """One user library of a sandbox. Each maintainer has a state folder of their own; `sync` is one run of refsync."""

    server: sandbox.Server
    folder: Path
    patience: Patience = SHORT
    settings: Settings = field(default_factory=Settings)

    @property
    def place(self) -> Place:
        return Place(
            spec="user", kind="user", path=f"users/{self.server.user}", url=self.server.url, server="https://a.test",
            key=self.server.key,
        )  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        """What names the library to a command, beside the SPEC."""
        return {"ZOTERO_API_URL": self.server.url, "ZOTERO_API_KEY": self.server.key}

    @property
    def secret(self) -> str:
        """The key, which nobody must be shown."""
        return self.server.key

    def files(self, catalog: str, who: str = "a") -> run.Files:
        state = self.folder / who
        owner = self.place.owner(catalog)
        return run.Files(
            base=places.base_path(state, owner, None), mirror=places.mirror_path(state, owner), journal=state / "runs"
        )

    def library(self) -> Library:
        transport = Transport(self.server.url, self.patience, sleep=lambda seconds: None)
        return Library(self.server.url, self.place.path, self.server.key, transport)

    def sync(self, catalog: Catalog | Desired, who: str = "a", **wishes: Any) -> run.Report:
        wanted = catalog if isinstance(catalog, Desired) else desired(catalog, TABLES, self.settings)
        wishes.setdefault("is_sure", True)
        with self.library() as library:
            return run.sync(
                wanted,
                self.place,
                library,
                self.files(wanted.catalog, who),
                run.Wishes(**wishes),
                sleep=lambda seconds: None,
            )

    def undo(self, catalog: str, number: int, who: str = "a", **more: Any) -> run.Report:
        files = self.files(catalog, who)
        deeds = run.Journal(files.journal).run(number)
        with self.library() as library:
            return run.undo(deeds, self.place, library, files, catalog, sleep=lambda seconds: None, **more)

    # What a person does at Zotero.

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        url = f"{self.server.url}/users/{self.server.user}/{path}"
        named = {
            "Zotero-API-Key": self.server.key,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return requests.request(method, url, json=body, headers=named, timeout=10)

    def all(self, what: str) -> dict[str, dict[str, Any]]:
        """Every object by key, the trash too."""
        more = "&includeTrashed=1" if what == "items" else ""
        keys = self.call("GET", f"{what}?format=keys&sort=dateAdded{more}").text.split()
        out: dict[str, dict[str, Any]] = {key: {} for key in keys}
        for start in range(0, len(keys), 50):
            some = ",".join(keys[start : start + 50])
            page = self.call("GET", f"{what}?{what.removesuffix('s')}Key={some}&limit=50{more}").json()
            out |= {one["key"]: {**one["data"], "version": one["version"]} for one in page}
        return out

    def edit(self, what: str, key: str, **changes: Any) -> None:
        """A person's edit of one object."""
        answer = self.call("GET", f"{what}/{key}")
        assert answer.status_code == 200, answer.text
        version = answer.json()["version"]
        done = self.call("PATCH", f"{what}/{key}", changes, If_Unmodified_Since_Version=str(version))
        assert done.status_code == 204, done.text

    def add(self, what: str, *objects: Mapping[str, Any]) -> list[str]:
        """New objects of a person's, in batches; their keys."""
        keys = []
        for start in range(0, len(objects), 50):
            answer = self.call("POST", what, list(objects[start : start + 50])).json()
            assert not answer["failed"], answer["failed"]
            keys += [answer["success"][str(at)] for at in range(len(objects[start : start + 50]))]
        return keys

    def delete(self, what: str, key: str) -> None:
        """A person deletes something for good."""
        version = self.call("GET", f"{what}/{key}").json()["version"]
        done = self.call("DELETE", f"{what}/{key}", If_Unmodified_Since_Version=str(version))
        assert done.status_code == 204, done.text

    @property
    def version(self) -> int:
        return int(self.call("GET", "items?limit=1").headers["Last-Modified-Version"])

    def shown(self) -> dict[str, Any]:
        """What the library holds but for versions and times: to compare two moments."""
        out: dict[str, Any] = {}
        for what in ("collections", "items"):
            for key, data in self.all(what).items():
                kept = {
                    name: value for name, value in data.items() if name not in {"version", "dateAdded", "dateModified"}
                }
                if kept.get("collections"):
                    kept["collections"] = sorted(kept["collections"])
                out[f"{what}/{key}"] = {name: value for name, value in kept.items() if value not in ("", [], {}, False)}
        return out


@contextmanager
def world(
    folder: Path, middleware: Callable[[Any], Any] = lambda app: app, *, path: Path | None = None, **more: Any
) -> Iterator[World]:
    """A world whose library is in the file at `path`, or in memory."""
    with sandbox.serving(path, middleware=middleware) as server:
        yield World(server=server, folder=folder, **more)


def differences(there: World, wanted: Desired) -> list[str]:
    """In what the library is not exactly what a catalog wants, and nothing else; for a library that only refsync has written."""
    collections, items = there.all("collections"), there.all("items")
    out = []
    for shelf in wanted.shelves:
        data = collections.pop(client_key(wanted.catalog, "collection", shelf.id), None)
        parent = client_key(wanted.catalog, "collection", shelf.parent) if shelf.parent is not None else False
        if data is None or (data["name"], data["parentCollection"]) != (shelf.name, parent) or data.get("deleted"):
            out.append(f"collection {shelf.label}: {data}")
    for item in wanted.items:
        data = items.pop(client_key(wanted.catalog, "item", item.entry.key), None)
        if data is None or data.get("deleted"):
            out.append(f"item {item.entry.key} is missing")
            continue
        fields = {name: value for name, value in data.items() if isinstance(value, str) and value}
        fields = {
            name: value for name, value in fields.items() if name not in {"key", "dateAdded", "dateModified", "extra"}
        }
        if fields != dict(item.fields):
            out.append(f"item {item.entry.key}: {fields} is not {dict(item.fields)}")
        if creators_of(data["creators"]) != creators_of(item.creators) or plain(data["extra"]) != "\n".join(item.extra):
            out.append(f"item {item.entry.key}: creators or extra")
        shelves = {client_key(wanted.catalog, "collection", one) for one in item.shelves}
        if set(data["collections"]) != shelves or {one["tag"] for one in data["tags"]} != set(item.tags):
            out.append(f"item {item.entry.key}: collections or tags")
        for link in item.links:
            child = items.pop(client_key(wanted.catalog, "attachment", f"{item.entry.key} {link.label}"), None)
            if child is None or child["url"] != link.url or child["parentItem"] != data["key"]:
                out.append(f"link {item.entry.key} {link.label}: {child}")
    out += [f"collection {key} is not wanted: {data['name']}" for key, data in collections.items()]
    out += [f"item {key} is not wanted: {data.get('title')}" for key, data in items.items()]
    return out


def entry(key: str, title: str = "", topics: Sequence[str] = ("a",), **more: Any) -> Entry:
    """A work of a catalog: a conference paper unless said otherwise."""
    named: dict[str, Any] = {
        "kind": "conference-paper",
        "title": title or f"A Study of {key.title()} in Large Networks",
        "authors": (Person(family=key.title(), given="Ann"),),
        "authors_complete": True,
        "date": Date(year=2021),
        "venue": Venue(name="International Conference on Machine Learning", short="ICML", kind="conference"),
        "topics": tuple(topics),
    }
    return Entry(key=key, **{**named, **more})


def catalog(*entries: Entry, topics: Mapping[str, str] | None = None, id: str = "0123456789abcdef") -> Catalog:
    """A catalog with topics by id: {id: "Models > RNNs"}."""
    named = topics or {"a": "Models", "b": "Models > Small Ones", "c": "Data"}
    paths = tuple(Topic(id=one, path=tuple(path.split(" > "))) for one, path in named.items())
    return Catalog(id=id, title="A List", topics=paths, entries=entries)
