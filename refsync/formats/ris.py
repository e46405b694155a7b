"""Knows RIS: works as EndNote, Mendeley, Zotero and publishers exchange them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from refsync import identifiers, mapping
from refsync.formats import Export, Reading, address, line, page_range
from refsync.mapping import Pair, Tables
from refsync.model import Catalog, Date, Person, Problem

# Publishers' own files begin with such a line; readers pass over it.
MARKER = "Provider: refsync build"
_TAG = re.compile(r"[A-Z][A-Z0-9]")


def write(catalog: Catalog, tables: Tables) -> Export:
    """RIS records from TY to ER; every value on one line, so that none can begin a record of its own."""
    table = tables.table("ris")
    types = {kind: cells["ris"][0] for kind, cells in tables.kinds.items()}
    fields_of = mapping.writer(table, _pairs(catalog.paths))
    parts = [MARKER + "\n"]
    for entry in catalog.entries:
        lines = [f"\nTY  - {types.get(entry.kind, 'GEN')}\nID  - {line(entry.key)}\n"]
        fields = fields_of(entry)
        if entry.extra:
            written = {"TY", "ID", "ER", *dict(fields)}
            extra = sorted(entry.extra.items())
            fields += [(name, line(value)) for name, value in extra if _is_own(name) and name not in written]
        for tag, value in fields:
            lines += [f"{tag}  - {one}\n" for one in ((value,) if isinstance(value, str) else value)]
        lines.append("ER  - \n")
        parts.append("".join(lines))
    problem = mapping.unplaced(table, catalog.entries, _is_own)
    return Export(text="".join(parts), problems=(problem,) if problem else ())


def _is_own(name: str) -> bool:
    return _TAG.fullmatch(name) is not None


# ------------------------------------------------------------------------------------------------------------------
# Values


def _pairs(paths: Mapping[str, tuple[str, ...]]) -> dict[str, Pair]:
    def keywords(topics: tuple[str, ...], tags: tuple[str, ...]) -> list[str]:
        found = [" > ".join(paths[one]) if one in paths else one for one in topics]
        return [one for one in dict.fromkeys(map(line, (*found, *tags))) if one]

    return {
        "text": Pair(line, _unread),
        "names": Pair(_names, _unread),
        "publisher": Pair(_publisher, _unread),
        "repository": Pair(_repository, _unread),
        "date": Pair(_date, _unread),
        "day": Pair(_day, _unread),
        "page range": Pair(_pages, _unread),
        "doi": Pair(line, _unread),
        "preprint doi": Pair(_preprint_doi, _unread),
        "isbn": Pair(line, _unread),
        "issn": Pair(line, _unread),
        "addresses": Pair(_addresses, _unread),
        "keywords": Pair(keywords, _unread),
    }


def _unread(*values: Any) -> None:
    return None


def _names(people: tuple[Person, ...]) -> list[str]:
    return [name for one in people if (name := _name(one))]


def _name(one: Person) -> str:
    """A name as "Last, First, Suffix"; a group has no comma, or it would be taken for a person."""
    if one.literal is not None:
        return " ".join(line(one.literal).replace(",", " ").split())
    family = " ".join(line(part).replace(",", " ") for part in (one.particle, one.family) if part)
    return ", ".join(part for part in (family, line(one.given or ""), line(one.suffix or "")) if part)


def _publisher(publisher: str | None, name: str | None) -> str | None:
    stated = publisher or name
    return line(stated) if stated else None


def _repository(name: str | None, publisher: str | None, arxiv: str | None) -> str | None:
    stated = name or publisher or ("arXiv" if arxiv else None)
    return line(stated) if stated else None


def _date(date: Date | str) -> tuple[str, str | None]:
    """PY and DA. citation-js takes the PY of a conference paper for the event's year, so DA stands beside it."""
    if isinstance(date, str):
        return line(date), None
    return f"{date.year:04d}", _day(date)


def _day(date: Date | str) -> str:
    if isinstance(date, str):
        return line(date)
    month, day = (f"{part:02d}" if part else "" for part in (date.month, date.day))
    return f"{date.year:04d}/{month}/{day}/"


def _pages(pages: str) -> tuple[str, str | None]:
    found = page_range(line(pages))
    return found or (line(pages), None)


def _preprint_doi(doi: str | None, arxiv: str | None) -> str | None:
    return line(doi) if doi else f"10.48550/arXiv.{line(arxiv)}" if arxiv else None


def _addresses(paper: str | None, page: str | None, arxiv: str | None, ids: Mapping[str, str]) -> list[str]:
    """The work's address, and that of its preprint: no tag of its own holds an arXiv id."""
    found = [line(one) for one in (address(paper, page, ids), identifiers.link("arxiv", arxiv) if arxiv else None) if one]
    if arxiv and len(found) == 2 and identifiers.of_url(found[0]) == ("arxiv", arxiv):
        del found[1]
    return list(dict.fromkeys(found))


def read(text: str, where: str, tables: Tables) -> Reading:
    """The works of a RIS file."""
    return Reading(entries=(), problems=(Problem(where=where, what="not read yet."),))
