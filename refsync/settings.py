"""Knows refsync.yaml: what a person asks of a folder, every key optional; a small frozen value that is passed in."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from refsync import documents
from refsync.documents import Struct, field
from refsync.mapping import Tables
from refsync.model import Failure, Problem

FILE = "refsync.yaml"


class Pinned(Struct, forbid_unknown_fields=True, frozen=True):
    """A source on the web, with the revision it is pinned to."""

    url: str
    ref: str | None = None
    sha: str | None = None


class Keys(Struct, forbid_unknown_fields=True, frozen=True):
    """Where keys come from that papers already use."""

    from_: tuple[str, ...] = field(default=(), name="from")


class Zotero(Struct, forbid_unknown_fields=True, frozen=True):
    """What is wanted of the Zotero library."""

    library: str | None = None
    collection: str | None = None
    tags: bool | tuple[str, ...] = True
    links: bool | tuple[str, ...] = False
    state: str | None = None


class Settings(Struct, forbid_unknown_fields=True, frozen=True):
    """The settings of a folder."""

    title: str | None = None
    sources: tuple[str | Pinned, ...] = ()
    exports: tuple[str, ...] = ("references.bib", "references.json", "references.ris")
    key_pattern: str = "{author}{year}{titleword}"
    keys: Keys = Keys()
    cited: tuple[str, ...] = ()
    checks: dict[str, bool] = field(default_factory=dict)
    dialect: Literal["bibtex", "biblatex"] = "bibtex"
    ascii: bool = False
    venues: Literal["full", "short", "strings"] = "full"
    preprints: Literal["misc", "article", "unpublished"] = "misc"
    resolvers: tuple[str, ...] = ()
    mailto: str | None = None
    freeze: bool = False
    zotero: Zotero = Zotero()
    mappings: str | None = None

    def tables(self, folder: Path) -> Tables:
        """The tables that hold in `folder`: its own before those that are shipped."""
        return Tables(folder=folder / self.mappings if self.mappings else None)


def load(folder: Path) -> Settings:
    """The settings of a folder; the defaults where it has no refsync.yaml. Raises Failure when the file is wrong."""
    path = folder / FILE
    if not path.exists():
        return Settings()
    value = documents.parsed(documents.text_of(path, FILE), FILE)
    found = documents.checked({} if value is None else value, Settings, FILE)
    for name in (*found.sources, *found.exports, *found.cited, *found.keys.from_, found.mappings or ""):
        if isinstance(name, str) and "\0" in name:
            raise Failure(Problem(where=FILE, what=f"{name!r} is no name of a file.", hint="Mend it there."))
    seen: set[str] = set()
    for name in found.exports:
        if name.casefold() in seen:
            what = f"`exports` names {name!r} twice."
            raise Failure(Problem(where=FILE, what=what, hint="Remove one of them."))
        seen.add(name.casefold())
    shelf = found.zotero.collection
    if shelf is not None and not any(char.isprintable() and not char.isspace() for char in shelf):
        what = f"`zotero.collection`: {shelf!r} is no name of a collection."
        raise Failure(Problem(where=FILE, what=what, hint="Name one, or remove the line."))
    if found.mappings is not None and not (folder / found.mappings).is_dir():
        raise Failure(Problem(where=FILE, what=f"`mappings`: no folder {found.mappings!r}.", hint="Mend it there."))
    return found
