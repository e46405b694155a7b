"""Knows catalog.yaml and catalog.jsonl: the normalized catalog as text, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from refsync import documents, making
from refsync.documents import Struct
from refsync.formats.dates import dated
from refsync.model import Catalog, Date, Entry, Failure, Origin, Person, Problem, Retired, Said, Topic, Venue
from refsync.recurring import Kept

MARKER = "# Written by refsync build: edit the list or corrections.yaml, not this file."
VERSION = 1


class PersonFile(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """A Person as it is written."""

    family: str | None = None
    given: str | None = None
    particle: str | None = None
    suffix: str | None = None
    literal: str | None = None


class VenueFile(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """A Venue as it is written."""

    name: str
    short: str | None = None
    kind: str | None = None
    series: str | None = None
    publisher: str | None = None
    place: str | None = None


class SaidFile(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """A Said as it is written."""

    by: str
    on: str | None = None
    via: str | None = None


class OriginFile(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """An Origin as it is written (.jsonl only)."""

    file: str
    line: int


class TopicFile(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """A Topic as it is written."""

    id: str
    path: tuple[str, ...]


class RetiredFile(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """A Retired as it is written."""

    title: str
    ids: dict[str, str] = {}
    aka: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class EntryFile(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """An Entry as it is written."""

    key: str
    title: str = ""
    aliases: tuple[str, ...] = ()
    kind: str = "document"
    aka: tuple[str, ...] = ()
    authors: tuple[PersonFile, ...] = ()
    authors_complete: bool | None = None
    editors: tuple[PersonFile, ...] = ()
    date: str | int | None = None
    venue: VenueFile | None = None
    volume: str | None = None
    number: str | None = None
    pages: str | None = None
    edition: str | None = None
    genre: str | None = None
    version: str | None = None
    accessed: str | int | None = None
    abstract: str | None = None
    language: str | None = None
    ids: dict[str, str] = {}
    links: dict[str, str] = {}
    topics: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    has_code: bool = False
    rating: str | None = None
    comment: str | None = None
    note: str | None = None
    extra: dict[str, str] = {}
    said: dict[str, SaidFile] = {}
    origin: tuple[OriginFile, ...] = ()


class CatalogFile(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """A Catalog as it is written."""

    refsync: int
    id: str
    title: str = ""
    topics: tuple[TopicFile, ...] = ()
    entries: tuple[EntryFile, ...] = ()
    retired: dict[str, RetiredFile] = {}


def date_of(value: str | int) -> Date | str:
    """ "2021", "2021-07" or "2021-07-18" as a Date; what is no such date stays text."""
    found = re.fullmatch(r"(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?", str(value).strip())
    if not found:
        return str(value)
    year, month, day = (int(part) if part else None for part in found.groups())
    return dated(year or 0, month, day) or str(value)


def date_text(date: Date | str) -> str:
    """A Date as ISO 8601, as far as it is known."""
    if isinstance(date, str):
        return date
    parts = [f"{date.year:04d}", *(f"{part:02d}" for part in (date.month, date.day) if part)]
    return "-".join(parts)


def person_of(one: PersonFile) -> Person:
    """The Person that was written."""
    return Person(family=one.family, given=one.given, particle=one.particle, suffix=one.suffix, literal=one.literal)


def venue_of(one: VenueFile) -> Venue:
    """The Venue that was written."""
    return Venue(
        name=one.name, short=one.short, kind=one.kind, series=one.series, publisher=one.publisher, place=one.place
    )


# ---------------------------------------------------------------------------------------------------------------
# Reading


def read(text: str, where: str) -> tuple[Catalog, tuple[Problem, ...]]:
    """The catalog in YAML text. Conflict markers of a merge are read, both sides, and merged by key.

    Raises Failure with file, line or path when the text is no catalog.
    """
    if "<<<<<<< " not in text and "\n>>>>>>> " not in text:
        return _of_value(documents.parsed(text, where), where), ()
    from refsync.formats import catalogmerge

    ours, theirs = catalogmerge.sides(text, where)
    first = _of_value(documents.parsed(ours, where), where)
    second = _of_value(documents.parsed(theirs, where), where)
    return catalogmerge.joined(first, second, where)


def read_lines(text: str, where: str) -> Catalog:
    """The catalog in JSON Lines: the mapping without entries, then one entry a line."""
    lines = [line for line in text.split("\n") if line.strip()]
    try:
        head, entries = json.loads(lines[0]), tuple(map(documents.json_reader(EntryFile), lines[1:]))
    except (ValueError, RecursionError, IndexError):
        return _of_value(_value_of(text, where), where)  # which tells what is wrong, and where
    return _of_file(_checked({**head, "entries": []} if isinstance(head, dict) else head, where), entries, where)


def head_of(line: str | bytes, where: str) -> Catalog:
    """The catalog that the first line of JSON Lines is, without its entries. Raises Failure when it is none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise _no_catalog(where) from None
    return _of_file(_checked(value, where), (), where)


