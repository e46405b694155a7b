"""Knows CSL-JSON: works as citation processors (citeproc, pandoc, Zotero) take them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from refsync import mapping
from refsync.formats import Export, Reading, address, line, page_range
from refsync.mapping import Pair, Tables
from refsync.model import Catalog, Date, Person, Problem

# JSON has no comments: `custom` is CSL's own place for what is not CSL.
_OPENING = '{"custom": {"written-by": "refsync build"},\n'
_encoded = json.JSONEncoder(ensure_ascii=False).encode


def write(catalog: Catalog, tables: Tables) -> Export:
    """A CSL-JSON array, one variable a line, so that another entry only adds lines."""
    table = tables.table("csl")
    types = {kind: cells["csl"][0] for kind, cells in tables.kinds.items()}
    fields_of = mapping.writer(table, _pairs(catalog.paths))
    items = []
    for entry in catalog.entries:
        key = line(entry.key)
        fields = [("id", key), ("citation-key", key), ("type", types.get(entry.kind, "document")), *fields_of(entry)]
        if entry.extra:
            written = dict(fields)
            extra = sorted(entry.extra.items())
            fields += [(name, _own(value)) for name, value in extra if name in table.own and name not in written]
        lines = [f'  "{name}": {_encoded(value)}' for name, value in fields]
        items.append(_OPENING + ",\n".join(lines))
    problem = mapping.unplaced(table, catalog.entries, table.own.__contains__)
    text = "[" + "\n}, ".join(items) + "\n}]\n" if items else "[]\n"
    return Export(text=text, problems=(problem,) if problem else ())


def _own(value: str) -> Any:
    """A variable kept in `extra`; names and dates are kept there as JSON."""
    if value[:1] in {"[", "{"}:
        try:
            return json.loads(value)
        except ValueError:
            pass
    return line(value)


# ------------------------------------------------------------------------------------------------------------------
# Values


def _pairs(paths: Mapping[str, tuple[str, ...]]) -> dict[str, Pair]:
    def keywords(topics: tuple[str, ...], tags: tuple[str, ...]) -> str | None:
        found = [" > ".join(paths[one]) if one in paths else one for one in topics]
        return ", ".join(dict.fromkeys(line(one).replace(",", ";") for one in (*found, *tags))) or None

    return {
        "text": Pair(line, _unread),
        "paragraphs": Pair(_paragraphs, _unread),
        "names": Pair(_names, _unread),
        "publisher": Pair(_publisher, _unread),
        "repository": Pair(_repository, _unread),
        "date": Pair(_date, _unread),
        "page range": Pair(_pages, _unread),
        "doi": Pair(line, _unread),
        "arxiv": Pair(_arxiv, _unread),
        "arxiv number": Pair(_arxiv_number, _unread),
        "address": Pair(address, _unread),
        "keywords": Pair(keywords, _unread),
    }


def _unread(*values: Any) -> None:
    return None


def _paragraphs(text: str) -> str:
    return "\n".join(map(line, text.splitlines())).strip()


def _names(people: tuple[Person, ...]) -> list[dict[str, str]]:
    return [name for one in people if (name := _name(one))]


def _name(one: Person) -> dict[str, str]:
    if one.literal is not None:
        return {"literal": line(one.literal)}
    parts = {
        "family": one.family,
        "given": one.given,
        "non-dropping-particle": one.particle,
        "suffix": one.suffix,
    }
    return {name: line(part) for name, part in parts.items() if part}


def _publisher(publisher: str | None, name: str | None) -> str | None:
    stated = publisher or name
    return line(stated) if stated else None


def _repository(name: str | None, publisher: str | None, arxiv: str | None) -> str | None:
    stated = name or publisher or ("arXiv" if arxiv else None)
    return line(stated) if stated else None


def _date(date: Date | str) -> dict[str, Any]:
    if isinstance(date, str):
        return {"literal": line(date)}
    parts = [date.year, date.month, date.day]
    return {"date-parts": [parts[: parts.index(None)] if None in parts else parts]}


def _pages(pages: str) -> str:
    found = page_range(line(pages))
    return f"{found[0]}-{found[1]}" if found else line(pages)


def _arxiv(value: str) -> tuple[str, str]:
    return "arXiv", line(value)


def _arxiv_number(value: str) -> str:
    return f"arXiv:{line(value)}"


def read(text: str, where: str, tables: Tables) -> Reading:
    """The works of a CSL-JSON file."""
    return Reading(entries=(), problems=(Problem(where=where, what="not read yet."),))
