"""Knows the decoded copies of catalogs: a large catalog.yaml takes seconds to read and to write, and is seldom new.

A copy lies in the cache under the SHA-256 of the text that it was decoded from, or that was written for it. Only of what
refsync itself wrote are the lines of an entry taken over: what a person typed is read, and written anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from refsync import __version__, collecting, documents, folders
from refsync.formats import catalog as catalog_file
from refsync.formats.catalog import CatalogFile
from refsync.model import Catalog, Entry, Failure, Problem

_SMALL = 1 << 16  # characters: a smaller catalog is read in a tenth of a second
_MOST = 32  # copies


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """A catalog that was read, what is wrong with its text, and its entries with their lines, where refsync wrote these."""

    catalog: Catalog
    problems: tuple[Problem, ...] = ()
    lines: Mapping[str, tuple[Entry, str]] = field(default_factory=dict)


def folder() -> Path | None:
    """Where the copies lie; None where nothing can be kept."""
    with suppress(Failure):
        return folders.cache_folder() / "catalogs"
    return None


def read(text: str, where: str, copies: Path | None) -> Decoded:
    """The catalog in YAML text. Raises Failure when the text is none."""
    with collecting.paused():
        if copies is None or len(text) < _SMALL:
            catalog, problems = catalog_file.read(text, where)
            return Decoded(catalog=catalog, problems=problems)
        if (catalog_or_none := _copy(copies / _name(text), where)) is not None:
            return Decoded(catalog=catalog_or_none, lines=_lines(catalog_or_none, text))
        catalog, problems = catalog_file.read(text, where)
        return Decoded(catalog=catalog, problems=problems)


def written(catalog: Catalog, last: Decoded | None) -> str:
    """The text of catalog.yaml, with the lines of the last one for entries that are the same."""
    with collecting.paused():
        return catalog_file.write(catalog, last.lines if last else {})


def keep(text: str, catalog: Catalog, copies: Path | None) -> None:
    """Lays a copy of a catalog under the text that was written for it. Where none can be kept, none is."""
    if copies is None or len(text) < _SMALL:
        return
    place = copies / _name(text)
    with suppress(OSError):
        if place.exists():
            return
        copies.mkdir(parents=True, exist_ok=True)
        draft = place.with_suffix(".tmp")
        draft.write_bytes(documents.packed(catalog_file.value_of(catalog)))
        draft.replace(place)
        for old in sorted(copies.glob("*.msgpack"), key=lambda one: one.stat().st_mtime)[:-_MOST]:
            old.unlink()


def _name(text: str) -> str:
    """What a copy is called: by the text, and by the refsync that made it."""
    return (
        hashlib.sha256(f"{__version__} {catalog_file.ENTRY_ORDER}\n{text}".encode("utf-8", "replace")).hexdigest()
        + ".msgpack"
    )


def _copy(place: Path, where: str) -> Catalog | None:
    try:
        return catalog_file.of_file(documents.unpacked(place.read_bytes(), CatalogFile), where)
    except (OSError, documents.Damaged, Failure):
        return None


def _lines(catalog: Catalog, text: str) -> Mapping[str, tuple[Entry, str]]:
    """Each entry by its key, with the lines that it is in the text."""
    blocks = catalog_file.blocks(text)
    if len(blocks) != len(catalog.entries) or "".join(blocks) not in text:
        return {}
    return {entry.key: (entry, block) for entry, block in zip(catalog.entries, blocks, strict=True)}