def _value_of(text: str, where: str) -> Any:
    values: list[Any] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                values.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                what = f"not valid JSON: {error if isinstance(error, ValueError) else 'nested too deeply'}."
                raise Failure(Problem(where=f"{where}:{number}", what=what, hint="Mend or remove the line.")) from None
    if not values or not isinstance(values[0], dict):
        raise _no_catalog(where)
    return {**values[0], "entries": values[1:]}


def _no_catalog(where: str) -> Failure:
    what = "is no catalog: `refsync: 1` is missing."
    return Failure(Problem(where=where, what=what, hint="Restore it from version control, or delete it to begin anew."))


def _of_value(value: Any, where: str) -> Catalog:
    return of_file(_checked(value, where), where)


def of_file(file: CatalogFile, where: str) -> Catalog:
    """The Catalog that was written. Raises Failure when its keys clash."""
    return _of_file(file, file.entries, where)


def _checked(value: Any, where: str) -> CatalogFile:
    if not isinstance(value, dict) or "refsync" not in value:
        raise _no_catalog(where)
    file = documents.checked(value, CatalogFile, where)
    if file.refsync != VERSION:
        what = f"is a catalog of version {file.refsync}; this refsync reads version {VERSION}."
        raise Failure(Problem(where=where, what=what, hint="Install the refsync that wrote it, or a newer one."))
    return file


def _of_file(file: CatalogFile, entries: tuple[EntryFile, ...], where: str) -> Catalog:
    check_keys(((one.key, one.aliases) for one in entries), file.retired, where)
    return Catalog(
        id=file.id,
        title=file.title,
        topics=tuple(Topic(id=one.id, path=one.path) for one in file.topics),
        entries=tuple(map(entry_reader(), entries)),
        retired={
            key: Retired(title=one.title, ids=one.ids, aka=one.aka, aliases=one.aliases)
            for key, one in file.retired.items()
        },
    )


def check_keys(entries: Iterable[tuple[str, tuple[str, ...]]], retired: Iterable[str], where: str) -> None:
    """Raises Failure when a key or an alias of the entries is empty, stands for two of them, or is retired."""
    seen: set[str] = set()
    for one, aliases in entries:
        for key in (one, *aliases) if aliases else (one,):
            folded = key.casefold()
            if not key or folded in seen:
                what = f"the key {key!r} stands for two entries." if key else "an entry has an empty key."
                raise Failure(Problem(where=where, what=what, hint="Rename one of them."))
            seen.add(folded)
    for key in retired:
        if key.casefold() in seen:
            what = f"the key {key!r} is retired and stands for an entry."
            raise Failure(Problem(where=where, what=what, hint="Remove it from `retired`."))


def entry_reader() -> Callable[[EntryFile], Entry]:
    """What makes entries of what is written; people, venues and dates that are alike are one value then."""
    people, places, dates_of = Kept(person_of), Kept(venue_of), Kept(date_of)
    person = people.__getitem__

    def entry(one: EntryFile) -> Entry:
        return making.entry(
            key=one.key,
            aliases=one.aliases,
            kind=one.kind,
            title=one.title,
            aka=one.aka,
            authors=tuple(map(person, one.authors)),
            authors_complete=one.authors_complete,
            editors=tuple(map(person, one.editors)) if one.editors else (),
            date=None if one.date is None else dates_of[one.date],
            venue=None if one.venue is None else places[one.venue],
            volume=one.volume,
            number=one.number,
            pages=one.pages,
            edition=one.edition,
            genre=one.genre,
            version=one.version,
            accessed=None if one.accessed is None else date_of(one.accessed),
            abstract=one.abstract,
            language=one.language,
            ids=one.ids,
            links=one.links,
            topics=one.topics,
            tags=one.tags,
            groups=one.groups,
            has_code=one.has_code,
            rating=one.rating,
            comment=one.comment,
            note=one.note,
            extra=one.extra,
            said={name: Said(by=by.by, on=by.on, via=by.via) for name, by in one.said.items()} if one.said else {},
            origin=tuple(Origin(file=at.file, line=at.line) for at in one.origin),
        )

    return entry


# ---------------------------------------------------------------------------------------------------------------
# Writing


def head(catalog: Catalog) -> dict[str, Any]:
    """The mapping of a catalog without its entries."""
    out: dict[str, Any] = {"refsync": VERSION, "id": catalog.id, "title": catalog.title}
    out["topics"] = [documents.Flow(id=one.id, path=documents.FlowList(one.path)) for one in catalog.topics]
    return out


