"""Knows how the fields and creators of an item are those of an entry, in either direction: mappings/zotero.yaml, run both ways."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from refsync import identifiers, mapping, names
from refsync.dates import date_of
from refsync.mapping import Pair, Tables
from refsync.model import Date, Entry, Person
from refsync.references import address, doi_of, identified, line, page_range
from refsync.sync.itemtypes import ItemType, item_types
from refsync.sync.seen import Data, plain

# The server's limit of a name (zotero/dataserver 5cf550f3), in characters.
LONGEST_NAME = 255

Creator = Mapping[str, str]
Reader = Callable[[Data, str | None], dict[str, Any]]


# ---------------------------------------------------------------------------------------------------------------
# Fields


def writer(tables: Tables) -> Callable[[Entry], list[tuple[str, Any]]]:
    """A function from an entry to the fields of its item that are not empty, Extra among them."""
    return mapping.writer(tables.table("zotero"), _PAIRS)


def reader(tables: Tables) -> Reader:
    """A function from the fields of an item, and the kind of work that it is (None: as its type tells), to what they say
    of an entry, by the names of its fields. Creators and tags are not among them; what no row knows is left out."""
    read = mapping.reader(tables.table("zotero"), _PAIRS)

    def found(data: Data, kind: str | None = None) -> dict[str, Any]:
        kind = kind or tables.kind_of("zotero", str(data.get("itemType"))) or "document"
        fields = {name: plain(value) for name, value in data.items() if isinstance(value, str) and plain(value)}
        out = read(kind, fields)[0]
        ids = identified(out.get("ids", {}), {})
        return {**out, "ids": ids} if ids else {name: value for name, value in out.items() if name != "ids"}

    return found


def means_same(name: str, one: Any, other: Any) -> bool:
    """Whether two values of a field say the same in other words: "12 June 2017" and 2017-06-12, "1--9" and 1-9."""
    if not (isinstance(one, str) and isinstance(other, str)):
        return False
    as_written = _MEANINGS.get(name, line)
    return as_written(one) == as_written(other)


def _paragraphs(text: str) -> str:
    return "\n\n".join(one for one in map(line, re.split(r"\n\s*\n", text)) if one)


def _date(value: Date | str) -> str:
    if isinstance(value, str):
        return line(value)
    parts = [value.year, value.month, value.day]
    known = parts[: parts.index(None)] if None in parts else parts
    return "-".join(f"{part:02}" for part in known)


def _pages(text: str) -> str:
    found = page_range(line(text))
    return f"{found[0]}-{found[1]}" if found else line(text)


def _first(*values: str | None) -> str | None:
    return next((line(one) for one in values if one), None)


def _address(paper: str | None, page: str | None, ids: Mapping[str, str]) -> str | None:
    return line(address(paper, page, ids) or "") or None


def _read_repository(text: str) -> tuple[str | None, None]:
    """The name of a preprint's repository: "arXiv" is written where nothing but the number is known."""
    return (None if line(text).casefold() == "arxiv" else line(text)), None


def _read_number(text: str) -> str | None:
    """The arXiv id of "arXiv:2101.00001", None for the number of another archive."""
    found = identifiers.arxiv_texts(line(text)) if line(text).casefold().startswith("arxiv") else ()
    return found[0][1] if found else None


def _read_line(text: str) -> str | None:
    """The arXiv id of the line of Extra that names one."""
    return next((found for one in text.split("\n") if (found := _read_number(one))), None)


def _written_date(text: str) -> str:
    return _date(date_of(text) or "")


_PAIRS = {
    "text": Pair(line, line),
    "paragraphs": Pair(_paragraphs, _paragraphs),
    "date": Pair(_date, date_of),
    "page range": Pair(_pages, _pages),
    "first": Pair(_first, lambda text: (line(text), None)),
    "repository": Pair(lambda venue, arxiv: _first(venue, "arXiv" if arxiv else None), _read_repository),
    "arxiv number": Pair(lambda value: f"arXiv:{line(value)}", _read_number),
    "arxiv line": Pair(lambda value: f"arXiv: {line(value)}", _read_line),
    "doi": Pair(line, doi_of),
    "address": Pair(_address, lambda url: (line(url), None, None)),
}
_MEANINGS: Mapping[str, Callable[[str], str]] = {
    "abstractNote": _paragraphs,
    "pages": _pages,
    "date": _written_date,
    "issueDate": _written_date,
    "DOI": lambda text: doi_of(text) or line(text),
}


# ---------------------------------------------------------------------------------------------------------------
# Creators


def creators(entry: Entry, kind: ItemType) -> Iterable[Creator]:
    """The creators of an item of this type: authors under the type's own name for them, then editors."""
    if not kind.creators:
        return
    for person in entry.authors:
        yield creator(person, kind.creators[0])
    role = _editors(kind)
    for person in entry.editors if role in kind.creators else ():
        yield creator(person, role)


def creator(person: Person, role: str) -> Creator:
    """A person as a creator."""
    if person.literal:
        return {"creatorType": role, "name": line(person.literal)[:LONGEST_NAME]}
    family = line(" ".join(part for part in (person.particle, person.family) if part))
    given = line(", ".join(part for part in (person.given, person.suffix) if part))
    if not given:
        return {"creatorType": role, "name": family[:LONGEST_NAME]}
    return {"creatorType": role, "firstName": given[:LONGEST_NAME], "lastName": family[:LONGEST_NAME]}


def people(data: Data, known: Iterable[Person] = ()) -> tuple[tuple[Person, ...], tuple[Person, ...]]:
    """(authors, editors) of an item. One who is written as one of `known` is that person: an item holds less of a name."""
    kind = item_types().types.get(str(data.get("itemType")), item_types().types["document"])
    by_name = {_name(creator(one, "author")): one for one in known}
    out: dict[str, list[Person]] = {kind.creators[0] if kind.creators else "author": [], _editors(kind): []}
    for one in data.get("creators") or ():
        if (role := one.get("creatorType", "author")) in out and any(_name(one)):
            out[role].append(by_name.get(_name(one)) or _person(one))
    authors, editors = out.values()
    return tuple(authors), tuple(editors)


def _editors(kind: ItemType) -> str:
    return "editor" if "editor" in kind.creators else "contributor"


def _name(one: Creator) -> tuple[str, str]:
    """Family and given name as they are compared; a name in one field has no second."""
    last, first = plain(one.get("lastName")), plain(one.get("firstName"))
    return (plain(one.get("name")) or last, first)


def _person(one: Creator) -> Person:
    last, first = _name(one)
    if not first:
        return Person(literal=last) if " " in last else Person(family=last)
    whole = names.person(f"{last}, {first}") if "," not in last else Person(family=last, given=first)
    return whole if _name(creator(whole, "author")) == (last, first) else Person(family=last, given=first)


def named(persons: Sequence[Person]) -> list[Any]:
    """People as corrections.yaml has them: as text where that gives the person back, else by the parts of the name."""
    out: list[Any] = []
    for one in persons:
        texts = [] if one.literal is not None else [names.natural(one), names.inverted(one)]
        parts = {name: getattr(one, name) for name in ("family", "given", "particle", "suffix", "literal")}
        as_parts = {name: value for name, value in parts.items() if value}
        out.append(next((text for text in texts if names.person(text) == one), as_parts))
    return out
