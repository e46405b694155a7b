"""Knows corrections.yaml: what a person knows better than the list, by key or by title."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from refsync import documents, keys, merging, names, titles
from refsync.formats import catalog
from refsync.model import Entry, Failure, Problem, Said
from refsync.venues import Venues

FILE = "corrections.yaml"


class Fix(documents.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """What is corrected of one entry: any field of an entry, a new key, and whether to hide or keep it."""

    key: str | None = None
    hide: bool = False
    keep: bool = False
    kind: str | None = None
    title: str | None = None
    aka: str | tuple[str, ...] | None = None
    authors: tuple[str | catalog.PersonFile, ...] | None = None
    authors_complete: bool | None = None
    editors: tuple[str | catalog.PersonFile, ...] | None = None
    date: str | int | None = None
    venue: str | catalog.VenueFile | None = None
    volume: str | int | None = None
    number: str | int | None = None
    pages: str | int | None = None
    edition: str | int | None = None
    genre: str | None = None
    version: str | int | float | None = None
    accessed: str | int | None = None
    abstract: str | None = None
    language: str | None = None
    ids: dict[str, str] | None = None
    links: dict[str, str] | None = None
    tags: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    has_code: bool | None = None
    rating: str | None = None
    comment: str | None = None
    note: str | None = None
    extra: dict[str, str] | None = None


class _File(documents.Struct, forbid_unknown_fields=True, frozen=True):
    same: tuple[tuple[str, ...], ...] = ()
    different: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Corrections:
    """All corrections of a folder: by key or title, and which entries are one work and which are not."""

    fixes: Mapping[str, Fix] = field(default_factory=dict)
    same: tuple[tuple[str, ...], ...] = ()
    different: tuple[tuple[str, ...], ...] = ()

    def granted(self) -> frozenset[str]:
        """The titles (in comparison form) and identifiers ("doi:10.1/x") that a person gave works."""
        given = {titles.comparison(fix.title) for fix in self.fixes.values() if fix.title}
        return frozenset(
            given | {f"{one}:{value}" for fix in self.fixes.values() for one, value in (fix.ids or {}).items()}
        )


def load(folder: Path, kinds: Collection[str] = ()) -> Corrections:
    """The corrections of a folder, none where it has no corrections.yaml. Raises Failure when the file is wrong."""
    path = folder / FILE
    if not path.exists():
        return Corrections()
    value = documents.parsed(documents.text_of(path, FILE), FILE)
    if value is None:
        return Corrections()
    if not isinstance(value, dict):
        what = "holds no mapping of keys or titles to what is corrected."
        raise Failure(Problem(where=FILE, what=what, hint='Write lines such as "some-key: {date: 2021}".'))
    pairs = {name: value[name] for name in ("same", "different") if name in value and isinstance(value[name], list)}
    file = documents.checked(pairs, _File, FILE)
    fixes: dict[str, Fix] = {}
    for name, fix in value.items():
        if name in pairs:
            continue
        where = f"{FILE}: {name!r}"
        fixes[str(name)] = documents.checked({} if fix is None else fix, Fix, where)
        if (kind := fixes[str(name)].kind) is not None and kinds and kind not in kinds:
            near = get_close_matches(kind, kinds, n=1)
            hint = f"Did you mean `{near[0]}`?" if near else f"Use one of {', '.join(sorted(kinds))}."
            raise Failure(Problem(where=where, what=f"{kind!r} is no kind of work.", hint=hint))
        if (new := fixes[str(name)].key) is not None and not keys.is_usable(new):
            raise Failure(Problem(where=where, what=f"{new!r} cannot be a citation key.", hint=keys.GRAMMAR))
    return Corrections(fixes=fixes, same=file.same, different=file.different)


def named(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The entries by every name a correction may use: key, alias, title in comparison form."""
    found: dict[str, Entry] = {}
    for entry in entries:
        for title in (entry.title, *entry.aka):
            if form := titles.comparison(title):
                found.setdefault("\0" + form, entry)
    for entry in entries:
        for key in (*entry.aliases, entry.key):
            if key:
                found[key.casefold()] = entry
    return found


def look_up(name: str, by_name: Mapping[str, Entry]) -> Entry | None:
    """The entry that a name of corrections.yaml means: a key, an alias or a title."""
    return by_name.get(name.casefold()) or by_name.get("\0" + titles.comparison(name))


def unmatched(name: str, by_name: Mapping[str, Entry], retired: Iterable[str]) -> Problem:
    """The Problem that a correction is which matches nothing, with the nearest name."""
    if name in set(retired):
        hint = "That work has left the list; remove the correction, or add `keep: true`."
    else:
        near = get_close_matches(name.casefold(), [one for one in by_name if not one.startswith("\0")], n=1)
        hint = f"Did you mean `{near[0]}`?" if near else "Use a key of catalog.yaml or the title of an entry."
    return Problem(where=FILE, what=f"{name!r} matches no entry.", hint=hint, check="correction")


def applied(entry: Entry, fix: Fix, table: Venues, today: str | None = None) -> Entry:
    """The entry with what a person knows better; every field changed remembers that a person said it."""
    changed: dict[str, Any] = {}
    for name in (
        "kind",
        "title",
        "authors_complete",
        "has_code",
        "genre",
        "abstract",
        "language",
        "rating",
        "comment",
        "note",
    ):
        if (value := getattr(fix, name)) is not None:
            changed[name] = value
    for name in ("volume", "number", "pages", "edition", "version"):
        if (value := getattr(fix, name)) is not None:
            changed[name] = str(value)
    for name in ("authors", "editors"):
        if (people := getattr(fix, name)) is not None:
            changed[name] = tuple(
                names.person(one) if isinstance(one, str) else catalog.person_of(one) for one in people
            )
    for name in ("date", "accessed"):
        if (value := getattr(fix, name)) is not None:
            changed[name] = catalog.date_of(value)
    if fix.authors is not None:
        changed.setdefault("authors_complete", True)
    if fix.venue is not None:
        short = table.short(fix.venue) or fix.venue if isinstance(fix.venue, str) else None
        changed["venue"] = table.venue(short) if short is not None else catalog.venue_of(fix.venue)  # type: ignore[arg-type]
        if fix.kind is None and entry.kind in {*merging._KINDS.values(), "document"}:
            changed["kind"] = merging.kind_of("paper", changed["venue"])
    if fix.aka is not None:
        changed["aka"] = (fix.aka,) if isinstance(fix.aka, str) else fix.aka
    for name in ("tags", "groups"):
        if (value := getattr(fix, name)) is not None:
            changed[name] = value
    for name in ("ids", "links", "extra"):
        if (value := getattr(fix, name)) is not None:
            changed[name] = {**getattr(entry, name), **value}
    if "title" in changed and changed["title"] != entry.title:
        # The list's own title is kept, so that the entry is known again by it.
        changed["aka"] = tuple(dict.fromkeys((*changed.get("aka", entry.aka), entry.title)))
    named = [name for name in changed if name not in {"aka", "ids"}] + [f"ids.{scheme}" for scheme in fix.ids or {}]
    said = {**entry.said, **{name: Said(by=merging.CORRECTIONS) for name in named}}
    return replace(entry, **changed, said=said)