def entry_value(entry: Entry, *, origin: bool) -> dict[str, Any]:
    """One entry as it is written: fields in the order of the contract, empty ones left out."""
    out: dict[str, Any] = {"key": entry.key}
    for name in ENTRY_ORDER:
        value = getattr(entry, name)
        if name == "origin" and not origin:
            continue
        empty = value in (None, "", (), False) or (isinstance(value, Mapping) and not value)
        if empty and (name != "authors_complete" or value is None):
            continue
        out[name] = _plain(name, value)
    return out


ENTRY_ORDER = (
    "aliases", "kind", "title", "aka", "authors", "authors_complete", "editors", "date", "venue", "volume", "number",
    "pages", "edition", "genre", "version", "accessed", "abstract", "language", "ids", "links", "topics", "tags",
    "groups", "has_code", "rating", "comment", "note", "extra", "said", "origin",
)  # fmt: skip
_PARTS = ("family", "given", "particle", "suffix", "literal")
_VENUE = ("name", "short", "kind", "series", "publisher", "place")


def _plain(name: str, value: Any) -> Any:
    if name in {"date", "accessed"}:
        text = date_text(value)
        return int(text) if re.fullmatch(r"[1-9]\d{3}", text) else text
    if name in {"authors", "editors"}:
        return [_given(one, _PARTS) for one in value]
    if name == "venue":
        return _given(value, _VENUE)
    if name == "said":
        return {field: _given(by, ("by", "on", "via")) for field, by in sorted(value.items())}
    if name == "origin":
        return [_given(one, ("file", "line")) for one in value]
    if isinstance(value, Mapping):
        return dict(value) if name in {"links", "extra"} else documents.Flow(value)
    if isinstance(value, tuple):
        return list(value) if name == "topics" else documents.FlowList(value)
    return value


def _given(value: Any, names: Iterable[str]) -> documents.Flow:
    return documents.Flow((name, part) for name in names if (part := getattr(value, name)) is not None)


def value_of(catalog: Catalog) -> dict[str, Any]:
    """A catalog as it is written to catalog.yaml."""
    value = head(catalog)
    value["entries"] = [entry_value(entry, origin=False) for entry in catalog.entries]
    if catalog.retired:
        value["retired"] = _retired_of(catalog)
    return value


def _retired_of(catalog: Catalog) -> dict[str, Any]:
    return {key: _retired(one) for key, one in sorted(catalog.retired.items())}


def write(catalog: Catalog, known: Mapping[str, tuple[Entry, str]] | None = None) -> str:
    """catalog.yaml: one field a line, no lines or times that move, LF.

    `known` are entries by key with the lines that they are, as `blocks` has them: these are not made anew.
    """
    if not catalog.entries or not known:
        return f"{MARKER}\n{documents.written(value_of(catalog))}"
    fresh = iter(blocks(_listed([one for one in catalog.entries if not _is_known(one, known)])))
    lines = [known[one.key][1] if _is_known(one, known) else next(fresh) for one in catalog.entries]
    retired = documents.written({"retired": _retired_of(catalog)}) if catalog.retired else ""
    return f"{MARKER}\n{documents.written(head(catalog))}entries:\n{''.join(lines)}{retired}"


def _is_known(entry: Entry, known: Mapping[str, tuple[Entry, str]]) -> bool:
    return entry.key in known and replace(known[entry.key][0], origin=entry.origin) == entry


def _listed(entries: list[Entry]) -> str:
    return documents.written({"entries": [entry_value(one, origin=False) for one in entries]}) if entries else ""


_BLOCK = re.compile(r"^- key: .*\n(?:  .*\n|\n)*", re.MULTILINE)


def blocks(text: str) -> list[str]:
    """The lines of each entry in the text of a catalog.yaml that `write` made."""
    return _BLOCK.findall(text, max(text.find("\nentries:\n"), 0))


def write_lines(catalog: Catalog) -> str:
    """catalog.jsonl: the mapping without entries, then one entry a line, with its origin."""
    first = head(catalog)
    if catalog.retired:
        first["retired"] = _retired_of(catalog)
    return "".join([_line(first), *map(line_of, catalog.entries)])


def line_of(entry: Entry) -> str:
    """The line of catalog.jsonl that an entry is."""
    return _line(entry_value(entry, origin=True))


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": ")) + "\n"


def _retired(one: Retired) -> documents.Flow:
    out = documents.Flow(title=one.title)
    if one.ids:
        out["ids"] = documents.Flow(one.ids)
    if one.aka:
        out["aka"] = documents.FlowList(one.aka)
    if one.aliases:
        out["aliases"] = documents.FlowList(one.aliases)
    return out


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a catalog."""
    out: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "refsync catalog"}
    return {**out, **documents.schema(CatalogFile)}
